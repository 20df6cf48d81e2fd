# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# Requests in their raw form, for what the xenstore-* programs cannot say: they
# name no errno and run no transaction in steps.
#
#	xs_open; xs $WRITE "$tx" 'data/a|1'; xs_close
#
# prints the reply, "OK|" or "ERROR EACCES|". A | stands for a NUL byte; % and
# \ may not occur. All requests of a transaction must go through one open file,
# which is what the kernel wants.
#
# shellcheck disable=SC2034 # used by tasks.sh

readonly DIRECTORY=1 READ=2 GET_PERMS=3 TRANSACTION_START=6 TRANSACTION_END=7 INTRODUCE=8 \
	RELEASE=9 WRITE=11 MKDIR=12 RM=13 SET_PERMS=14 RESUME=18 SET_TARGET=19
ERROR=$(printf '\020') # its number, 16, as the byte that a message begins with

xs_open()
{
	exec 3<>/dev/xen/xenbus
}

xs_close()
{
	exec 3>&-
}

# xs_header TYPE TRANSACTION LENGTH: four numbers of 32 bits, little endian, as
# printf's escapes. The request number is always 1, one request being under way
# at a time.
xs_header()
{
	printf '\\%03o\\000\\000\\000\\001\\000\\000\\000\\%03o\\%03o\\%03o\\%03o\\%03o\\%03o\\000\\000' \
		"$1" $(($2 & 255)) $(($2 >> 8 & 255)) $(($2 >> 16 & 255)) $(($2 >> 24 & 255)) \
		$(($3 & 255)) $(($3 >> 8))
}

# xs TYPE TRANSACTION PAYLOAD
xs()
{
	local reply

	# shellcheck disable=SC2059,SC3060 # both escapes for printf; busybox can replace
	printf "$(xs_header "$1" "$2" ${#3})${3//|/\\000}" >&3
	reply=$(dd bs=4112 count=1 <&3 2>/dev/null | tr '\000' '|')
	case $reply in
	"$ERROR"*) printf 'ERROR %s\n' "${reply#????????????????}" ;;
	*) printf '%s\n' "${reply#????????????????}" ;;
	esac
}
