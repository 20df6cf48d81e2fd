#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The same conversations with our server and with another one; every difference must be explained
# by a line of tests/differ/deviations.txt.
#
#	differ.sh [--server debian-c|debian-ocaml] [--steps N] [--seed N]... [--only N]
#	          [--written] [--all]
#
# --seed   of the random conversations, may be repeated; without, the time
# --steps  random steps for each seed (10000)
# --only   just the random conversation of that number, as printed with a difference
# --written  plays the transcripts, too, as hand-written conversations
# --all    a rule that explains nothing is a failure; needs long runs
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
	sed -n '3,/^set -u/{/^set -u/!s/^# \{0,1\}//p}' "$0" >&2
	exit 2
}

server=debian-c
steps=10000
seeds=()
options=()
written=()
while [ $# -gt 0 ]; do
	case $1 in
	--all) options+=("$1"); shift; continue ;;
	--written) written=("$here"/../transcripts/*.xst); shift; continue ;;
	esac
	[ $# -ge 2 ] || usage
	case $1 in
	--server) server=$2 ;;
	--steps) steps=$2 ;;
	--seed) seeds+=("$2") ;;
	--only) options+=("$1" "$2") ;;
	*) usage ;;
	esac
	shift 2
done
case $server in
debian-c | debian-ocaml) ;;
*) usage ;;
esac
[ ${#seeds[@]} -gt 0 ] || seeds=("$(date +%s)")

need_build bin/differ
fetch
make_work
start ours
start "$server"
status=0
for seed in "${seeds[@]}"; do
	"$build/bin/differ" --name-a xenstored --a "$work/ours/run/socket" \
		--restart-a "'$here/reference.sh' restart ours '$work/ours'" \
		--name-b "$server" --b "$work/$server/run/socket" \
		--restart-b "'$here/reference.sh' restart $server '$work/$server'" \
		--table "$here/../differ/deviations.txt" --seed "$seed" --steps "$steps" \
		"${options[@]}" "${written[@]}" || status=1
	written=()
done
exit $status
