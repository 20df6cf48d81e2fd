# SPDX-License-Identifier: MIT
# What the tests of the tools share. Sourced with TOOLS (where our programs are) and SERVER (the
# daemon) set. XS_TEST_SOCKET names a running server to use instead of starting SERVER.

failures=0
checks=0
dir=$(mktemp -d "${TMPDIR:-/tmp}/xstools.XXXXXX") || exit 1
server_pid=

stop_server() {
	if [ -n "$server_pid" ]; then
		kill "$server_pid" 2>/dev/null
		wait "$server_pid" 2>/dev/null
	fi
	server_pid=
}

finish() {
	stop_server
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

skip() {
	echo "SKIPPED: $*"
	exit 77
}

# Waits, with a limit, until a command succeeds.
wait_until() {
	local i
	for i in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	echo "gave up waiting for: $*" >&2
	return 1
}

# The store that most tests use.
start_server() {
	if [ -n "${XS_TEST_SOCKET:-}" ]; then
		export XENSTORED_PATH=$XS_TEST_SOCKET
	else
		export XENSTORED_RUNDIR=$dir/run XENSTORED_PATH=$dir/run/socket
		mkdir -p "$dir/run"
		"$SERVER" -N >"$dir/server.log" 2>&1 &
		server_pid=$!
	fi
	if ! wait_until "$TOOLS/xenstore-exists" /; then
		cat "$dir/server.log" >&2
		exit 1
	fi
}

# A server that goes wrong; see fake_server.c. Ends the one before.
start_fake() { # DEFECT
	stop_server
	rm -f "$dir/fake"
	export XENSTORED_PATH=$dir/fake
	"$FAKE" "$dir/fake" "$1" &
	server_pid=$!
	wait_until test -S "$dir/fake" || exit 1
}

# Runs a command; its output, messages and status go to $dir/NAME.{out,err,status}.
run() { # NAME COMMAND...
	local name=$1
	shift
	"$@" >"$dir/$name.out" 2>"$dir/$name.err" </dev/null
	echo $? >"$dir/$name.status"
}

fail() { # WHAT
	failures=$((failures + 1))
	echo "FAILED: $*"
}

show() { # NAME
	local kind
	for kind in status out err; do
		sed "s/^/    $1 $kind: /" "$dir/$1.$kind" | head -40
	done
}

# Checks status and output of a command of ours.
expect() { # STATUS OUTPUT COMMAND...
	local status=$1 output=$2
	shift 2
	checks=$((checks + 1))
	run ours "$@"
	if [ "$(cat "$dir/ours.status")" != "$status" ] ||
			[ "$(cat "$dir/ours.out")" != "$output" ]; then
		fail "$*: expected status $status and output '$output'"
		show ours
	fi
}

# Checks status and messages of a command that must fail.
expect_message() { # STATUS MESSAGE COMMAND...
	local status=$1 message=$2
	shift 2
	checks=$((checks + 1))
	run ours "$@"
	if [ "$(cat "$dir/ours.status")" != "$status" ] ||
			[ "$(cat "$dir/ours.err")" != "$message" ]; then
		fail "$*: expected status $status and message '$message'"
		show ours
	fi
}

finish_tests() {
	echo "$checks checks, $failures failed"
	[ "$checks" -gt 0 ] && [ "$failures" -eq 0 ]
	exit
}
