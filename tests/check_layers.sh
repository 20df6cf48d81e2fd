#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The layer rules: which wing may include which, and which file alone may know which library.
set -u
cd "$(dirname "$0")/.." || exit 1
failures=0

fail() {
	echo "$*" >&2
	failures=$((failures + 1))
}

# WING and the wings whose headers it may include, itself first.
rules='
protocol: protocol
xenstored/base: xenstored/base
xenstored/store: xenstored/store xenstored/base protocol
xenstored/core: xenstored/core xenstored/store xenstored/base protocol
xenstored/io: xenstored/io xenstored/core xenstored/base protocol
libxs: libxs protocol
tools: tools libxs/include
'

while IFS=: read -r wing allowed; do
	[ -n "$wing" ] || continue
	while IFS=: read -r file _ include; do
		ok=
		for a in $allowed; do
			case $include in "#include \"$a"/*) ok=1 ;; esac
		done
		[ -n "$ok" ] || fail "$file: $wing may not include ${include#*\"}"
	done < <(grep -rnE '^#include "[a-z_]+/' --include='*.[ch]' "$wing")
done <<<"$rules"

# PATTERN, then what the files that match it must be matched by.
only() {
	local file

	while read -r file; do
		[[ $file =~ $2 ]] || fail "$file: only $2 may use $1"
	done < <(grep -rlE "$1" --include='*.[ch]' protocol xenstored libxs tools)
}
only '<lmdb\.h>' '^xenstored/store/(db|space|lmdb_err)\.c$'
only '<event2?/' '^(xenstored/io/[a-z_]+\.c|libxs/examples/.*)$'
only '<(xenctrl|xengnttab|xenevtchn|xenmanage)\.h>' '^xenstored/io/xen[a-z_]*\.c$'
only 'clock_gettime|gettimeofday' '^(xenstored/io/loop\.c|tools/.*|libxs/.*)$'
only 'getenv' '^(xenstored/config\.c|libxs/env\.c|tools/.*)$'

# The registries of a server are looked into by a few; handlers may, for theirs.
only '"xenstored/core/state\.h"' \
	'^xenstored/core/(server|turn|client|dispatch|request|fire|acquaintance|removal|introduction|audit|op_[a-z]+|snapshot)\.c$'

# Headers compile alone.
while read -r header; do
	case $header in libxs/include/*) include=-Ilibxs/include ;; *) include= ;; esac
	# shellcheck disable=SC2086
	${CC:-cc} -std=c17 -D_GNU_SOURCE -I. $include -fsyntax-only -Wno-cpp -x c "$header" ||
		fail "$header does not compile alone"
done < <(git ls-files 'protocol/*.h' 'xenstored/*.h' 'libxs/*.h' 'tools/*.h' 2>/dev/null ||
	find protocol xenstored libxs tools -name '*.h')

# Archives given as arguments hold no writable data.
for archive; do
	while read -r symbol; do
		case $symbol in
		*current_sink*) ;; # log.c: the one exception
		*) fail "$archive: writable data: $symbol" ;;
		esac
	done < <(objdump -t "$archive" 2>/dev/null |
		awk '$3 == "O" && $4 ~ /^\.(data|bss)(\.[^r].*)?$/ { print $6 }
		     $4 == "O" && $5 ~ /^\.(data|bss)(\.[^r].*)?$/ { print $7 }')
done

[ $failures -eq 0 ] && echo "layers: all rules hold"
exit $((failures > 0))
