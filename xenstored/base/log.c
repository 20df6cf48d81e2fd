/* SPDX-License-Identifier: MIT */
#include "xenstored/base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <syslog.h>

static log_sink_fn *current_sink;

void log_to(log_sink_fn *sink)
{
	current_sink = sink;
}

void log_sink_stderr(enum log_level level, const char *text)
{
	static const char *const prefix[] = {
		[LOG_LEVEL_CRIT] = "FATAL: ",
		[LOG_LEVEL_ERROR] = "error: ",
		[LOG_LEVEL_WARNING] = "warning: ",
		[LOG_LEVEL_INFO] = "",
	};

	fprintf(stderr, "%s%s\n", prefix[level], text);
}

void log_sink_syslog(enum log_level level, const char *text)
{
	static const int priority[] = {
		[LOG_LEVEL_CRIT] = LOG_CRIT,
		[LOG_LEVEL_ERROR] = LOG_ERR,
		[LOG_LEVEL_WARNING] = LOG_WARNING,
		[LOG_LEVEL_INFO] = LOG_INFO,
	};

	syslog(priority[level], "%s", text);
}

void log_line(enum log_level level, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (!current_sink)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	current_sink(level, text);
}
