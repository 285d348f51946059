# Small helpers for the set-up. POSIX sh; sourced by setup.sh.

say() { printf 'setup: %s\n' "$*"; }

# One line with what is wrong and what to do, then stop.
fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif has sudo; then
    sudo "$@"
  else
    fail "need root for: $*. Run this as root, or install sudo."
  fi
}

# Runs a noisy command; its output is shown only when it fails.
# quietly LOGNAME COMMAND [ARGS...]
quietly() {
  log="$state/$1.log"
  shift
  mkdir -p "$state"
  "$@" >"$log" 2>&1 && return 0
  tail -n 15 "$log" >&2
  return 1
}

# at_least HAVE WANTED: compares dotted version numbers.
at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# A folder that only its user may read, whoever made it.
private_folder() {
  mkdir -p -m 700 "$1"
  chmod 700 "$1"
}
