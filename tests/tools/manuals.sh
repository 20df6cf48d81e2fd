#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each program has a manual page that man(1) shows without a warning, and that knows each option
# that --help knows.
#
#	manuals.sh TOOLS MANUALS
set -u
TOOLS=$1 MANUALS=$2 SERVER=
. "$(dirname "$0")/lib.sh"
command -v man >/dev/null || skip "no man(1)"
export LC_ALL=C.UTF-8 MANWIDTH=80
unset MANPAGER PAGER

for program in "$TOOLS"/xenstore "$TOOLS"/xenstore-*; do
	name=${program##*/}
	page=$MANUALS/$name.1
	checks=$((checks + 1))
	[ -f "$page" ] || { fail "$name has no manual page"; continue; }
	man -l --warnings "$page" >"$dir/text" 2>"$dir/warnings" || fail "man -l $page"
	[ ! -s "$dir/warnings" ] || { fail "warnings about $page"; cat "$dir/warnings"; }
	grep -q "^NAME" "$dir/text" && grep -q "$name - " "$dir/text" || fail "$page has no name"
	for option in $("$program" --help | grep -oE -e '(^|[ [,])--?[a-zA-Z][a-z-]*' | tr -d ' [,' |
			sort -u); do
		grep -qE -e "(^|[^a-zA-Z-])$option([^a-z-]|\$)" "$dir/text" ||
			fail "$page does not tell of $option"
	done
done
for mode in export import diff; do
	checks=$((checks + 1))
	for option in $("$TOOLS/xenstore" $mode --help | grep -oE -e '--[a-z-]+'); do
		man -l "$MANUALS/xenstore.1" 2>/dev/null | grep -q -e "$option" ||
			fail "xenstore.1 does not tell of $option of $mode"
	done
done
finish_tests
