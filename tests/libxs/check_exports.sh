#!/bin/sh
# SPDX-License-Identifier: MIT
# Compares the symbols of the built library, with their versions, with exports.txt; and checks that
# everything an installed library of the same name exports is exported with the same version.
#
#	check_exports.sh LIBRARY EXPORTS_TXT
set -eu

library=$1
expected=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Defined functions as "name version".
symbols() {
	nm -D --defined-only --with-symbol-versions "$1" |
		sed -n 's/^[0-9a-f]* [TW] \([^@]*\)@@*\(.*\)$/\1 \2/p' | LC_ALL=C sort
}

symbols "$library" >"$work/ours"
LC_ALL=C sort "$expected" >"$work/expected"
if ! diff -u "$work/expected" "$work/ours"; then
	echo "FAILED: $library does not export what $expected lists"
	exit 1
fi

# Nothing else may be visible, neither data nor symbols without a version.
if nm -D --defined-only "$library" | grep -v ' [TA] '; then
	echo "FAILED: $library exports something that is not a function"
	exit 1
fi

soname=$(readelf -d "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]$/\1/p')
if [ "$soname" != libxenstore.so.4 ]; then
	echo "FAILED: soname is $soname"
	exit 1
fi

# Version definitions, and which inherits which.
for pair in "VERS_4.1 VERS_4.0" "VERS_4.2 VERS_4.1"; do
	child=${pair% *}
	parent=${pair#* }
	if ! readelf -V "$library" | grep -A1 "Name: $child\$" | grep -q "Parent 1: $parent\$"; then
		echo "FAILED: $child does not inherit $parent"
		exit 1
	fi
done

installed=
for candidate in /usr/lib/*/libxenstore.so.4 /usr/lib64/libxenstore.so.4 /usr/lib/libxenstore.so.4; do
	if [ -e "$candidate" ]; then
		installed=$candidate
	fi
done
if [ -z "$installed" ]; then
	echo "NOT COMPARED with another library: no libxenstore.so.4 is installed here"
	exit 0
fi
symbols "$installed" >"$work/theirs"
if [ ! -s "$work/theirs" ]; then
	echo "FAILED: no symbols found in $installed"
	exit 1
fi
LC_ALL=C comm -23 "$work/theirs" "$work/ours" >"$work/missing"
if [ -s "$work/missing" ]; then
	echo "FAILED: $installed exports these, we do not:"
	cat "$work/missing"
	exit 1
fi
echo "$(wc -l <"$work/ours") symbols, among them all $(wc -l <"$work/theirs") of $installed"
