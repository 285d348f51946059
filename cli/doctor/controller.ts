import { existsSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { outputOf } from "../../providers/ansible/program";
import { checkStrictness } from "../../providers/ssh/config";
import { checkWay } from "../../providers/ssh/connection";
import { type Inventory } from "../../components/inventory/load";
import { type Check, fail, ok, warn } from "./check";

const SETUP = "npm run setup";

/** Checks of this machine. Node and the npm packages were checked before (run.js). */
export async function checkController(): Promise<Check[]> {
  const checks = await Promise.all([python(), ansible(), pulumi(), openssh()]);
  return [ok(`Node ${process.versions.node} and the npm packages`), ...checks, ...stateFolder(".state")];
}

/** The folder in which Pulumi.yaml keeps state: Pulumi itself makes its files readable for every account of this machine. */
export function stateFolder(path: string): Check[] {
  const mode = (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o777;
  if ((mode & 0o077) === 0) return [];
  return [warn(`${path} is readable by other accounts of this machine (mode ${mode.toString(8).padStart(4, "0")})`, `chmod 700 ${path}`)];
}

async function python(): Promise<Check> {
  const version = (await outputOf("python3", "-c", "import platform; print(platform.python_version())")) ?? "none";
  const [major, minor] = version.split(".").map(Number);
  if (major === 3 && minor! >= 11) return ok(`Python ${version}`);
  return fail(`Python: ${version}; 3.11 or newer is needed`, "apt install python3 python3-venv (Debian 12 or newer)");
}

/** The environment that runs Ansible, as providers/ansible does; a moved project's scripts name a Python that is gone. */
async function ansible(): Promise<Check> {
  const pin = /^ansible-core==(\S+)$/m.exec(readFileSync("ansible/requirements.txt", "utf8"))![1]!;
  const script = ".venv/bin/ansible-playbook";
  if (!existsSync(script)) return fail(`ansible-core ${pin} is not in .venv`, SETUP);
  const interpreter = /^#!(\S+)/.exec(readFileSync(script, "utf8"))?.[1] ?? "";
  if (!existsSync(interpreter)) return fail(`.venv was made elsewhere: its scripts start ${interpreter}`, SETUP);
  const version = await outputOf(".venv/bin/python", "-c", "from importlib.metadata import version; print(version('ansible-core'))");
  const series = pin.split(".").slice(0, 2).join(".");
  if (version?.startsWith(`${series}.`)) return ok(`ansible-core ${version} in .venv`);
  return fail(`ansible-core in .venv: ${version ?? "none"}; ${series} is needed`, SETUP);
}

/** The CLI where its npm launcher looks for it, else on the path. */
async function pulumi(): Promise<Check> {
  const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8")) as { devDependencies: Record<string, string> };
  const pin = devDependencies["pulumi"]!;
  const folder = join(process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), "versions", pin, "bin");
  if (["pulumi", "pulumi-language-nodejs"].every((name) => existsSync(join(folder, name)))) return ok(`Pulumi ${pin}`);
  const version = await outputOf("pulumi", "version");
  if (version !== undefined) return ok(`Pulumi ${version} on the path; ${pin} is tried`);
  return fail(`the Pulumi CLI ${pin} is not in ${folder}`, `${SETUP}; plain Ansible works without it`);
}

async function openssh(): Promise<Check> {
  const [version, found] = await Promise.all([outputOf("ssh", "-V"), outputOf("sh", "-c", "command -v ssh-keygen")]);
  if (version !== undefined && found !== undefined) return ok(version.split(",")[0]!);
  return fail("the OpenSSH client is missing", "apt install openssh-client");
}

/** Whether each host of an inventory could be logged into, as far as this machine can tell; none is. */
export async function checkWays(folder: string, inventory: Inventory): Promise<Check[]> {
  const file = join(resolve(folder), "ssh_config");
  return Promise.all(
    inventory.hosts.map(async ({ name }) => {
      try {
        await checkStrictness(file, name);
        await checkWay(file, name);
        return ok(`${name}: host key known, and a key to log in with`);
      } catch (error) {
        return warn((error as Error).message, `Set it right in ${folder}/ssh_config, then: npm run doctor -- ${name}`);
      }
    }),
  );
}
