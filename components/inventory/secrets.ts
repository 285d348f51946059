import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ansibleVault, digestOf, viewVault } from "@homelab/providers";
import { type Problem, type Source, parseSource } from "./document";
import { type DomainSpec, USER_DATA } from "../../providers/domain/schema";
import { type PodmanSecretSpec } from "../../providers/podman-secret/schema";

const MOST_BYTES = 512_000;

const value = z
  .string("a value is a text: put it in quotes")
  .refine((text) => !/\p{Cs}/u.test(text), "a value is a text in UTF-8")
  .refine(
    (text) => text !== "" && Buffer.byteLength(text) < MOST_BYTES,
    `a value has 1 to ${MOST_BYTES - 1} bytes, podman-secret-create(1)`,
  );

const vaultFile = z.strictObject({
  homelab_secret_key: z
    .string("a text: at least 16 random characters in quotes; openssl rand -hex 32 makes some")
    .min(16, "at least 16 random characters; openssl rand -hex 32 makes some"),
  secrets: z.record(z.string(), value, "wanted are secrets as `name: value`").default({}),
});

/** Why cloud-init would not take a text as user data; the text itself is a secret. */
const fitsCloudInit = (text: string): string =>
  USER_DATA.test(text) ? "" : "the vault's text is no user data: it begins with #cloud-config, #! or Content-Type:";

/** The secrets of an inventory, from its vault.yml, which is read when the first one is asked for. */
export class Secrets {
  private readonly file: string;
  private vault: z.infer<typeof vaultFile> | undefined;
  private isRead = false;

  constructor(
    folder: string,
    private readonly problems: Problem[],
  ) {
    this.file = join(folder, "vault.yml");
  }

  /** A host's secrets, each with its name in the vault and the HMAC of its value; the values stay here. */
  withDigests(units: PodmanSecretSpec[], inventory: Source): PodmanSecretSpec[] {
    return units.map((unit, index) => {
      const from = unit.from ?? unit.name;
      const digest = this.digest(from, inventory, ["podman_secrets", index, unit.from === undefined ? "name" : "from"]);
      return digest === undefined ? unit : { ...unit, from, digest };
    });
  }

  /** A host's domains, those whose user data is in the vault with its HMAC. */
  withUserData(domains: DomainSpec[], inventory: Source): DomainSpec[] {
    return domains.map((domain, index) => {
      const from = domain.cloud_init?.user_data_from;
      if (from === undefined) return domain;
      const digest = this.digest(from, inventory, ["domains", index, "cloud_init", "user_data_from"], fitsCloudInit);
      return digest === undefined ? domain : { ...domain, cloud_init: { ...domain.cloud_init, user_data_digest: digest } };
    });
  }

  /** The HMAC of a secret; undefined where that is a problem, which is noted at `path`. `faultOf` is why a value does not fit. */
  private digest(from: string, inventory: Source, path: PropertyKey[], faultOf: (value: string) => string = () => ""): string | undefined {
    const vault = this.read();
    if (vault === undefined) return undefined;
    const value = Object.hasOwn(vault.secrets, from) ? vault.secrets[from] : undefined;
    const fault =
      value === undefined ? `the vault has no secret "${from}"; add it with: ${ansibleVault} edit ${this.file}` : faultOf(value);
    if (value !== undefined && fault === "") return digestOf(vault.homelab_secret_key, value);
    this.problems.push({ ...inventory.at(path, "value"), message: `${path.map(String).join(".")}: ${fault}` });
    return undefined;
  }

  private read(): z.infer<typeof vaultFile> | undefined {
    if (!this.isRead) {
      this.isRead = true;
      this.vault = this.parsed();
    }
    return this.vault;
  }

  private parsed(): z.infer<typeof vaultFile> | undefined {
    const fault = (message: string): undefined => void this.problems.push({ file: this.file, line: 1, column: 1, message });
    if (!existsSync(this.file))
      return fault(`missing: it holds the secrets that hosts name; make it with: ${ansibleVault} create ${this.file}`);
    let text: string;
    try {
      text = viewVault(this.file);
    } catch (error) {
      return fault((error as Error).message);
    }
    return this.validated(parseSource(this.file, text, "allowed"));
  }

  /** No message shows what the vault holds; those of the YAML parser would. */
  private validated(source: Source): z.infer<typeof vaultFile> | undefined {
    const { problems } = source;
    this.problems.push(
      ...problems.map((one) => ({ ...one, message: "this is no valid YAML, or read differently by YAML 1.1: use quotes" })),
    );
    if (problems.length > 0) return undefined;
    const parsed = vaultFile.safeParse(source.data ?? {});
    if (parsed.success) return parsed.data;
    for (const { code, path, message, ...issue } of parsed.error.issues) {
      const paths = code === "unrecognized_keys" && "keys" in issue ? issue.keys.map((key) => [...path, key]) : [path];
      for (const one of paths) {
        const text = `${one.map(String).join(".")}: ${code === "unrecognized_keys" ? "unknown name" : message}`;
        this.problems.push({ ...source.at(one, "value"), message: text });
      }
    }
    return undefined;
  }
}
