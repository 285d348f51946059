// What a run reports of the confirmation of a change, by the role and the callback themselves; the host is this machine.
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startAlone } from "../../providers/ansible/run";

const folder = mkdtempSync(join(tmpdir(), "confirmation-"));
const path = process.env["PATH"];

beforeAll(() => {
  symlinkSync(resolve(__dirname, "../../ansible/roles"), join(folder, "roles"));
  writeFileSync(join(folder, "hosts.yml"), "all: { hosts: { h: } }\n");
});

afterEach(() => {
  process.env["PATH"] = path;
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The events of role confirm, on a host whose rollback program ends with this code. */
async function confirmed(code: number, results: object[]): Promise<string[]> {
  // The program of the rollback is started by name, Ansible's modules by their path.
  writeFileSync(join(folder, "python3"), `#!/bin/sh\nexit ${code}\n`, { mode: 0o755 });
  process.env["PATH"] = `${folder}:${path}`;
  const variables = {
    ansible_connection: "local",
    ansible_become: false,
    homelab_run: { id: "a run" },
    homelab_confirm_seconds: 30,
    confirm_results: results,
  };
  const play = { hosts: "all", gather_facts: false, roles: ["confirm"] };
  writeFileSync(join(folder, "play.yml"), JSON.stringify([play]));
  const args = ["-i", join(folder, "hosts.yml"), "--extra-vars", JSON.stringify(variables), join(folder, "play.yml")];
  const { events } = await startAlone(args, 60_000);
  return events.filter(({ event }) => event === "confirmed" || event === "failed").map(({ event, step }) => step ?? event);
}

const armed = { changed: true, armed: true };

test.each<[string, number, object[], string[]]>([
  ["a login that confirmed a change", 0, [armed], ["confirmed"]],
  ["a change that the host rolled back", 3, [armed], ["rolled_back"]],
  ["a change that the host knows nothing of", 4, [armed], ["confirm"]],
  ["a lost connection of which nobody knows whether it was armed", 4, [{ unreachable: true }], ["connection_lost"]],
])(
  "%s",
  async (_what, code, results, reported) => {
    expect(await confirmed(code, results)).toEqual(reported);
  },
  60_000,
);
