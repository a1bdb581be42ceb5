#!/bin/bash
# In the guest: runs doctor and each preset, for each named line of hosts.tsv. Writes
# <host>.doctor.json and, for each preset, .json, .err and .rc to /tmp/results.
set -u
HERE=$(cd "$(dirname "$0")" && pwd)
LIST=$1
shift
uname -r >/tmp/results/kernel
for host in "$@"; do
	IFS=$'\t' read -r _ as setup _ < <(grep -P "^$host\t" "$LIST")
	before=
	if [ "$setup" != - ]; then
		file=/proc/sys/$(tr . / <<<"${setup%=*}")
		before=$(cat "$file")
		echo "${setup#*=}" >"$file"
	fi
	cp /tmp/results/kernel "/tmp/results/$host.kernel"
	bash "$HERE/as.sh" "$as" bash "$HERE/probe.sh" "/tmp/results/$host"
	[ -z "$before" ] || echo "$before" >"$file"
done
rm -f /tmp/results/kernel
