#!/bin/bash
# In the guest: runs each test binary of a list (binary, folder, package, tests)
# with the given arguments, in each mode of as.sh, and prints lines like go test's.
#   suite.sh mode,… list args…
# A test that is skipped here fails, unless skips.tsv says why it may be.
HERE=$(cd "$(dirname "$0")" && pwd)
MODES=$1 LIST=$2
shift 2
rc=0
if [ -n "${VICTIM:-}" ]; then # where sandboxes see it without a mount
	mkdir -p /usr/local/lib/mcpbox-test
	cp "$VICTIM" /usr/local/lib/mcpbox-test/victim
	export VICTIM=/usr/local/lib/mcpbox-test/victim
fi

# unallowed MODE LOG: prints the skipped tests that skips.tsv does not allow for the mode.
unallowed() {
	local name
	sed -n 's/^ *--- SKIP: \([^ ]*\).*/\1/p' "$2" | while read -r name; do
		grep -qP "^([^\t]*,)?$1(,[^\t]*)?\t$name\t" "$HERE/skips.tsv" || echo "$name"
	done
}
for mode in ${MODES//,/ }; do
	while IFS=$'\t' read -r bin dir pkg pattern <&4; do
		t0=${EPOCHREALTIME/./} s=ok
		(cd "$dir" && bash "$HERE/as.sh" "$mode" "$bin" -test.run "$pattern" "$@" 4<&-) > >(tee /tmp/suite.log) 2>&1 || s=FAIL
		wait $!
		for name in $(unallowed "$mode" /tmp/suite.log); do
			s=FAIL
			echo "--- skipped, and this machine has what it needs: $name"
		done
		[ $s = ok ] || rc=1
		t=$((${EPOCHREALTIME/./} - t0))
		printf '%s\t%s\t%s\t%d.%03ds\n' $s "$mode" "$pkg" $((t / 1000000)) $((t / 1000 % 1000))
	done 4<"$LIST"
done
exit $rc
