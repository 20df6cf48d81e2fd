# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the checks are written with. Each check runs in a shell of its own, so
# what one leaves for another lies in files below $state.
#
# shellcheck disable=SC2034 # used by the checks

readonly state=/run/test
readonly xenstored=/test/xenstored

# A domain that is resumed in place is introduced to watchers once more by our
# server: they were told of its shutdown and would wait for it for ever.
# Upstream's server is silent.
case ${XENTEST_SERVER:-} in
debian) readonly introduced_by_resume=0 ;;
*) readonly introduced_by_resume=1 ;;
esac

readonly guest_address=10.0.0.1 dom0_address=10.0.0.254

# same WHAT GOT WANTED
same()
{
	[ "$2" != "$3" ] || return 0
	printf '%s is "%s", expected "%s"\n' "$1" "$2" "$3"
	return 1
}

# pause SECONDS: without a process. Starting one takes the emulated host a tenth
# of a second, so a loop around sleep would be busier than what it waits for.
exec {never_ready}<> <(:)
pause()
{
	read -r -t "$1" -u "$never_ready" || true
}

# eventually SECONDS COMMAND...: true at last, or fail.
eventually()
{
	local deadline=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS >= deadline)); then
			echo "still false: $*"
			return 1
		fi
		pause 0.2
	done
}

# await SECONDS PATH PATTERN: until the value of a node matches. Sleeps in a
# watch, for the reason given at pause.
await()
{
	local events watcher found=false

	exec {events}< <(exec xenstore-watch "$2")
	watcher=$!
	while read -r -t "$1" -u "$events" _; do
		# shellcheck disable=SC2053 # a pattern
		if [[ $(xenstore-read "$2" 2>/dev/null) == $3 ]]; then
			found=true
			break
		fi
	done
	exec {events}<&-
	kill "$watcher" || true
	$found || echo "$2 did not become \"$3\" within $1 seconds"
	$found
}

not()
{
	! "$@"
}

# --- the server ---

# start_server: start it as an init script would and wait until it answers.
start_server()
{
	local args

	read -ra args <"/test/server-args" || true
	XENSTORED_RUNDIR=/run/xenstored "$xenstored" --pid-file /run/xenstored.pid "${args[@]}"
	eventually 10 xenstore-exists /
}

# listing: every node with value and permissions.
listing()
{
	xenstore-ls -fp /
}

# --- what dom0 is told about domains ---

# listen: watch for domains to come and go, from now to the end of the run. The
# third node is a mark, see told.
listen()
{
	xenstore-write /mark 0
	setsid xenstore-watch @introduceDomain @releaseDomain /mark >$state/events 2>&1 &
	# One event of each comes with the watches themselves.
	echo 1 >$state/introduced
	echo 1 >$state/released
	eventually 10 have_heard 1 1 1
}

# hear: count the events so far.
hear()
{
	local event

	introductions=0 releases=0 marks=0
	while read -r event; do
		case $event in
		@introduceDomain) introductions=$((introductions + 1)) ;;
		@releaseDomain) releases=$((releases + 1)) ;;
		/mark) marks=$((marks + 1)) ;;
		esac
	done <$state/events
}

# have_heard INTRODUCTIONS RELEASES MARKS: at least so many.
have_heard()
{
	hear
	((introductions >= $1 && releases >= $2 && marks >= $3))
}

# told INTRODUCTIONS RELEASES: wait until so many events have come since the
# last call, and make sure that there were no more.
#
# The mark is written when all expected events are there, and its own event
# arrives behind them: what has not been heard by then was not sent by then.
told()
{
	local introduced released

	introduced=$(($(<$state/introduced) + $1))
	released=$(($(<$state/released) + $2))
	eventually 90 have_heard "$introduced" "$released" 0 || true

	hear
	xenstore-write /mark 0
	eventually 10 have_heard 0 0 $((marks + 1))
	# A difference is reported once and not again by the checks that follow.
	echo "$introductions" >$state/introduced
	echo "$releases" >$state/released
	same "the number of @introduceDomain" "$introductions" "$introduced"
	same "the number of @releaseDomain" "$releases" "$released"
}

# --- guests ---

# start_guest GUEST: create it, without waiting for it.
start_guest()
{
	xl create "/test/$1.cfg"
	note_domid "$1"
}

# note_domid GUEST: after a create, restore or reboot.
note_domid()
{
	xl domid "$1" >"$state/$1.domid"
}

domid()
{
	echo "$(<"$state/$1.domid")"
}

# wait_for_guest GUEST: until its agent listens.
wait_for_guest()
{
	await 180 "/local/domain/$(domid "$1")/data/ready" 1
}

guest_is_gone()
{
	not xenstore-exists "/local/domain/$(domid "$1")"
}

# tell GUEST TASK ARGUMENTS...: without waiting for an answer.
tell()
{
	local guest=$1 number=0

	shift
	[ ! -e "$state/$guest.number" ] || number=$(<"$state/$guest.number")
	number=$((number + 1))
	echo "$number" >"$state/$guest.number"
	xenstore-write "/local/domain/$(domid "$guest")/data/command" "$number $*"
}

# ask GUEST TASK ARGUMENTS...: have the guest run one of its tasks; fails with
# what the guest says. Different guests may be asked at the same time.
ask()
{
	local path events answer

	path=/local/domain/$(domid "$1")/data/answer
	exec {events}< <(exec xenstore-watch -n 2 "$path")
	# The first event says that the watch is there, the second that the guest
	# has written its answer.
	read -r -t 20 -u "$events" _
	tell "$@"
	read -r -t 90 -u "$events" _ || {
		echo "$1 does not answer: ${*:2}"
		return 1
	}
	exec {events}<&-

	answer=$(xenstore-read "$path")
	same "the number of the answer" "${answer%% *}" "$(<"$state/$1.number")"
	answer=${answer#* }
	[ "${answer%% *}" != 0 ] || return 0
	echo "$1 says: ${answer#* }"
	return 1
}
