import { type ServiceUserSpec, overlaps } from "../../providers/service-user/schema";
import { type Check, fail, ok, warn } from "./check";
import { type SubidRange } from "./facts";

/** The number of ids that most images need: up to 65535. */
const ENOUGH = 65536;

const overlap = ([, start, count]: SubidRange, [, other, otherCount]: SubidRange): boolean =>
  overlaps({ start, count }, { start: other, count: otherCount });
const text = ([name, start, count]: SubidRange): string => `${name}'s ${start} to ${start + count - 1}`;

/** Whether subordinate ids, subuid(5), are disjoint and enough: those of the host, and those that its users are to get. */
export function judgeSubids(files: Record<"subuid" | "subgid", SubidRange[]>, users: ServiceUserSpec[]): Check[] {
  const wanted = users.map(({ name, subids }): SubidRange => [name, subids.start, subids.count]);
  const names = wanted.map(([name]) => name);
  const end = Math.max(100_000, ...[...files.subuid, ...files.subgid, ...wanted].map(([, start, count]) => start + count));
  const found = new Map<string, { files: string[]; check: (what: string) => Check }>();
  for (const [file, ranges] of Object.entries(files)) {
    // `up` replaces the ranges of a declared user.
    const others = ranges.filter(([name]) => !names.includes(name));
    const note = (one: SubidRange, other: SubidRange, check: (what: string) => Check): void => {
      const key = `${text(one)} overlap ${text(other)}`;
      found.set(key, { files: [...(found.get(key)?.files ?? []), `/etc/${file}`], check });
    };
    for (const user of wanted) {
      const fix = `Give ${user[0]} another range in service_users, such as \`subids: { start: ${end} }\`, or take the other's line out of the files.`;
      for (const other of others) if (overlap(user, other)) note(user, other, (what) => fail(what, fix));
    }
    others.forEach((one, index) => {
      for (const other of others.slice(index + 1)) {
        const fix = "Each can change the other's containers: give one of them another range, usermod(8) --del-subuids and --add-subuids.";
        if (one[0] !== other[0] && overlap(one, other)) note(one, other, (what) => warn(what, fix));
      }
    });
  }
  const few = wanted.filter(([, , count]) => count < ENOUGH);
  const checks = [
    ...[...found].map(([what, { files: where, check }]) => check(`subordinate ids: ${what} (${where.join(", ")})`)),
    ...few.map(([name, , count]) =>
      warn(`subordinate ids: ${name} gets ${count}; many images need ${ENOUGH}`, `Set \`count: ${ENOUGH}\` before its first container.`),
    ),
  ];
  return checks.length > 0 ? checks : [ok("subordinate ids are apart from each other")];
}
