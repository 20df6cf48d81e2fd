#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What the tools can do beyond those of xenstore-utils (compare.sh has the rest).
#
#	commands.sh TOOLS SERVER FAKE_SERVER
set -u
TOOLS=$1 SERVER=$2 FAKE=$3
. "$(dirname "$0")/lib.sh"
PATH=$TOOLS:$PATH

x() { printf "%.0s$1" $(seq "$2"); } # STRING COUNT

reset_store() {
	xenstore-rm /t
	xenstore-write /t/a hello /t/a/c '\x01\t"\\' /t/a/c/d '' /t/bin '\x00\xff' /t/u 'grüß' \
		/t/long "$(x z 200)"
	xenstore-chmod /t/a n0 r1
	xenstore-chmod /t/u b0
}

tests_help() {
	local mode name
	for mode in read write list ls exists rm chmod watch export import diff; do
		expect 0 "xenstore-$mode $(xenstore --version | cut -d' ' -f2)" \
			xenstore $mode --version
		run ours xenstore $mode --help
		[ "$(cat "$dir/ours.status")" = 0 ] && [ ! -s "$dir/ours.err" ] &&
			grep -q "^Usage: xenstore $mode " "$dir/ours.out" &&
			grep -q -e --version "$dir/ours.out" || fail "xenstore $mode --help"
	done
	for name in xenstore xenstore-control xenstore-ls; do
		run ours $name --help
		[ "$(cat "$dir/ours.status")" = 0 ] && [ ! -s "$dir/ours.err" ] &&
			grep -q "^Usage: $name " "$dir/ours.out" || fail "$name --help"
		run ours $name --version
		[ "$(cat "$dir/ours.status")" = 0 ] &&
			grep -qE "^$name [0-9]+\.[0-9]+" "$dir/ours.out" || fail "$name --version"
	done
}

tests_json() {
	expect 0 '[{"path":"/t/a","value":"hello"},
{"path":"/t/a/c","value":"\u0001\t\"\\"},
{"path":"/t/bin","base64":"AP8="},
{"path":"/t/u","value":"grüß"}]' xenstore-read --json /t/a /t/a/c /t/bin /t/u
	expect 1 '[{"path":"/t/a","value":"hello"}]' xenstore-read --json /t/a /t/nope
	expect 1 '[]' xenstore-read --json /t/nope
	expect 0 '[{"path":"/t/a","children":["c"]},
{"path":"/t/u","children":[]}]' xenstore-list --json /t/a /t/u
	expect 0 '[{"path":"/t/a/c","value":"\u0001\t\"\\"},
{"path":"/t/a/c/d","value":""}]' xenstore-ls --json /t/a
	expect 0 '[]' xenstore-ls --json /t/u
	expect 1 '[]' xenstore-ls --json /t/nope
	run ours xenstore-ls --json -p /t
	grep -qF '{"path":"/t/a","value":"hello","perms":["n0","r1"]}' "$dir/ours.out" ||
		fail "permissions in ls --json -p"
}

tests_ls() {
	local long option
	long=$(x z 200)
	expect 0 "c = \"\\001\\t\"\\\\\"
 d = \"\"" xenstore-ls --full /t/a
	run ours xenstore-ls --full /t
	grep -qx "long = \"$long\"" "$dir/ours.out" || fail "ls --full cuts"
	run ours xenstore-ls --depth 1 /t
	grep -qx "long = \"$long\"" "$dir/ours.out" || fail "ls --depth cuts"
	[ "$(wc -l <"$dir/ours.out")" = 4 ] || fail "ls --depth 1 shows other than children"
	expect 0 "" xenstore-ls --depth 0 /t
	expect 0 "c = \"\\001\\t\"\\\\\"" xenstore-ls -d 1 /t/a
	run ours xenstore-ls --width 30 /t
	grep -qx "long = \"zzzzzzzzzzzzzzzzzz\\\\...\"" "$dir/ours.out" || fail "ls --width 30"
	expect 0 "$(xenstore-ls -p /t)" xenstore-ls -p --width 80 /t
	expect 0 "$(xenstore-ls --full /t)" xenstore-ls --width 0 /t
	expect_message 1 "xenstore-ls: --depth needs a number, not 'x'" xenstore-ls --depth x /t
	expect_message 1 "xenstore-ls: --width needs a number, not '-1'" xenstore-ls --width -1 /t
	expect_message 1 "xenstore-ls: --owner needs a number, not ''" xenstore-ls --owner '' /t
	for option in --depth --width --owner; do
		expect_message 1 "xenstore-ls: option '$option' requires an argument
xenstore-ls: Usage: xenstore-ls [-h] [-f] [-p] [path]" xenstore-ls /t $option
	done
	expect_message 1 "xenstore-ls: option '--json' doesn't allow an argument
xenstore-ls: Usage: xenstore-ls [-h] [-f] [-p] [path]" xenstore-ls --json=1 /t
	expect 0 "" xenstore-ls --owner 7 /t
	expect 0 "$(xenstore-ls -f /t)" xenstore-ls --owner 0 /t
}

# Two nodes that are only ever changed together are never seen apart.
tests_one_moment() {
	local i torn=0 writer
	xenstore-write /t/pair/a 0 /t/pair/b 0
	while :; do
		i=$((${i:-0} + 1))
		xenstore-write /t/pair/a $i /t/pair/b $i || break
	done &
	writer=$!
	for i in $(seq 60); do
		run ours xenstore-ls --json --depth 1 /t/pair
		[ "$(cat "$dir/ours.status")" = 0 ] || torn=$((torn + 1))
		grep -q "kept changing" "$dir/ours.err" && continue
		[ "$(sed 's/.*"value":"\([0-9]*\)".*/\1/' "$dir/ours.out" | sort -u | wc -l)" = 1 ] ||
			torn=$((torn + 1))
	done
	kill $writer
	wait $writer 2>/dev/null
	checks=$((checks + 1))
	[ $torn = 0 ] || fail "$torn of 60 listings were not of one moment"
}

tests_round_trip() {
	local i all=
	for i in $(seq 0 255); do all=$all$(printf '\\x%02x' "$i"); done
	xenstore-write /t/all "$all" /t/all/deeper/still "$(x y 1500)"
	xenstore-chmod /t/all/deeper b0 n3 w4
	xenstore export /t >"$dir/export" || fail "export"
	expect 0 "" xenstore import /t2 "$dir/export"
	expect 0 "" xenstore diff /t /t2
	expect 0 "" xenstore diff /t file:"$dir/export"
	expect 0 "[]" xenstore diff --json file:"$dir/export" /t2
	xenstore-read -R /t/all >"$dir/all" && xenstore-read -R /t2/all | cmp -s - "$dir/all" ||
		fail "bytes are lost between export and import"
	[ "$(wc -c <"$dir/all")" = 256 ] || fail "not all bytes were written"
	expect 0 "$(xenstore-ls -fp /t | sed 's/^.t/\/t2/')" xenstore-ls -fp /t2
	xenstore export /t2 | diff <(sed 's/"path":"\/t"/"path":"\/t2"/' "$dir/export") - >/dev/null ||
		fail "an imported tree is exported otherwise"
	if command -v python3 >/dev/null; then
		checks=$((checks + 1))
		python3 -c 'import json, sys; json.load(sys.stdin)' <"$dir/export" ||
			fail "an export is not JSON"
		xenstore-ls -p --json /t | python3 -c 'import json, sys; json.load(sys.stdin)' ||
			fail "ls --json is not JSON"
	fi
	xenstore-rm /t2
}

tests_import() {
	local head='{"xenstore-export":1,"nodes":['
	local a='{"path":"a","value":"1","perms":["n0"]}'
	xenstore export /t >"$dir/export"
	xenstore import /t2 "$dir/export"
	xenstore-write /t2/other/x 1 /t2/a/c/more 1 /t2/a changed
	xenstore-chmod /t2/u r0
	expect 1 '< a = "hello"  (n0,r1)
> a = "changed"  (n0,r1)
> a/c/more = "1"  (n0)
> other = ""  (n0)
> other/x = "1"  (n0)
< u = "gr\xc3\xbc\xc3\x9f"  (b0)
> u = "gr\xc3\xbc\xc3\x9f"  (r0)' xenstore diff /t /t2
	expect 1 '< a = "hello"
> a = "changed"
> a/c/more = "1"
> other = ""
> other/x = "1"' xenstore diff --values-only /t /t2
	expect 0 "" xenstore import --values-only /t2 "$dir/export"
	expect 1 '> a/c/more = "1"  (n0)
> other = ""  (n0)
> other/x = "1"  (n0)
< u = "gr\xc3\xbc\xc3\x9f"  (b0)
> u = "gr\xc3\xbc\xc3\x9f"  (r0)' xenstore diff /t /t2
	expect 0 "" xenstore import --drop-others /t2 "$dir/export"
	expect 0 "" xenstore diff /t /t2
	expect 1 '[{"path":"zz","a":null,"b":{"base64":"/w==","perms":["n0"]}}]' \
		bash -c 'xenstore-write /t2/zz "\\xff" && xenstore diff --json /t /t2'

	expect 1 '[{"path":"zz","a":{"base64":"/w=="},"b":null}]' \
		xenstore diff --json --values-only /t2 /t

	# What somebody has written by hand, without permissions.
	echo "$head{\"path\":\"x\",\"value\":\"by hand\"}]}" >"$dir/hand"
	expect_message 1 "xenstore: $dir/hand: line 1: a node without permissions" \
		xenstore import /t3 "$dir/hand"
	expect_message 2 "xenstore: $dir/hand: line 1: a node without permissions" \
		xenstore diff /t3 file:"$dir/hand"
	expect 0 "" xenstore import --values-only /t3 "$dir/hand"
	expect 0 '/t3/x = "by hand"   (n0)' xenstore-ls -fp /t3
	expect 1 '> / = ""' xenstore diff --values-only file:"$dir/hand" /t3
	xenstore-rm /t3

	# All or nothing.
	echo "$head$a,{\"path\":\"b c\",\"value\":\"2\",\"perms\":[\"n0\"]}]}" >"$dir/bad"
	expect_message 1 "xenstore: could not write path /t3/b c: a path has letters, digits and -/_@ only" \
		xenstore import /t3 "$dir/bad"
	expect 1 "" xenstore-exists /t3
	printf '%s\n%s\n' "$head$a," '{"path":"b"}]}' >"$dir/bad"
	expect_message 1 "xenstore: $dir/bad: line 2: a node without a value" \
		xenstore import /t3 "$dir/bad"
	echo "$head{\"path\":\"x\",\"value\":\"\",\"perms\":[\"n999\"]}]}" >"$dir/bad"
	expect_message 1 "xenstore: could not set permissions of /t3/x: there is no domain 999" \
		xenstore import /t3 "$dir/bad"
	expect 1 "" xenstore-exists /t3
	expect_message 1 "xenstore: /nonexistent/file: No such file or directory" \
		xenstore import /t3 /nonexistent/file
	expect_message 2 "xenstore: /nonexistent/file: No such file or directory" \
		xenstore diff /t file:/nonexistent/file
	expect_message 2 "xenstore: couldn't read path /t3: No such file or directory" \
		xenstore diff /t /t3
	expect_message 1 "xenstore: couldn't read path /t3: No such file or directory" \
		xenstore export /t3
	xenstore-rm /t2
}

tests_chmod() {
	local deep long gone="No such file or directory"
	expect_message 1 \
		"xenstore-chmod: Error occurred setting permissions on '/t/a': $gone (there is no domain 999)" \
		xenstore-chmod /t/a n999 r7
	expect_message 1 "xenstore-chmod: Error occurred setting permissions on '/t/nope': $gone" \
		xenstore-chmod /t/nope n999
	long=$(x l 300)
	deep=/t/$long/$long/$long
	xenstore-write "$deep" 1
	expect 0 "" xenstore-chmod -r "/t/$long" r0
	expect 0 "" xenstore-chmod -u "$deep" w0
	expect 0 "$deep = \"1\"   (w0)" xenstore-ls -fp "/t/$long/$long"
	xenstore export / 2>/dev/null >"$dir/whole"
	grep -q '"path":"","value":"","perms":\["n0"\]' "$dir/whole" || fail "chmod -u went to the root"
	grep -q '"path":"t","value":"","perms":\["w0"\]' "$dir/whole" || fail "chmod -u stopped early"
	expect 0 "" xenstore-chmod -r / n0
	[ "$(xenstore-ls -fp / | grep -vc '(n0)$')" = 0 ] || fail "chmod -r / left something out"
	expect 0 "" xenstore import / "$dir/whole"
}

tests_watch() {
	local watcher
	expect 0 '/t/a = "hello"
/t/nope (removed)
@releaseDomain' xenstore-watch -n 3 --value /t/a /t/nope @releaseDomain
	expect 0 '{"path":"/t/a","value":"hello"}
{"path":"/t/bin","base64":"AP8="}
{"path":"/t/nope","value":null}
{"path":"@releaseDomain","value":null}' \
		xenstore-watch -n 4 --value --json /t/a /t/bin /t/nope @releaseDomain
	expect 0 '{"path":"/t/a"}' xenstore-watch -n 1 --json /t/a
	run ours xenstore-watch -n 1 --time --json /t/a
	grep -qE '^\{"time":"20[0-9-]{8}T[0-9:]{8}\.[0-9]{6}Z","path":"/t/a"\}$' "$dir/ours.out" ||
		fail "watch --time --json"
	run ours xenstore-watch -n 1 --time /t/a
	grep -qE '^20[0-9-]{8}T[0-9:]{8}\.[0-9]{6}Z /t/a$' "$dir/ours.out" || fail "watch --time"

	# Changes as they come, and only as deep as asked for.
	xenstore-watch -n 4 -d 1 --value /t/w >"$dir/watched" &
	watcher=$!
	wait_until grep -q /t/w "$dir/watched"
	xenstore-write /t/w/1 one
	xenstore-write /t/w/1/2 too-deep
	wait_until grep -qx '/t/w/1 = "one"' "$dir/watched"
	xenstore-write /t/w two
	wait_until grep -qx '/t/w = "two"' "$dir/watched"
	xenstore-rm /t/w
	wait $watcher
	checks=$((checks + 1))
	[ "$(cat "$dir/watched")" = '/t/w (removed)
/t/w/1 = "one"
/t/w = "two"
/t/w (removed)' ] || { fail "watch -d 1 --value"; cat "$dir/watched"; }
	expect_message 1 "xenstore-watch: Unable to add watch on /a b with depth 2: a path has letters, digits and -/_@ only" \
		xenstore-watch -d 2 '/a b'
}

tests_messages() {
	expect_message 1 "xenstore-write: could not write path /t/a: longer than a message to the server can be" \
		xenstore-write /t/a "$(x w 5000)"
	expect_message 1 "xenstore-write: could not write path /$(x p 3072): the path is longer than 3072 bytes" \
		xenstore-write "/$(x p 3072)" 1
	expect_message 1 "xenstore-write: could not write path $(x p 3057): the path is longer than 3072 bytes" \
		xenstore-write "$(x p 3057)" 1
	expect_message 1 "xenstore-rm: could not remove path /: the root of the tree stays" xenstore-rm /
	expect_message 1 "xenstore: unknown mode bogus (modes are chmod, exists, list, ls, read, rm, \
watch, write, export, import, diff)" xenstore bogus
	expect_message 1 "xenstore-read: xs_open: No such file or directory (socket /nonexistent/socket)" \
		env XENSTORED_PATH=/nonexistent/socket xenstore-read /t
	expect_message 2 "xenstore: xs_open: No such file or directory (socket /nonexistent/socket)" \
		env XENSTORED_PATH=/nonexistent/socket xenstore diff /t /t
	echo "not a server" >"$dir/file"
	expect_message 1 "xenstore-read: xs_open: neither a socket nor a device (socket $dir/file)" \
		env XENSTORED_PATH="$dir/file" xenstore-read /t
	[ "$(cat "$dir/file")" = "not a server" ] || fail "a file was written to"
	if [ -w /dev/full ]; then
		expect_message 1 "xenstore-ls: cannot write the output: No space left on device" \
			bash -c 'exec xenstore-ls / >/dev/full'
		expect_message 1 "xenstore-read: cannot write the output: No space left on device" \
			bash -c 'exec xenstore-read /t/a >/dev/full'
		expect_message 1 "xenstore-watch: cannot write the output: No space left on device" \
			bash -c 'exec xenstore-watch /t/a >/dev/full'
	fi
	expect_message 1 \
		"xenstore: Usage: xenstore import [-h] [--drop-others] [--values-only] path [file]" \
		xenstore import /t a b
	expect_message 1 "xenstore: Usage: xenstore export [-h] path" xenstore export /t /t
	expect_message 2 "xenstore: Usage: xenstore diff [-h] [--values-only] [--json] a b" \
		xenstore diff /t
}

# More nodes than any message or queue of requests holds.
tests_large() {
	local i
	{
		echo '{"xenstore-export":1,"nodes":['
		for i in $(seq 2000); do
			echo "{\"path\":\"d$((i % 10))/n$i\",\"value\":\"$i\",\"perms\":[\"n0\"]},"
		done
		echo '{"path":"","value":"","perms":["n0"]}]}'
	} >"$dir/large"
	expect 0 "" xenstore import /t/large "$dir/large"
	checks=$((checks + 1))
	[ "$(xenstore-ls -f /t/large | wc -l)" = 2010 ] || fail "not all of a large tree was listed"
	xenstore export /t/large >"$dir/large.1" 2>"$dir/large.err"
	xenstore import /t/large2 "$dir/large.1" 2>>"$dir/large.err"
	xenstore diff --values-only /t/large /t/large2 2>>"$dir/large.err" | grep . &&
		fail "a large tree changed on its way"
	# Foreign servers get no transaction of that size, and the tools say so.
	if [ -z "${XS_TEST_SOCKET:-}" ]; then
		[ ! -s "$dir/large.err" ] || { fail "messages"; cat "$dir/large.err"; }
	fi
}

# The server goes away under a watch.
tests_server_loss() {
	local watcher status
	if [ -z "$server_pid" ]; then
		echo "NOT TESTED: loss of the server, which is not ours to stop"
		return
	fi
	timeout 60 xenstore-watch /t/a >"$dir/watched" 2>"$dir/watched.err" &
	watcher=$!
	wait_until grep -q /t/a "$dir/watched"
	stop_server
	wait $watcher
	status=$?
	checks=$((checks + 1))
	[ $status = 1 ] && grep -q "the connection to the server is lost" "$dir/watched.err" ||
		{ fail "watch at the loss of the server: status $status"; cat "$dir/watched.err"; }
}

# What is wrong with a command that the server has.
tests_control_mistakes() {
	local quota='[set <name> <val>|<domid>|max [-r]]' place=/var/lib/xen/xenstore arguments
	for arguments in "set nodez 5" "set nodes x" "set nodes 0" "set nodes" x "max x"; do
		# shellcheck disable=SC2086
		expect_message 3 "Wrong arguments of 'quota'. Usage:
xenstore-control quota $quota
'quota' alone lists the names. A value is at least 1." xenstore-control quota $arguments
	done
	expect_message 3 "Wrong arguments of 'print'. Usage:
xenstore-control print <string>" xenstore-control print
	expect_message 3 "'check' takes no arguments." xenstore-control check foo
	expect_message 3 "Wrong arguments of 'tree'. Usage:
xenstore-control tree <path> <after>
Both are needed; the second is '' at first." xenstore-control tree /
	expect_message 3 "Wrong arguments of 'logfile'. Usage:
xenstore-control logfile <file>
The server must be able to open the file. A name without a leading
slash is taken below $place." xenstore-control logfile /nonexistent/directory/x
	expect_message 3 "Wrong arguments of 'memreport'. Usage:
xenstore-control memreport [<file>]
The server must be tracing, or able to open the file. A name without
a leading slash is taken below $place." xenstore-control memreport
	expect_message 3 "Error 2 when trying to execute command. (no such domain)" \
		xenstore-control quota 99
	expect_message 3 "Setting update binary failed:
Invalid argument (this server has no live update: restart it instead)" \
		xenstore-control live-update /nonexistent/xenstored
	# A name is not taken for one that begins like it.
	run ours xenstore-control quot
	grep -q '^Command not supported. Valid commands are:$' "$dir/ours.err" || fail "quot is no command"
	expect_message 1 \
		"Failed to contact Xenstored. (No such file or directory, socket /nonexistent/socket)" \
		env XENSTORED_PATH=/nonexistent/socket xenstore-control check
}

tests_control() {
	start_fake denies-secret
	expect 0 "OK" xenstore-control anything at all
	start_fake is-busy
	expect 3 "" xenstore-control live-update -t 0 /any
	start_fake is-busy
	expect 0 "" xenstore-control live-update -t 30 -v 2 /any
	expect_message 2 "Missing version value" xenstore-control live-update -v
	stop_server
}

start_server
tests_help
for tests in json ls one_moment round_trip import chmod watch messages large; do
	reset_store
	"tests_$tests"
done
xenstore-rm /t
[ -n "${XS_TEST_SOCKET:-}" ] || tests_control_mistakes
tests_server_loss
stop_server
tests_control
finish_tests
