#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Boot a Xen host under QEMU's software emulation and test a xenstored in it.
# README.md describes the host; "run.sh --help" the options.
#
# Prints a line per check, then "N passed, N failed". The exit status is 0 only
# if every check passed and the host finished and switched itself off. Whatever
# is missing for the test is a failure, never a reason to skip it.
set -euo pipefail

usage()
{
	cat <<-'EOF'
	usage: run.sh [options]
	  --server FILE       the xenstored to test (build/bin/xenstored)
	  --server-args ARGS  further arguments for it
	  --libxenstore DIR   take libxenstore.so.4 from DIR instead of Debian's
	  --tools DIR         take the xenstore-* programs from DIR instead of Debian's
	  --debian            test Debian's own C xenstored, as a check of the test
	  --shell             no checks: a shell in dom0, guests are yours to start
	  --cache DIR         where the Debian packages are kept
	                      (XEN_TEST_CACHE, ~/.cache/xenstored-tests/xen)
	  --work DIR          build the images there and keep them, and the log
	  --timeout SECONDS   for the whole run (600)
	EOF
}

die()
{
	printf 'run.sh: %s\n' "$*" >&2
	exit 1
}

here=$(cd "$(dirname "$0")" && pwd)
readonly here

server=$here/../../build/bin/xenstored
server_args=
libxenstore=
tools=
kind=ours
mode=checks
cache=${XEN_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/xenstored-tests/xen}
work=
limit=600

while [ $# -gt 0 ]; do
	case $1 in
	--debian | --shell | --help) ;;
	*) [ $# -ge 2 ] || { usage >&2; die "$1: unknown, or without its value"; } ;;
	esac
	case $1 in
	--debian) kind=debian; shift ;;
	--shell) mode=shell; shift ;;
	--help) usage; exit 0 ;;
	--server) server=$2; shift 2 ;;
	--server-args) server_args=$2; shift 2 ;;
	--libxenstore) libxenstore=$2; shift 2 ;;
	--tools) tools=$2; shift 2 ;;
	--cache) cache=$2; shift 2 ;;
	--work) work=$2; shift 2 ;;
	--timeout) limit=$2; shift 2 ;;
	*) usage >&2; die "unknown option $1" ;;
	esac
done

passed=0
failed=0
keep=true
qemu=

# shellcheck disable=SC2317 # called by the trap
cleanup()
{
	if [ -n "$qemu" ]; then
		kill "$qemu" 2>/dev/null || true
		wait "$qemu" 2>/dev/null || true
	fi
	$keep || rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ -z "$work" ]; then
	work=$(mktemp -d "${TMPDIR:-/tmp}/xen-host.XXXXXX")
	keep=false
fi
mkdir -p "$work"
work=$(cd "$work" && pwd)

# verdict OK|"NOT OK" TITLE: for the two checks that are made outside the host.
verdict()
{
	printf '%s - %s\n' "$1" "$2"
	case $1 in
	ok) passed=$((passed + 1)) ;;
	*) failed=$((failed + 1)) ;;
	esac
}

finish()
{
	printf '%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" -eq 0 ]
	exit
}

build()
{
	command -v qemu-system-x86_64 >/dev/null ||
		die "qemu-system-x86_64 not found: apt-get install qemu-system-x86"
	"$here/fetch.sh" "$cache" || exit
	if [ $kind = debian ]; then
		server=$cache/root/usr/lib/xen-4.17/bin/xenstored
	fi
	[ -x "$server" ] || die "no server at $server"
	"$here/build-images.sh" "$cache" "$work" "$server" "$libxenstore" "$tools" "$server_args"
}

# In a subshell, so that whatever goes wrong ends as a failed check.
if ! (build); then
	verdict 'not ok' 'the host can be built'
	finish
fi
verdict ok 'the host can be built'

# One processor: with two, the emulated ones mostly wait for each other's locks,
# which takes twice the time of the real ones. Of the processor's features, SMAP
# lets dom0 die early and qemu64 does not have it; without rdrand every "xl
# create" waits two seconds for random numbers; fsgsbase makes switching between
# processes cheaper. Mitigations and cleared memory protect nobody here and would
# cost emulated cycles, as would the kernel's tests of itself.
kernel="vmlinux console=hvc0 quiet mitigations=off init_on_alloc=0 cryptomgr.notests rodata=off"
host=(qemu-system-x86_64 -accel tcg -cpu "qemu64,+rdrand,+fsgsbase" -smp 1 -m 1280 -nic none
	-display none -no-reboot
	-kernel xen
	-append "console=com1 com1=115200,8n1 dom0_mem=640M,max:640M bootscrub=0 spec-ctrl=no xpti=no"
	-initrd "$kernel XENTEST_MODE=$mode XENTEST_SERVER=$kind XENTEST_SECONDS=$((limit - 60)),dom0.cpio")

cd "$work" # a comma in the directory's name would divide the -initrd argument

if [ $mode = shell ]; then
	"${host[@]}" -serial mon:stdio -serial null
	exit
fi

# If this script is killed without a chance to clean up, the parent-death
# signal still ends the emulator.
rm -f results
mkfifo results
setpriv --pdeathsig TERM timeout -k 5 "$limit" \
	"${host[@]}" -monitor none -serial file:console.log -serial stdio >results &
qemu=$!

finished=false
while IFS= read -r line; do
	case $line in
	'ok - '*) passed=$((passed + 1)) ;;
	'not ok - '*) failed=$((failed + 1)) ;;
	finished)
		finished=true
		continue
		;;
	esac
	printf '%s\n' "$line"
done <results

status=0
wait "$qemu" || status=$?
qemu=
if $finished && [ $status -eq 0 ] && [ $((passed + failed)) -gt 1 ]; then
	verdict ok 'the host finishes and switches itself off'
else
	verdict 'not ok' 'the host finishes and switches itself off'
	[ $status -ne 124 ] || printf '# still running after %d seconds\n' "$limit"
fi

printf '# %d seconds\n' "$SECONDS"
if [ "$failed" -ne 0 ]; then
	rm -f xen vmlinux dom0.cpio results
	keep=true
	printf '# the end of %s/console.log:\n' "$work"
	tail -n 100 console.log | tr -d '\r' | sed 's/^/# /'
fi
finish
