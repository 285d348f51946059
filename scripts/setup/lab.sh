# What the lab runs on: QEMU and mmdebstrap. Sourced by setup.sh.

lab_packages="qemu-system-x86 qemu-utils mmdebstrap e2fsprogs debian-archive-keyring"
# Debian 12's QEMU 7.2 crashes an emulated Debian 13; the snapshots and the
# cable between the machines need 9.2.
qemu_version=9.2

setup_lab() {
  lab_is_ready && return 0
  say "installing QEMU and mmdebstrap (1 minute)"
  apt_install_new $qemu_version $lab_packages
  lab_is_ready || fail "QEMU $qemu_version or newer is needed, from Debian 13 or from Debian 12's backports."
}

lab_is_ready() {
  installed $lab_packages || return 1
  have="$(dpkg-query -W -f '${Version}' qemu-system-x86)"
  at_least "${have#*:}" $qemu_version
}
