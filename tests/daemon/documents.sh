#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The daemon's documents agree with the daemon: the manual page is well-formed and names every
# option, the unit is one that systemd understands and starts the server with words it knows.
#
# usage: documents.sh PROGRAM MANUAL UNIT
set -u
program=$1 manual=$2 unit=$3
failures=0

fail() {
	echo "FAILED: $*" >&2
	failures=$((failures + 1))
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if command -v man >/dev/null; then
	man -l --warnings -E UTF-8 "$manual" >"$scratch/text" 2>"$scratch/warnings"
	[ ! -s "$scratch/warnings" ] || fail "the manual page: $(cat "$scratch/warnings")"
	for heading in OPTIONS ENVIRONMENT FILES SIGNALS RESTART DIFFERENCES; do
		grep -q "^$heading" "$scratch/text" || fail "the manual page has no $heading"
	done
else
	echo "SKIPPED: there is no man: the manual page is not looked at as a reader sees it"
fi

# Long options in the summary, and short ones in front of them.
"$program" --help 2>"$scratch/help" || fail "--help ends with a failure"
n=0
while read -r option; do
	n=$((n + 1))
	sed 's/\\-/-/g' "$manual" | grep -qe "$option\b" || fail "the manual page does not name $option"
done < <(grep -oE '(^|[ ,])--?[A-Za-z][a-z-]*' "$scratch/help" | tr -d ' ,' | sort -u)
[ "$n" -ge 25 ] || fail "only $n options found in the summary"

# Variables that the program looks at.
while read -r variable; do
	grep -q "$variable" "$manual" || fail "the manual page does not name $variable"
done < <(grep -aoE '\b(XENSTORED_[A-Z]+|NOTIFY_SOCKET)\b' "$program" | sort -u)

grep -qx 'Type=notify' "$unit" || fail "the unit does not wait for readiness"
words=$(sed -n 's/^ExecStart=[^ ]* //p' "$unit")
[ -n "$words" ] || fail "the unit starts nothing"
for word in $words; do
	case $word in
	--*) grep -qe "$word\b" "$scratch/help" || fail "the unit uses an unknown option $word" ;;
	esac
done
if command -v systemd-analyze >/dev/null; then
	# As if it were installed: the program is where it was built, other units need not be here.
	sed "s|^ExecStart=[^ ]*|ExecStart=$program|" "$unit" >"$scratch/xenstored.service"
	systemd-analyze verify --man=no --recursive-errors=no "$scratch/xenstored.service" \
		>"$scratch/verify" 2>&1 || true
	grep -F 'xenstored.service' "$scratch/verify" | grep -v 'proc-xen.mount' |
		grep . && fail "systemd does not like the unit"
else
	echo "SKIPPED: there is no systemd-analyze: the unit is not looked at as systemd sees it"
fi
exit $((failures > 0))
