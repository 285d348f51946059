/** A check. `fix` is the command or instruction where it is not ok. */
export interface Check {
  state: "ok" | "warn" | "fail";
  what: string;
  fix?: string;
}

/** The checks of one machine. */
export interface Section {
  of: string;
  checks: Check[];
}

export const ok = (what: string): Check => ({ state: "ok", what });
export const warn = (what: string, fix: string): Check => ({ state: "warn", what, fix });
export const fail = (what: string, fix: string): Check => ({ state: "fail", what, fix });

/** `fail` where it is needed, else `warn`. */
export const missingIf = (needed: boolean, what: string, fix: string): Check => (needed ? fail : warn)(what, fix);

/** All checks as a list in plain text: a line each, with the fix below those that are not ok. */
export function render(sections: Section[]): string {
  const checks = sections.flatMap((section) => section.checks);
  const count = (state: Check["state"]): number => checks.filter((check) => check.state === state).length;
  const lines = sections.flatMap(({ of, checks: all }) => [of, ...all.flatMap(linesOf), ""]);
  return [...lines, `${count("ok")} ok, ${count("warn")} to look at, ${count("fail")} to fix`].join("\n");
}

function linesOf({ state, what, fix }: Check): string[] {
  const fixing = fix === undefined ? [] : `-> ${fix}`.replaceAll("\n", "\n   ").split("\n");
  const [first, ...rest] = [...what.split("\n"), ...fixing];
  return [`  ${state.padEnd(4)}  ${first!}`, ...rest.map((line) => `        ${line}`)];
}

/** Whether anything fails. */
export const fails = (sections: Section[]): boolean => sections.some(({ checks }) => checks.some(({ state }) => state === "fail"));
