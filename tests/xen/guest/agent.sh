#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The agent: takes commands out of the store and puts answers into it.
#
# dom0 writes "<number> <function> <arguments>" to data/command; the function
# is one of tasks.sh. The answer, "<number> <exit status> <output>", goes to
# data/answer. Everything goes through /dev/xen/xenbus, the guest's own ring:
# there is no other way in this guest.
#
# The agent survives save and restore. The kernel then registers its watch
# anew, which fires once, so that no command is lost; the number tells whether
# a command was done before.

. /xenbus.sh
. /tasks.sh

last=

obey()
{
	local command number output status

	command=$(xenstore-read data/command 2>/dev/null) || return 0
	number=${command%% *}
	[ "$number" != "$last" ] || return 0
	last=$number

	# Not in a condition, where the shell would ignore the errors of the task.
	# shellcheck disable=SC2086 # the words of the command are wanted here
	output=$(set -e; ${command#* } 2>&1)
	status=$?
	xenstore-write data/answer "$number $status $output"
}

# The agent is ready once the watch is there: its first event says so.
xenstore-watch data/command | while read -r _; do
	[ -n "$last" ] || xenstore-write data/ready 1
	obey
done
