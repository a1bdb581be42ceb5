#!/bin/sh
# PID 1 of the test VM. It starts on the host's root (virtiofs, read-only), mounts a tmpfs overlay
# on top and switches to it, mounts only cgroup v2, adds the test users, runs the job and reports
# its exit status.
#
# Kernel command line: vm.job=<script> vm.mod=<folder of modules> vm.top=<this repository>
#   vm.systemd=1|<user>   systemd as PID 1 (with <user> lingering), the job one of its services
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/go/bin
export PATH
mount -t proc proc /proc
read -r CMDLINE </proc/cmdline
for a in $CMDLINE; do
	case $a in
	vm.job=*) JOB=${a#*=} ;;
	vm.mod=*) MOD=${a#*=} ;;
	vm.top=*) TOP=${a#*=} ;;
	vm.systemd=*) SYSTEMD=${a#*=} ;;
	esac
done

power_off() { # with exit status $1
	[ -z "$REPORT" ] || echo "exit=$1" >"$REPORT"
	busybox poweroff -f
}
die() {
	echo "vm-init: $*" >&2
	power_off 99
}
load() {
	[ ! -e "$MOD/$1.ko" ] || busybox insmod "$MOD/$1.ko"
}

# Uses busybox for frequent commands: it is one static program, and the emulated CPU takes 0.2 s to
# load a dynamic one.
mount() { busybox mount "$@"; }

load virtio_console
load overlay
load loop
load virtio_blk
mount -t tmpfs -o mode=0755 tmpfs /mnt || die "no tmpfs"
busybox mkdir /mnt/lower /mnt/up /mnt/work /mnt/root
mount --bind / /mnt/lower
R=/mnt/root
mount -t overlay overlay -o lowerdir=/mnt/lower,upperdir=/mnt/up,workdir=/mnt/work $R || die "no overlay mount"
mount -t proc proc $R/proc
mount -t sysfs sysfs $R/sys
mount -t devtmpfs devtmpfs $R/dev
busybox mkdir -p $R/dev/pts $R/dev/shm
mount -t devpts -o ptmxmode=666 devpts $R/dev/pts
mount -t tmpfs -o mode=1777 tmpfs $R/dev/shm
mount -t tmpfs -o mode=0755 tmpfs $R/run
case $TOP in # a repository below the host's /tmp stays where it is
/tmp/*)
	busybox mkdir /mnt/top
	mount --bind "$R$TOP" /mnt/top || die "no $TOP"
	;;
esac
mount -t tmpfs -o mode=1777 tmpfs $R/tmp
[ ! -d /mnt/top ] || { busybox mkdir -p "$R$TOP" && mount --bind /mnt/top "$R$TOP"; } || die "no $TOP"
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 $R/sys/fs/cgroup || die "no cgroup2"
busybox ln -sf /proc/self/fd $R/dev/fd
busybox ln -sf /proc/self/fd/0 $R/dev/stdin
busybox ln -sf /proc/self/fd/1 $R/dev/stdout
busybox ln -sf /proc/self/fd/2 $R/dev/stderr
busybox ip link set lo up
cd $R || die "cd"
busybox mkdir -p mnt/old
busybox pivot_root . mnt/old && busybox umount -l /mnt/old || die "pivot_root"

for p in /sys/class/virtio-ports/*/name; do
	[ -e "$p" ] || continue
	read -r n <"$p"
	d=/dev/${p#/sys/class/virtio-ports/}
	d=${d%/name}
	case $n in report) REPORT=$d ;; output) OUT=$d ;; results) RESULTS=$d ;; esac
done

busybox cp "${JOB%/*}"/etc/* /etc/ || die "no users"
for u in vm:1000 plain:1001; do
	busybox mkdir -p "/home/${u%:*}" && busybox chown "${u#*:}:${u#*:}" "/home/${u%:*}"
done

busybox mkdir -p /mnt/scratch
mount -t ext4 /dev/vda /mnt/scratch || die "no scratch disk"
export HOME=/root TERM=dumb RESULTS MCPBOX_TEST_DISK=/mnt/scratch
cd /
read -r up _ </proc/uptime
echo "vm-init: $(uname -r), job at ${up}s, controllers: $(cat /sys/fs/cgroup/cgroup.controllers)" >&2

run_systemd() {
	mkdir -p /run/systemd/system /var/lib/systemd/linger
	rm -f /var/lib/systemd/linger/* /etc/systemd/system/*.wants/*
	[ "$SYSTEMD" = 1 ] || : >"/var/lib/systemd/linger/$SYSTEMD"
	: >/etc/fstab
	# Units of the host's that a throw-away guest has no use for.
	for u in systemd-udevd.service systemd-udev-trigger.service systemd-udevd-kernel.socket systemd-udevd-control.socket \
		systemd-hwdb-update.service systemd-journal-flush.service systemd-journal-catalog-update.service \
		systemd-pstore.service systemd-timesyncd.service systemd-random-seed.service systemd-update-utmp.service \
		systemd-machine-id-commit.service systemd-sysusers.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount \
		systemd-modules-load.service systemd-firstboot.service systemd-boot-system-token.service \
		modprobe@drm.service modprobe@configfs.service modprobe@fuse.service kmod-static-nodes.service \
		systemd-ask-password-console.path systemd-ask-password-wall.path dev-hugepages.mount dev-mqueue.mount \
		sys-kernel-debug.mount sys-kernel-tracing.mount systemd-tmpfiles-setup-dev.service \
		apparmor.service keyboard-setup.service console-setup.service; do
		ln -s /dev/null "/run/systemd/system/$u"
	done
	cat >/run/systemd/system/vm-job.service <<-EOF
		[Unit]
		Wants=dbus.socket systemd-logind.service systemd-user-sessions.service
		After=dbus.socket systemd-logind.service systemd-user-sessions.service
		[Service]
		Type=oneshot
		Delegate=yes
		TimeoutStartSec=infinity
		Environment=HOME=/root PATH=$PATH RESULTS=$RESULTS MCPBOX_TEST_DISK=$MCPBOX_TEST_DISK
		ExecStart=/bin/bash -c 'bash "$JOB" >"$OUT" 2>&1 </dev/null; echo exit=\$\$? >"$REPORT"; echo o >/proc/sysrq-trigger; sleep 30'
	EOF
	cat >/run/systemd/system/vm-job.target <<-EOF
		[Unit]
		Requires=vm-job.service
	EOF
	exec /lib/systemd/systemd --system --unit=vm-job.target --log-target=console --log-level=notice --show-status=0
}
if [ -n "$SYSTEMD" ]; then
	run_systemd
	die "no systemd"
fi
bash "$JOB" >"$OUT" 2>&1 </dev/null
power_off $?
