// Writes small tar archives (POSIX ustar), the same bytes each time.
export interface Entry {
  path: string;
  mode?: number;
  data?: Buffer;
  /** Target of a symbolic link. */
  link?: string;
  directory?: boolean;
}

const blockSize = 512;

export function tar(entries: Entry[]): Buffer {
  const blocks = entries.flatMap((entry) => [header(entry), padded(entry.data ?? Buffer.alloc(0))]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockSize)]);
}

function header(entry: Entry): Buffer {
  const block = Buffer.alloc(blockSize);
  const text = (value: string, offset: number) => block.write(value, offset);
  const octal = (value: number, offset: number, width: number) => text(value.toString(8).padStart(width - 1, "0") + "\0", offset);
  text(entry.path, 0);
  octal(entry.mode ?? (entry.directory ? 0o755 : 0o644), 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(entry.data?.length ?? 0, 124, 12);
  octal(0, 136, 12);
  text(" ".repeat(8), 148);
  text(entry.link ? "2" : entry.directory ? "5" : "0", 156);
  text(entry.link ?? "", 157);
  text("ustar\0" + "00", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  text(sum.toString(8).padStart(6, "0") + "\0 ", 148);
  return block;
}

function padded(data: Buffer): Buffer {
  const rest = data.length % blockSize;
  return rest === 0 ? data : Buffer.concat([data, Buffer.alloc(blockSize - rest)]);
}
