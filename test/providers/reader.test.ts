// A login that can only look: whose it is, what it sends, and that this program does not even try to write with it.
import { tmpdir } from "node:os";
import { runOn } from "../../providers/ansible/run";
import { hostConfig } from "../../providers/ssh/config";
import { writeFileSync, mkdtempSync } from "node:fs";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "reader-"));
const config = join(folder, "ssh_config");
writeFileSync(config, "Host hv\n  User operator\n  IdentityFile ~/.ssh/mine\n  HostName 192.0.2.1\n");

afterEach(() => void delete process.env["HOMELAB_READER_KEY"]);

test("it logs in with its own key alone, as an account of its own", async () => {
  expect(await hostConfig(config, "hv")).toMatchObject({ user: "operator", identityFiles: [expect.stringMatching(/mine$/)] });
  process.env["HOMELAB_READER_KEY"] = "/srv/ci_key";
  expect(await hostConfig(config, "hv")).toMatchObject({
    user: "homelab-reader",
    identityFiles: ["/srv/ci_key"],
    identitiesOnly: true,
    agent: undefined,
    hostname: "192.0.2.1",
  });
});

test("an apply with it ends before Ansible starts, and says how to change hosts", async () => {
  process.env["HOMELAB_READER_KEY"] = "/srv/ci_key";
  const applying = runOn(folder, "hv", "site.yml", "{}", () => "{}");
  await expect(applying).rejects.toThrow(
    "hv: HOMELAB_READER_KEY is set, and that login can only look. Nothing was changed. Unset it to change hosts.",
  );
});
