# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# What a guest does for dom0's checks: one function per command, run by
# agent.sh under "set -e". A task that fails says why; dom0 shows it.

# same WHAT GOT WANTED
same()
{
	[ "$2" != "$3" ] || return 0
	printf '%s is "%s", expected "%s"\n' "$1" "$2" "$3"
	return 1
}

# eventually COMMAND...: true at last, or fail after ten seconds.
eventually()
{
	local tries=50

	until "$@" 2>/dev/null; do
		tries=$((tries - 1))
		if [ "$tries" -eq 0 ]; then
			echo "still false: $*"
			return 1
		fi
		sleep 0.2
	done
}

# "!" would hide a failure from "set -e".
not()
{
	! "$@"
}

# begin: start a transaction on the open ring and leave its number in $tx.
begin()
{
	tx=$(xs $TRANSACTION_START 0 '|')
	tx=${tx%|}
	[ "$tx" -gt 0 ]
}

# reads_its_home NAME DOMID: relative and absolute names of its own nodes.
reads_its_home()
{
	same "domid" "$(xenstore-read domid)" "$2"
	same "name" "$(xenstore-read name)" "$1"
	same "name, absolute" "$(xenstore-read "/local/domain/$2/name")" "$1"
	same "the name by its uuid" "$(xenstore-read "$(xenstore-read vm)/name")" "$1"
}

writes_and_reads_back()
{
	local long

	xenstore-write data/w/a 'two words'
	same "data/w/a" "$(xenstore-read data/w/a)" 'two words'
	xenstore-write data/w/a ''
	same "data/w/a" "$(xenstore-read data/w/a)" ''

	# Longer than the ring, so that request and reply go round its end.
	long=$(seq 1000 1399 | tr -d '\n')
	xenstore-write data/w/long "$long"
	same "data/w/long" "$(xenstore-read data/w/long)" "$long"

	xenstore-rm data/w
	not xenstore-exists data/w/a
}

lists_what_is_there()
{
	xenstore-write data/l/b 1 data/l/a 2 data/l/c/d 3
	same "the list" "$(xenstore-list data/l | sort | tr '\n' ' ')" 'a b c '
	same "the list of a leaf" "$(xenstore-list data/l/a)" ''
	same "the tree" "$(xenstore-ls -f data/l | sort | tr '\n' ' ')" \
		'data/l/a = "2" data/l/b = "1" data/l/c = "" data/l/c/d = "3" '
	xenstore-rm data/l
}

# lists_the_same_each_time TIMES: many nodes whose paths are equally long and
# whose values differ, so that an answer in the wrong place cannot go unseen.
lists_the_same_each_time()
{
	local names='0 1 2 3 4 5 6 7 8 9 a b c d e f' name wanted='' n=0

	set -- "$1"
	for name in $names; do
		set -- "$@" "data/s/$name" "value of $name" "data/s/$name/x" "x of $name"
		wanted="${wanted}data/s/$name = \"value of $name\" data/s/$name/x = \"x of $name\" "
	done
	set -- "$@" data/s/g ''
	wanted="${wanted}data/s/g = \"\" "
	n=$1
	shift
	xenstore-write "$@"
	while [ "$n" -gt 0 ]; do
		same "the tree, $n times to go" "$(xenstore-ls -f data/s | sort | tr '\n' ' ')" \
			"$wanted"
		n=$((n - 1))
	done
	xenstore-rm data/s
}

is_told_of_changes()
{
	# The first event comes with the watch itself: then the watch is there.
	xenstore-watch -n 4 data/n >/tmp/events &
	eventually test -s /tmp/events

	xenstore-write data/n 1
	xenstore-write data/not-n 1
	xenstore-write data/n/below 1
	xenstore-rm data/not-n
	xenstore-rm data/n
	wait $!
	same "the events" "$(tr '\n' ' ' </tmp/events)" 'data/n data/n data/n/below data/n '
}

commits_a_transaction()
{
	xenstore-write data/t old
	xs_open
	begin
	same "WRITE" "$(xs $WRITE "$tx" 'data/t|new')" 'OK|'
	same "data/t within" "$(xs $READ "$tx" 'data/t|')" 'new'
	same "data/t outside" "$(xenstore-read data/t)" 'old'
	same "TRANSACTION_END" "$(xs $TRANSACTION_END "$tx" 'T|')" 'OK|'
	same "data/t afterwards" "$(xenstore-read data/t)" 'new'
	xs_close
	xenstore-rm data/t
}

aborts_a_transaction()
{
	xenstore-write data/t old
	xs_open
	begin
	same "WRITE" "$(xs $WRITE "$tx" 'data/t|new')" 'OK|'
	same "TRANSACTION_END" "$(xs $TRANSACTION_END "$tx" 'F|')" 'OK|'
	same "data/t" "$(xenstore-read data/t)" 'old'
	xs_close
	xenstore-rm data/t
}

# A file that is closed takes its transactions with it.
drops_a_transaction()
{
	xenstore-write data/t old
	xs_open
	begin
	same "WRITE" "$(xs $WRITE "$tx" 'data/t|new')" 'OK|'
	xs_close
	same "data/t" "$(xenstore-read data/t)" 'old'
	xenstore-rm data/t
}

loses_a_conflict()
{
	xenstore-write data/t old
	xs_open
	begin
	same "READ" "$(xs $READ "$tx" 'data/t|')" 'old'
	xenstore-write data/t other
	same "WRITE" "$(xs $WRITE "$tx" 'data/t|mine')" 'OK|'
	same "TRANSACTION_END" "$(xs $TRANSACTION_END "$tx" 'T|')" 'ERROR EAGAIN|'
	same "data/t" "$(xenstore-read data/t)" 'other'
	xs_close
	xenstore-rm data/t
}

# xenstore-write puts more than one value into one transaction.
writes_all_or_nothing()
{
	xenstore-write data/t/a 1 data/t/b 2
	same "both" "$(xenstore-read data/t/a data/t/b | tr '\n' ' ')" '1 2 '
	not xenstore-write data/t/c 3 /local/domain/0/intruder 4 2>/dev/null
	not xenstore-exists data/t/c
	xenstore-rm data/t
}

# is_refused OTHER: nodes of dom0 and of guest OTHER, and dom0's requests.
is_refused()
{
	local refused='ERROR EACCES|' me

	me=$(xenstore-read domid)
	xenstore-write data/mine 1
	xs_open
	same "READ /" "$(xs $READ 0 '/|')" "$refused"
	same "DIRECTORY /vm" "$(xs $DIRECTORY 0 '/vm|')" "$refused"
	same "READ of another" "$(xs $READ 0 "/local/domain/$1/data/secret|")" "$refused"
	same "GET_PERMS of another" "$(xs $GET_PERMS 0 "/local/domain/$1/data/secret|")" "$refused"
	same "WRITE to another" "$(xs $WRITE 0 "/local/domain/$1/data/secret|x")" "$refused"
	same "WRITE of a new node there" "$(xs $WRITE 0 "/local/domain/$1/data/new|x")" "$refused"
	same "RM of another" "$(xs $RM 0 "/local/domain/$1/data/secret|")" "$refused"
	same "WRITE to dom0" "$(xs $WRITE 0 '/local/domain/0/intruder|x')" "$refused"
	same "MKDIR in the root" "$(xs $MKDIR 0 '/intruder|')" "$refused"
	same "WRITE of its name" "$(xs $WRITE 0 'name|x')" "$refused"
	same "RM of its home" "$(xs $RM 0 "/local/domain/$me|")" "$refused"
	same "SET_PERMS of its name" "$(xs $SET_PERMS 0 "name|n$me|")" "$refused"
	same "giving a node away" "$(xs $SET_PERMS 0 'data/mine|n0|')" 'ERROR EPERM|'
	same "INTRODUCE" "$(xs $INTRODUCE 0 "$1|1|1|")" "$refused"
	same "RELEASE" "$(xs $RELEASE 0 "$1|")" "$refused"
	same "RESUME" "$(xs $RESUME 0 "$1|")" "$refused"
	same "SET_TARGET" "$(xs $SET_TARGET 0 "$me|$1|")" "$refused"
	xs_close
	xenstore-rm data/mine
}

# keeps_a_secret: a node that no other guest may see.
keeps_a_secret()
{
	xenstore-write data/secret 'for me alone'
}

still_has_its_secret()
{
	same "data/secret" "$(xenstore-read data/secret)" 'for me alone'
	same "what is in data" "$(xenstore-list data | grep -c new)" 0
	xenstore-rm data/secret
}

# shares_with OTHER: data/shared is readable by that guest.
shares_with()
{
	xenstore-write data/shared/a 0 data/shared/b 0
	xenstore-chmod -r data/shared "n$(xenstore-read domid)" "r$1"
}

# counts_up TIMES: two nodes, always changed together.
counts_up()
{
	local n=0

	while [ "$n" -lt "$1" ]; do
		n=$((n + 1))
		xenstore-write data/shared/a "$n" data/shared/b "$n"
	done
}

# never_sees_half OTHER LAST: read both until they are LAST.
never_sees_half()
{
	local both

	while true; do
		both=$(xenstore-read "/local/domain/$1/data/shared/a" \
			"/local/domain/$1/data/shared/b" | tr '\n' ' ')
		same "the pair" "$both" "${both%% *} ${both%% *} "
		[ "${both%% *}" -ne "$2" ] || break
	done
}

may_only_read_what_is_shared()
{
	xs_open
	same "WRITE" "$(xs $WRITE 0 "/local/domain/$1/data/shared/a|x")" 'ERROR EACCES|'
	same "READ" "$(xs $READ 0 "/local/domain/$1/data/shared/a|")" 0
	xs_close
}

stops_sharing()
{
	xenstore-rm data/shared
}

# uses_its_disk OFFSET: read dom0's mark at the start, leave one at OFFSET.
uses_its_disk()
{
	eventually test -b /dev/xvda
	same "the mark of dom0" "$(dd if=/dev/xvda bs=512 count=1 2>/dev/null | head -n 1)" 'from dom0'
	echo 'from the guest' | dd of=/dev/xvda bs=512 seek="$1" conv=sync,fsync 2>/dev/null
}

# uses_its_network ADDRESS PEER
uses_its_network()
{
	eventually test -e /sys/class/net/eth0
	ip address add "$1/24" dev eth0
	ip link set eth0 up
	eventually ping -c 1 -W 1 "$2" >/dev/null
}

reaches()
{
	eventually ping -c 1 -W 1 "$1" >/dev/null
}

crashes()
{
	echo 1 >/proc/sys/kernel/sysrq
	echo c >/proc/sysrq-trigger
}
