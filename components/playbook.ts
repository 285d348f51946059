import * as pulumi from "@pulumi/pulumi";
import { local } from "@pulumi/command";
import { type Recap, UserError, playbookRequest } from "@homelab/providers";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** A playbook of one's own. Paths are relative to the Pulumi project. */
export interface PlaybookArgs {
  /** The playbook's file. */
  playbook: string;
  /** Files and folders that it uses, such as `roles`: it runs again when one of them changes. */
  files?: string[];
  /** The host of the inventory on which it runs; its plays must have it among their hosts. */
  host: string;
  /** The inventory's folder. */
  inventory: string;
  /** Variables for it: values, not templates. It runs again when one changes. */
  vars?: pulumi.Input<Record<string, pulumi.Input<unknown>>>;
}

/**
 * Runs a playbook of one's own on a host once what it `dependsOn` is there, such as the `ManagedHost`, and again when
 * the playbook, its files or its variables change. Removing it removes nothing from the host. It needs the plugin of
 * `@pulumi/command`, so it is no part of the components' index.
 */
export class Playbook extends pulumi.ComponentResource {
  /** How many tasks ended how, by host. */
  declare readonly recap: pulumi.Output<Record<string, Recap>>;

  constructor(name: string, args: PlaybookArgs, opts?: pulumi.ComponentResourceOptions) {
    super("homelab:index:Playbook", name, {}, opts);
    const { playbook, inventory, host } = args;
    const stdin = pulumi.output(args.vars ?? {}).apply((vars) => playbookRequest({ playbook, inventory, host, vars }));
    const contents = contentsOf([playbook, ...(args.files ?? [])]);
    const command = new local.Command(
      name,
      {
        // No shell, and nothing of the configuration on a command line: all of it goes through standard input.
        interpreter: ["node", "--eval"],
        create: 'require("@homelab/providers").playbookFromStdin()',
        stdin,
        triggers: [
          stdin.apply((text) =>
            createHash("sha256")
              .update(JSON.stringify([text, contents]))
              .digest("hex"),
          ),
        ],
        addPreviousOutputInEnv: false,
        logging: "stderr",
      },
      { parent: this, dependsOn: opts?.dependsOn },
    );
    this.recap = command.stdout.apply((text) => JSON.parse(text) as Record<string, Recap>);
    this.registerOutputs({ recap: this.recap });
  }
}

/** The texts of files, by path, those of folders as a whole. Throws when one does not exist. */
function contentsOf(paths: string[]): [string, string][] {
  return paths.flatMap((path): [string, string][] => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) throw new UserError(`a playbook's file ${path}: there is no such file in the project`);
    if (!found.isDirectory()) return [[path, readFileSync(path, "base64")]];
    return contentsOf(
      readdirSync(path)
        .sort()
        .map((name) => join(path, name)),
    );
  });
}
