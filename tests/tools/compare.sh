#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs the programs of xenstore-utils and ours, with the same arguments on the same store, and
# compares output, messages, exit status and what became of the store, byte for byte.
#
#	compare.sh TOOLS SERVER FAKE_SERVER [THEIRS]
#
# Where we differ on purpose the row says so: `reason` (our message goes on where theirs ends, and
# says why), `usage` (the usage line is that of Xen 4.22), `ours` (with the reason written there).
set -u
TOOLS=$1 SERVER=$2 FAKE=$3 THEIRS=${4:-/usr/bin}
# Debian hides the real xenstore-control of each Xen version behind a wrapper that needs Xen.
THEIR_CONTROL=${XS_TEST_THEIR_CONTROL:-$(ls /usr/lib/xen-*/bin/xenstore-control 2>/dev/null | tail -n 1)}
. "$(dirname "$0")/lib.sh"

[ -x "$THEIRS/xenstore-ls" ] || skip "no xenstore-ls in $THEIRS (Debian: package xenstore-utils)"
"$THEIRS/xenstore-ls" --version 2>/dev/null | grep -q '^xenstore-ls [0-9]' &&
	skip "$THEIRS has programs of our own"

theirs() { env PATH="$dir/their_control:$THEIRS:$PATH" "$@"; }
ours() { env PATH="$TOOLS:$PATH" "$@"; }

x() { printf "%.0s$1" $(seq "$2"); } # STRING COUNT

# The store each command meets: all kinds of values, lengths around the width of the screen,
# depths beyond it, permissions, and nodes below the home of the domain.
deep=$(for i in $(seq 90); do printf /d%d "$i"; done)
reset_store() {
	theirs xenstore-rm /cmp
	theirs xenstore-rm cmp 2>/dev/null
	theirs xenstore-write /cmp/a hello /cmp/a/c '\x00\x01\x07\x08\t\n\r\\"\x7f\x80\xff~ ' \
		/cmp/a/c/d '' /cmp/empty '' /cmp/utf8 'grüß' \
		/cmp/fit/b71 "$(x y 71)" /cmp/fit/b72 "$(x y 72)" /cmp/fit/b73 "$(x y 73)" \
		/cmp/fit/c40 "$(x '\\x01' 40)" /cmp/fit/c80 "$(x '\\x01' 80)" \
		/cmp/fit/long "$(x z 1900)" "/cmp/fit/$(x n 100)" v "/cmp/fit/$(x m 72)" '' \
		"/cmp$deep" deepvalue /cmp/tidy/a/b/c 1 /cmp/tidy/v/b/c 1 /cmp/tidy/two/c 1 \
		/cmp/tidy/two/d 1 cmp/x/y/z 1 cmp/v 2
	theirs xenstore-write /cmp/tidy/v value
	theirs xenstore-chmod /cmp/a n0 r1 b2 w3
	theirs xenstore-chmod /cmp/a/c b0 n1 r7 w65
}

store_state() {
	theirs xenstore-ls -fp /cmp
	theirs xenstore-ls -fp cmp
}

# Brings the store to its beginning unless what was last seen of it, in SIDE.store, is that.
refresh_store() { # SIDE
	cmp -s "$dir/$1.store" "$dir/fresh.store" && return
	reset_store
	store_state >"$dir/fresh.store" 2>&1
}

# Runs one command on both sides. Their state is left in theirs.*, ours in ours.*.
run_both() {
	checks=$((checks + 1))
	refresh_store ours
	run theirs theirs "$@"
	store_state >"$dir/theirs.store" 2>&1
	refresh_store theirs
	run ours ours "$@"
	store_state >"$dir/ours.store" 2>&1
}

differ() { # WHAT COMMAND
	fail "$*"
	show theirs
	show ours
	diff "$dir/theirs.store" "$dir/ours.store" | sed 's/^/    store: /'
}

is_same() { # KIND...
	local kind
	for kind in "$@"; do
		cmp -s "$dir/theirs.$kind" "$dir/ours.$kind" || return 1
	done
}

same() {
	run_both "$@"
	is_same out err status store || differ "not the same:" "$@"
}

# Each line of our messages begins with theirs.
reason() {
	local theirs ours line=0
	run_both "$@"
	is_same out status store || { differ "not the same:" "$@"; return; }
	while IFS= read -r theirs <&3; do
		line=$((line + 1))
		IFS= read -r ours <&4
		case $ours in
		"$theirs"|"$theirs: "*|"$theirs ("*) ;;
		*) differ "message $line is another one:" "$@"; break;;
		esac
	done 3<"$dir/theirs.err" 4<"$dir/ours.err"
	[ "$(wc -l <"$dir/theirs.err")" = "$(wc -l <"$dir/ours.err")" ] ||
		differ "other number of messages:" "$@"
}

# Ours is the usage line of 4.22, theirs may be an older one.
usage() { # EXPECTED_LINE COMMAND...
	local expected=$1
	shift
	run_both "$@"
	is_same out status store || differ "not the same:" "$@"
	grep -q "Usage: " "$dir/theirs.err" || differ "no usage line on their side:" "$@"
	[ "$(tail -n 1 "$dir/ours.err")" = "$expected" ] || differ "not the usage line:" "$@"
	diff <(sed '$d' "$dir/theirs.err") <(sed '$d' "$dir/ours.err") >/dev/null ||
		differ "messages before the usage line are others:" "$@"
}

# A difference on purpose: says why, and what ours must give.
intended() { # WHY STATUS OUTPUT MESSAGES COMMAND...
	local why=$1 status=$2 out=$3 err=$4
	shift 4
	run_both "$@"
	[ "$(cat "$dir/ours.status")" = "$status" ] && [ "$(cat "$dir/ours.out")" = "$out" ] &&
		[ "$(cat "$dir/ours.err")" = "$err" ] || differ "not what is intended ($why):" "$@"
}

# On a terminal of so many columns. What both print there is one stream.
have_script=$(command -v script)
terminal() { # COLUMNS COMMAND...
	local columns=$1 side
	shift
	[ -n "$have_script" ] || return
	checks=$((checks + 1))
	for side in theirs ours; do
		run $side $side script -qec "stty cols $columns && $*" /dev/null
	done
	is_same out status || differ "not the same on $columns columns:" "$@"
}

table_read() {
	same xenstore-read /cmp/a
	same xenstore-read /cmp/a/c
	same xenstore-read /cmp/empty /cmp/a /cmp/utf8
	same xenstore-read -p /cmp/a
	same xenstore-read --prefix /cmp/a /cmp/a/c
	same xenstore-read -R /cmp/a/c
	same xenstore-read --raw /cmp/a /cmp/a/c
	same xenstore-read -p -R /cmp/a /cmp/a/c
	same xenstore-read /cmp/a -p
	same xenstore-read -s /cmp/a
	same xenstore-read --pre /cmp/a
	same xenstore-read --ra /cmp/a
	same xenstore-read --r /cmp/a
	same xenstore-read -x /cmp/a
	same xenstore-read --bogus /cmp/a
	same xenstore-read --raw=1 /cmp/a
	same xenstore-read cmp/v
	same xenstore-read /cmp/fit/long
	same xenstore read /cmp/a
	same xenstore read -p /cmp/a /cmp/a/c
	same xenstore read -x /cmp/a
	same xenstore read --bogus /cmp/a
	same xenstore read --r /cmp/a
	same env POSIXLY_CORRECT=1 xenstore-read -p /cmp/a
	reason env POSIXLY_CORRECT=1 xenstore-read /cmp/a -p
	reason xenstore-read /cmp/nope
	reason xenstore-read /cmp/a /cmp/nope /cmp/a
	reason xenstore-read -p /cmp/a /cmp/nope
	reason xenstore-read ''
	reason xenstore-read /cmp//a
	reason xenstore-read /cmp/a/
	reason xenstore-read '/cmp/a b'
	reason xenstore-read @releaseDomain
	reason xenstore-read -- -p
	reason xenstore-read "/$(x p 5000)"
	usage 'xenstore-read: Usage: xenstore-read [-h] [-p] [-R] key [...]' xenstore-read
	usage 'xenstore-read: Usage: xenstore-read [-h] [-p] [-R] key [...]' xenstore-read -p
	usage 'xenstore-read: Usage: xenstore-read [-h] [-p] [-R] key [...]' xenstore-read -f /cmp
	usage 'xenstore-read: Usage: xenstore-read [-h] [-p] [-R] key [...]' xenstore-read -n 5 /cmp
	usage 'xenstore-read: Usage: xenstore-read [-h] [-p] [-R] key [...]' xenstore-read --bogus
	usage 'xenstore: Usage: xenstore read [-h] [-p] [-R] key [...]' xenstore read
	usage 'xenstore: Usage: xenstore read [-h] [-p] [-R] key [...]' xenstore read -f
}

table_write() {
	local value
	same xenstore-write /cmp/new value
	same xenstore-write /cmp/new/x/y value
	same xenstore-write /cmp/a 1 /cmp/b 2 /cmp/a 3
	same xenstore-write cmp/new value
	same xenstore-write -R /cmp/new 'a\x41\n'
	same xenstore-write --raw /cmp/new 'a\'
	same xenstore-write /cmp/new ''
	same xenstore-write -s /cmp/new v
	same xenstore-write -- /cmp/new -R
	same xenstore-write -z /cmp/new v
	same xenstore write /cmp/new v
	for value in '\xg' '\x' '\8' '\400' '\777' '\7' '\77' 'a\' '\\' '\"' '"' '\x4' '\x414' \
			'\18' '\189' '\0012' '\x1g' '\a' '\-' 'é' '\xAb' '\XAB' '\t\n\r' \
			'v\x41\t\101\q\\\'; do
		same xenstore-write /cmp/new "$value"
	done
	same xenstore-write /cmp/new "$(x w 2000)"
	reason xenstore-write /cmp/new "$(x w 4096)"
	reason xenstore-write /cmp/new 1 '/cmp/x y' 2
	reason xenstore-write '' 1
	reason xenstore-write @x 1
	local line='xenstore-write: Usage: xenstore-write [-h] [-R] key value [...]'
	usage "$line" xenstore-write
	usage "$line" xenstore-write /cmp/a
	usage "$line" xenstore-write /cmp/a 1 /cmp/b
	usage "$line" xenstore-write -p /cmp/a 1
	usage "$line" xenstore-write -R
}

table_list() {
	same xenstore-list /cmp
	same xenstore-list /cmp/a /cmp/tidy
	same xenstore-list /cmp/empty
	same xenstore-list -p /cmp/a /cmp/tidy
	same xenstore-list -p cmp
	same xenstore-list cmp
	same xenstore-list -s /cmp
	reason xenstore-list /cmp/nope
	reason xenstore-list /cmp/a /cmp/nope
	reason xenstore-list /cmp/a/
	reason xenstore-list ''
	usage 'xenstore-list: Usage: xenstore-list [-h] [-p] key [...]' xenstore-list
	usage 'xenstore-list: Usage: xenstore-list [-h] [-p] key [...]' xenstore-list -f /cmp
	# 4.17 prints //cmp here.
	intended "list -p / as in 4.22" 0 \
		"$(theirs xenstore-list / | sed 's/^/\//')" "" xenstore-list -p /
}

table_exists() {
	same xenstore-exists /cmp
	same xenstore-exists /cmp /cmp/a
	same xenstore-exists /cmp/nope
	same xenstore-exists /cmp /cmp/nope /cmp/a
	same xenstore-exists -s cmp/v
	usage 'xenstore-exists: Usage: xenstore-exists [-h] key' xenstore-exists
	usage 'xenstore-exists: Usage: xenstore-exists [-h] key' xenstore-exists -p /cmp
	usage 'xenstore-exists: Usage: xenstore-exists [-h] key' xenstore-exists -R /cmp
	intended "a path that cannot be is no silent no" 1 "" \
		"xenstore-exists: couldn't read path /cmp/a b: a path has letters, digits and -/_@ only" \
		xenstore-exists '/cmp/a b'
}

table_rm() {
	same xenstore-rm /cmp/a
	same xenstore-rm /cmp/a/c /cmp/empty
	same xenstore-rm /cmp/nope
	same xenstore-rm cmp/x
	same xenstore-rm -t /cmp/tidy/a/b/c
	same xenstore-rm -t /cmp/tidy/v/b/c
	same xenstore-rm --tidy /cmp/tidy/two/c
	same xenstore-rm -t /cmp/tidy/two/c /cmp/tidy/two/d
	same xenstore-rm --t /cmp/tidy/a/b/c
	same xenstore-rm --ti /cmp/tidy/a/b/c
	same xenstore-rm -t cmp/x/y/z
	same xenstore-rm -t cmp/v
	same xenstore-rm -t /cmp/tidy/a/b/nope
	reason xenstore-rm /
	reason xenstore-rm -t /
	reason xenstore-rm /cmp/a /cmp/nope/x
	reason xenstore-rm /cmp/a/
	reason xenstore-rm -t /cmp/nope/x
	reason xenstore-rm ''
	usage 'xenstore-rm: Usage: xenstore-rm [-h] [-t] key [...]' xenstore-rm
	usage 'xenstore-rm: Usage: xenstore-rm [-h] [-t] key [...]' xenstore-rm -r /cmp
}

table_chmod() {
	same xenstore-chmod /cmp/a n0
	same xenstore-chmod /cmp/a b0 r1 w2 n3 b4
	same xenstore-chmod /cmp/a n
	same xenstore-chmod /cmp/a nabc
	same xenstore-chmod /cmp/a r0x10 'n 5' n+5
	same xenstore-chmod -r /cmp/a r0
	same xenstore-chmod -r /cmp/tidy r0 w5
	same xenstore-chmod -u /cmp/a/c/d w0
	same xenstore-chmod -u -r /cmp/a/c b0
	same xenstore-chmod --upto --recurse /cmp/a/c b0
	same xenstore-chmod -u cmp/x/y r0
	same xenstore-chmod -r cmp/x r0
	same xenstore-chmod -u /cmp r0
	same xenstore-chmod /cmp/a
	same xenstore-chmod /cmp/a x3
	same xenstore-chmod /cmp/a n0 ''
	same xenstore-chmod /cmp/nope n0
	same xenstore-chmod -r /cmp/nope n0
	same xenstore-chmod -u cmp n0
	reason xenstore-chmod /cmp/a n999 r7
	reason xenstore-chmod -r /cmp/a n999
	same xenstore-chmod '/cmp/a b' n0
	local line='xenstore-chmod: Usage: xenstore-chmod [-h] [-u] [-r] key <mode [modes...]>'
	usage "$line" xenstore-chmod
	usage "$line" xenstore-chmod -p /cmp n0
}

table_ls() {
	local w
	same xenstore-ls /cmp
	same xenstore-ls -p /cmp
	same xenstore-ls -f /cmp
	same xenstore-ls -fp /cmp
	same xenstore-ls -s --flat --prefix /cmp
	same xenstore-ls --f /cmp
	intended "--f is known by itself, beside --full" 0 "$(theirs xenstore-ls /cmp/tidy)" \
		"xenstore-ls: option '--f' doesn't allow an argument" xenstore-ls --f=3 /cmp/tidy
	same xenstore-ls --fl /cmp
	same xenstore-ls cmp
	same xenstore-ls -fp cmp
	same xenstore-ls /cmp/a /cmp/fit cmp
	same xenstore-ls /cmp/a -f /cmp/fit
	same xenstore-ls /cmp/empty
	same xenstore-ls /cmp/nope
	same xenstore-ls /cmp/a /cmp/nope /cmp/fit
	same xenstore-ls '/cmp/a b'
	same xenstore-ls /cmp/a/
	same xenstore-ls ''
	same xenstore-ls
	same xenstore-ls -fp
	same xenstore-ls /
	same xenstore-ls -- -f
	local line='xenstore-ls: Usage: xenstore-ls [-h] [-f] [-p] [path]'
	intended "-d is 4.22's and not to be passed over" 1 "" \
		"xenstore-ls: option requires an argument -- 'd'
$line" xenstore-ls /cmp -d
	same xenstore-read /cmp/a -Q
	same xenstore ls -p /cmp
	same xenstore ls -- /cmp
	usage 'xenstore-ls: Usage: xenstore-ls [-h] [-f] [-p] [path]' xenstore-ls -R /cmp
	usage 'xenstore-ls: Usage: xenstore-ls [-h] [-f] [-p] [path]' xenstore-ls -n 3 /cmp
	for w in 200 82 81 80 62 61 40 12 10 9 3 2 1 0; do
		terminal $w xenstore-ls /cmp
		terminal $w xenstore-ls -p /cmp
		terminal $w xenstore-ls -fp /cmp
	done
}

table_watch() {
	same xenstore-watch -n 0 /cmp/a
	same xenstore-watch -n 1 /cmp/a
	same xenstore-watch -n 2 /cmp/a cmp/v
	same xenstore-watch --number=1 /cmp/nope
	same xenstore-watch -n 1 @releaseDomain
	intended "what is no number is told of" 0 "" \
		"xenstore-watch: 'x' is not a number: -n counts it as 0" xenstore-watch -n x /cmp/a
	same xenstore-watch -n -5 /cmp/a
	intended "what is no number is told of" 0 /cmp/a \
		"xenstore-watch: '1x' is not a number: -n counts it as 1" xenstore-watch -n1x /cmp/a
	same xenstore-watch -s -n 1 /
	reason xenstore-watch '/cmp/a b'
	reason xenstore-watch -n 1 /cmp/a '/cmp/a b'
	reason xenstore-watch ''
	reason xenstore-watch -n 1 /cmp/a /cmp/a
	local line='xenstore-watch: Usage: xenstore-watch [-h] [-n NR] key'
	usage "$line" xenstore-watch
	usage "$line" xenstore-watch -n
	usage "$line" xenstore-watch --number
	usage "$line" xenstore-watch -p /cmp
}

table_program() {
	usage 'xenstore: Usage: xenstore <mode> [-h] [...]' xenstore
	reason xenstore nope
	reason xenstore nope -h
	reason xenstore -h
	reason xenstore --
	reason xenstore ''
	reason env XENSTORED_PATH=/nonexistent/socket xenstore-read /cmp
	reason env XENSTORED_PATH=/nonexistent/socket xenstore-ls /cmp
	reason env XENSTORED_PATH=/nonexistent/socket xenstore-watch /cmp
	reason env XENSTORED_PATH=/nonexistent/socket xenstore-chmod /cmp x
	local mode line
	for mode in read write list ls exists rm chmod watch; do
		line=$(ours xenstore-$mode -h 2>&1)
		intended "-h succeeds, as in 4.22" 0 "" "$line" xenstore-$mode -h
		case $line in
		"xenstore-$mode: Usage: xenstore-$mode [-h]"*) ;;
		*) fail "usage of $mode: $line";;
		esac
	done
}

table_control() {
	same xenstore-control
	same xenstore-control help
	same xenstore-control check
	same xenstore-control nope
	same xenstore-control nope with arguments
	same xenstore-control ''
	same xenstore-control -h
	same xenstore-control quota
	same xenstore-control print some\ text
	same xenstore-control live-update
	same xenstore-control live-update -c
	same xenstore-control live-update -t
	same xenstore-control live-update -F
	same xenstore-control live-update -F -c
	reason xenstore-control live-update /nonexistent/xenstored
	reason xenstore-control live-update -c "-N" -t 3 -F /nonexistent/xenstored
	reason xenstore-control live-update /nonexistent/other "$dir/server.log"
	reason xenstore-control quota 99
	reason env XENSTORED_PATH=/nonexistent/socket xenstore-control help
	reason env XENSTORED_PATH=/nonexistent/socket xenstore-control live-update
	reason env XENSTORED_PATH=/nonexistent/socket xenstore-control live-update /nope
}

table_control_faults() {
	start_fake denies-secret
	same xenstore-control live-update /any
	same xenstore-control live-update -c "-N -T log" -t 7 -F /any
	start_fake is-busy
	same xenstore-control live-update /any
	start_fake hangs-up
	reason xenstore-control check
	reason xenstore-control live-update /any
	stop_server
}

# Servers that go wrong. There is no store to reset or to look at.
table_faults() {
	reset_store() { :; }
	store_state() { :; }
	start_fake denies-secret
	same xenstore-ls
	same xenstore-ls -f /
	same xenstore-ls /open / /last
	reason xenstore-ls -p
	reason xenstore-read /open /secret
	same xenstore-exists /secret
	start_fake denies-listing
	same xenstore-ls
	same xenstore-ls -f /
	same xenstore-ls -p /
	same xenstore-ls /secret
	same xenstore-ls /open /secret /last
	expect_message 1 "xenstore: couldn't list path /secret: Permission denied" \
		"$TOOLS/xenstore" export /
	echo '{"xenstore-export":1,"nodes":[{"path":"","value":"","perms":["n0"]},
		{"path":"secret","value":"","perms":["n0"]}]}' >"$dir/import"
	expect_message 1 "xenstore: could not list path /secret: Permission denied" \
		"$TOOLS/xenstore" import --drop-others / "$dir/import"
	expect 0 "" "$TOOLS/xenstore" import / "$dir/import"
	expect_message 1 "xenstore-ls: xs_directory (/secret): Permission denied" \
		"$TOOLS/xenstore-ls" --json /
	expect 0 "$(printf '/open = "value"\n/secret = "value"\n/last = "value"')" \
		"$TOOLS/xenstore-ls" -f --depth 1 /
	start_fake denies-value
	same xenstore-ls
	same xenstore-ls -f /
	reason xenstore-read /secret
	start_fake denies-perms
	same xenstore-ls
	same xenstore-ls -p
	same xenstore-ls -fp
	start_fake vanishes
	intended "what vanished is not shown as unreadable" 0 \
		"$(printf 'open = "value"\nlast = "value"')" "" xenstore-ls
	start_fake ends-again-twice
	same xenstore-list /
	start_fake ends-again-twice
	same xenstore-read /open /last
	start_fake starts-nothing
	reason xenstore-list /
	same xenstore-read /open
	same xenstore-ls -f
	start_fake ends-nothing
	reason xenstore-list /
	reason xenstore-rm /open
	start_fake hangs-up
	reason xenstore-read /open
	reason xenstore-list /
	reason xenstore-rm -t /open
	reason xenstore-watch /open
	start_fake hangs-up-on-watch
	local reset="Connection reset by peer"
	# Theirs never ends.
	expect_message 1 "xenstore-watch: the connection to the server is lost ($reset)" \
		timeout 20 "$TOOLS/xenstore-watch" /open
	stop_server
}

start_server
table_read
table_write
table_list
table_exists
table_rm
table_chmod
table_ls
table_watch
table_program
if [ -n "$THEIR_CONTROL" ]; then
	mkdir "$dir/their_control"
	ln -s "$THEIR_CONTROL" "$dir/their_control/xenstore-control"
	table_control
else
	echo "NOT COMPARED: xenstore-control, for want of /usr/lib/xen-*/bin/xenstore-control"
fi
reset_store
theirs xenstore-rm /cmp cmp
[ -n "$have_script" ] || echo "NOT COMPARED: output on terminals, for want of script(1)"
stop_server
table_faults
[ -z "$THEIR_CONTROL" ] || table_control_faults
finish_tests
