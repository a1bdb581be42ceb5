#!/bin/bash
# Runs a command in a throw-away VM: a Debian kernel under QEMU, the host's
# root read-only over virtiofs with a tmpfs overlay on top, pure cgroup v2 at
# /sys/fs/cgroup, root inside.
#
#   tests/vm/run.sh [-k kernel] [-t seconds] [-o results] [-m MiB] [-c cpus] [-a append] -- command…
#
# The command's output comes out here. Exit status: the command's own; 124 time
# limit, 125 the guest died without a report. What the command leaves in
# /tmp/results comes back in the results folder. VM_ENV names the variables
# that the guest gets. VM_ACCEL=kvm VM_CPU=host where KVM really works.
set -u
ARGS=("$@")
HERE=$(cd "$(dirname "$0")" && pwd)
STATE=${VM_STATE:-${XDG_CACHE_HOME:-$HOME/.cache}/mcpbox-vm}
KERNEL=${VM_KERNEL:-6.12} LIMIT=240 RESULTS= MEM=2048 CPUS=1 APPEND=
usage() { echo "usage: run.sh [-k kernel] [-t seconds] [-o results] [-m MiB] [-c cpus] [-a append] -- command…" >&2; exit 2; }
while getopts k:t:o:m:c:a: o; do
	case $o in
	k) KERNEL=$OPTARG ;; t) LIMIT=$OPTARG ;; o) RESULTS=$OPTARG ;; m) MEM=$OPTARG ;;
	c) CPUS=$OPTARG ;; a) APPEND=$OPTARG ;; *) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || usage
K=$STATE/$KERNEL
[ -e "$K/version" ] || { echo "vm: no kernel $KERNEL; run: tests/vm/prep.sh $KERNEL" >&2; exit 125; }
[ "$(id -u)" = 0 ] || { echo "vm: run.sh needs root on the host (virtiofsd)" >&2; exit 125; }

RUN=$(mktemp -d /var/tmp/mcpbox-vm.XXXXXX) # not under /tmp: the guest has its own
mkdir "$RUN/root"
{
	echo "cd $(printf %q "$PWD")"
	for v in ${VM_ENV:-}; do [ -z "${!v+x}" ] || printf 'export %s=%q\n' "$v" "${!v}"; done
	echo 'mkdir -m 1777 -p /tmp/results'
	printf '%q ' "$@"
	echo
	echo 'rc=$?'
	echo '[ -z "$(ls -A /tmp/results)" ] || tar -c -C /tmp/results . >"$RESULTS"'
	echo 'exit $rc'
} >"$RUN/job.sh"
# The guest's users: uid 1000 (vm: with subordinate ids) and uid 1001 (plain: without), whatever the host's files say.
mkdir "$RUN/etc"
for f in passwd group shadow subuid subgid; do
	grep -s -v -e '^vm:' -e '^plain:' -e '^[^:]*:[^:]*:100[01]:' /etc/$f >"$RUN/etc/$f"
done
for u in vm:1000 plain:1001; do
	n=${u%:*} i=${u#*:}
	echo "$n:x:$i:$i::/home/$n:/bin/bash" >>"$RUN/etc/passwd"
	echo "$n:x:$i:" >>"$RUN/etc/group"
	echo "$n:*:19000:0:99999:7:::" >>"$RUN/etc/shadow"
done
echo vm:100000:65536 | tee -a "$RUN/etc/subuid" >>"$RUN/etc/subgid"
VFSD=/usr/lib/qemu/virtiofsd
[ -x $VFSD ] || VFSD=/usr/libexec/virtiofsd
# MALLOC_ARENA_MAX and --thread-pool-size=0: for its 9th arena, glibc's malloc calls
# sched_getaffinity, and then Debian 12's virtiofsd is killed by its own filter.
# A private mount namespace with / bound read-only: even root in the guest can't write the host.
unshare -m --propagation private sh -c '
	mount --bind / "$1/root" && mount -o remount,bind,ro "$1/root" || exit 1
	MALLOC_ARENA_MAX=1 exec "$2" --socket-path="$1/vfs.sock" -o source="$1/root" -o sandbox=chroot -o cache=always --thread-pool-size=0' \
	sh "$RUN" $VFSD >"$RUN/virtiofsd.log" 2>&1 &
FS=$!
QEMU=
cleanup() {
	[ -z "$QEMU" ] || kill "$QEMU" 2>/dev/null
	kill "$FS" 2>/dev/null
	wait "$FS" 2>/dev/null
	if [ -n "${VM_KEEP:-}" ]; then echo "vm: kept $RUN" >&2; else rm -rf --one-file-system "$RUN"; fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM
for _ in $(seq 100); do [ -S "$RUN/vfs.sock" ] && break; sleep 0.05; done

# A separate disk for the guest, mounted on /mnt/scratch, because io limits need a block device.
truncate -s 64M "$RUN/disk" && mkfs.ext4 -q -F -O ^has_journal "$RUN/disk" || { echo "vm: no mkfs.ext4" >&2; exit 125; }
INITRD=()
BOOT="root=rootfs rootfstype=virtiofs ro init=$HERE/guest-init.sh"
if [ -e "$K/initrd" ]; then
	INITRD=(-initrd "$K/initrd")
	BOOT="vm.init=$HERE/guest-init.sh"
fi
exec 3> >(exec cat) # a write-only descriptor, whatever our stdout is
CAT=$!
timeout -k 5 "$LIMIT" qemu-system-x86_64 -M q35 -accel "${VM_ACCEL:-tcg,thread=multi}" -cpu "${VM_CPU:-max,la57=off}" \
	-smp "$CPUS" -m "$MEM" -object memory-backend-memfd,id=mem,size="${MEM}M",share=on -numa node,memdev=mem \
	-nodefaults -no-user-config -display none -no-reboot \
	-kernel "$K/vmlinux" "${INITRD[@]}" \
	-append "console=ttyS0 quiet panic=-1 mitigations=off rcupdate.rcu_expedited=1 nokaslr $BOOT vm.job=$RUN/job.sh vm.mod=$K/mod vm.top=$(realpath "$HERE/../..") $APPEND" \
	-serial "file:$RUN/console.log" \
	-chardev socket,id=fs,path="$RUN/vfs.sock" -device vhost-user-fs-pci,chardev=fs,tag=rootfs \
	-drive file="$RUN/disk",format=raw,if=none,id=disk,cache=unsafe -device virtio-blk-pci,drive=disk \
	-device virtio-serial-pci \
	-chardev file,id=rep,path="$RUN/report" -device virtserialport,chardev=rep,name=report \
	-chardev file,id=res,path="$RUN/results.tar" -device virtserialport,chardev=res,name=results \
	-add-fd fd=3,set=1 -chardev file,id=out,path=/dev/fdset/1,append=on -device virtserialport,chardev=out,name=output \
	</dev/null 1>&2 &
QEMU=$!
wait -n "$QEMU" "$FS" # the guest hangs for good if virtiofsd goes: don't sit out the limit
for _ in $(seq 30); do kill -0 "$QEMU" 2>/dev/null || break; sleep 0.1; done
if kill -0 "$QEMU" 2>/dev/null; then
	echo "vm: virtiofsd went away" >&2
	kill "$QEMU"
fi
wait "$QEMU"
qrc=$?
QEMU=
exec 3>&-
wait "$CAT" 2>/dev/null
rc=$(sed -n 's/^exit=//p' "$RUN/report" 2>/dev/null)
if [ -n "$RESULTS" ] && [ -s "$RUN/results.tar" ]; then mkdir -p "$RESULTS" && tar -x -f "$RUN/results.tar" -C "$RESULTS"; fi
if [ -z "$rc" ]; then
	echo "vm: no exit status from the guest (qemu $qrc); last console lines:" >&2
	tail -n 25 "$RUN/console.log" >&2
	# The emulated CPU makes a guest kernel panic now and then, before anything of ours has run. Once more, and said.
	if [ -z "${VM_AGAIN:-}" ] && grep -q 'Kernel panic' "$RUN/console.log"; then
		echo "vm: the guest's kernel panicked; starting it once more" >&2
		cleanup
		VM_AGAIN=1 exec "$0" "${ARGS[@]}"
	fi
	if [ $qrc = 124 ] || [ $qrc = 137 ]; then rc=124; else rc=125; fi
fi
exit "$rc"
