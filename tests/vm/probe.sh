#!/bin/bash
# In the guest, as the user to be tried: $1 is the beginning of the files' names.
cd /
"$MCPBOX" doctor --json >"$1.doctor.json"
for preset in standard strict maximum; do
	"$MCPBOX" run --policy $preset --result "$1.$preset.json" -- /bin/echo hello >"$1.$preset.out" 2>"$1.$preset.err"
	echo $? >"$1.$preset.rc"
done
