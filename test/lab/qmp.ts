// QEMU's control socket: one connection for each call, since it serves one at a time.
import { createConnection } from "node:net";
import { createInterface } from "node:readline";
import { sleep } from "./run";

type Message = { return?: unknown; error?: { desc: string }; event?: string };
type Execute = (command: string, args?: object) => Promise<unknown>;

const timeLimitSeconds = 60;

/** Connects, runs `work` with a function that sends commands, and disconnects. */
export async function qmp<T>(socketPath: string, work: (execute: Execute) => Promise<T>): Promise<T> {
  const socket = createConnection(socketPath);
  socket.setTimeout(timeLimitSeconds * 1000, () => socket.destroy(new Error(`QEMU does not answer on ${socketPath}`)));
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  // Without a listener an error would end the process; `closed` below reports it.
  let reason: Error | undefined;
  socket.on("error", (error) => (reason = error));
  const answer = async (): Promise<unknown> => {
    for (;;) {
      const line = await lines.next();
      if (line.done) throw reason ?? new Error(`QEMU closed ${socketPath}`);
      const message = JSON.parse(line.value) as Message;
      if (message.error) throw new Error(`QEMU: ${message.error.desc}`);
      if ("return" in message) return message.return;
    }
  };
  const execute: Execute = (command, args) => {
    socket.write(JSON.stringify({ execute: command, ...(args && { arguments: args }) }) + "\n");
    return answer();
  };
  try {
    await execute("qmp_capabilities");
    return await work(execute);
  } finally {
    socket.destroy();
  }
}

interface Job {
  id: string;
  status: string;
  error?: string;
}

const disk = "disk";

/** Saves memory and disk under `tag`; an older snapshot of that name is replaced. */
export async function saveSnapshot(socketPath: string, tag: string): Promise<void> {
  await qmp(socketPath, async (execute) => {
    // A tag is used once: saving over it fails.
    await snapshotJob(execute, "snapshot-delete", { tag, devices: [disk] }).catch(() => undefined);
    await snapshotJob(execute, "snapshot-save", { tag, vmstate: disk, devices: [disk] });
  });
}

export async function loadSnapshot(socketPath: string, tag: string): Promise<void> {
  await qmp(socketPath, (execute) => snapshotJob(execute, "snapshot-load", { tag, vmstate: disk, devices: [disk] }));
}

async function snapshotJob(execute: Execute, command: string, args: object): Promise<void> {
  const id = `${command}-${Date.now()}`;
  await execute(command, { "job-id": id, ...args });
  for (;;) {
    const jobs = (await execute("query-jobs")) as Job[];
    const job = jobs.find((candidate) => candidate.id === id);
    if (job?.status !== "concluded") {
      await sleep(20);
      continue;
    }
    await execute("job-dismiss", { id });
    if (job.error) throw new Error(`QEMU: ${command}: ${job.error}`);
    return;
  }
}
