import { overlaps } from "../../../providers/service-user/schema";
import { type Finding, type LintHost, clashes, error } from "./finding";

/** Service users: what is one user's is nobody else's, subuid(5). */
export function users(hosts: LintHost[]): Finding[] {
  return hosts.flatMap((host) => {
    const list = host.vars.service_users.map((user, index) => ({ ...user, index, last: user.subids.start + user.subids.count - 1 }));
    return [
      ...clashes(list, (one, other) => one.uid === other.uid).map(([user, other]) =>
        error(host, ["service_users", user.index, "uid"], `uid ${user.uid} is ${other.name}'s already`),
      ),
      ...clashes(list, (one, other) => overlaps(one.subids, other.subids)).map(([user, other]) =>
        error(
          host,
          ["service_users", user.index, "subids"],
          `${user.subids.start} to ${user.last} overlap ${other.name}'s subordinate ids (${other.subids.start} to ${other.last})`,
        ),
      ),
    ];
  });
}
