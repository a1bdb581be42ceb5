#!/bin/bash
# go test in the VM: builds the packages' test binaries on the host and runs
# them all in one guest, each in its package's folder.
#   tests/vm/test.sh [-k kernel] [-t seconds] [-a append] [-m mode,…] package[=regexp]…
# Modes, how the tests are run in the guest (systemd only alone):
#   root       uid 0
#   delegated  uid 1000 in a cgroup subtree that was given to it
#   systemd    uid 1000 with a systemd user session
# package=regexp runs the tests of that package that match. A skipped test is a failure, unless skips.tsv allows it.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
KERNEL=${VM_KERNEL:-6.12} LIMIT=400 APPEND= MODE=root
while [ $# -gt 0 ]; do
	case $1 in
	-k) KERNEL=$2; shift 2 ;; -t) LIMIT=$2; shift 2 ;; -a) APPEND=$2; shift 2 ;; -m) MODE=$2; shift 2 ;;
	*) break ;;
	esac
done
ARGS=(-test.v "-test.timeout=$((LIMIT - 60))s") # so that it is go test that says where it hangs
[ "$MODE" != systemd ] || APPEND="$APPEND vm.systemd=vm"
B=$(mktemp -d /var/tmp/mcpbox-vmtest.XXXXXX)
trap 'rm -rf "$B"' EXIT
chmod 755 "$B" # the guest's test user reads it
n=0
for arg in "$@"; do
	pattern=.
	case $arg in *=*) pattern=${arg#*=} ;; esac
	while IFS=$'\t' read -r pkg dir; do
		n=$((n + 1))
		go test -c -o "$B/$n.test" "$pkg"
		[ ! -e "$B/$n.test" ] || printf '%s\t%s\t%s\t%s\n' "$B/$n.test" "$dir" "$pkg" "$pattern" >>"$B/list"
	done < <(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{"\t"}}{{.Dir}}{{end}}' "${arg%%=*}" | grep .)
done
[ -s "$B/list" ] || { echo "vm-test: no tests" >&2; exit 1; }
export MCPBOX_REQUIRE=${VM_REQUIRE-cgroup2} # promised to the tests: internal/testhost
VM_ENV="MCPBOX_REQUIRE MCPBOX_TEST_RUNS MCPBOX VICTIM ${VM_ENV:-}" "$HERE/run.sh" -k "$KERNEL" -t "$LIMIT" -a "$APPEND" -- \
	bash "$HERE/suite.sh" "$MODE" "$B/list" "${ARGS[@]}"
