#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The same commands with every pairing of utilities, library and server, ours and Debian's.
#
#	matrix.sh [SERVER...]
#
# On one server all clients must print the same bytes and end with the same status. Messages must
# be the same bytes if the utilities are the same; each message of ours must begin with theirs
# otherwise, as ours go on and say why. From server to server, output, messages and status must be
# the same, too, except for the commands that name a server that is known to differ there.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

failures=0
compared=0

fail() {
	failures=$((failures + 1))
	echo "FAILED: $*"
}

# Plays one command; output, messages and status of the Nth go to $out/N.{out,err,status}.
# EXCEPT names the servers that differ from the others here, or is empty.
op() { # EXCEPT COMMAND...
	n=$((n + 1))
	printf '%s' "$1" >"$out/$n.except"
	shift
	printf '%s' "$*" >"$out/$n.command"
	"$@" >"$out/$n.out" 2>"$out/$n.err" </dev/null
	echo $? >"$out/$n.status"
}

# A watch that is told of what other clients do. Each change waits until the last has been told,
# as servers may merge what was not yet read; what is not to be told comes before something that is.
watch_changes() {
	local lines=$out/watch status pid

	told() { # N
		until [ "$(wc -l <"$lines")" -ge "$1" ] || ! kill -0 $pid 2>/dev/null; do
			sleep 0.01
		done
	}
	: >"$lines"
	timeout -k 1 20 xenstore-watch -n 5 /m/w >"$lines" &
	pid=$!
	told 1
	xenstore-write /m/w 1
	told 2
	xenstore-write /m/z 1 /m/w/new 1
	told 3
	xenstore-chmod /m/w/0 n0 r1
	told 4
	xenstore-rm /m/w/new
	wait $pid
	status=$?
	cat "$lines"
	return $status
}

# Children are created in byte order, for the sake of a server that lists them by age.
play() {
	local n=0 x60 y1500

	x60=$(printf 'x%.0s' {1..60}) y1500=$(printf 'y%.0s' {1..1500})
	op '' xenstore-write /m/a hello /m/a/b '\x01\x07\t\n\\\x7f\xff~ "' /m/a/c ''
	op '' xenstore-write m/rel/x 1
	op '' xenstore write /m/b two
	op '' xenstore-write -R /m/raw 'a\x41\n'
	op '' xenstore-write /m/w/0 '' /m/w/long "$y1500" "/m/w/name$x60" "$x60"
	op '' xenstore-write '/m/x y' 1
	op '' xenstore-write '' 1
	op '' xenstore-read /m/a
	op '' xenstore-read /m/a /m/a/b /m/a/c
	op '' xenstore-read -p /m/a/b /m/a
	op '' xenstore-read -R /m/a/b
	op '' xenstore-read m/rel/x /m/w/long
	op '' xenstore read /m/raw
	op '' xenstore-read /m/nope
	op '' xenstore-read /m/a /m/nope /m/b
	op '' xenstore-read /m//a
	op '' xenstore-read /m/a/
	op '' xenstore-exists /m/a
	op '' xenstore-exists /m/a /m/b m/rel
	op '' xenstore-exists /m/a /m/nope
	op '' xenstore-list /m
	op '' xenstore-list -p /m/a m
	op '' xenstore-list /m/a/c
	op '' xenstore-list /m/nope
	op '' xenstore-ls /m
	op '' xenstore-ls -f /m
	op '' xenstore-ls -p /m
	op '' xenstore-ls -f -p /m
	op '' xenstore-ls -f m
	op '' xenstore-ls /m/a /m/w
	op '' xenstore-ls /m/nope
	# One lists by age, the other shows the special names as children of the root.
	op 'debian-c debian-ocaml' xenstore-ls -f
	op 'debian-c debian-ocaml' xenstore-list /
	op '' xenstore-chmod /m/a n0 r1 w2 b3
	op '' xenstore-ls -fp /m/a
	op '' xenstore-chmod -r /m/a b0 r7
	op '' xenstore-ls -p /m
	op '' xenstore-chmod -u m/rel/x r0
	op '' xenstore-ls -fp m
	op '' xenstore-chmod -u -r /m/w w0 n5
	op '' xenstore-ls -fp /m
	op '' xenstore-chmod /m/a x3
	op '' xenstore-chmod /m/nope n0
	op '' xenstore-chmod -r /m n0
	op '' xenstore-watch -n 1 /m/a
	op '' xenstore-watch -n 2 /m/a m/rel
	op '' xenstore-watch -n 1 @releaseDomain
	op '' xenstore-watch -n 1 '/m/x y'
	op '' watch_changes
	op '' xenstore-rm /m/a/b
	op '' xenstore-rm /m/a/b
	op '' xenstore-rm /m/nope/x
	op '' xenstore-rm /m/a/
	op '' xenstore-write /m/x/1/2/3 '' /m/x/two/1 '' /m/x/two/2 ''
	op '' xenstore-rm -t /m/x/1/2/3
	op '' xenstore-ls /m/x
	op '' xenstore-rm -t /m/x/two/1 /m/x/two/2
	op '' xenstore-ls -f /m
	op '' xenstore-rm m/rel m
	op '' xenstore-ls -f m
	op '' xenstore-rm /m
	op '' xenstore-exists /m
	op '' xenstore-exists /
}

# No process is started for this, as there are thousands; and nothing here prints a NUL.
same() { # KIND A B N
	local a b

	IFS= read -r -d '' a <"$2/$4.$1"
	IFS= read -r -d '' b <"$3/$4.$1"
	[ "$a" = "$b" ]
}

# Whether each of our messages begins with theirs.
messages_agree() { # THEIRS OURS
	local theirs ours i

	mapfile -t theirs <"$1"
	mapfile -t ours <"$2"
	[ ${#theirs[@]} -eq ${#ours[@]} ] || return 1
	for ((i = 0; i < ${#theirs[@]}; i++)); do
		case ${ours[i]} in
		"${theirs[i]}" | "${theirs[i]}: "* | "${theirs[i]} ("*) ;;
		*) return 1 ;;
		esac
	done
}

explain() { # A B N
	local kind

	for kind in status out err; do
		same $kind "$1" "$2" "$3" || diff -a -u --label "${1#"$work"/}" --label "${2#"$work"/}" \
			"$1/$3.$kind" "$2/$3.$kind" | head -20 | cut -c 1-150 | sed "s/^/    $kind: /"
	done
}

# Clients on one server: all against Debian's utilities with Debian's library.
compare_clients() { # SERVER CLIENT
	local base=$work/out/$1/debian+debian it=$work/out/$1/$2 i agree

	for ((i = 1; i <= n_ops; i++)); do
		compared=$((compared + 1))
		agree=yes
		same status "$base" "$it" $i && same out "$base" "$it" $i || agree=no
		case $2 in
		debian+*) same err "$base" "$it" $i || agree=no ;;
		*) messages_agree "$base/$i.err" "$it/$i.err" || agree=no ;;
		esac
		[ $agree = yes ] && continue
		fail "on $1, $2 and debian+debian do not agree: $(cat "$it/$i.command")"
		explain "$base" "$it" $i
	done
}

# One client on two servers.
compare_servers() { # SERVER CLIENT
	local base=$work/out/ours/$2 it=$work/out/$1/$2 i agree excepted

	for ((i = 1; i <= n_ops; i++)); do
		compared=$((compared + 1))
		agree=yes excepted=no
		same status "$base" "$it" $i && same out "$base" "$it" $i && same err "$base" "$it" $i ||
			agree=no
		case " $(<"$it/$i.except") " in
		*" $1 "*) excepted=yes ;;
		esac
		case $agree,$excepted in
		no,no)
			fail "with $2, ours and $1 do not agree: $(cat "$it/$i.command")"
			explain "$base" "$it" $i
			;;
		yes,yes) fail "with $2, $1 is no exception any more: $(cat "$it/$i.command")" ;;
		esac
	done
}

[ $# -gt 0 ] || set -- ours debian-c debian-ocaml
need_build bin/xenstore bin/xenstore-ls lib/libxenstore.so.4
fetch
make_work

clients=()
for tools in debian ours; do
	for library in debian ours; do
		dir=$debian_tools libs=$debian_libs
		[ $tools = debian ] || dir=$build/bin
		[ $library = debian ] || libs=$build/lib
		loaded=$(LD_LIBRARY_PATH=$libs ldd -v "$dir/xenstore" 2>&1)
		case $loaded in
		*"XSA_1' not found"*)
			[ $tools+$library = ours+debian ] || die "$dir/xenstore asks for XSA_1"
			echo "NOT COMPARED: our utilities with Debian's library. They need the interface XSA_1," \
				"which only our library has."
			;;
		*"$libs/libxenstore.so.4"*) clients+=("$tools+$library") ;;
		*) die "$dir/xenstore does not load $libs/libxenstore.so.4: $loaded" ;;
		esac
	done
done

for server; do
	for client in "${clients[@]}"; do
		"$here/reference.sh" restart "$server" "$work/$server" || die "$server does not start"
		out=$work/out/$server/$client
		mkdir -p "$out"
		(
			export XENSTORED_PATH=$work/$server/run/socket
			case $client in
			debian+*) PATH=$debian_tools:$PATH ;;
			*) PATH=$build/bin:$PATH ;;
			esac
			case $client in
			*+debian) export LD_LIBRARY_PATH=$debian_libs ;;
			*) export LD_LIBRARY_PATH=$build/lib ;;
			esac
			play
		)
	done
done
n_ops=$(find "$out" -name '*.command' | wc -l)
for server; do
	for client in "${clients[@]}"; do
		[ "$client" = debian+debian ] || compare_clients "$server" "$client"
		[ "$server" = ours ] || [ ! -d "$work/out/ours" ] || compare_servers "$server" "$client"
	done
done
echo "${#clients[@]} clients, $# servers, $n_ops commands: $compared comparisons, $failures failed"
[ $compared -gt 0 ] && [ $failures -eq 0 ]
