#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Installs everything into a temporary directory, moves that elsewhere and uses it from there. The
# utilities must find their own library, although the system's may be another; the unit must start the
# server that was installed with it.
#
#	install.sh BUILD_DIRECTORY
set -u
BUILD=$1
. "$(dirname "$0")/lib.sh"
unset LD_LIBRARY_PATH

cmake --install "$BUILD" --prefix "$dir/first" >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
unit=$(find "$dir/first" -name xenstored.service)
checks=$((checks + 1))
program=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$unit")
[ "$program" = "$(find "$dir/first" -name xenstored -type f -perm -u+x)" ] ||
	fail "the unit starts '$program'"

mv "$dir/first" "$dir/moved"
TOOLS=$(dirname "$(find "$dir/moved" -name xenstore-control -type f)")
SERVER=$(find "$dir/moved" -name xenstored -type f -perm -u+x)
library=$(find "$dir/moved" -name libxenstore.so.4)
for name in xenstore xenstore-read xenstore-control; do
	checks=$((checks + 1))
	found=$(ldd "$TOOLS/$name" | sed -n 's/.*libxenstore[.]so[.]4 => \([^ ]*\) .*/\1/p')
	[ "$(readlink -f "$found")" = "$(readlink -f "$library")" ] ||
		fail "$name uses '$found' and not $library"
done

start_server
expect 0 "" "$TOOLS/xenstore-write" /installed/here yes
expect 0 "yes" "$TOOLS/xenstore-read" -s /installed/here
expect 0 '/installed/here = "yes"' "$TOOLS/xenstore-ls" -f /installed
expect 0 "OK" "$TOOLS/xenstore-control" check
finish_tests
