# The Pulumi CLI, where its npm launcher (`npx pulumi`) looks for it.
# Sourced by setup.sh.

pulumi_version=3.250.0
# What its go.mod asks for: an older Go fetches that toolchain only when the module being built names it.
cli_go_version=1.25.11
# The last release of the Go SDK module that still contains the Node language host.
language_host_version=3.68.0
pulumi_bin="${PULUMI_HOME:-$HOME/.pulumi}/versions/$pulumi_version/bin"

setup_pulumi() {
  pulumi_ready && return 0
  say "getting the Pulumi CLI $pulumi_version (under a minute)"
  timeout 45 npx --no-install pulumi version >/dev/null 2>&1 && pulumi_ready && return 0
  say "the download is not reachable; building the CLI from its Go modules (about 5 minutes, once)"
  need_go
  build_pulumi
}

pulumi_ready() {
  [ -x "$pulumi_bin/pulumi" ] && [ -x "$pulumi_bin/pulumi-language-nodejs" ]
}

need_go() {
  go_is_usable && return 0
  say "installing Go (1 minute)"
  apt_install_new 1.21 golang-go
  go_is_usable || fail "Go 1.21 or newer is needed to build the Pulumi CLI. Install it and run this again."
}

# From 1.21 on, Go fetches the newer toolchain that a module asks for.
go_is_usable() {
  has go && at_least "$(go env GOVERSION | sed 's/^go//')" 1.21
}

build_pulumi() {
  work="$(mktemp -d)"
  write_cli_module "$work/cli"
  write_language_module "$work/language"
  quietly pulumi-build build_all || {
    rm -rf "$work"
    fail "the Pulumi CLI could not be built (see above). Check that Go modules can be fetched (go env GOPROXY), then run this again."
  }
  install_all
  rm -rf "$work"
}

# No debug tables: they take time to make and the linker drops them (-s -w) anyway.
build_all() {
  version_flag=github.com/pulumi/pulumi/sdk/v3/go/common/version.Version
  (cd "$work/cli" && GOTOOLCHAIN=auto go build -mod=mod -gcflags=all=-dwarf=false -o "$work/pulumi" \
    -ldflags "-s -w -X $version_flag=v$pulumi_version" \
    github.com/pulumi/pulumi/pkg/v3/cmd/pulumi) &&
    (cd "$work/language" && GOTOOLCHAIN=auto go build -mod=mod -gcflags=all=-dwarf=false -o "$work/pulumi-language-nodejs" \
      -ldflags "-s -w -X $version_flag=v$pulumi_version" \
      github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs)
}

# The launcher of dynamic providers is a script inside the same module.
# The CLI itself comes last: its presence means that the install is whole.
install_all() {
  launcher="$(cd "$work/language" && go list -mod=mod -m -f '{{.Dir}}' github.com/pulumi/pulumi/sdk/v3)/nodejs/dist/pulumi-resource-pulumi-nodejs"
  mkdir -p "$pulumi_bin"
  install -m 0755 "$launcher" "$work/pulumi-language-nodejs" "$work/pulumi" "$pulumi_bin/" ||
    fail "could not write to $pulumi_bin. Check its owner and the free space."
}

# `go install pkg@version` rejects a module with replace directives, so a
# module of our own requires it and repeats the directive.
write_cli_module() {
  mkdir -p "$1"
  cat >"$1/go.mod" <<END
module homelab/cli

go $cli_go_version

require github.com/pulumi/pulumi/pkg/v3 v$pulumi_version

replace github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e
END
}

write_language_module() {
  mkdir -p "$1"
  cat >"$1/go.mod" <<END
module homelab/language

go 1.21

require github.com/pulumi/pulumi/sdk/v3 v$language_host_version
END
}
