#!/bin/bash
# In a guest with systemd as PID 1: the units of `mcpbox serve --print-unit`, as docs/API.md says to
# install them. The first client starts the daemon; limits are cgroups; a reload, a
# crash and a stop do what they should. Prints one line for each, and fails with the first that is
# not so.
#   serve-unit.sh MCPBOX
set -eu
BOX=$1 SOCKET=/run/mcpbox/mcpbox.sock
ask() { curl -sS --max-time 60 --unix-socket $SOCKET "http://mcpbox$1" "${@:2}"; }
fail() {
	echo "FAIL: $*" >&2
	systemctl status --no-pager mcpbox.service mcpbox.socket >&2 || :
	journalctl --no-pager -u mcpbox.service 2>/dev/null | tail -n 20 >&2 || :
	exit 1
}
is() { # WHAT TEXT PATTERN
	[[ $2 =~ $3 ]] || fail "$1: $2"
	echo "ok: $1"
}
for kind in service socket; do
	"$BOX" serve --print-unit=$kind >/etc/systemd/system/mcpbox.$kind
done
out=$(systemd-analyze verify --man=no /etc/systemd/system/mcpbox.{service,socket} 2>&1 | grep mcpbox || :)
is "systemd-analyze verify has nothing to say" "$out" '^$'
systemctl daemon-reload
systemctl start mcpbox.socket
is "the daemon does not run yet" "$(systemctl is-active mcpbox.service || :)" inactive
out=$(ask /v1/executions -d '{"command": ["cat", "/proc/self/cgroup"]}')
is "the first client starts it, and is answered" "$out" '"status":"ok"'
is "limits are the kernel's" "$out" '"memory":\{"value":536870912,"backend":"cgroup2"'
is "systemd was told that it is ready" "$(systemctl is-active mcpbox.service)" '^active'
PID=$(systemctl show -p MainPID --value mcpbox.service)
is "sandboxes have cgroups" "$(find /sys/fs/cgroup/mcpbox -name 'mcpbox-*' | head -1)" mcpbox-
systemctl reload mcpbox.service
is "a reload keeps the process" "$(systemctl show -p MainPID --value mcpbox.service)" "^$PID\$"
ID=$(ask /v1/executions -d '{"command": ["sleep", "600"], "mode": "async"}' | grep -o 'x-[0-9a-f]*')
kill -9 "$PID"
for _ in $(seq 100); do
	now=$(systemctl show -p MainPID --value mcpbox.service)
	[ "$now" != 0 ] && [ "$now" != "$PID" ] && systemctl -q is-active mcpbox.service && break
	sleep 0.2
done
is "after a crash, systemd starts it again" "$(systemctl is-active mcpbox.service)" '^active'
is "what ran is lost, and it says so" "$(ask "/v1/executions/$ID")" '"state":"lost"'
is "nothing of it runs" "$(pgrep -fc '^sleep 600' || :)" '^0'
systemctl stop mcpbox.service
is "a stop leaves systemd's socket" "$(test -S $SOCKET && echo there)" there
is "a stop leaves no cgroup" "$(find /sys/fs/cgroup -name 'mcpbox-*' | head -1)" '^$'
is "the next client starts it again" "$(ask /v1/version)" '"api":"v1"'
systemd-analyze security --no-pager mcpbox.service 2>/dev/null | tail -n 1 || :
systemctl stop mcpbox.socket mcpbox.service
echo "ok: all"
