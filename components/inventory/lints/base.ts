import { definitions } from "../../../providers/kinds";
import { type Finding, type LintHost, warning } from "./finding";

const RISKY = definitions.filter(({ mayDisconnect }) => mayDisconnect).map(({ list }) => list as keyof LintHost["vars"]);

/** What may disconnect a host needs the rollback, and tables are loaded at boot by the base; another owner may have applied it. */
export const base = (hosts: LintHost[]): Finding[] =>
  hosts.flatMap((host) => {
    const vars = host.vars as unknown as Record<string, unknown[] | undefined>;
    const list = host.vars.homelab_host ? undefined : RISKY.find((name) => (vars[name] ?? []).length > 0);
    const message = "it needs the base of the host, and homelab_host is not declared here: declare it, unless another owner does";
    return list === undefined ? [] : [warning(host, [list], message)];
  });
