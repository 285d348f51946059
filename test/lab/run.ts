// Starting other programs: always an argument list, never a shell.
import { spawn } from "node:child_process";

export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  input?: string;
  timeoutSeconds?: number;
  /** false: hand back a failure instead of throwing it. Default true. */
  check?: boolean;
  /** Set beside our own environment. */
  env?: Record<string, string>;
}

export async function run(argv: string[], options: RunOptions = {}): Promise<Result> {
  const result = await start(argv, options);
  if (result.code !== 0 && options.check !== false) {
    throw new Error(`failed with ${result.code}: ${argv.join(" ")}\n${lastLines(result.stderr || result.stdout, 20)}`);
  }
  return result;
}

/** As root; needs sudo when we are somebody else. */
export function runAsRoot(argv: string[], options: RunOptions = {}): Promise<Result> {
  return run(process.getuid?.() === 0 ? argv : ["sudo", ...argv], options);
}

function start(argv: string[], options: RunOptions): Promise<Result> {
  const [command = "", ...args] = argv;
  return new Promise((done, failed) => {
    const env = { ...process.env, ...options.env };
    const child = spawn(command, args, { env, timeout: (options.timeoutSeconds ?? 0) * 1000, killSignal: "SIGKILL" });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (data: Buffer) => out.push(data));
    child.stderr.on("data", (data: Buffer) => err.push(data));
    child.on("error", failed);
    child.on("close", (code, signal) =>
      done({
        code: code ?? -1,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString() + (signal ? `\nended by ${signal}` : ""),
      }),
    );
    // A program that ends early closes its input: that is no error of ours.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}

export const sleep = (milliseconds: number) => new Promise<void>((done) => setTimeout(done, milliseconds));

export function say(text: string): void {
  process.stderr.write(`lab: ${text}\n`);
}

/** Says what is done and about how long it takes, then how long it took. */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const begun = Date.now();
  say(`${what} …`);
  const value = await work();
  say(`  done in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  return value;
}
