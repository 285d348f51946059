# Debian packages, from the mirror that this machine uses. Sourced by setup.sh.

backports="$(. /etc/os-release && echo "${VERSION_CODENAME:-none}")-backports"

installed() {
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || return 1
  done
}

# apt_install [-t RELEASE] PACKAGE...
apt_install() {
  apt_update
  quietly apt-install as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -q install -y --no-install-recommends "$@" ||
    fail "apt-get could not install: $* (see above). Check the network and /etc/apt, then run this again."
}

apt_update() {
  quietly apt-update as_root apt-get -q update ||
    fail "apt-get update failed (see above). Check the network and /etc/apt, then run this again."
}

# apt_install_new WANTED PACKAGE...: from backports when the release's own
# version of the first package is older than WANTED.
apt_install_new() {
  wanted="$1"
  shift
  apt_update
  candidate="$(apt-cache policy "$1" | awk '/Candidate:/ { print $2 }')"
  if at_least "${candidate#*:}" "$wanted"; then
    apt_install "$@"
  else
    enable_backports
    apt_install -t "$backports" "$@"
  fi
}

# Adds the backports of the mirror that this machine uses already, with its key.
enable_backports() {
  apt-cache policy | grep -q "n=$backports" && return 0
  say "adding $backports to apt's sources"
  mkdir -p "$state"
  backports_source >"$state/backports.sources"
  [ -s "$state/backports.sources" ] ||
    fail "found no Debian mirror in /etc/apt to take $backports from: add it yourself, then run this again."
  as_root install -m 0644 "$state/backports.sources" /etc/apt/sources.list.d/homelab-backports.sources
}

backports_source() {
  codename="${backports%-backports}"
  set -- /etc/apt/sources.list.d/debian.sources
  if [ -f "$1" ]; then
    # The paragraph of the release itself, with other suites in it.
    awk -v codename="$codename" -v suite="$backports" '
      BEGIN { RS = ""; FS = "\n" }
      !done && $0 ~ "(^|\n)Suites:[^\n]* ?" codename "( |\n|$)" {
        for (i = 1; i <= NF; i++) {
          if ($i ~ /^Suites:/) $i = "Suites: " suite
          if ($i ~ /^Types:/) $i = "Types: deb"
          if ($i ~ /^Components:/) $i = "Components: main"
          if ($i !~ /^#/) print $i
        }
        done = 1
      }' "$1"
  else
    one_line_source
  fi
}

# The older format: deb [options] URI suite components
one_line_source() {
  awk -v codename="$codename" -v suite="$backports" '
    !done && $1 == "deb" {
      first = 2
      if ($2 ~ /^\[/) { while ($first !~ /\]$/) first++; first++ }
      if ($(first + 1) != codename) next
      print "Types: deb\nURIs: " $first "\nSuites: " suite "\nComponents: main"
      if (match($0, /signed-by=[^] ]+/)) print "Signed-By: " substr($0, RSTART + 10, RLENGTH - 10)
      done = 1
    }' /etc/apt/sources.list
}
