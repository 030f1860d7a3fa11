/* The daemon's program, for what is done without a running node. */
#ifndef DELTAD_CLIENT_DELTAD_H
#define DELTAD_CLIENT_DELTAD_H

#include "proto/base/bytes.h"

/* Runs deltad with these words, ended by NULL: the one beside this program, else the one in PATH.
 * What it prints is appended; its error becomes ours. RC_SETUP: there is none, or it was killed. */
int deltad_run(const char *const *words, struct buf *out, struct err *e) MUST_CHECK;

/* In what it prints, the value of the line that begins with this word; false: there is none. */
bool deltad_value(const struct buf *out, const char *word, struct bytes *value);

#endif
