// Looks for secret values where nobody may find them: in files, and in processes' arguments and environments.
import { type Lab } from "./lab";
import { run } from "./run";

// The same program on a host and on this machine; what is looked for comes on its input, so that it is in no argument.
// With `until` it looks again and again until that file is there.
const PROGRAM = `
import json, os, stat, subprocess, sys, time
asked = json.load(sys.stdin)
needles = [needle.encode() for needle in asked["needles"]]
found, rounds, last = set(), 0, 0.0

def look(path, name):
    try:
        with open(path, "rb") as stream:
            data = stream.read(50_000_000)
    except OSError:
        return
    if any(needle in data for needle in needles):
        found.add(name)

def files():
    for top in asked["folders"]:
        for folder, folders, names in os.walk(os.path.expanduser(top)):
            folders[:] = [one for one in folders if os.path.join(folder, one) not in asked["except"]]
            processes()
            for name in names:
                path = os.path.join(folder, name)
                try:
                    if stat.S_ISREG(os.lstat(path).st_mode):
                        look(path, path)
                except OSError:
                    pass

# Again and again between files, since processes come and go while a host's files take a while.
def processes():
    global last, rounds
    if time.monotonic() < last + 0.5:
        return
    own = os.readlink("/proc/self/ns/pid")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            # A container's own processes may have it.
            if os.readlink(f"/proc/{pid}/ns/pid") != own:
                continue
            with open(f"/proc/{pid}/comm") as stream:
                name = stream.read().strip()
        except OSError:
            continue
        for part in ("cmdline", "environ"):
            look(f"/proc/{pid}/{part}", f"{part} of {name}")
    last, rounds = time.monotonic(), rounds + 1

while True:
    processes()
    files()
    if not asked["until"] or os.path.exists(asked["until"]):
        break
    time.sleep(0.1)
if asked["journal"]:
    data = subprocess.run(["journalctl", "-q", "-a", "-o", "export"], capture_output=True).stdout
    if any(needle in data for needle in needles):
        found.add("journal")
print(json.dumps({"found": sorted(found), "rounds": rounds}))
`;

/** What was found, by path or process, and how often it looked at all processes. */
export interface Found {
  found: string[];
  rounds: number;
}

interface Search {
  needles: string[];
  folders: string[];
  except: string[];
  journal: boolean;
  /** Look until this file is there. */
  until: string;
}

/** A text as it stands in files: plain, and within a longer text in base64, whose groups begin at one of three places. */
export function needlesOf(text: string): string[] {
  const within = (before: number): string => {
    const encoded = Buffer.from("x".repeat(before) + text).toString("base64");
    return encoded.slice(Math.ceil((before * 4) / 3), Math.floor(((before + text.length) * 4) / 3));
  };
  return [text, ...[0, 1, 2].map(within)];
}

/** Where Podman and the container's runtime keep what a container gets. */
const PODMANS = [
  "/home/web/.local/share/containers",
  "/run/user/2001/containers",
  "/run/user/2001/crun",
  "/run/containers",
  "/var/lib/containers",
];
const HOSTS_FOLDERS = ["/tmp", "/var/tmp", "/run", "/dev/shm", "/etc", "/var/lib/homelab", "/home", "/root"];

/** Looks on hv, by root. */
export async function searchHost(lab: Lab, needles: string[], until = ""): Promise<Found> {
  const input = JSON.stringify({ needles, folders: HOSTS_FOLDERS, except: PODMANS, journal: !until, until } satisfies Search);
  return JSON.parse(
    (await lab.ssh("hv", `python3 -c '${PROGRAM.replaceAll("'", `'\\''`)}'`, { sudo: true, input, timeoutSeconds: 1500 })).stdout,
  ) as Found;
}

/** Looks on this machine: in these folders, and the one of Ansible. */
export async function searchHere(folders: string[], needles: string[], until = ""): Promise<Found> {
  const all = [...folders, "~/.ansible"];
  const input = JSON.stringify({ needles, folders: all, except: [], journal: false, until } satisfies Search);
  return JSON.parse((await run(["python3", "-c", PROGRAM], { input })).stdout) as Found;
}
