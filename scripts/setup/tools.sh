# What has to be there already. Sourced by setup.sh.

check_tools() {
  has node && at_least "$(node -p process.versions.node)" 20 ||
    fail "Node 20 or newer is needed: apt install nodejs npm (Debian 13), or see nodejs.org."
  has npm || fail "npm is needed: apt install npm."
  has ssh || fail "ssh is needed: apt install openssh-client."
  has git || fail "git is needed: apt install git."
  check_python
}

check_python() {
  has python3 && at_least "$(python3 -c 'import platform; print(platform.python_version())')" 3.11 ||
    fail "Python 3.11 or newer is needed: apt install python3."
  [ -x .venv/bin/python ] && return 0
  python3 -c 'import ensurepip, venv' 2>/dev/null && return 0
  say "installing Python's venv module (20 s)"
  apt_install python3-venv
}

# Needs most where nothing is built yet: the Go build of the CLI is the largest part.
check_space() {
  needed=1
  pulumi_ready || needed=6
  if [ "${1:-}" = lab ]; then needed=$((needed + 3)); fi
  for dir in "$root" "$HOME"; do
    free="$(df -Pk "$dir" | awk 'NR == 2 { print int($4 / 1048576) }')"
    [ "$free" -ge "$needed" ] ||
      fail "$dir has $free GB free, $needed GB are needed: make room (df -h $dir), then run this again."
  done
}
