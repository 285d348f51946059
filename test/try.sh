#!/bin/sh
# Applies lists of a host_vars file to this machine by site.yml, in namespaces of its own: whatever is written is gone afterwards.
#
#   sudo sh test/try.sh <host_vars file> <list>...
#
# /etc and /var/lib are copies, /run is empty, the network has only a loopback, and kernel parameters outside of it are read-only.
# systemctl and systemd-run are mocks that do nothing. So it suits kinds that write files, nftables tables and kernel parameters.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)

if [ $# -lt 2 ] || [ ! -r "$1" ]; then
  echo "usage: sudo sh test/try.sh <host_vars file> <list>..." >&2
  exit 2
fi
if [ "$(id -u)" != 0 ]; then
  echo "test/try.sh needs root, to make its namespaces. Run it with sudo." >&2
  exit 2
fi
command -v nft > /dev/null || { echo "test/try.sh needs nft(8) on this machine. Install the package nftables." >&2; exit 2; }
if [ -z "${HOMELAB_TRY:-}" ]; then
  HOMELAB_TRY=1 exec unshare --mount --net --pid --fork --mount-proc -- sh "$root/test/try.sh" "$@"
fi

file=$(realpath "$1")
shift

# A tmpfs of this mount namespace; nothing of it is seen outside.
copy=/mnt
mount -t tmpfs tmpfs "$copy"
for folder in etc var/lib; do
  mkdir -p "$copy/$folder/upper" "$copy/$folder/work"
  mount -t overlay -o "lowerdir=/$folder,upperdir=$copy/$folder/upper,workdir=$copy/$folder/work" overlay "/$folder"
done
mount -t tmpfs tmpfs /run
mount --bind /proc/sys /proc/sys
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,bind,ro /proc/sys
ip link set lo up

# Mocks: there is no systemd in here. A timer of the rollback counts as running, so that a change can be confirmed.
printf '#!/bin/sh\n[ "$1" != is-active ] || echo active\n[ "$1" != is-enabled ] || echo enabled\n' > "$copy/systemctl"
printf '#!/bin/sh\n' > "$copy/systemd-run"
for mock in systemctl systemd-run; do
  chmod 755 "$copy/$mock"
  mount --bind "$copy/$mock" "$(command -v "$mock")"
done

# What `homelab_host` would have installed: the program of the rollback.
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$root/test/host "$root/.venv/bin/python" - "$file" "$copy" "$@" <<'END'
import json
import sys
from pathlib import Path

import writers  # noqa: F401 - it lets Python find the project's module_utils
import yaml

from ansible.module_utils.homelab.observe.host import rollback_files

source, copy, *lists = sys.argv[1:]
for path, text in rollback_files("try").items():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
held = yaml.safe_load(Path(source).read_text()) or {}
if missing := [name for name in lists if name not in held]:
    sys.exit(f"{source}: it has no {', '.join(missing)}")
host = {"ansible_become": False, "homelab_owner": "try", **{name: held[name] for name in lists}}
Path(copy, "hosts.yml").write_text(json.dumps({"all": {"hosts": {"try": host}}}))
END

run() {
  ANSIBLE_DISPLAY_SKIPPED_HOSTS=false ANSIBLE_DISPLAY_OK_HOSTS=false ANSIBLE_CONFIG=$root/ansible/ansible.cfg "$root/.venv/bin/ansible-playbook" -i "$copy/hosts.yml" --extra-vars ansible_connection=local "$root/ansible/site.yml" "$@"
}

touch "$copy/before"
run --diff
echo "What it wrote:"
find /etc /var/lib -newer "$copy/before" -type f ! -name '*.pyc' -exec grep -H '' {} + 2>/dev/null || true
echo "Once more, which should change nothing:"
run
