# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # some names come from lib.sh
#
# What must hold when all guests are gone. Stays last.

# The toolstack makes two directories for its first guest and never removes
# them. Nothing else may differ.
check_afterwards_the_store_is_as_before()
{
	{
		cat "$state/before"
		printf '/%s = ""   (n0)\n' libxl vm
	} | sort >"$state/expected"
	listing | sort >"$state/after"
	diff -u "$state/expected" "$state/after"
}

check_afterwards_no_further_watcher_was_woken()
{
	told 0 0
}

check_the_server_still_runs()
{
	kill -0 "$(cat /run/xenstored.pid)"
}
