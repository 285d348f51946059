// What `npm run lab` does with the booted lab: `pulumi up`, then what there is now.
import { get } from "node:http";
import { pulumi } from "./pulumi";
import { sshConfig } from "./paths";
import { say } from "./run";
import { ssh } from "./ssh";

const STACK = "lab";

const SILENCE = "does not answer";

export async function configureLab(): Promise<void> {
  if (process.env["HOMELAB_LAB_DIR"]) return say("a second instance: booted, not configured, since inventory/lab names the first");
  await forgetBareHosts();
  say("pulumi up of stack lab (10 to 20 minutes the first time, since packages are installed; else half a minute)");
  await pulumi(["stack", "init", STACK]);
  const up = await pulumi(["up", "--stack", STACK, "--yes", "--skip-preview", "--refresh", "--non-interactive"], {}, true);
  if (up.code !== 0) throw new Error("pulumi up failed; what to do stands above. Run it again when that is fixed.");
  const outputs = JSON.parse((await pulumi(["stack", "output", "--json", "--stack", STACK])).output) as {
    services: { host: string; unit: string; urls: string[] }[];
    domains: { host: string; name: string; addresses: string[] }[];
  };
  const silent: string[] = [];
  const tell = (line: string): void => {
    say(`  ${line}`);
    if (line.includes(SILENCE)) silent.push(line);
  };
  say("services:");
  for (const { host, unit, urls } of outputs.services) {
    for (const url of urls) tell(`${host} ${unit}: ${url} ${host === "hv" ? await answer(url) : "(from hv and its VLAN)"}`);
  }
  say("virtual machines:");
  for (const { host, name, addresses } of outputs.domains) {
    for (const address of addresses) tell(`${name} on ${host}: ${address} ${await answerOnHv(address)} (from hv and its VLAN)`);
  }
  say("log in:");
  for (const host of ["hv", "app"]) say(`  ssh -F ${sshConfig} ${host}`);
  say("stop: npm run lab:down    back to the first boot: npm run lab:reset");
  if (silent.length > 0) throw new Error(`${silent.length} of them ${SILENCE}; the host's journal may say why (journalctl -b on it)`);
}

/** A lab that was built or reset holds nothing of what an older state says; the lab is disposable, and so is that. */
async function forgetBareHosts(): Promise<void> {
  const configured = await ssh("hv", "test -d /var/lib/homelab", { check: false });
  if (configured.code !== 0) await pulumi(["stack", "rm", STACK, "--force", "--yes", "--preserve-config"]);
}

/** A guest's address is its VLAN's, so it is hv that asks. */
async function answerOnHv(address: string): Promise<string> {
  const { code } = await ssh("hv", `ping -c 1 -W 5 ${address}`, { sudo: true, check: false });
  return code === 0 ? "answers" : SILENCE;
}

function answer(url: string): Promise<string> {
  return new Promise((done) => {
    const request = get(url, { timeout: 10_000 }, (response) => {
      response.resume();
      done(`answers ${response.statusCode}`);
    });
    request.on("timeout", () => request.destroy(new Error("no answer in 10 s")));
    request.on("error", (error) => done(`${SILENCE}: ${error.message}`));
  });
}
