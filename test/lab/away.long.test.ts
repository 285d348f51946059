// A host that says nothing is given up on, and when it is back, everything goes on.
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { type Lab } from "./lab";
import { sshPort } from "./paths";
import { configured, inventory, stack } from "./project";
import { DESTROY, REFRESH, planChange, refused } from "./refused";

jest.setTimeout(1_800_000);

const file = join(inventory, "ssh_config");

let lab: Lab;
let config: string;

beforeAll(async () => {
  lab = await configured();
  config = readFileSync(file, "utf8");
  planChange();
});

afterAll(() => lab.reset());

test("a host that takes connections and says nothing is given up on", async () => {
  const sockets: { destroy: () => void }[] = [];
  const server = createServer((socket) => void sockets.push(socket));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const impatient = config.replace("ConnectTimeout 10", "ConnectTimeout 3");
  writeFileSync(file, impatient.replace(`Port ${sshPort}`, `Port ${(server.address() as AddressInfo).port}`));
  await refused(/(hv|app)[^]*([Tt]imed out|Connection closed)/, REFRESH, DESTROY);
  for (const socket of sockets) socket.destroy();
  server.close();
});

test("when the host is back, everything goes on", async () => {
  writeFileSync(file, config);
  const done = await stack(["up", "--yes", "--skip-preview", "--refresh"]);
  expect([done.code, done.output]).toEqual([0, expect.stringMatching(/~ 2 updated/)]);
});
