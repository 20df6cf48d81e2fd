/* SPDX-License-Identifier: MIT */
#include "tools/help.h"

#define COMMON_HELP                                                                                \
	"  -h           show the usage line on the standard error\n"                               \
	"      --help   show this text\n"                                                          \
	"      --version  show the version\n"

const char help_read[] = "Print the values of nodes.\n\n"
			 "  -p, --prefix  print each value's path in front of it\n"
			 "  -R, --raw     print the bytes as they are, without newlines\n"
			 "      --json    print an array of objects\n" COMMON_HELP;

const char help_write[] =
	"Set values of nodes; create what is missing.\n\n"
	"  -R, --raw    take the value as it is, without escapes such as \\x41\n"
	"      --       in front of the keys: values may begin with a dash\n" COMMON_HELP;

const char help_list[] = "Print the names of nodes' children.\n\n"
			 "  -p, --prefix  print the whole path of each child\n"
			 "      --json    print an array of objects\n" COMMON_HELP;

const char help_ls[] =
	"Show everything below nodes (default /).\n\n"
	"  -f, --flat         print whole paths and values\n"
	"  -p, --prefix       print permissions, too\n"
	"      --full         never cut names or values\n"
	"      --width N      cut lines as for a terminal of N + 2 columns; 0: never\n"
	"      --depth N      go down N levels\n"
	"      --owner DOMID  only nodes that this domain owns, with whole paths\n"
	"      --json         print an array of objects, one on each line\n" COMMON_HELP;

const char help_exists[] = "Succeed if all nodes exist.\n\n" COMMON_HELP;

const char help_rm[] = "Remove nodes and all below them.\n\n"
		       "  -t, --tidy   remove parents, too, that are left empty\n" COMMON_HELP;

const char help_chmod[] =
	"Set permissions: first the owner with what others may do, then exceptions.\n"
	"Each is a letter, n(one), r(ead), w(rite) or b(oth), and a domain's number.\n\n"
	"  -u, --upto     set them on all parents, too\n"
	"  -r, --recurse  set them on everything below, too\n" COMMON_HELP;

const char help_watch[] =
	"Print the path of every node that changes, the watched ones at once.\n\n"
	"  -n, --number N  stop after N lines\n"
	"  -d, --depth N   only changes down to N levels below; 0: the node itself\n"
	"      --value     print the value, too, as it is when the event arrives\n"
	"      --time      print the time, too\n"
	"      --json      print an object on each line\n" COMMON_HELP;

const char help_export[] =
	"Write a node and all below it to the standard output, as JSON.\n\n" COMMON_HELP;

const char help_import[] =
	"Write what export wrote, from FILE or the standard input, to PATH; all or nothing.\n\n"
	"      --drop-others  remove nodes below PATH that FILE does not have\n"
	"      --values-only  leave permissions as they are\n" COMMON_HELP;

const char help_diff[] =
	"Compare two trees: paths in the store or file:NAME, which export wrote.\n"
	"Exit status is 0 if they are the same, 1 if they differ, 2 in case of trouble.\n\n"
	"      --values-only  do not compare permissions\n"
	"      --json         print an array of objects\n" COMMON_HELP;

const char help_xenstore[] = "Commands:\n"
			     "  read KEY...          print values\n"
			     "  write KEY VALUE ...  set values\n"
			     "  list KEY...          print the names of children\n"
			     "  ls [PATH...]         show trees\n"
			     "  exists KEY...        tell by the exit status whether nodes exist\n"
			     "  rm KEY...            remove trees\n"
			     "  chmod KEY MODE...    set permissions\n"
			     "  watch KEY...         follow changes\n"
			     "  export PATH          write a tree as JSON\n"
			     "  import PATH [FILE]   read a tree from JSON\n"
			     "  diff A B             compare trees\n"
			     "xenstore COMMAND --help tells more.\n";

const char help_control[] =
	"Send a command to xenstored and print its answer. 'help' asks for all commands it has,\n"
	"xenstore-control(1) describes them.\n"
	"live-update [-c CMDLINE] [-t SECONDS] [-F] [-v VERSION] BINARY replaces the running\n"
	"xenstored by BINARY; -t: for how long it waits for transactions (60), -F: even if there\n"
	"still are some then. That is for servers that can do it: the xenstored of this project\n"
	"refuses it, and is replaced by a restart.\n";
