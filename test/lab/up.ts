// What `npm run lab` does with the booted lab.
import { sshConfig } from "./paths";
import { say } from "./run";

export async function configureLab(): Promise<void> {
  say("the lab is up. Log in with:");
  say(`  ssh -F ${sshConfig} hv`);
}
