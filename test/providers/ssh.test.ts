import { keyName, parseConfig } from "../../providers/ssh/config";
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

test("a ProxyCommand is refused with the way out", () => {
  expect(() => parseConfig("x", "hostname x\nproxycommand nc %h %p\n")).toThrow(/use ProxyJump/);
});

test("only known keys are trusted, and only their algorithms offered", () => {
  const keys = parseKnownHosts("# Host hv found: line 1\nhv ssh-ed25519 AAAA\nhv ssh-rsa BBBB\n@revoked hv ssh-ed25519 CCCC\n");
  expect(algorithmsFor(keys)).toEqual(["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"]);
  expect(isTrusted(keys, Buffer.from("AAAA", "base64"))).toBe(true);
  expect(isTrusted(keys, Buffer.from("CCCC", "base64"))).toBe(false);
  expect(isTrusted(keys, Buffer.from("DDDD", "base64"))).toBe(false);
});
