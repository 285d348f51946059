import { secretsIn } from "../../../providers/quadlet-unit/file";
import { type Finding, type LintHost, error, warning } from "./finding";
import { type LintUnit, unitsOf, valuesOf } from "./unit-file";

/** Returns the file name of the unit that a value names; undefined when it names none. */
type Named = (value: string) => string | undefined;

const ending = (...kinds: string[]): RegExp => new RegExp(`^[^/.][^/]*\\.(${kinds.join("|")})$`);
const first = (form: RegExp, value: string | undefined): string | undefined => {
  const name = value?.split(":")[0]?.replace(/^["']|["']$/g, "");
  return name !== undefined && form.test(name) ? name : undefined;
};

const image: Named = (value) => (/\.(image|build)$/.test(value) ? value : undefined);
const network: Named = (value) => first(ending("network", "container"), value);
const volume: Named = (value) => first(ending("volume"), value);
const pod: Named = (value) => first(ending("pod"), value);
const mount: Named = (value) => {
  const options = value.split(",").map((option) => option.split("="));
  const source = options.find(([key]) => key === "source" || key === "src")?.[1];
  return first(ending("volume", "image", "build"), source);
};

// podman-systemd.unit(5): the keys of each section that may name another unit.
const KEYS: Record<string, Record<string, Named>> = {
  Container: { Image: image, Mount: mount, Network: network, Pod: pod, Volume: volume },
  Pod: { Network: network, Volume: volume },
  Kube: { Network: network },
  Volume: { Image: image },
  Build: { Network: network, Volume: volume },
};
const DEPENDENCIES = ["Wants", "Requires", "Requisite", "BindsTo", "PartOf", "Upholds", "Conflicts", "Before", "After"];
const ANY = ending("container", "pod", "network", "volume", "kube", "image", "build");

/** A unit that another one names is declared for the same user; Quadlet's generator drops the other one else. So is a secret. */
export const references = (hosts: LintHost[]): Finding[] =>
  hosts.flatMap((host) => {
    const units = unitsOf(host);
    return units.flatMap((unit) => [...missing(unit, units), ...secrets(unit)]);
  });

/** Without its secret a container does not start; somebody may have given it to Podman by hand. */
function secrets(unit: LintUnit): Finding[] {
  const declared = unit.host.vars.podman_secrets.filter(({ user }) => (user ?? "system") === unit.user).map(({ name }) => name);
  return valuesOf(unit, "Container", "Secret").flatMap((entry) =>
    secretsIn(entry.value).flatMap((name) => {
      if (name.includes("%") || declared.includes(name)) return [];
      const message = `${unit.name} names ${name} in Secret=, which podman_secrets does not have ${forWhom(unit)}; it must exist already`;
      return [warning(unit.host, entry.path, message, entry.place)];
    }),
  );
}

const forWhom = ({ user }: LintUnit): string => (user === "system" ? "for the system (without `user`)" : `for user ${user}`);

/** Whether nobody else makes units for this unit's user: another project's users and base stand in its own inventory. */
const isOurs = ({ host: { vars }, user }: LintUnit): boolean =>
  user === "system" ? vars.homelab_host !== undefined : vars.service_users.some(({ name }) => name === user);

function missing(unit: LintUnit, units: LintUnit[]): Finding[] {
  const declared = units.filter(({ user }) => user === unit.user).map(({ name }) => name);
  const own = Object.entries(KEYS[unit.section] ?? {}).flatMap(([key, named]) =>
    valuesOf(unit, unit.section, key).map((entry) => ({ entry, names: [named(entry.value)] })),
  );
  const dependencies = DEPENDENCIES.flatMap((key) =>
    valuesOf(unit, "Unit", key).map((entry) => ({ entry, names: entry.value.split(/\s+/).filter((word) => ANY.test(word)) })),
  );
  return [...own, ...dependencies].flatMap(({ entry, names }) =>
    names.flatMap((name) => {
      // Only the host knows what systemd fills in.
      if (name === undefined || name.includes("%") || declared.includes(name)) return [];
      const message = `${unit.name} names ${name} in ${entry.key}=, and no such unit is declared ${forWhom(unit)}`;
      if (isOurs(unit)) return [error(unit.host, entry.path, message, entry.place)];
      return [warning(unit.host, entry.path, `${message}; another project on that host must have it`, entry.place)];
    }),
  );
}
