/* SPDX-License-Identifier: MIT */
/*
 * All store commands in one program: which one is told by the name it is called by
 * (xenstore-read), else by the first argument (xenstore read).
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cmd.h"
#include "tools/cmds.h"
#include "tools/help.h"
#include "tools/mem.h"

static const char name_prefix[] = "xenstore-";

/* Letters of options: see cmd.c. */
static const struct command commands[] = {
	/* name, options, usage, help, operands, transaction, trouble, function */
	{ "chmod", "ur", "[-h] [-u] [-r] key <mode [modes...]>", help_chmod, 1, 0, TXN_ALWAYS, 1,
	  cmd_chmod },
	{ "exists", "", "[-h] key", help_exists, 1, 0, TXN_ALWAYS, 1, cmd_exists },
	{ "list", "pJ", "[-h] [-p] key [...]", help_list, 1, 0, TXN_ALWAYS, 1, cmd_list },
	{ "ls", "fpdFJOW", "[-h] [-f] [-p] [path]", help_ls, 0, 0, TXN_OWN_LINK, 1, cmd_ls },
	{ "read", "pRJ", "[-h] [-p] [-R] key [...]", help_read, 1, 0, TXN_OVER_ONE, 1, cmd_read },
	{ "rm", "t", "[-h] [-t] key [...]", help_rm, 1, 0, TXN_ALWAYS, 1, cmd_rm },
	{ "watch", "ndJTV", "[-h] [-n NR] key", help_watch, 1, 0, TXN_OWN_LINK, 1, cmd_watch },
	{ "write", "R", "[-h] [-R] key value [...]", help_write, 2, 0, TXN_OVER_TWO, 1, cmd_write },
	{ "export", "", "[-h] path", help_export, 1, 1, TXN_OWN_LINK, 1, cmd_export },
	{ "import", "NX", "[-h] [--drop-others] [--values-only] path [file]", help_import, 1, 2,
	  TXN_OWN_LINK, 1, cmd_import },
	{ "diff", "JN", "[-h] [--values-only] [--json] a b", help_diff, 2, 2, TXN_OWN_LINK, 2,
	  cmd_diff },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static const struct command *need_command(const char *name)
{
	const struct command *command = find_command(name);
	char modes[256];
	int len = 0;

	if (command)
		return command;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		len += snprintf(modes + len, sizeof(modes) - (size_t)len, "%s%s", i ? ", " : "",
				commands[i].name);
	errx(1, "unknown mode %s (modes are %s)\n", name, modes);
}

static int help(const char *typed)
{
	printf("Usage: %s <mode> [-h] [...]\n%s", typed, help_xenstore);
	return fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];
	char typed[4096];

	if (strncmp(name, name_prefix, strlen(name_prefix)) == 0)
		return cmd_main(need_command(name + strlen(name_prefix)), argc, argv, argv[0]);
	if (argc < 2)
		errx(1, "Usage: %s <mode> [-h] [...]", argv[0]);
	if (strcmp(argv[1], "--help") == 0)
		return help(argv[0]);
	if (strcmp(argv[1], "--version") == 0) {
		printf("xenstore %s\n", XS_VERSION);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	snprintf(typed, sizeof(typed), "%s %s", argv[0], argv[1]);
	return cmd_main(need_command(argv[1]), argc - 1, argv + 1, typed);
}
