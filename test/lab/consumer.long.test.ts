// Another project on the same host: examples/consumer, in a folder of its own, as its README says.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lab } from "./lab";
import { footprint, page, started, text } from "./look";
import { STACK, changed, configured, edit, env, good, playbook, playbookOf, stack, up } from "./project";
import { sshConfig } from "./paths";
import { projectRoot, pulumi, type PulumiRun } from "./pulumi";
import { run } from "./run";

jest.setTimeout(1_800_000);

let lab: Lab;
let alone: string;
const folder = mkdtempSync(join(tmpdir(), "consumer-"));
const START = "http://10.10.10.1:8090/";

/** A pulumi command on the other project's stack; throws when it fails. */
function consumer(...args: string[]): Promise<PulumiRun> {
  const config = ["up", "preview"].includes(args[0]!) ? ["--config", `start-page:producer=organization/homelab/${STACK}`] : [];
  return good(pulumi([...args, "--stack", STACK, "--non-interactive", ...config], env, false, folder));
}

/** What each of the two has on hv: files with times and inodes, rules and links, and when services were started. */
const of = {
  lab: async (): Promise<string> =>
    (await text(
      "hv",
      "find /etc/systemd /etc/homelab /var/lib/homelab/lab /home/web -xdev -type f -not -path '*/.local/*' -printf '%p %T@ %i\\n' | sort; " +
        "nft -a list ruleset; ip -o link | grep -v veth | sort; getent passwd web; grep web /etc/subuid",
    )) + (await started("hv", "web")),
  startPage: async (): Promise<string> =>
    (await text("hv", "find /var/lib/homelab/start-page /home/pages -xdev -type f -not -path '*/.local/*' -printf '%p %T@ %i\\n' | sort")) +
    (await started("hv", "pages")),
};

beforeAll(async () => {
  lab = await configured();
  alone = await footprint("hv");
  cpSync(join(projectRoot, "examples/consumer"), folder, { recursive: true, filter: (path) => !path.includes("node_modules") });
  const manifest = join(folder, "package.json");
  writeFileSync(manifest, readFileSync(manifest, "utf8").replaceAll("file:../..", `file:${projectRoot}`));
  cpSync(sshConfig, join(folder, "inventory/ssh_config"));
  await run(["npm", "install", "--offline", "--prefix", folder]);
  await good(pulumi(["stack", "init", STACK], env, false, folder));
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await lab.reset();
});

test("another project adds a service to the host, made of this one's outputs, and touches nothing else", async () => {
  const before = await of.lab();
  expect((await consumer("up", "--yes", "--skip-preview")).output).toMatch(/\+ 5 created/);
  expect(await page("app", START)).toMatch(
    /href="http:\/\/127.0.0.1:8080\/">hv web.container<[^]*href="http:\/\/10.10.10.20:8080\/">app notes.container</,
  );
  expect(JSON.parse((await consumer("stack", "output", "services", "--json")).output)).toEqual([
    { host: "hv", user: "pages", unit: "start.container", service: "start.service", urls: [START] },
  ]);
  expect(await of.lab()).toBe(before);
});

test("a change of this one's outputs reaches the other, whose preview shows just that", async () => {
  await consumer("preview", "--expect-no-changes");
  edit("host_vars/hv.yml", '["8080:8080"]', '["8080:8080", "8081:8080"]');
  await up();
  const preview = (await consumer("preview", "--diff")).output;
  expect(preview.match(/^\s+[~+-] pulumi-nodejs.*/gm)).toEqual([expect.stringContaining("QuadletUnit")]);
  expect(preview).toContain("http://127.0.0.1:8081/");
  expect(preview).toContain("hv is verified");
  expect((await consumer("up", "--yes", "--skip-preview")).output).toMatch(/~ 1 updated/);
  expect(await page("app", START)).toContain('href="http://127.0.0.1:8081/">hv web.container<');
});

test("neither prunes what is the other's", async () => {
  const [ours, theirs] = [await of.lab(), await of.startPage()];
  const prune = ["--extra-vars", '{"homelab_prune": true}', "--limit", "hv"];
  expect(changed((await playbook(...prune)).stdout)).toEqual({ hv: 0 });
  expect(await of.startPage()).toBe(theirs);
  // Its page is made by its program, so plain Ansible knows nothing of it.
  const other = (await playbookOf(join(folder, "inventory"), ...prune, "--check", "--diff")).stdout;
  expect([changed(other), other.match(/^.*: remove$/gm)]).toEqual([{ hv: 1 }, ["quadlet-unit pages/start.container: remove"]]);
  expect([await of.lab(), await of.startPage()]).toEqual([ours, theirs]);
});

test("the base of a host is one project's", async () => {
  const file = join(folder, "inventory/host_vars/hv.yml");
  writeFileSync(file, `homelab_host: { podman: true }\n${readFileSync(file, "utf8").replace("---\n", "")}`);
  const refused = await playbookOf(join(folder, "inventory"), "--check");
  expect([refused.code, refused.stdout]).toEqual([2, expect.stringContaining("host host: it exists and is owned by 'lab'")]);
});

test("when the other project goes, this one is as it was", async () => {
  const before = await of.lab();
  expect((await consumer("destroy", "--yes", "--skip-preview")).output).toMatch(/- 5 deleted/);
  expect(await of.lab()).toBe(before);
  expect(await text("hv", "find / -xdev -name '*start-page*' -not -path '/run/*'; getent passwd pages || echo gone")).toBe("gone\n");
  expect(await footprint("hv")).toBe(alone);
  expect((await good(stack(["refresh", "--yes", "--skip-preview"]))).output).toMatch(/Resources:\n\s+\d+ unchanged\n/);
  expect(changed((await playbook("--limit", "hv")).stdout)).toEqual({ hv: 0 });
});
