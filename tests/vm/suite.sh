#!/bin/bash
# In the guest: runs each test binary of a list (binary, folder, package) with
# the given arguments and prints lines like go test's.
#   suite.sh list args…
LIST=$1
shift
rc=0
while IFS=$'\t' read -r bin dir pkg <&4; do
	t0=${EPOCHREALTIME/./}
	if (cd "$dir" && "$bin" "$@"); then s=ok; else s=FAIL rc=1; fi
	t=$((${EPOCHREALTIME/./} - t0))
	printf '%s\t%s\t%d.%03ds\n' $s "$pkg" $((t / 1000000)) $((t / 1000 % 1000))
done 4<"$LIST"
exit $rc
