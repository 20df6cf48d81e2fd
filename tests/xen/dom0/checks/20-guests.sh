# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # some names come from lib.sh
#
# Two guests: their devices, and what they may do through their rings.

require_two_guests_boot()
{
	start_guest g1
	start_guest g2
	wait_for_guest g1
	wait_for_guest g2
}

check_watchers_are_told_of_each_new_guest_once()
{
	told 2 0
}

check_a_guest_reads_what_the_toolstack_wrote()
{
	ask g1 reads_its_home g1 "$(domid g1)"
	ask g2 reads_its_home g2 "$(domid g2)"
}

check_a_guest_writes_and_reads_back()
{
	ask g1 writes_and_reads_back
}

check_a_guest_lists_what_is_there()
{
	ask g1 lists_what_is_there
}

check_a_guest_lists_the_same_tree_each_time()
{
	ask g1 lists_the_same_each_time 20
}

check_a_guest_is_told_of_changes()
{
	ask g1 is_told_of_changes
}

# Commands and answers depend on it all the time; here it is said.
check_dom0_and_guest_see_each_others_writes()
{
	local data

	data=/local/domain/$(domid g1)/data
	tell g1 keeps_a_secret
	await 60 "$data/secret" 'for me alone'
	xenstore-rm "$data/secret"
}

check_a_guest_commits_a_transaction()
{
	ask g1 commits_a_transaction
}

check_a_guest_aborts_a_transaction()
{
	ask g1 aborts_a_transaction
}

# Asked of the guest that is not saved later: with a transaction dropped in this
# way the guest's kernel (6.1) goes on to count it as open, and never suspends.
check_a_guest_drops_a_transaction()
{
	ask g2 drops_a_transaction
}

check_a_guest_loses_a_conflict()
{
	ask g1 loses_a_conflict
}

check_a_guest_writes_all_or_nothing()
{
	ask g1 writes_all_or_nothing
}

check_a_guest_is_refused_what_is_not_its_own()
{
	ask g2 keeps_a_secret
	ask g1 is_refused "$(domid g2)"
	ask g2 still_has_its_secret
	not xenstore-exists /local/domain/0/intruder
	not xenstore-exists /intruder
}

check_a_guest_shares_with_another()
{
	ask g2 shares_with "$(domid g1)"
	ask g1 may_only_read_what_is_shared "$(domid g2)"
}

check_a_guest_never_sees_half_a_transaction_of_another()
{
	local writer

	ask g2 counts_up 8 &
	writer=$!
	ask g1 never_sees_half "$(domid g2)" 8
	wait $writer
	ask g2 stops_sharing
}

check_a_guest_uses_its_disk()
{
	ask g1 uses_its_disk 100
	same "the mark of the guest" "$(dd if=/run/disk bs=512 skip=100 count=1 2>/dev/null |
		head -n 1)" 'from the guest'
}

check_a_guest_uses_its_network()
{
	ask g1 uses_its_network "$guest_address" "$dom0_address"
}
