/* Whole small files: read with a limit, written new and never over another. */
#ifndef DELTAD_CLIENT_FILES_H
#define DELTAD_CLIENT_FILES_H

#include "proto/base/bytes.h"

/* The error of a path: one that is not there is RC_NOT_FOUND wherever it was named, others RC_IO.
 */
int file_error(const char *path, int error, struct err *e);
/* Appends a regular file ("-": standard input) of at most max bytes. RC_NOT_FOUND, RC_TOO_BIG,
 * RC_INPUT: not a regular file, RC_IO. */
int file_read(const char *path, size_t max, struct buf *out, struct err *e) MUST_CHECK;
/* A new file: complete and on disk, or not there. RC_REFUSED: it exists; RC_NOT_FOUND: its folder
 * does not. */
int file_write_new(const char *path, unsigned mode, struct bytes content, struct err *e) MUST_CHECK;
/* The same, but replaces one that is there. */
int file_replace(const char *path, unsigned mode, struct bytes content, struct err *e) MUST_CHECK;
/* The same for what comes in parts: begin, put, then end or abandon, which a zero one takes too. */
struct file_new {
	int fd;
	char *tmp;	  /* NULL: not begun, or ended */
	const char *path; /* borrowed */
};
int file_begin(struct file_new *f, const char *path, unsigned mode, struct err *e) MUST_CHECK;
int file_put(struct file_new *f, struct bytes s, struct err *e) MUST_CHECK;
/* Complete and on disk, or not there. */
int file_end(struct file_new *f, bool replace, struct err *e) MUST_CHECK;
void file_abandon(struct file_new *f);
/* The folder and those above it, 0700; one that is there is fine. */
int folder_make(const char *path, struct err *e) MUST_CHECK;

#endif
