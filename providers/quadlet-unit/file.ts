// Quadlet unit files as text, systemd.syntax(7). module_utils/homelab/observe/quadlet/unit_file.py reads the same;
// test/inventory/quadlet-files.yml holds both to the same answers.

/** One `key=value` of a unit file; `line` counts from 0. */
export interface Setting {
  section: string;
  key: string;
  value: string;
  line: number;
}

/** The settings of a unit file in their order. */
export function settingsOf(text: string): Setting[] {
  const found: Setting[] = [];
  let section = "";
  for (const { text: line, line: number } of logicalLines(text)) {
    const [key, ...value] = line.split("=");
    if (/^\[.*\]$/.test(line)) section = line.slice(1, -1);
    else if (value.length > 0) found.push({ section, key: key!.trim(), value: value.join("=").trim(), line: number });
  }
  return found;
}

/** Lines without comments; a backslash at the end joins the next one, over comments and empty lines as Quadlet does. */
function logicalLines(text: string): { text: string; line: number }[] {
  const lines: { text: string; line: number }[] = [];
  let begun: { text: string; line: number } | undefined;
  text.split(/\r?\n/).forEach((line, number) => {
    if (/^\s*([#;]|$)/.test(line)) return;
    begun = { text: (begun?.text ?? "") + line.replace(/\\$/, " "), line: begun?.line ?? number };
    if (line.endsWith("\\")) return;
    lines.push({ ...begun, text: begun.text.trim() });
    begun = undefined;
  });
  return begun === undefined ? lines : [...lines, { ...begun, text: begun.text.trim() }];
}

/** The settings of a key that count: an empty one clears those before it. */
export function valuesOf<T extends Pick<Setting, "section" | "key" | "value">>(settings: T[], section: string, key: string): T[] {
  const named = settings.filter((setting) => setting.section === section && setting.key === key);
  return named.slice(named.findLastIndex(({ value }) => value === "") + 1);
}

/** A value without the quotes around it. */
export const unquoted = (value: string): string => value.replace(/^(["'])(.*)\1$/, "$2");

/** The names in the value of Secret=: `name[,option=value …]`, several of them in a line too. */
export const secretsIn = (value: string): string[] =>
  value
    .split(/\s+/)
    .map((word) => word.replaceAll(/["']/g, "").split(",")[0]!)
    .filter((name) => name !== "");

/** The port that a value of PublishPort= takes; `ip` is empty for all addresses. */
export interface PublishedPort {
  ip: string;
  host: string;
  container: string;
  protocol: string;
}

// podman-run(1) --publish: [[ip:][hostPort]:]containerPort[/protocol]; ports may be ranges, an IPv6 address is in brackets.
const PUBLISH = /^(?:(?:(\[[0-9A-Fa-f:.]*\]|[\d.]*):)?(\d{1,5}(?:-\d{1,5})?)?:)?(\d{1,5}(?:-\d{1,5})?)(?:\/(tcp|udp|sctp))?$/i;

/** Whether a value of PublishPort= has the form that podman-run(1) takes. */
export const isPublishPort = (value: string): boolean => {
  const [, , host] = PUBLISH.exec(unquoted(value)) ?? [];
  return PUBLISH.test(unquoted(value)) && (host === undefined || isPortRange(host));
};

function isPortRange(text: string): boolean {
  const [first = "", last = first] = text.split("-");
  return Number(first) <= Number(last) && Number(last) <= 65535;
}

/** The port of the host that a value of PublishPort= takes, if it names one; else Podman takes any that is free. */
export function portIn(value: string): PublishedPort | undefined {
  const [, ip = "", host, container, protocol = "tcp"] = PUBLISH.exec(unquoted(value)) ?? [];
  if (host === undefined || container === undefined || !isPortRange(host)) return undefined;
  return { ip, host, container, protocol: protocol.toLowerCase() };
}
