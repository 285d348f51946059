#!/bin/sh
# Sets up this machine for the project; run it as often as you like.
#   sh scripts/setup/setup.sh        tools, npm and Python packages, Pulumi CLI
#   sh scripts/setup/setup.sh lab    the same, and what the lab needs (QEMU)
set -eu

root="$(cd "$(dirname "$0")/../.." && pwd)"
here="$root/scripts/setup"
state="${XDG_STATE_HOME:-$HOME/.local/state}/homelab-setup"
cd "$root"

. "$here/lib.sh"
. "$here/apt.sh"
. "$here/tools.sh"
. "$here/packages.sh"
. "$here/pulumi.sh"
. "$here/lab.sh"

check_tools
check_space "$@"
# Where Pulumi.yaml keeps state, which Pulumi makes readable for everybody.
private_folder .state
setup_npm
setup_venv
setup_pulumi
if [ "${1:-}" = lab ]; then setup_lab; fi
