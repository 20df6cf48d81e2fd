#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles every public header alone, as C and as C++, with and without Xen's own headers, and the
# checks of interface.c against our headers and against installed ones of the same name.
#
#	check_headers.sh SOURCE_DIRECTORY OUR_INCLUDE_DIRECTORY
set -eu

source=$1
include=$2
cc=${CC:-cc}
cxx=${CXX:-c++}
flags="-Wall -Wextra -Werror -fsyntax-only"

alone() { # COMPILER FLAGS...
	for header in xenstore.h xenstore_lib.h xenstore_async.h; do
		printf '#include <%s>\n#include <%s>\nint unit;\n' "$header" "$header" |
			"$@" -I"$include" - || {
			echo "FAILED: $header with: $*"
			exit 1
		}
	done
	# The old names warn, which is not an error.
	for header in xs.h xs_lib.h; do
		printf '#include <%s>\nint unit;\n' "$header" |
			"$@" -Wno-error=cpp -Wno-cpp -I"$include" - || {
			echo "FAILED: $header with: $*"
			exit 1
		}
	done
}

for standard in c99 c11 gnu17; do
	# shellcheck disable=SC2086
	alone "$cc" -x c -std=$standard $flags -Wstrict-prototypes
done
if command -v "$cxx" >/dev/null; then
	for standard in c++98 c++17; do
		# stdint.h and stdbool.h are not of C++98, but every compiler has them there.
		# shellcheck disable=SC2086
		alone "$cxx" -x c++ -std=$standard $flags -Wno-long-long
	done
	# A program in C++ that calls the library must find it under its C names.
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	printf '#include <xenstore_async.h>\nvoid *f[] = { (void *)xs_open, (void *)xsa_open };\n' |
		"$cxx" -x c++ -I"$include" -c -o "$work/cxx.o" -
	if nm "$work/cxx.o" | grep ' U _Z'; then
		echo "FAILED: names are mangled in C++"
		exit 1
	fi
else
	echo "NOT CHECKED as C++: no compiler ($cxx)"
fi

# shellcheck disable=SC2086
"$cc" -x c -std=gnu17 $flags -DWITH_ALL -I"$include" "$source/interface.c" || {
	echo "FAILED: our headers do not declare the interface"
	exit 1
}
if printf '#include <xenstore.h>\n' | "$cc" -x c -fsyntax-only - 2>/dev/null; then
	"$cc" -x c -std=gnu17 -w -fsyntax-only "$source/interface.c" || {
		echo "FAILED: the installed headers declare something else"
		exit 1
	}
	echo "ours and the installed headers declare the same"
else
	echo "NOT COMPARED with other headers: no xenstore.h is installed here"
fi
