#!/bin/bash
# SPDX-License-Identifier: MIT
#
# For run.sh --shell: the host made ready, and what one can do in it.
set -eu
# shellcheck source=tests/xen/dom0/lib.sh
. /test/lib.sh

start_server
xen-init-dom0 >/dev/null
xenconsoled --pid-file /run/xenconsoled.pid --log=guest --log-dir=/var/log/xen/console

cat <<'EOF'

This is dom0; the xenstored under test is running. For example:

  xl create -c /test/g1.cfg     start a guest and see its console (leave: Ctrl-])
  xl list; xl console g1; xl save g1 /run/g1.save; xl shutdown g1
  xenstore-ls -fp               the whole store
  xenstore-watch @introduceDomain @releaseDomain

Leave with "poweroff -f", or Ctrl-A X to stop the emulator.

EOF
