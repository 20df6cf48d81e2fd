#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Start and stop xenstore servers on a machine without Xen, for comparison.
#
#	reference.sh fetch             get Debian's packages, if they are not there
#	reference.sh start NAME DIR    a fresh server; DIR must not exist, or be one of ours
#	reference.sh restart NAME DIR  the same, after stop
#	reference.sh stop DIR
#
# NAME is `ours` (xenstored of the build directory), `debian-c` (Xen's C xenstored) or
# `debian-ocaml` (oxenstored), the latter as in Debian 12, with the quotas that it is shipped with.
# All run in the foreground of a Xen host that is a directory, where only domain 0 exists. The
# socket is DIR/run/socket; what the server printed is in DIR/log. Keep DIR short, as sockets must.
#
# start returns when the server answers. With CROSS_OWNER set to a process, the server is killed
# when that ends.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Whether the process started for DIR is there, and not only waiting to be forgotten.
runs() { # PID
	local state

	state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) || return 1
	[ -n "$state" ] && [ "$state" != Z ] && [ "$(readlink "/proc/$1/exe")" = "$build/bin/on_fake_host" ]
}

stop() { # DIR
	local pid i

	[ -e "$1/server" ] || return 0
	pid=$(cat "$1/server")
	if runs "$pid"; then
		kill "$pid"
		for ((i = 0; i < 500; i++)); do
			runs "$pid" || break
			sleep 0.01
		done
		! runs "$pid" || { kill -9 "$pid"; echo "reference.sh: the server in $1 had to be killed" >&2; }
	fi
	rm -f "$1/server"
}

answers() { # DIR
	[ -S "$1/run/socket" ] &&
		LD_LIBRARY_PATH=$debian_libs XENSTORED_PATH=$1/run/socket \
			timeout 2 "$debian_tools/xenstore-exists" / 2>/dev/null
}

start() { # NAME DIR
	local name=$1 dir=$2 preload=$build/lib/fakexen.so libs=$debian_libs server i

	need_build bin/on_fake_host lib/fakexen.so lib/crossxen.so
	[ ! -e "$dir" ] || [ -e "$dir/log" ] || die "$dir is there, and not made by this script"
	[ ! -e "$dir/server" ] || die "there is a server in $dir"
	rm -rf "$dir"
	mkdir -p "$dir/run" "$dir/host" || die "cannot make $dir"
	export XENSTORED_RUNDIR=$dir/run
	unset XENSTORED_PATH NOTIFY_SOCKET
	case $name in
	ours)
		need_build bin/xenstored
		libs=
		server=("$build/bin/xenstored" --no-fork)
		;;
	debian-c)
		preload=$preload:$build/lib/crossxen.so
		server=("$debian_servers/xenstored" --no-fork)
		;;
	debian-ocaml)
		preload=$preload:$build/lib/crossxen.so
		# Its socket has a fixed place, which the preloaded library moves.
		export CROSS_RUNDIR=$dir/run
		sed -e "s|^pid-file *=.*|pid-file = $dir/run/xenstored.pid|" \
			-e "s|^xenstored-kva *=.*|xenstored-kva = $dir/host/pages|" \
			-e "s|^xenstored-port *=.*|xenstored-port = $dir/host/xsd_port|" \
			"$root/etc/xen/oxenstored.conf" >"$dir/oxenstored.conf" ||
			die "cannot make the settings of oxenstored"
		printf '%s = %s\n' xenstored-log-file "$dir/oxenstored.log" \
			access-log-file "$dir/oxenstored-access.log" >>"$dir/oxenstored.conf"
		server=("$debian_servers/oxenstored" --no-fork --no-access-log --config-file "$dir/oxenstored.conf")
		;;
	*)
		die "$name: no such server; ours, debian-c or debian-ocaml"
		;;
	esac
	LD_LIBRARY_PATH=$libs setsid "$build/bin/on_fake_host" "$dir/host" "$preload" "${CROSS_OWNER:-0}" \
		"${server[@]}" >"$dir/log" 2>&1 </dev/null &
	echo $! >"$dir/server"
	for ((i = 0; i < 1000; i++)); do
		answers "$dir" && return 0
		kill -0 $! 2>/dev/null || break
		sleep 0.01
	done
	cat "$dir/log" >&2
	stop "$dir"
	die "$name did not start, or does not answer; what it printed is above"
}

case ${1:-} in
fetch) [ $# -eq 1 ] && { fetch; exit; } ;;
start) [ $# -eq 3 ] && { start "$2" "$3"; exit; } ;;
restart) [ $# -eq 3 ] && { stop "$3"; start "$2" "$3"; exit; } ;;
stop) [ $# -eq 2 ] && { stop "$2"; exit; } ;;
esac
sed -n '3,/^set -u/{/^set -u/!s/^# \{0,1\}//p}' "$0" >&2
exit 2
