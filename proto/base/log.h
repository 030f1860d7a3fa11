/* One line an event on standard error, with the service manager's level prefix, or to its journal;
 * text that a peer wrote is escaped. Floor 0. Not used by daemon/core, which reports events
 * instead. Source: systemd's journal, "Native Journal Protocol". */
#ifndef DELTAD_BASE_LOG_H
#define DELTAD_BASE_LOG_H

#include <stdbool.h>

#include "proto/base/err.h"

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARN = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* Lines above this level are dropped; the default is INFO. */
void log_set_level(enum log_level max);
/* From here on lines go to the journal if that is what standard error is (stream: $JOURNAL_STREAM
 * or NULL): the event's name is in DELTAD_EVENT, and MESSAGE_ID is made of it. False: it is not. */
bool log_open_journal(const char *stream, const char *socket);
/* fmt begins with `event=…`; control bytes in the result are printed as \xNN. */
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
