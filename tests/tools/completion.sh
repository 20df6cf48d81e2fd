#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Completes words as bash would and compares what it offers.
#
#	completion.sh TOOLS SERVER COMPLETION
set -u
TOOLS=$1 SERVER=$2 COMPLETION=$3
. "$(dirname "$0")/lib.sh"
PATH=$TOOLS:$PATH
. "$COMPLETION"

# Whether a blank follows is noted instead of told to readline, which is not there.
compopt() { nospace="$*"; }

# Completes the last of the words; `offers` gets all that is offered.
complete_words() {
	local function
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	nospace=
	function=$(complete -p "$1" | sed 's/.*-F \([^ ]*\) .*/\1/')
	"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	offers="${COMPREPLY[*]}"
}

offers() { # EXPECTED WORD...
	local expected=$1
	shift
	checks=$((checks + 1))
	complete_words "$@"
	[ "$offers" = "$expected" ] || fail "$*: offers '$offers', expected '$expected'"
}

start_server
xenstore-rm /compl
xenstore-write /compl/alpha/x 1 /compl/alpine 2 /compl/beta 3

offers "/compl/" xenstore-read /comp
offers "/compl/alpha /compl/alpine" xenstore-read /compl/al
offers "/compl/alpha/" xenstore-read /compl/alph
[ "$nospace" = "-o nospace" ] || fail "a blank behind a directory"
offers "/compl/beta" xenstore-read /compl/b
[ -z "$nospace" ] || fail "no blank behind a leaf"
offers "/compl/alpha /compl/alpine /compl/beta" xenstore-ls -f /compl/
offers "/" xenstore-ls ""
offers "" xenstore-ls /compl/nothing
offers "" xenstore-ls "/compl/with blank"
offers "--raw" xenstore-read --ra
offers "--depth" xenstore-ls --de
offers "" xenstore-ls --depth ""
offers "/compl/beta" xenstore-ls --depth 3 /compl/b
offers "" xenstore-write /compl/beta /compl/b
offers "/compl/beta" xenstore-write /compl/beta v /compl/b
offers "/compl/beta" xenstore-chmod -r /compl/b
offers "n r w b" xenstore-chmod -r /compl/beta ""
offers "read rm" xenstore r
offers "/compl/beta" xenstore rm -t /compl/b
offers "--tidy" xenstore rm --t
offers "/compl/beta" xenstore diff /compl/alpha /compl/b
offers "" xenstore diff /compl/alpha /compl/beta /compl/b
offers "/compl/beta" xenstore import /compl/b
offers "$COMPLETION" xenstore import /compl/beta "${COMPLETION%h}"
offers "--version" xenstore-control --ver
offers "-F" xenstore-control live-update -F
offers "help" xenstore-control hel

# Without a server nothing is offered, and nothing is said.
export XENSTORED_PATH=/nonexistent/socket
offers "" xenstore-read /compl/al 2>"$dir/said"
[ ! -s "$dir/said" ] || fail "completion complains: $(cat "$dir/said")"
if [ -n "${XS_TEST_SOCKET:-}" ]; then
	XENSTORED_PATH=$XS_TEST_SOCKET xenstore-rm /compl
fi
finish_tests
