#!/bin/bash
# SPDX-License-Identifier: MIT
#
# bench.sh - the speed goals as one table: starts the servers, burdens them, measures side by side.
#
#   bench.sh [options] [SECTION ...]
#
# Sections (all, if none is named):
#   limit        every request beside a server that does nothing, and beside other servers
#   watches      with 0 and with 100000 idle watches
#   connections  with 0 and with 1000 idle connections
#   nodes        with 1000 and with 1000000 nodes; memory per node
#   rings        guests over their rings, on a fake Xen host: 1, 64 and 1000 active; with 0, 1000
#                and 4000 idle ones
#   machines     starting a guest as a toolstack does, with 0, 100, 1000 and 4000 running
#   many         fan-out of events, transactions side by side, removal of a large subtree
#
# Options:
#   --build DIR          where bin/xenstored, bin/xs-bench and bin/echo-server are (build)
#   --server PROGRAM     another xenstored of ours than the build's
#   --other NAME=SOCKET  a server that is running already; any number of them
#   --other-rings NAME=SOCKET,host=DIR
#                        likewise, on a fake Xen host (xs-bench --make-host) of its own
#   --json FILE          add all results to a file, a line of JSON each
#   --rounds N           blocks per server and workload (20)
#   --quick              tiny numbers: shows that it works, measures nothing
#   --pin A,B            servers on processor A, the load generator on B (machines: 0,0 always)
#
# Numbers are medians over short blocks that take turns between the servers; "ratio" is to the
# first server of a table, block by block, and above 1 where more is done or sooner (but for
# processor time). On a busy machine trust the ratio of p50 and that of processor time. Idle
# burdens are on servers of their own, so that the two ends of a curve are measured in the same
# second.
set -u

build=build server='' rounds=20 others=() other_rings=() extra=()
watches=100000 connections=1000 nodes=1000000 subtree=65536
active=(1 64 1000) idle=(0 1000 4000) machines=(0 100 1000 4000)
while [ $# -gt 0 ]; do
	case $1 in
	--build) build=$2; shift 2 ;;
	--server) server=$2; shift 2 ;;
	--other) others+=("$2"); shift 2 ;;
	--other-rings) other_rings+=("$2"); shift 2 ;;
	--json) extra+=(--json "$2"); shift 2 ;;
	--rounds) rounds=$2; shift 2 ;;
	--quick)
		watches=100 connections=10 nodes=5000 subtree=1000 rounds=1
		active=(1 8) idle=(0 10) machines=(0 3) extra+=(--block-ms 5)
		shift ;;
	--pin) extra+=(--pin "$2"); shift 2 ;;
	-*) sed -n '3,/^set -u/p' "$0" | sed '/^set -u/d; s/^# \{0,1\}//'; exit 2 ;;
	*) break ;;
	esac
done
[ $# -gt 0 ] || set -- limit watches connections nodes many rings machines
server=${server:-$build/bin/xenstored}
for program in "$server" "$build/bin/xs-bench" "$build/bin/echo-server"; do
	[ -x "$program" ] || { echo "bench.sh: $program is not there: build first" >&2; exit 1; }
done

# The run directory is on tmpfs on a real host, so it is here where that is possible.
if [ -d /dev/shm ] && [ -w /dev/shm ]; then
	work=$(mktemp -d /dev/shm/xs-bench.XXXXXX) || exit 1
else
	work=$(mktemp -d) || exit 1
fi
pids=()
finish() {
	[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null
	wait
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

bench() {
	"$build/bin/xs-bench" --table --rounds "$rounds" "${extra[@]+"${extra[@]}"}" "$@" ||
		{ echo "bench.sh: measuring failed" >&2; exit 1; }
}

# start NAME: a server of ours; its socket is $work/NAME/socket, its database beside it.
start() {
	mkdir "$work/$1" || exit 1
	XENSTORED_RUNDIR=$work/$1 XENSTORED_PATH=$work/$1/socket "$server" --no-fork \
		2>"$work/$1.log" &
	pids+=($!)
}

# start_on_host NAME: likewise, on a fake Xen host beside it.
start_on_host() {
	mkdir "$work/$1" "$work/$1/host" || exit 1
	"$build/bin/xs-bench" --make-host "$work/$1/host" || exit 1
	XENSTORED_RUNDIR=$work/$1 XENSTORED_PATH=$work/$1/socket FAKEXEN_DIR=$work/$1/host \
		ASAN_OPTIONS=verify_asan_link_order=0 \
		LD_PRELOAD=$build/lib/fakexen.so "$server" --no-fork 2>"$work/$1.log" &
	pids+=($!)
}

has_fake() {
	[ -e "$build/lib/fakexen.so" ] && return 0
	echo "left out: $build/lib/fakexen.so is not there (built where Xen's libraries are)"
	return 1
}

# stop_all: ends what start() started, for the next section.
stop_all() {
	[ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null
	wait
	pids=()
	rm -rf "${work:?}"/*
}

ours() { echo "--vs $1=$work/$1/socket,store=$work/$1$2"; }

on_host() { ours "$1" ",host=$work/$1/host,nodes=10$2"; }

others() {
	local other
	for other in "${others[@]+"${others[@]}"}"; do
		echo "--vs $other"
	done
}

other_rings() {
	local other
	for other in "${other_rings[@]+"${other_rings[@]}"}"; do
		echo "--vs $other,nodes=10"
	done
}

section_limit() {
	"$build/bin/echo-server" "$work/echo" 32 &
	pids+=($!)
	start ours
	# shellcheck disable=SC2046 # words are wanted
	bench --vs "echo=$work/echo" $(ours ours "") $(others) \
		read write txn pipelined-read pipelined-write connect
}

section_watches() {
	start none
	start idle-watches
	# shellcheck disable=SC2046
	bench $(ours none "") $(ours idle-watches ",watches=$watches") \
		read write txn connect watch
}

section_connections() {
	start none
	start idle-clients
	# shellcheck disable=SC2046
	bench $(ours none "") $(ours idle-clients ",connections=$connections") \
		read write txn connect watch
}

section_nodes() {
	start thousand
	start million
	# shellcheck disable=SC2046
	bench $(ours thousand ,nodes=1000) $(ours million ",nodes=$nodes") \
		read,spread=1000 write,spread=1000 txn,spread=1000 read write txn
}

section_many() {
	start ours
	# shellcheck disable=SC2046
	bench $(ours ours "") $(others) \
		fanout,watchers=100 txns,depth=1 txns,depth=25 txns,depth=100
	[ "$rounds" -le 3 ] || rounds=3
	# shellcheck disable=SC2046
	bench $(ours ours ,filled=1) $(others) "rm,subtree=$subtree"
}

section_rings() {
	local n specs='' workloads=''

	has_fake || return 0
	start_on_host ours
	for n in "${active[@]}"; do
		workloads="$workloads ring-read,guests=$n ring-write,guests=$n"
	done
	# shellcheck disable=SC2046,SC2086
	bench $(on_host ours "") $(other_rings) $workloads
	for n in "${idle[@]}"; do
		start_on_host "idle-$n"
		specs="$specs $(on_host "idle-$n" ",guests=$n")"
	done
	# shellcheck disable=SC2086
	bench $specs ring-read ring-write introduce
}

section_machines() {
	local n specs=''

	has_fake || return 0
	for n in "${machines[@]}"; do
		start_on_host "running-$n"
		specs="$specs $(on_host "running-$n" ",machines=$n")"
	done
	# Before each start a guest ends, and all toolstacks are told: a burst after which the
	# scheduler may leave the two programs on one processor or on two, at random. Round trips cost
	# up to three times as much on two, so that the placement would be measured, not the server.
	# shellcheck disable=SC2086
	bench --pin 0,0 $specs machine
}

ulimit -n "$(ulimit -Hn)"
echo "$(uname -srm), $(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg)"
for section; do
	printf '\n== %s\n' "$section"
	case $section in
	limit | watches | connections | nodes | many | rings | machines) "section_$section" ;;
	*) echo "bench.sh: no such section: $section" >&2; exit 2 ;;
	esac
	stop_all
done
