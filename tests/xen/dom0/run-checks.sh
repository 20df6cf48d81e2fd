#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Run every function check_* and require_* of checks/*.sh, in the order in
# which they stand there, and say for each whether it held.
#
# The name is the title: "check_a_guest_reads" prints "a guest reads". Each one
# runs in a shell of its own under "set -e", so any command that fails makes
# the check fail, and a time limit ends one that hangs. Where a require_* fails
# the rest could only fail too, slowly: it is reported as failed without being
# run. The same happens when time runs out, as logs are worth more than checks
# cut off from outside.
set -u

readonly LIMIT=240 # seconds for one check, of which some take 20 on a quiet machine
readonly LOG=/run/test/check.log
readonly VERDICTS=/run/test/verdicts

# shellcheck source=tests/xen/dom0/lib.sh
. /test/lib.sh
mkfifo $VERDICTS
exec {verdicts}<>$VERDICTS

# Each check becomes a job, and with that a process group to end as a whole.
set -m

# run_one FILE FUNCTION: without timeout(1), as processes are dear (see pause).
run_one()
{
	local status=

	(
		trap 'echo $? >$VERDICTS' EXIT
		trap 'echo "failed: line $LINENO of ${BASH_SOURCE##*/}: $BASH_COMMAND"' ERR
		set -eEu -o pipefail
		# shellcheck source=/dev/null
		. "$1"
		"$2"
	) </dev/null >$LOG 2>&1 &
	read -r -t $LIMIT -u "$verdicts" status || echo "not finished after $LIMIT seconds" >>$LOG
	kill -KILL -- -$! 2>/dev/null
	wait $! 2>/dev/null
	[ "$status" = 0 ]
}

# show_logs: on the console, for the log that run.sh keeps.
show_logs()
{
	local file

	for file in /var/log/xen/*.log /var/log/xen/console/*.log; do
		[ -s "$file" ] || continue
		printf '\n==== %s\n' "$file"
		tail -n 40 "$file"
	done
	printf '\n==== processes\n'
	ps -o pid,ppid,stat,args
	printf '\n==== the store\n'
	timeout 10 xenstore-ls -fp /
}

possible=true
for file in /test/checks/*.sh; do
	mapfile -t functions < <(sed -n 's/^\(\(check\|require\)_[a-z0-9_]*\)()$/\1/p' "$file")
	for function in "${functions[@]}"; do
		title=${function#*_}
		title=${title//_/ }
		if [ $SECONDS -gt "${XENTEST_SECONDS:-600}" ]; then
			echo "not run: no time left" >$LOG
			possible=false
		elif ! $possible; then
			echo "not run: what it needs is missing" >$LOG
		else
			printf '==== %s seconds: %s\n' "$SECONDS" "$title" >/dev/console
			if run_one "$file" "$function"; then
				printf 'ok - %s\n' "$title"
				continue
			fi
		fi

		printf 'not ok - %s\n' "$title"
		sed 's/^/# /' $LOG
		! $possible || show_logs >/dev/console 2>&1
		case $function in
		require_*) possible=false ;;
		esac
	done
done

# Without this last word run.sh takes the run for one that did not finish.
printf 'finished\n'
