#!/bin/bash
# In the guest: runs each test binary of a list (binary, folder, package) with
# the given arguments, in each mode of as.sh, and prints lines like go test's.
#   suite.sh mode,… list args…
HERE=$(cd "$(dirname "$0")" && pwd)
MODES=$1 LIST=$2
shift 2
rc=0
for mode in ${MODES//,/ }; do
	while IFS=$'\t' read -r bin dir pkg <&4; do
		t0=${EPOCHREALTIME/./}
		if (cd "$dir" && bash "$HERE/as.sh" "$mode" "$bin" "$@" 4<&-); then s=ok; else s=FAIL rc=1; fi
		t=$((${EPOCHREALTIME/./} - t0))
		printf '%s\t%s\t%s\t%d.%03ds\n' $s "$mode" "$pkg" $((t / 1000000)) $((t / 1000 % 1000))
	done 4<"$LIST"
done
exit $rc
