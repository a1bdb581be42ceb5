#!/bin/bash
# Installs what run.sh needs and unpacks the guest kernels. Idempotent.
#   tests/vm/prep.sh [kernel…]      (default: 6.12 6.1)
# The kernel packages are only downloaded and unpacked in the state folder. Nothing is written to
# /boot, and no service is started.
set -eu
STATE=${VM_STATE:-${XDG_CACHE_HOME:-$HOME/.cache}/mcpbox-vm}
KERNELS=${*:-6.12 6.1}

# Modules that the guest loads, in load order; those built in are not in the package.
BOOT_MODULES="virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci fuse virtiofs"
LATE_MODULES="virtio_console overlay loop virtio_blk"

meta_package() {
	case $1 in
	6.12) echo linux-image-6.12-cloud-amd64 ;;
	6.1) echo linux-image-cloud-amd64 ;; # Debian 12's own
	*) echo "prep.sh: unknown kernel $1 (6.12, 6.1)" >&2; exit 2 ;;
	esac
}

install_tools() {
	local need=()
	[ -x /usr/bin/qemu-system-x86_64 ] || need+=(qemu-system-x86)
	[ -x /usr/lib/qemu/virtiofsd ] || [ -x /usr/libexec/virtiofsd ] || need+=(qemu-system-common)
	[ -x /sbin/mkfs.ext4 ] || need+=(e2fsprogs)
	[ -x /bin/busybox ] || need+=(busybox-static)
	command -v xz >/dev/null || need+=(xz-utils)
	command -v zstd >/dev/null || need+=(zstd)
	command -v lz4 >/dev/null || need+=(lz4)
	command -v cpio >/dev/null || need+=(cpio)
	[ ${#need[@]} = 0 ] && return
	apt-get -qq update
	DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq install -y --no-install-recommends "${need[@]}" </dev/null
}

# make_initrd DIR: for kernels that have no virtiofs built in.
make_initrd() {
	local dir=$1 root=$1/initrd.d m
	rm -rf "$root" && mkdir -p "$root"/{bin,proc,dev,newroot,mod}
	cp /bin/busybox "$root/bin/"
	{
		echo '#!/bin/busybox sh'
		echo 'b=/bin/busybox; $b mount -t proc proc /proc; $b mount -t devtmpfs dev /dev'
		for m in $BOOT_MODULES; do
			[ -e "$dir/mod/$m.ko" ] || continue
			cp "$dir/mod/$m.ko" "$root/mod/"
			echo "\$b insmod /mod/$m.ko"
		done
		echo 'for a in $($b cat /proc/cmdline); do case $a in vm.init=*) init=${a#*=} ;; esac; done'
		echo '$b mount -t virtiofs -o ro rootfs /newroot || $b poweroff -f'
		echo '$b umount /proc; $b umount /dev; exec $b switch_root /newroot "$init"'
	} >"$root/init"
	chmod 755 "$root/init"
	(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$dir/initrd"
	rm -rf "$root"
}

# unpack_image BZIMAGE VMLINUX: QEMU starts the ELF inside as well (its PVH note), and an emulated CPU takes four seconds
# to unpack it. Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length
unpack_image() {
	local at unpack
	number() { od -An -t "u$2" -j "$1" -N "$2" "$image" | tr -d ' '; }
	local image=$1
	at=$((($(number $((0x1f1)) 1) + 1) * 512 + $(number $((0x248)) 4)))
	case $(od -An -t x1 -j $at -N 4 "$image" | tr -d ' ') in
	28b52ffd) unpack=zstd ;; 02214c18) unpack=lz4 ;; fd377a58) unpack=xz ;; 1f8b*) unpack=gzip ;;
	*) echo "prep.sh: $image is packed in a way that is not known here" >&2; return 1 ;;
	esac
	# Behind the payload stands its size, which the programs take for garbage: what came out is looked at instead.
	tail -c +$((at + 1)) "$image" | head -c "$(number $((0x24c)) 4)" | $unpack -dc >"$2" 2>/dev/null || :
	[ "$(head -c 4 "$2" | od -An -t x1)" = " 7f 45 4c 46" ] || { echo "prep.sh: no ELF in $image" >&2; return 1; }
}

unpack_kernel() {
	local dir=$STATE/$1 meta pkg tmp m
	# Complete, and with this list of modules.
	[ -e "$dir/vmlinux" ] && [ "$(cat "$dir/modules" 2>/dev/null)" = "$BOOT_MODULES $LATE_MODULES" ] && return
	rm -rf "$dir"
	meta=$(meta_package "$1")
	apt-cache show "$meta" >/dev/null 2>&1 || apt-get -qq update
	pkg=$(apt-cache depends --important "$meta" | sed -n 's/^ *Depends: //p' | head -n 1)
	mkdir -p "$dir/mod"
	tmp=$(mktemp -d)
	(cd "$tmp" && apt-get -qq download "$pkg" 2>/dev/null)
	dpkg-deb --fsys-tarfile "$tmp"/*.deb | tar -x -C "$tmp"
	for m in $BOOT_MODULES $LATE_MODULES; do
		find "$tmp/lib/modules" -name "$m.ko*" -exec cp {} "$dir/mod/" \;
	done
	! compgen -G "$dir/mod/*.xz" >/dev/null || xz -df "$dir"/mod/*.xz
	unpack_image "$tmp"/boot/vmlinuz-* "$dir/vmlinux"
	rm -rf "$tmp"
	[ ! -e "$dir/mod/virtiofs.ko" ] || make_initrd "$dir"
	echo "$pkg" >"$dir/version"
	echo "$BOOT_MODULES $LATE_MODULES" >"$dir/modules"
}

install_tools
for k in $KERNELS; do
	unpack_kernel "$k"
	echo "vm: kernel $k: $(cat "$STATE/$k/version")" >&2
done
