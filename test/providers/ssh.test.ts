import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { hostConfig, keyName, parseConfig } from "../../providers/ssh/config";
import { algorithmsFor, isTrusted, parseKnownHosts } from "../../providers/ssh/known-hosts";
import { commandLine } from "../../providers/ssh/quote";
import { spawnSync } from "node:child_process";

test("a command line gives back each word as it was", () => {
  const words = ["a b", "'", '"', "$HOME", "`id`", ";", "-x", "", "ü\n"];
  const { stdout } = spawnSync("sh", ["-c", commandLine(["printf", "%s\\0", ...words])], { encoding: "utf8" });
  expect(stdout.split("\0").slice(0, -1)).toEqual(words);
});

test("OpenSSH's settings are read", () => {
  const config = parseConfig(
    "app",
    "hostname 10.10.10.20\nport 22\nuser operator\nproxyjump hv\nhostkeyalias app\nidentityfile /k/a\nidentityfile /k/b\n",
  );
  expect(config).toMatchObject({ hostname: "10.10.10.20", port: 22, user: "operator", jumps: ["hv"], identityFiles: ["/k/a", "/k/b"] });
  expect(keyName(config)).toBe("app");
  expect(keyName({ ...config, hostKeyAlias: undefined, port: 2222 })).toBe("[10.10.10.20]:2222");
});

/** A host's settings as OpenSSH reads them from a file with these lines. */
async function settingsWith(...lines: string[]): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "ssh-"));
  writeFileSync(join(folder, "ssh_config"), ["Host x", ...lines].join("\n") + "\n");
  return hostConfig(join(folder, "ssh_config"), "x").finally(() => rmSync(folder, { recursive: true }));
}

test.each([
  ["ProxyCommand nc %h %p", "use ProxyJump, which previews and refreshes can follow"],
  ["StrictHostKeyChecking no", "a host's key has to be known beforehand: set yes"],
  ["StrictHostKeyChecking off", "a host's key has to be known beforehand: set yes"],
  ["StrictHostKeyChecking accept-new", "a host's key has to be known beforehand: set yes"],
  ["KnownHostsCommand /bin/echo %H", "keys come from known_hosts alone"],
  ["VerifyHostKeyDNS yes", "a name server cannot vouch for a host's key: set no"],
  ["NoHostAuthenticationForLocalhost yes", "a forwarded port is another host's: set no"],
  ["GSSAPIKeyExchange yes", "a host is known by its key, not by Kerberos: set no"],
  ["RevokedHostKeys /etc/ssh/revoked", "previews and refreshes cannot read it: write the keys as @revoked lines of known_hosts"],
])("`%s` is rejected, since a host would be known by something else than a key in known_hosts", async (line, todo) => {
  await expect(settingsWith(line)).rejects.toThrow(new RegExp(`^x: ssh_config has ${line.split(" ")[0]} .*; ${todo}`));
});

test.each([
  ["StrictHostKeyChecking yes", "no unknown key is accepted"],
  ["StrictHostKeyChecking ask", "Ansible is told yes, and nobody is there to be asked"],
  ["KnownHostsCommand none", "it is off"],
  ["VerifyHostKeyDNS ask", "what the name server has is only shown"],
  ["ProxyUseFdpass yes", "it is a matter of ProxyCommand"],
  ["UpdateHostKeys yes", "OpenSSH's default: a host that was known by its key adds further keys of its own"],
  ["CheckHostIP no", "it compares one known key with another; the host's own is compared all the same"],
  ["HashKnownHosts yes", "ssh-keygen finds hashed names"],
  ["HostKeyAlgorithms ssh-ed25519", "fewer keys, none of them unknown; OpenSSH does not accept `none`"],
  ["HostKeyAlias other", "the name under which known_hosts has the key"],
  ["UserKnownHostsFile /dev/null", "without known keys there is no login"],
  ["CanonicalizeHostname yes", "OpenSSH reports the host that follows from it"],
  ["HostbasedAuthentication yes", "how this machine proves itself, not the host"],
  ["GSSAPIAuthentication yes", "how the user proves himself, after the host's key was compared"],
  ["ControlMaster auto", "Ansible's own setting comes first, with a folder for each run"],
])("`%s` is no matter of a host's key: %s", async (line) => {
  await expect(settingsWith(line)).resolves.toMatchObject({ alias: "x" });
});

test("a setting that another file includes counts", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ssh-"));
  writeFileSync(join(folder, "more"), "VerifyHostKeyDNS yes\n");
  await expect(settingsWith(`Include ${join(folder, "more")}`)).rejects.toThrow("VerifyHostKeyDNS");
  rmSync(folder, { recursive: true });
});

test("Ansible's own arguments come before whatever an ssh_config sets, at the confirming login, too", () => {
  const ansible = join(__dirname, "../../ansible");
  const cfg = /^ssh_args = ((?:.*\n)(?:\s+-o.*\n)*)/m.exec(readFileSync(join(ansible, "ansible.cfg"), "utf8"))![1]!;
  const [login] = parse(readFileSync(join(ansible, "roles/confirm/tasks/main.yml"), "utf8")) as [{ vars: { ansible_ssh_args: string } }];
  const folder = mkdtempSync(join(tmpdir(), "ssh-"));
  const weak = ["StrictHostKeyChecking no", "KnownHostsCommand /bin/true", "VerifyHostKeyDNS yes", "NoHostAuthenticationForLocalhost yes"];
  writeFileSync(join(folder, "ssh_config"), weak.join("\n") + "\n");
  for (const args of [cfg, login.vars.ansible_ssh_args]) {
    const { stdout } = spawnSync("ssh", [...args.trim().split(/\s+/), "-F", join(folder, "ssh_config"), "-G", "x"], { encoding: "utf8" });
    expect(() => parseConfig("x", stdout)).not.toThrow();
    expect(stdout).toMatch(/^stricthostkeychecking true$/m);
  }
  rmSync(folder, { recursive: true });
});

test("only known keys are trusted, and only their algorithms offered", () => {
  const keys = parseKnownHosts("# Host hv found: line 1\nhv ssh-ed25519 AAAA\nhv ssh-rsa BBBB\n@revoked hv ssh-ed25519 CCCC\n");
  expect(algorithmsFor(keys)).toEqual(["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"]);
  expect(isTrusted(keys, Buffer.from("AAAA", "base64"))).toBe(true);
  expect(isTrusted(keys, Buffer.from("CCCC", "base64"))).toBe(false);
  expect(isTrusted(keys, Buffer.from("DDDD", "base64"))).toBe(false);
});
