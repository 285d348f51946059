// Rules change under traffic: what is allowed goes on without a gap, what is forbidden never passes.
import { get } from "node:http";
import { type Lab } from "./lab";
import { foreign, makeForeign, text } from "./look";
import { configured, good, stack, withMore } from "./project";
import { sleep } from "./run";

jest.setTimeout(1_800_000);

const TABLES = 10;
const ROUNDS = 5;

/** Each table is all that forbids its ports; from outside two of them can be reached. */
const ports = (table: number): number[] => [9000 + table, ...[8081, 8443].slice(table, table + 1)];

const tables = (round: number): object[] =>
  Array.from({ length: TABLES }, (_, n) => ({
    family: "inet",
    name: `t${n}`,
    content: `chain c { type filter hook input priority filter; policy accept; tcp dport { ${ports(n).join(", ")} } drop; tcp dport 8080 accept comment "round ${round}"; }`,
  }));

/** Listens on every forbidden port and tells of each connection. */
const LISTENER = `
import selectors, socket, sys
ports = [int(word) for word in sys.argv[1:]]
waiting = selectors.DefaultSelector()
for port in ports:
    waiting.register(socket.create_server(("", port)), selectors.EVENT_READ, port)
print("ready", flush=True)
while True:
    for key, _ in waiting.select():
        key.fileobj.accept()[0].close()
        print("passed", key.data, flush=True)
`;

/** Tries all ports again and again; prints how often the page came, and how often not, when its time is over. */
const PROBER = `
import signal, socket, sys, time, urllib.request
came, missing, tried = 0, [], 0
ports = [int(word) for word in sys.argv[1:]]
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
while not stop:
    for port in ports:
        with socket.socket() as one:
            one.setblocking(False)
            one.connect_ex(("10.10.10.1", port))
            tried += 1
            time.sleep(0.02)
    try:
        urllib.request.urlopen("http://10.10.10.1:8080/", timeout=5).read()
        came += 1
    except OSError as error:
        missing.append(str(error))
print(came, tried, missing, flush=True)
`;

/** The page as a browser on this machine gets it. */
function outside(port: number, timeout: number): Promise<boolean> {
  return new Promise((done) => {
    const request = get({ host: "127.0.0.1", port, timeout }, (response) => {
      response.resume().on("end", () => done(true));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => done(false));
  });
}

const background = (host: "hv" | "app", name: string, program: string, args: (string | number)[]): Promise<string> =>
  text(host, `systemd-run --quiet --unit=${name} python3 -c '${program}' ${args.join(" ")}`);

/** What a background program printed, ended if it still runs. */
const printed = (host: "hv" | "app", name: string): Promise<string> =>
  text(host, `systemctl stop ${name}; sleep 1; journalctl -q -o cat -t python3 -u ${name}`);

let lab: Lab;

beforeAll(async () => {
  lab = await configured();
  await makeForeign();
});

afterAll(() => lab.reset());

test(`${TABLES * ROUNDS} rule changes under probes from app and from outside`, async () => {
  withMore({ nftables_tables: tables(0) });
  await good(stack(["up", "--yes", "--skip-preview"]));
  const others = await foreign();
  const forbidden = Array.from({ length: TABLES }, (_, n) => ports(n)).flat();
  await background("hv", "listener", LISTENER, forbidden);
  await background("app", "prober", PROBER, forbidden);
  let going = true;
  const seen = { came: 0, missing: 0, tried: 0 };
  const probing = (async () => {
    while (going) {
      // Nobody waits for what is forbidden: the listener says whether it came.
      for (const port of [8081, 8443]) void outside(lab.port(port), 2000).finally(() => (seen.tried += 1));
      if (await outside(lab.port(8080), 10_000)) seen.came += 1;
      else seen.missing += 1;
      await sleep(200);
    }
  })();
  for (let round = 1; round <= ROUNDS; round += 1) {
    withMore({ nftables_tables: tables(round) });
    expect((await good(stack(["up", "--yes", "--skip-preview"]))).output).toMatch(new RegExp(`~ ${TABLES} updated`));
  }
  going = false;
  await probing;
  const fromApp = /^(\d+) (\d+) (.*)$/m.exec(await printed("app", "prober"));
  expect(fromApp?.[3]).toBe("[]");
  expect(seen.missing).toBe(0);
  // The probes were really made, all the time.
  expect([Number(fromApp?.[1]), Number(fromApp?.[2]), seen.came, seen.tried].every((count) => count > 50)).toBe(true);
  expect(await foreign()).toBe(others);
  // The listener does hear what passes: without one of the tables it is reached.
  await text("hv", "nft delete table inet t9");
  await text("app", "python3 -c 'import socket; socket.create_connection((\"10.10.10.1\", 9009), 10)'");
  expect(await printed("hv", "listener")).toBe("ready\npassed 9009\n");
});
