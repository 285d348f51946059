// Commands that must fail, and leave the state as it is.
import { edit, playbook, stack } from "./project";

export const REFRESH = ["refresh", "--yes"];
export const UP = ["up", "--yes", "--skip-preview"];
export const DESTROY = ["destroy", "--yes", "--skip-preview"];

/** Something for up to do, on both hosts. */
export function planChange(): void {
  edit("host_vars/hv.yml", "devices reach nothing on this host", "devices reach nothing");
  edit("host_vars/app.yml", "the page is for its own VLAN", "the page is for its VLAN");
}

/** Every resource in state with what is known of it; times and traces of the program are left out. */
async function exported(): Promise<unknown[]> {
  const { deployment } = JSON.parse((await stack(["stack", "export"])).output) as {
    deployment: { resources: { id?: string; inputs?: object; outputs?: object }[] };
  };
  const custom = deployment.resources.filter(({ id }) => id !== undefined);
  // A refresh may write them in another order.
  return custom.map(({ id, inputs, outputs }) => ({ id, inputs, outputs })).sort((a, b) => (a.id! < b.id! ? -1 : 1));
}

/** Sees what each command says that must fail, and that the state still holds everything. */
export async function refused(said: RegExp, ...commands: string[][]): Promise<void> {
  const state = await exported();
  for (const args of commands) {
    const done = args[0] === "playbook" ? await playbook(...args.slice(1)) : await stack(args);
    const output = "stdout" in done ? done.stdout : done.output;
    expect([args[0], done.code, output]).toEqual([args[0], expect.any(Number), expect.stringMatching(said)]);
    expect(done.code).not.toBe(0);
  }
  expect(await exported()).toEqual(state);
}
