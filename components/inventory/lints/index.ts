import { type Problem } from "../document";
import { base } from "./base";
import { dhcp } from "./dhcp";
import { domains } from "./domains";
import { type Finding, type Lint, type LintHost } from "./finding";
import { networks } from "./networks";
import { nftables } from "./nftables";
import { ports } from "./ports";
import { quadlet } from "./quadlet";
import { references } from "./references";
import { users } from "./users";

export { type LintHost } from "./finding";

/** Checks of the configuration alone, across resources, kinds and hosts, by rule group. */
const lints: Lint[] = [base, networks, dhcp, nftables, users, quadlet, references, ports, domains];

/** Applies all rules to the hosts whose units are good one by one. */
export function lint(hosts: LintHost[]): { errors: Problem[]; warnings: Problem[] } {
  const findings = lints.flatMap((rules) => rules(hosts));
  const of = (wanted: Finding["level"]): Problem[] =>
    findings.filter(({ level }) => level === wanted).map(({ file, line, column, message }) => ({ file, line, column, message }));
  return { errors: of("error"), warnings: of("warning") };
}
