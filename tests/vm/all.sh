#!/bin/bash
# make test-vm: all tests that need another kernel or another kind of host. Needs root, bin/mcpbox
# and bin/victim (make build bin/victim). Each guest has one CPU, and as many guests run at a time
# as there are CPUs here. The output of a part is shown after its end.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
cd "$HERE/../.."
export MCPBOX=${MCPBOX:-$PWD/bin/mcpbox} VICTIM=${VICTIM:-$PWD/bin/victim}
BEGIN=$SECONDS PARTS=0
not_run() { # prints the reason; in CI it is a failure
	echo "test-vm: NOTHING WAS TESTED: $1" >&2
	[ "${CI:-}" != true ] || exit 1
	exit 0
}
LOGS=$(mktemp -d /var/tmp/mcpbox-vmlogs.XXXXXX)
trap 'rm -rf "$LOGS"' EXIT
part() { # NAME COMMAND…
	local name=$1 log=$LOGS/$((++PARTS))
	shift
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || :; done
	echo "== begins: $name" >&2
	{
		t0=$SECONDS s=ok
		"$@" >"$log" 2>&1 || s=FAIL
		printf '%-4s %4d s  %s\n' $s $((SECONDS - t0)) "$name" >>"$LOGS/parts"
		echo "== $name"
		cat "$log"
	} &
}
export MCPBOX_TEST_RUNS=${MCPBOX_TEST_RUNS:-24} # a run takes 1.5 s there; make test makes 200
test="$HERE/test.sh"
NETWORK='./tests/escape/egress=^TestAHostOfThisMachine$' # the kernels there have no veth
USERS='Memory|Forks|Quota|CPUTime|Sees|GC'

[ "$(id -u)" = 0 ] || not_run "it needs root, for virtiofsd: sudo make test-vm"
"$HERE/prep.sh" || not_run "QEMU or a kernel could not be installed"
# The longest first.
part "hosts of other kinds, docs/HOSTS.md" "$HERE/hosts.sh"
part "6.12, root: limits and leftovers" "$test" -m root ./tests/limits
part "6.12, a user with a delegated cgroup" "$test" -m delegated ./cgroups ./runtime/internal/watchdog "./tests/limits=$USERS" "$NETWORK"
part "6.12, root: the packages and the manual" "$test" -m root ./cgroups ./doctor ./runtime/internal/watchdog \
	"$NETWORK" './runtime=TestAFailedStart|Collect|OutsideOfItsCgroup|ACallFinds' './tests/script=TestScripts/^run_(limits|result)'
part "6.12, root: the pool and code" "$test" -m root './pool=Program|Session|ManyCalls|Misspelt|Hostile|Ends' './code=Session'
part "6.12, systemd starts the daemon" "$HERE/run.sh" -k 6.12 -t 400 -a vm.systemd=1 -- bash "$HERE/serve-unit.sh" "$MCPBOX"
part "6.12, root: the daemon" "$test" -m root './server=Paused|Limits|Quarantine|Usage|TestExecutions|Sessions|Restart'
part "6.12, a delegated user: the daemon" "$test" -m delegated './server=Paused|Limits|Quarantine|Usage|Restart'
part "6.12, a user's systemd session" "$test" -m systemd ./cgroups './tests/limits=Forks|Quota|Sees' './pool=Program|Session|Ends'
part "6.12, a delegated user: the pool and code" "$test" -m delegated './pool=Program|Session|ManyCalls|Ends' './code=Session' './runtime=OutsideOfItsCgroup'
part "6.1, root" "$test" -k 6.1 -m root './tests/limits=OverItsMemory|Forks|Quota|Rate|Sees|GC'
wait

cat "$LOGS/parts"
echo "     $((SECONDS - BEGIN)) s  in all"
[ "$(grep -c '^ok ' "$LOGS/parts")" = $PARTS ]
