#!/bin/bash
# Installs what run.sh needs and unpacks the guest kernels. Idempotent.
#   tests/vm/prep.sh [kernel…]      (default: 6.12 6.1)
# The kernel packages are only downloaded and unpacked in the state folder:
# nothing goes to /boot and no service is started.
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

unpack_kernel() {
	local dir=$STATE/$1 meta pkg tmp m
	# Complete, and with this list of modules.
	[ "$(cat "$dir/modules" 2>/dev/null)" = "$BOOT_MODULES $LATE_MODULES" ] && return
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
	cp "$tmp"/boot/vmlinuz-* "$dir/vmlinuz"
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
