/* A private copy of what a client sends, without a name, gone with its file descriptor: a bundle is
 * judged as a whole before anything of it is taken. Floor 5. Source: PROTOCOL 9, 10.3. */
#ifndef DELTAD_NET_SPOOL_H
#define DELTAD_NET_SPOOL_H

#include "proto/base/bytes.h"

struct spool {
	int fd; /* -1: closed */
	uint64_t size, at;
};

/* In this folder. RC_DISK_FULL, RC_IO. */
int spool_open(struct spool *s, const char *folder, struct err *e) MUST_CHECK;
void spool_close(struct spool *s);
/* RC_DISK_FULL, RC_IO: give up. */
int spool_append(struct spool *s, struct bytes piece, struct err *e) MUST_CHECK;
/* From its beginning, piece by piece: replaces what is in out; empty at the end. RC_IO. */
int spool_read(struct spool *s, size_t max, struct buf *out, struct err *e) MUST_CHECK;

#endif
