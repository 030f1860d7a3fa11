/* The configuration as text: reads the file, and refuses what libConfuse's scanner would pass over
 * or choke on. It skips characters that it does not know, reads the environment, counts lines with
 * comments twice, and after an open quote starts the next file (at SIGHUP) inside that string. */
#ifndef DELTAD_CONFIG_TEXT_H
#define DELTAD_CONFIG_TEXT_H

#include "proto/base/bytes.h"

#define CONFIG_FILE_MAX (256 * 1024)
#define CONFIG_LINE_MAX 1024

/* Appends the whole file. RC_CONFIG: missing, no regular file, unreadable, over CONFIG_FILE_MAX. */
int config_text_read(const char *path, struct buf *text, struct err *e) MUST_CHECK;
/* Appends the text line for line with spaces for comments (# and // to the end of the line, C's
 * over lines). RC_CONFIG with "name:line: …": empty, BOM, CR, control characters, a line over
 * CONFIG_LINE_MAX, a quote or comment left open, a backslash or dollar, or a character outside
 * quotes that no setting needs. */
int config_text_clean(
	struct bytes text, const char *name, struct buf *out, struct err *e) MUST_CHECK;

#endif
