/* SPDX-License-Identifier: MIT */
/*
 * Messages for the administrator: to stderr while in the foreground, to syslog else.
 *
 * Lower code reports by returning; only dispatch, io and main speak here. The sink is the only
 * writable file-scope state of the daemon.
 */
#ifndef XSD_BASE_LOG_H
#define XSD_BASE_LOG_H

/* Severities, in syslog's order. */
enum log_level { LOG_LEVEL_CRIT, LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO };

typedef void log_sink_fn(enum log_level level, const char *text);

/* Where messages go from now on; NULL: nowhere (the start state). */
void log_to(log_sink_fn *sink);

/* Ready-made sinks. */
void log_sink_stderr(enum log_level level, const char *text);
void log_sink_syslog(enum log_level level, const char *text);

/* One line, without a newline at its end; cut at 1 KiB. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
