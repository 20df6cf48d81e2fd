#!/bin/bash
# SPDX-License-Identifier: MIT
#
# check_circles.sh ARCHIVE... - no file takes names from one that takes names from it.
#
# Looks at the object files: who defines a name and who needs it. What is called through a pointer
# is not seen, and need not be: that is how one calls up.
set -eu -o pipefail
export LC_ALL=C

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# name and object, of what is defined and of what is needed; object files are named by their archive.
nm --print-file-name --extern-only --defined-only "$@" 2>/dev/null |
	awk '{ split($1, at, ":"); print $NF, at[1] ":" at[2] }' |
	sort -u >"$work/defined"
nm --print-file-name --undefined-only "$@" 2>/dev/null |
	awk '{ split($1, at, ":"); print $NF, at[1] ":" at[2] }' | sort -u >"$work/needed"
[ -s "$work/defined" ] && [ -s "$work/needed" ] || { echo "nothing to look at" >&2; exit 1; }

join "$work/needed" "$work/defined" | awk '$2 != $3 { print $2, $3 }' | sort -u >"$work/arrows"
if ! tsort "$work/arrows" >/dev/null 2>"$work/loops"; then
	sed 's/^tsort: //' "$work/loops" >&2
	exit 1
fi
echo "no circles among $(cut -d' ' -f1 "$work/defined" | wc -l) names, $(wc -l <"$work/arrows") arrows"
