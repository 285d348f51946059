# The project's npm and Python packages. Sourced by setup.sh.

setup_npm() {
  made=node_modules/.package-lock.json
  [ -f "$made" ] && [ -z "$(find package-lock.json -newer "$made")" ] && return 0
  say "installing the npm packages (30 s)"
  quietly npm npm ci ||
    fail "npm ci failed (see above). Check the network (npm ping) and package-lock.json, then run this again."
  touch "$made"
}

# A copy of the pins marks a finished environment; a moved project needs a new one.
setup_venv() {
  pins="$(cat ansible/requirements.txt scripts/setup/requirements-dev.txt; pwd)"
  made=.venv/installed-pins
  [ -f "$made" ] && [ "$(cat "$made")" = "$pins" ] && return 0
  say "making the Python environment .venv (1 minute)"
  quietly venv python3 -m venv --clear .venv ||
    fail "python3 -m venv failed (see above). Try: apt install python3-venv."
  quietly pip .venv/bin/python -m pip install \
    -r ansible/requirements.txt -r scripts/setup/requirements-dev.txt ||
    fail "pip failed (see above). Check the network (pip config list), then run this again."
  printf '%s\n' "$pins" >"$made"
}
