/** One thing that was looked at. `mend` says what to do where it is not ok. */
export interface Check {
  state: "ok" | "warn" | "fail";
  what: string;
  mend?: string;
}

/** What was looked at on one machine. */
export interface Section {
  of: string;
  checks: Check[];
}

export const ok = (what: string): Check => ({ state: "ok", what });
export const warn = (what: string, mend: string): Check => ({ state: "warn", what, mend });
export const fail = (what: string, mend: string): Check => ({ state: "fail", what, mend });

/** `fail` where it is needed, else `warn`. */
export const lacking = (needed: boolean, what: string, mend: string): Check => (needed ? fail : warn)(what, mend);

/** All checks as a list in plain text: a line for each, and what mends it under those that are not ok. */
export function render(sections: Section[]): string {
  const checks = sections.flatMap((section) => section.checks);
  const count = (state: Check["state"]): number => checks.filter((check) => check.state === state).length;
  const lines = sections.flatMap(({ of, checks: all }) => [of, ...all.flatMap(linesOf), ""]);
  return [...lines, `${count("ok")} ok, ${count("warn")} to look at, ${count("fail")} to mend`].join("\n");
}

function linesOf({ state, what, mend }: Check): string[] {
  const mending = mend === undefined ? [] : `-> ${mend}`.replaceAll("\n", "\n   ").split("\n");
  const [first, ...rest] = [...what.split("\n"), ...mending];
  return [`  ${state.padEnd(4)}  ${first!}`, ...rest.map((line) => `        ${line}`)];
}

/** Whether anything fails. */
export const fails = (sections: Section[]): boolean => sections.some(({ checks }) => checks.some(({ state }) => state === "fail"));
