#!/bin/bash
# make test-vm: everything that wants another kernel or another kind of host.
# Needs root, and bin/mcpbox (make build).
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
cd "$HERE/../.."
"$HERE/prep.sh"
KERNEL_FACING="./cgroups ./doctor ./runtime/internal/watchdog"
# shellcheck disable=SC2086
"$HERE/test.sh" -k 6.12 -m root,delegated $KERNEL_FACING
"$HERE/test.sh" -k 6.12 -m systemd ./cgroups
# shellcheck disable=SC2086
"$HERE/test.sh" -k 6.1 -m root $KERNEL_FACING
"$HERE/hosts.sh"
