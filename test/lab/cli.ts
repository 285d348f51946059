// npm run lab, lab:down, lab:reset; also: ts-node test/lab/cli.ts boot|status|ssh-config
import { readFileSync } from "node:fs";
import { ensureLab, isUp, labInstance } from "./lab";
import { hostNames, machines, sshConfig } from "./paths";
import { runningPid } from "./qemu";
import { say, step } from "./run";
import { configureLab } from "./up";

const commands: Record<string, () => Promise<void>> = {
  async up() {
    await ensureLab();
    await configureLab();
  },
  // Build and boot only: for a second instance, whose hosts no stack should take for its own.
  async boot() {
    await ensureLab();
    say(`the lab is up: ssh -F ${sshConfig} hv`);
  },
  async down() {
    if (!hostNames.some((name) => runningPid(machines[name]))) return say("the lab is not running");
    await step("stopping the lab (3 s)", () => labInstance.down());
  },
  async reset() {
    if (!isUp()) throw new Error("the lab is not running; start it with: npm run lab");
    const lab = await ensureLab();
    await step("back to the state after the first boot (5 s)", () => lab.reset());
  },
  async status() {
    for (const name of hostNames) {
      const pid = runningPid(machines[name]);
      say(pid === undefined ? `${name}: not running` : `${name}: running (pid ${pid}), console in ${machines[name].console}`);
    }
  },
  async "ssh-config"() {
    process.stdout.write(readFileSync(sshConfig, "utf8"));
  },
};

const command = commands[process.argv[2] ?? ""];
if (command === undefined) {
  say(`usage: ts-node test/lab/cli.ts ${Object.keys(commands).join("|")}`);
  process.exit(2);
}
command().catch((error: Error) => {
  say(error.message);
  process.exit(1);
});
