#!/bin/bash
# Tries mcpbox on hosts of different kinds, each in a VM:
#   tests/vm/hosts.sh [host…]     writes docs/HOSTS.md; fails where a host does not do what is expected of it
# Needs bin/mcpbox (make build). One boot tries all hosts with the same kernel and command line, one
# after the other.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
export MCPBOX=${MCPBOX:-$TOP/bin/mcpbox}
[ -x "$MCPBOX" ] || { echo "hosts.sh: no $MCPBOX: make build" >&2; exit 2; }
OUT=$(mktemp -d /var/tmp/mcpbox-hosts.XXXXXX)
trap 'rm -rf "$OUT"' EXIT

# kernel | kernel command line | hosts of hosts.tsv that it boots for
boot() {
	local kernel=$1 append=$2 hosts=()
	shift 2
	for h in "$@"; do
		[ ${#WANTED[@]} = 0 ] || [[ " ${WANTED[*]} " = *" $h "* ]] || continue
		hosts+=("$h")
	done
	[ ${#hosts[@]} != 0 ] || return 0
	echo "vm: $kernel ${append:-(plain)}: ${hosts[*]}" >&2
	VM_ENV="MCPBOX" "$HERE/run.sh" -k "$kernel" -t 200 -a "$append" -o "$OUT" -- bash "$HERE/guest-hosts.sh" "$HERE/hosts.tsv" "${hosts[@]}"
}
WANTED=("$@")
boot 6.12 "" root-6.12 delegated-6.12 plain-6.12 no-userns-sysctl no-userns-debian
boot 6.12 "vm.systemd=vm" systemd-6.12
boot 6.12 "lsm=capability,yama" no-landlock
boot 6.12 "cgroup_disable=memory" no-memory-controller
boot 6.1 "" root-6.1 delegated-6.1 plain-6.1
boot 6.1 "vm.systemd=vm" systemd-6.1
go run "$HERE/hosts" -expect "$HERE/hosts.tsv" -results "$OUT" ${WANTED:+-only "$(IFS=,; echo "${WANTED[*]}")"} >"$OUT/HOSTS.md" || { cat "$OUT/HOSTS.md"; exit 1; }
if [ ${#WANTED[@]} = 0 ]; then
	echo >>"$OUT/HOSTS.md"
	sed -n '/^## Inside containers/,$p' "$TOP/docs/HOSTS.md" >>"$OUT/HOSTS.md" # of containers.sh
	cp "$OUT/HOSTS.md" "$TOP/docs/HOSTS.md"
else cat "$OUT/HOSTS.md"; fi
