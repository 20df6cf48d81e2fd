#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the library into a temporary directory and uses it from there as other programs would:
# with pkg-config, with CMake, shared and static. Every exported function must have a manual page,
# and no page a formatting error.
#
#	check_install.sh BUILD_DIRECTORY EXPORTS_TXT [COMPILER FLAGS...]
set -eu

build=$1
exports=$2
shift 2
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
	echo "FAILED: $*"
	exit 1
}

cmake --install "$build/libxs" --prefix "$work/first" >"$work/log" || {
	cat "$work/log"
	fail "cmake --install"
}
# Whatever names a place must go on to be true elsewhere.
mv "$work/first" "$work/installed"

mkdir "$work/program"
cat >"$work/program/program.c" <<'END'
#include <stdlib.h>
#include <xenstore_async.h>

/* Without a server neither connects; that they are called and return is what counts. */
int main(void)
{
	setenv("XENSTORED_PATH", "/nonexistent/socket", 1);
	return xs_open(0) || xsa_open(0) ? 1 : 0;
}
END

# pkg-config.
pc=$(find "$work/installed" -name xenstore.pc)
[ -n "$pc" ] || fail "no xenstore.pc is installed"
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
[ "$(pkg-config --modversion xenstore)" = 4.2 ] || fail "xenstore.pc has another version"
libdir=$(dirname "$(find "$work/installed" -name libxenstore.so.4)")
# shellcheck disable=SC2046
"$cc" "$@" -o "$work/shared" "$work/program/program.c" \
	$(pkg-config --cflags --libs xenstore) || fail "linking by pkg-config"
LD_LIBRARY_PATH=$libdir "$work/shared" || fail "the program linked by pkg-config"
LD_LIBRARY_PATH=$libdir ldd "$work/shared" | grep -q "libxenstore.so.4 => $libdir" ||
	fail "it runs with another library"

# The archive by its full name; it needs what Libs.private and Requires.private say.
# shellcheck disable=SC2046
"$cc" "$@" -o "$work/static" "$work/program/program.c" -I"$work/installed/include" \
	"$libdir/libxenstore.a" $(pkg-config --static --libs xenstore | sed 's/[^ ]*-lxenstore//') ||
	fail "linking the archive"
"$work/static" || fail "the program linked with the archive"
if ldd "$work/static" | grep libxenstore; then
	fail "the archive's program needs the shared library"
fi
# A program without shared libraries, as xenstore(3) tells; there is no such thing with sanitizers.
case "$*" in
*-fsanitize*) echo "NOT LINKED with -static: sanitizers need shared libraries" ;;
*)
	# shellcheck disable=SC2046
	"$cc" "$@" -static -o "$work/alone" "$work/program/program.c" \
		$(pkg-config --static --cflags --libs xenstore) || fail "linking with -static"
	"$work/alone" || fail "the program linked with -static"
	;;
esac

# CMake.
cat >"$work/program/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(program LANGUAGES C)
find_package(xenstore 4.2 REQUIRED)
add_executable(with_shared program.c)
target_link_libraries(with_shared PRIVATE xenstore::xenstore)
add_executable(with_static program.c)
target_link_libraries(with_static PRIVATE xenstore::xenstore_static)
END
{
	cmake -S "$work/program" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$work/installed" \
		-DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="$*" && cmake --build "$work/cmake"
} >"$work/log" 2>&1 || {
	cat "$work/log"
	fail "building with CMake"
}
"$work/cmake/with_shared" || fail "the program linked by CMake"
"$work/cmake/with_static" || fail "the program linked statically by CMake"

# Manuals.
pages=$(dirname "$(find "$work/installed" -name xenstore.3)")
while read -r function _; do
	[ -e "$pages/$function.3" ] || fail "no manual page for $function"
done <"$exports"
if command -v groff >/dev/null; then
	for page in "$pages"/*.3; do
		case $(head -1 "$page") in .so*) continue ;; esac
		groff -man -t -ww -Tutf8 -z "$page" 2>"$work/log" || fail "$page"
		if [ -s "$work/log" ]; then
			cat "$work/log"
			fail "$page"
		fi
	done
else
	echo "NOT CHECKED: manual pages, there is no groff here"
fi
echo "installed, linked in every way, and documented"
