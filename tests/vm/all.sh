#!/bin/bash
# make test-vm: everything that wants another kernel or another kind of host.
# Needs root, bin/mcpbox and bin/victim (make build bin/victim). One boot after the other: an emulated CPU takes all of ours.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
cd "$HERE/../.."
export MCPBOX=${MCPBOX:-$PWD/bin/mcpbox} VICTIM=${VICTIM:-$PWD/bin/victim}
PARTS=() BEGIN=$SECONDS rc=0
not_run() { # said aloud; where it was promised, a failure
	echo "test-vm: NOTHING WAS TESTED: $1" >&2
	[ "${CI:-}" != true ] || exit 1
	exit 0
}
part() { # NAME COMMAND…
	local name=$1 t0=$SECONDS s=ok
	shift
	echo "== $name" >&2
	"$@" || { s=FAIL rc=1; }
	PARTS+=("$(printf '%-4s %4d s  %s' $s $((SECONDS - t0)) "$name")")
}
export MCPBOX_TEST_RUNS=${MCPBOX_TEST_RUNS:-24} # a run takes 1.5 s there; make test makes 200
test="$HERE/test.sh"
USERS='Memory|Forks|Quota|CPUTime|Sees|GC'

[ "$(id -u)" = 0 ] || not_run "it needs root, for virtiofsd: sudo make test-vm"
"$HERE/prep.sh" || not_run "QEMU or a kernel could not be installed"
part "6.12, root: limits and leftovers" "$test" -t 240 -m root ./tests/limits
part "6.12, root: the packages and the manual" "$test" -t 240 -m root ./cgroups ./doctor ./runtime/internal/watchdog \
	'./runtime=TestAFailedStart|Collect' './tests/script=TestScripts/^run_(limits|result)'
part "6.12, a user with a delegated cgroup" "$test" -m delegated ./cgroups ./runtime/internal/watchdog "./tests/limits=$USERS"
part "6.12, a user's systemd session" "$test" -m systemd ./cgroups './tests/limits=Forks|Quota|Sees'
part "6.1, root" "$test" -k 6.1 -m root './tests/limits=OverItsMemory|Forks|Quota|Rate|Sees|GC'
part "hosts of other kinds, docs/HOSTS.md" "$HERE/hosts.sh"

printf '%s\n' "${PARTS[@]}" "     $((SECONDS - BEGIN)) s  in all"
exit $rc
