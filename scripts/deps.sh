#!/usr/bin/env bash
# Checks the Debian packages that the build (or the tests) need. It installs missing ones if it can
# (root, apt-get). Otherwise it prints the exact command.
#   deps.sh build   missing packages are an error
#   deps.sh test    missing packages make tests skip: a note
set -euo pipefail

command -v go >/dev/null || { echo "deps: no go in PATH: install Go $(awk '/^go /{print $2}' go.mod) or later from https://go.dev/dl" >&2; exit 1; }

missing=()
need() { # PACKAGE TEST…: PACKAGE is missing if TEST fails
  local package=$1; shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}
header() { echo "#include <$1>" | cc -E - ; }

case ${1:-} in
build)
  need gcc command -v cc
  need libc6-dev header stdlib.h
  need pkg-config command -v pkg-config
  need libseccomp-dev pkg-config --exists libseccomp
  ;;
test)
  need nodejs command -v node
  need npm command -v npm
  need python3 command -v python3
  need perl command -v perl
  need git command -v git
  ;;
*) echo "usage: deps.sh build|test" >&2; exit 2 ;;
esac

[ ${#missing[@]} -gt 0 ] || exit 0
command="apt-get install -y --no-install-recommends ${missing[*]}"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "+ apt-get update && $command"
  export DEBIAN_FRONTEND=noninteractive
  if { apt-get update -q && $command; } >&2; then exit 0; fi
  echo "deps: apt-get failed" >&2
fi
if [ "$1" = test ]; then
  echo "deps: ${missing[*]} not installed: the tests that use them skip. To have them: sudo $command" >&2
  exit 0
fi
echo "deps: ${missing[*]} not installed. To have them: sudo $command" >&2
exit 1
