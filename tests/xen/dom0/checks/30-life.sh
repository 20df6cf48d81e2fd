# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # some names come from lib.sh
#
# The ways in which a guest goes and comes back. Watchers in dom0 hear
# @releaseDomain once when a domain has shut down, whatever the reason, and
# once when it is gone; @introduceDomain once when one is introduced.

# First of all, as after this the toolstack has nobody waiting for the guest's
# end who would clean up.
check_a_guest_resumes_in_place()
{
	local before

	before=$(domid g1)
	xl save -c g1 /run/g1.save
	rm /run/g1.save
	told "$introduced_by_resume" 1
	note_domid g1
	same "the domid" "$(domid g1)" "$before"
	ask g1 reads_its_home g1 "$before"
}

check_a_guest_is_saved()
{
	xl save g1 /run/g1.save
	told 0 2
	guest_is_gone g1
}

check_a_guest_is_restored()
{
	local before

	before=$(domid g1)
	xl restore /run/g1.save
	rm /run/g1.save
	note_domid g1
	told 1 0
	[ "$(domid g1)" != "$before" ]
	ask g1 reads_its_home g1 "$(domid g1)"
	ask g1 uses_its_disk 200
	ask g1 reaches "$dom0_address"
}

check_a_guest_shuts_down()
{
	xl shutdown -w g1
	told 0 2
	guest_is_gone g1
}

check_a_guest_reboots()
{
	local before

	before=$(domid g2)
	xl reboot g2
	told 1 2
	note_domid g2
	[ "$(domid g2)" != "$before" ]
	not xenstore-exists "/local/domain/$before"
	wait_for_guest g2
	ask g2 reads_its_home g2 "$(domid g2)"
}

# Its configuration has the toolstack start it again.
check_a_guest_crashes()
{
	local before

	before=$(domid g2)
	tell g2 crashes
	told 1 2
	note_domid g2
	[ "$(domid g2)" != "$before" ]
	not xenstore-exists "/local/domain/$before"
}

check_a_guest_is_destroyed()
{
	xl destroy g2
	told 0 1
	guest_is_gone g2
}
