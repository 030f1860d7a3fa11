/* Bundles: files with entries, for offices without a line. Read and written here as streams; judged
 * and taken by the node. Source: PROTOCOL 9, 10. */
#ifndef DELTAD_CLIENT_BUNDLE_H
#define DELTAD_CLIENT_BUNDLE_H

#include <sys/stat.h>

#include "client/node.h"
#include "proto/trust/hash.h"
#include "proto/wire/bundle.h"

/* ---- a bundle that somebody brought ---- */
struct bundle_file {
	int fd;
	const char *path;  /* borrowed */
	struct stat found; /* when it was opened */
	uint64_t left;
};
/* A regular file that is there under its own name. RC_NOT_FOUND; RC_INPUT: a link, a folder, a
 * device; RC_TOO_BIG: over LIMIT_BUNDLE_BYTES, before a byte of it is read; RC_IO. */
int bundle_open(struct bundle_file *f, const char *path, struct err *e) MUST_CHECK;
void bundle_close(struct bundle_file *f);
/* Replaces what is in out by the next piece, empty at the end. The last piece is only given if the
 * file is still the one that was opened: RC_BUNDLE if it changed meanwhile. */
int bundle_read(struct bundle_file *f, struct buf *out, struct err *e) MUST_CHECK;

/* Every record of a file, decoded; form and sum are checked, what it means is not. fn returns 0 or
 * an rc. The first fault, fn's too, is given with its record and byte. */
typedef int bundle_record_fn(void *arg, const struct message *m, struct err *e);
int bundle_each(const char *path, bundle_record_fn *fn, void *arg, struct err *e) MUST_CHECK;

struct sheet;
/* In words, what a file without entries is: a receipt, which has no heads either, or a bundle for
 * somebody who lacked nothing. */
void bundle_put_empty(struct sheet *s, const char *member, uint64_t heads, uint64_t cosignatures);

/* ---- with the node ---- */

struct bundle_counts {
	uint64_t bytes, records, leaves;
	size_t logs; /* that leaves are of */
};
/* The bundle that the node makes, as a new file, whose form and sum were checked. RC_REFUSED: it
 * exists. */
int bundle_save(struct node *n, const struct ctl_export *what, const char *path,
	struct bundle_counts *out, struct err *e) MUST_CHECK;

/* What the node made of a file. */
struct bundle_outcome {
	bool done, faulty;
	uint64_t records, offset; /* faulty: where the node found the first fault */
	uint64_t leaves;
	struct {
		char origin[ORIGIN_SIZE];
		uint64_t before, size;
	} log[LIMIT_LOGS];
	size_t n_logs;
};
/* Lets the node look at the file, or take it. What the node refused is the result, with its place
 * in *out. tell: show on standard error how far it is. */
int bundle_hand_over(struct node *n, const char *path, bool check, bool tell,
	struct bundle_outcome *out, struct err *e) MUST_CHECK;

#endif
