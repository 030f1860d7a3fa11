/* A database file that nobody vouches for, such as a backup: read only, and only what is signed is
 * taken from it. Floor 4. Source: PROTOCOL 3.6. */
#ifndef DELTAD_STORE_IMAGE_H
#define DELTAD_STORE_IMAGE_H

#include "proto/model/ids.h"

struct image;

struct image_log {
	int64_t id;
	char origin[ORIGIN_SIZE];
	uint64_t size;
};

/* Ranges are borrowed until the callback returns; 0 to go on, any other value to stop with it. */
typedef int image_log_fn(void *arg, const struct image_log *log);
typedef int image_note_fn(void *arg, uint64_t size, struct bytes note);
typedef int image_leaf_fn(void *arg, uint64_t index, struct bytes leaf);

/* The file must not be written to while it is open. RC_CORRUPT: no whole database of this program:
 * size and header, application id, schema to the letter, SQLite's own check; RC_TOO_NEW; RC_SETUP:
 * no regular file, or it cannot be read. Nothing is ever written. */
int image_open(const char *path, struct image **out, struct err *e) MUST_CHECK;
void image_close(struct image *m);
int image_schema(const struct image *m);

/* By version, by id, by size, by index; of one version of the roster several notes may stand
 * against each other. RC_CORRUPT: what is there cannot be. */
int image_rosters(struct image *m, image_note_fn *fn, void *arg, struct err *e) MUST_CHECK;
int image_logs(struct image *m, image_log_fn *fn, void *arg, struct err *e) MUST_CHECK;
int image_heads(
	struct image *m, int64_t log, image_note_fn *fn, void *arg, struct err *e) MUST_CHECK;
/* What the member cosigned of the log. */
int image_cosignatures(struct image *m, int64_t log, const char *member, image_note_fn *fn,
	void *arg, struct err *e) MUST_CHECK;
int image_leaves(struct image *m, int64_t log, uint64_t from, uint64_t to, image_leaf_fn *fn,
	void *arg, struct err *e) MUST_CHECK;
/* What proves forks: two heads and the hashes between them, one after another. A file of schema 1
 * has none that would be needed. */
typedef int image_evidence_fn(
	void *arg, struct bytes first, struct bytes second, struct bytes proof);
int image_evidence(struct image *m, image_evidence_fn *fn, void *arg, struct err *e) MUST_CHECK;
/* All leaves in the file, of whatever log. */
int image_count(struct image *m, uint64_t *leaves, struct err *e) MUST_CHECK;
/* Was it copied while changes were released? What is derived is not all there then. */
int image_is_releasing(struct image *m, bool *is, struct err *e) MUST_CHECK;
/* A hash over what was derived from the leaves: every change with its verdict and what it
 * supersedes, and every finding. Equal leaves give equal ones, however they came. Only of leaves
 * that `counts` says so of (NULL: all). */
typedef bool image_counts_fn(void *arg, struct bytes origin, uint64_t index);
int image_derived(struct image *m, image_counts_fn *counts, void *arg, struct hash *out,
	struct err *e) MUST_CHECK;
/* A small named value; *found says whether it is there. */
int image_meta(
	struct image *m, const char *key, struct buf *out, bool *found, struct err *e) MUST_CHECK;

#endif
