#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Build what QEMU boots: the hypervisor, the kernel and dom0's initramfs.
#
#	build-images.sh CACHE OUT SERVER [LIBXENSTORE [TOOLS [SERVER-ARGS]]]
#
# CACHE was filled by fetch.sh. SERVER is the xenstored to test. LIBXENSTORE is
# a directory whose libxenstore.so.4 replaces Debian's, TOOLS a directory whose
# xenstore-* programs replace Debian's; an empty string leaves Debian's. Both
# replacements hold for dom0 and for the guests. The three results are
# OUT/xen, OUT/vmlinux and OUT/dom0.cpio. No root is needed.
#
# Nothing is compressed: under emulation, unpacking costs more than loading.
set -euo pipefail

die()
{
	printf 'build-images.sh: %s\n' "$*" >&2
	exit 1
}

[ $# -ge 3 ] || die "usage: build-images.sh CACHE OUT SERVER [LIBXENSTORE [TOOLS [SERVER-ARGS]]]"
readonly cache=$1 out=$2 server=$3 libxenstore=${4:-} tools=${5:-} server_args=${6:-}
readonly root=$cache/root
here=$(cd "$(dirname "$0")" && pwd)
readonly here

readonly LIBEXEC=usr/lib/xen-4.17/bin
readonly DOM0_MODULES="llc stp bridge xen-evtchn xen-gntdev xen-gntalloc xen-privcmd
	xenfs loop xen-blkback xen-netback"
readonly GUEST_MODULES="xen-privcmd xenfs xen-blkfront xen-netfront"

# The unpacked packages come before the system's libraries, so that the server
# under test runs with the libxen* that fit the hypervisor it will meet.
library_path=${libxenstore:+$libxenstore:}$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu
readonly library_path

# put FILE... TREE/DIR: copy files as they are behind symbolic links.
put()
{
	local dir=${*: -1}

	mkdir -p "$dir"
	cp -L "${@:1:$#-1}" "$dir/"
}

# put_program TREE DIR FILE: copy a program together with its libraries. Within
# the image all libraries live in the loader's default directory; whatever
# search path a program was linked with points to nowhere there.
put_program()
{
	local tree=$1 dir=$2 file=$3 libraries lib

	[ -x "$file" ] || die "no program $file"
	put "$file" "$tree/$dir"

	libraries=$(LD_LIBRARY_PATH=$library_path ldd "$file" 2>/dev/null) || return 0 # a script
	if grep -q 'not found' <<<"$libraries"; then
		die "$file needs libraries that are not here:
$libraries"
	fi
	while read -r lib; do
		case $lib in
		*/ld-linux-x86-64.so.2) put "$lib" "$tree/lib64" ;;
		*) put "$lib" "$tree/lib/x86_64-linux-gnu" ;;
		esac
	done < <(grep -o '/[^ ]*' <<<"$libraries")
}

put_modules()
{
	local tree=$1 module file

	shift
	for module; do
		file=$(find "$root" -name "$module.ko" | head -n 1)
		[ -n "$file" ] || die "the kernel package has no module $module.ko"
		put "$file" "$tree/modules"
	done
	# Both init scripts insert the modules in this order.
	printf '%s\n' "$@" >"$tree/modules/order"
}

# put_base TREE: what dom0 and a guest have in common.
put_base()
{
	local tree=$1 applet file

	mkdir -p "$tree"/{bin,dev,etc,lib/x86_64-linux-gnu,lib64,proc,root,run,sys,tmp,usr/bin,var}
	ln -s ../run "$tree/var/run"
	put "$root/bin/busybox" "$tree/bin"
	for applet in $("$root/bin/busybox" --list); do
		[ -e "$tree/bin/$applet" ] || ln -s busybox "$tree/bin/$applet"
	done

	# The C library loads this one by itself when a thread is cancelled, as
	# libxenstore does with its reader.
	put /lib/x86_64-linux-gnu/libgcc_s.so.1 "$tree/lib/x86_64-linux-gnu"

	for file in "$root"/usr/bin/xenstore-*; do
		put_program "$tree" usr/bin "$file"
	done
	if [ -n "$tools" ]; then
		for file in "$tools"/xenstore-*; do
			put_program "$tree" usr/bin "$file"
		done
	fi
}

# replace_libxenstore TREE: last, as any program may have brought Debian's.
replace_libxenstore()
{
	[ -n "$libxenstore" ] || return 0
	[ -e "$libxenstore/libxenstore.so.4" ] || die "no libxenstore.so.4 in $libxenstore"
	put "$libxenstore/libxenstore.so.4" "$1/lib/x86_64-linux-gnu"
}

# pack TREE FILE: the cpio archive the kernel expects, owned by root.
pack()
{
	(cd "$1" && find . | "$root/bin/busybox" cpio -o -H newc -R 0:0 2>/dev/null) >"$2"
}

build_guest()
{
	local tree=$out/guest

	put_base "$tree"
	# shellcheck disable=SC2086 # a list of names
	put_modules "$tree" $GUEST_MODULES
	replace_libxenstore "$tree"
	cp "$here"/guest/* "$tree/"
	pack "$tree" "$out/guest.cpio"
}

build_dom0()
{
	local tree=$out/dom0 program

	put_base "$tree"
	# shellcheck disable=SC2086 # a list of names
	put_modules "$tree" $DOM0_MODULES

	for program in xl xenconsoled xenconsole xen-init-dom0 libxl-save-helper; do
		put_program "$tree" "$LIBEXEC" "$root/$LIBEXEC/$program"
	done
	ln -s "/$LIBEXEC/xl" "$tree/bin/xl"

	# The hotplug scripts are bash and ask GNU's stat and util-linux's flock
	# for things that busybox does not know. They would prefer brctl to ip,
	# and brctl is not what today's systems have.
	rm -f "$tree"/bin/{bash,brctl,flock,stat,timeout}
	for program in bash flock stat timeout; do
		put_program "$tree" bin "$(type -P "$program")"
	done
	mkdir -p "$tree/etc/xen" "$tree"/var/{lib/xen,lib/xenstored,lock,log/xen/console}
	cp -r "$root/etc/xen/scripts" "$root/etc/xen/xl.conf" "$tree/etc/xen/"

	put_program "$tree" test "$server"
	mv "$tree/test/${server##*/}" "$tree/test/xenstored.tmp"
	mv "$tree/test/xenstored.tmp" "$tree/test/xenstored"
	printf '%s\n' "$server_args" >"$tree/test/server-args"
	replace_libxenstore "$tree"

	cp -r "$here"/dom0/* "$tree/test/"
	mv "$tree/test/init" "$tree/init"
	put "$out/vmlinux" "$out/guest.cpio" "$tree/guest"
	pack "$tree" "$out/dom0.cpio"
}

# unpack_kernel: Debian's vmlinuz is a small loader with an xz archive inside,
# which starts at the first xz signature. What follows the archive makes xz
# complain after it has written everything, hence the check of the result.
unpack_kernel()
{
	local image offset

	image=$(find "$root/boot" -name 'vmlinuz-*' | head -n 1)
	[ -n "$image" ] || die "the kernel package has no vmlinuz"
	offset=$(LC_ALL=C grep -obUaP -m 1 '\xfd7zXZ\x00' "$image" | head -n 1 | cut -d: -f1)
	[ -n "$offset" ] || die "$image holds no xz archive"
	tail -c "+$((offset + 1))" "$image" | xz -dc >"$out/vmlinux" 2>/dev/null || true
	[ "$(head -c 4 "$out/vmlinux")" = $'\x7fELF' ] || die "cannot unpack $image; is xz-utils installed?"
}

mkdir -p "$out"
# QEMU's multiboot loader wants the 32 bit ELF file that is in the archive.
zcat "$root"/boot/xen-*-amd64.gz >"$out/xen"
unpack_kernel
build_guest
build_dom0
rm -rf "$out/guest" "$out/guest.cpio" "$out/dom0"
