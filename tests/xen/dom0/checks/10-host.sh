# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # some names come from lib.sh
#
# Dom0 alone: the server, the toolstack's daemons, dom0's own ring.

require_the_server_starts_and_answers()
{
	start_server
	xenstore-exists /tool/xenstored
}

require_dom0_is_initialised()
{
	xen-init-dom0
	same "the domid of dom0" "$(xenstore-read /local/domain/0/domid)" 0
	xenconsoled --pid-file /run/xenconsoled.pid --log=guest --log-dir=/var/log/xen/console
	xl info >/dev/null
}

# The kernel of dom0 speaks over a ring of its own, which needs neither grant
# nor socket.
check_the_ring_of_dom0_reads_and_writes()
{
	local ring="env XENSTORED_PATH=/dev/xen/xenbus"

	same "the domid" "$($ring xenstore-read domid)" 0
	$ring xenstore-write /ring-of-dom0 'through the kernel'
	same "/ring-of-dom0" "$(xenstore-read /ring-of-dom0)" 'through the kernel'
	$ring xenstore-rm /ring-of-dom0
	not xenstore-exists /ring-of-dom0
}

# The last of these, since it takes the listing that the end compares with.
require_watchers_of_domains_can_listen()
{
	listen
	told 0 0
	listing >"$state/before"
}
