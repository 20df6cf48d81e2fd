# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by the scripts of this directory: where things are, and a directory to work in.
#
# XS_BUILD names the build directory (build/), XEN_TEST_CACHE where the packages are kept.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
build=${XS_BUILD:-$source_dir/build}
cache=${XEN_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/xenstored-tests/xen}
root=$cache/root
debian_libs=$root/usr/lib/x86_64-linux-gnu
debian_servers=$root/usr/lib/xen-4.17/bin
debian_tools=$root/usr/bin

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Debian's packages, fetched once; nothing is installed.
fetch() {
	local file

	"$here/../xen/fetch.sh" "$cache" || die "Debian's packages of Xen 4.17 cannot be had; see above"
	for file in "$debian_servers/xenstored" "$debian_servers/oxenstored" "$debian_tools/xenstore" \
			"$debian_libs/libxenstore.so.4"; do
		[ -e "$file" ] || die "the packages in $cache lack $file; remove $cache to fetch them anew"
	done
}

need_build() { # FILE...
	local file

	for file; do
		[ -e "$build/$file" ] || die "$build/$file is missing: build first, or set XS_BUILD"
	done
}

# A directory for the test, in memory if possible: sockets have short names, and servers are many.
# Servers started in it are stopped when the script ends.
make_work() {
	local where=${TMPDIR:-/tmp}

	[ ! -w /dev/shm ] || where=/dev/shm
	work=$(mktemp -d "$where/xscross.XXXXXX") || die "no directory to work in"
	export CROSS_OWNER=$$
	trap 'clean_up' EXIT
	trap 'exit 1' INT TERM
}

clean_up() {
	local dir

	for dir in "$work"/*/; do
		[ ! -e "${dir}server" ] || "$here/reference.sh" stop "${dir%/}"
	done
	rm -rf "$work"
}

# Starts a server in $work/NAME; its socket is $work/NAME/run/socket.
start() { # NAME
	"$here/reference.sh" start "$1" "$work/$1" || die "$1 does not start"
}
