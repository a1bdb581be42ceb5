#!/bin/bash
# In the guest: runs a command as the kind of user that the mode names.
#   as.sh root|delegated|plain|systemd command…
set -u
MODE=$1
shift
case $MODE in
root) exec "$@" ;;
plain) # uid 1001: no subordinate ids, no cgroup of its own
	exec runuser -u plain -- env HOME=/home/plain "$@" ;;
delegated) # what a container manager or an administrator does for a user
	cd_to=$PWD
	C=/sys/fs/cgroup/delegated
	echo "+cpu +memory +pids" >/sys/fs/cgroup/cgroup.subtree_control
	mkdir -p $C/session
	chown vm:vm $C $C/cgroup.procs $C/cgroup.subtree_control $C/cgroup.threads $C/session $C/session/cgroup.*
	echo $$ >$C/session/cgroup.procs
	cd "$cd_to" && exec runuser -u vm -- env HOME=/home/vm "$@" ;;
systemd)
	export XDG_RUNTIME_DIR=/run/user/1000
	for _ in $(seq 300); do [ -S $XDG_RUNTIME_DIR/bus ] && break; sleep 0.2; done
	[ -S $XDG_RUNTIME_DIR/bus ] || { echo "as.sh: the user's bus did not come up" >&2; exit 1; }
	# A login would be in a cgroup of the user's; a scope is what stands for it.
	exec runuser -u vm -- env HOME=/home/vm XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR \
		DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus "$@" ;;
*) echo "as.sh: unknown mode $MODE" >&2; exit 2 ;;
esac
