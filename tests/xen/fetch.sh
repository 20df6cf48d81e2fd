#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Fetch what a Xen host is made of: hypervisor, toolstack, kernel, busybox.
#
#	fetch.sh CACHE
#
# The packages are downloaded through apt from the mirror this machine already
# trusts and unpacked below CACHE/root. Nothing is installed: a machine that
# only builds and tests must not become a Xen host (xen-utils and the kernel
# package would rearrange its boot loader).
#
# A filled cache is used as it is and needs no network. Remove it to renew it.
set -euo pipefail

readonly XEN=4.17

# The library packages are those which the programs of xen-utils name and which
# a Debian system without Xen does not have. A library missing here shows up in
# build-images.sh, which refuses to build an image with an unresolved one.
readonly PACKAGES=(
	busybox-static
	"xen-hypervisor-$XEN-amd64"
	"xen-utils-$XEN" xen-utils-common xenstore-utils
	libxencall1 libxendevicemodel1 libxenevtchn1 libxenforeignmemory1
	libxengnttab1 libxenhypfs1 "libxenmisc$XEN" libxenstore4
	libxentoolcore1 libxentoollog1 libyajl2
)

die()
{
	printf 'fetch.sh: %s\n' "$*" >&2
	exit 1
}

[ $# -eq 1 ] || die "usage: fetch.sh CACHE"
readonly cache=$1
mkdir -p "$cache"

# Two test runs may start with the same empty cache.
exec 9>"$cache/lock"
flock 9

# The stamp is written last, so a fetch that was interrupted starts again.
stamp="$cache/complete"
if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "${PACKAGES[*]}" ]; then
	exit 0
fi

command -v apt-get >/dev/null || die "apt-get not found: this needs Debian 12"

# linux-image-amd64 is an empty package that depends on the current kernel.
current_kernel()
{
	apt-cache depends linux-image-amd64 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-.*\)$/\1/p' | head -n 1
}

kernel=$(current_kernel)
if [ -z "$kernel" ]; then
	# A machine that never asked its mirror yet.
	apt-get update -q >&2 || true
	kernel=$(current_kernel)
fi
[ -n "$kernel" ] || die "apt knows no linux-image-amd64; run 'apt-get update' first"

rm -rf "$cache/debs" "$cache/root" "$stamp"
mkdir "$cache/debs" "$cache/root"

printf 'fetching %d packages into %s\n' $((${#PACKAGES[@]} + 1)) "$cache" >&2
if ! (cd "$cache/debs" && apt-get -q download "${PACKAGES[@]}" "$kernel") >"$cache/apt.log" 2>&1; then
	cat "$cache/apt.log" >&2
	die "apt-get download failed; run 'apt-get update', or look at the mirror"
fi

for deb in "$cache"/debs/*.deb; do
	dpkg -x "$deb" "$cache/root" || die "cannot unpack $deb"
done
rm -r "$cache/debs"

printf '%s\n' "${PACKAGES[*]}" >"$stamp"
