/* SPDX-License-Identifier: MIT */
/*
 * What --help says about each command, behind its usage line. The manual pages say more.
 */
#ifndef XS_TOOLS_HELP_H
#define XS_TOOLS_HELP_H

extern const char help_read[], help_write[], help_list[], help_ls[], help_exists[], help_rm[],
	help_chmod[], help_watch[], help_export[], help_import[], help_diff[], help_xenstore[],
	help_control[];

#endif
