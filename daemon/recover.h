/* From a database file that nobody vouches for to one that every signature vouches for: only
 * rosters, heads and leaves are read, each is verified, and the rest is derived anew. For verifying
 * backups and for restoring them. Source: PROTOCOL 3.6. */
#ifndef DELTAD_RECOVER_H
#define DELTAD_RECOVER_H

#include "daemon/core/replica.h"
#include "daemon/store/image.h"

/* A log of which the roster lets only the beginning count; the rest of the file's is passed by. */
struct recovery_cut {
	char origin[ORIGIN_SIZE];
	uint64_t end;
};

/* What the file said, and the replica that was made of it. All zero = none. */
struct recovery {
	struct image *image;
	struct store *store;
	struct replica *replica; /* writes no log */
	char member[SLUG_SIZE];	 /* whose node it was */
	struct hash cluster_id;
	uint64_t entries, passed; /* leaves that were taken, and that count nowhere */
	struct recovery_cut *cut;
	size_t n_cut;
	char path[1024]; /* of the new database */
};

/* Reads `file` into a new database at `path` (nothing may be there). pinned: the cluster that it
 * must be of, NULL any; member: whose node it must be of, NULL any. RC_CORRUPT: not a whole
 * database of ours; RC_VERIFY: what is in it was not signed by those who must have, or a part is
 * missing; RC_ROSTER: another cluster or member; store errors of the new one. The file is never
 * written to. */
int recover_read(const char *file, const char *path, const struct hash *pinned, const char *member,
	struct recovery *out, struct err *e) MUST_CHECK;
/* Closes everything; the new database stays. */
void recover_release(struct recovery *r);

/* What a manifest says of it, appended to text; FILE.manifest, if there is one (*sealed), must say
 * the same and be signed by the member's log key, else RC_VERIFY. */
int recover_describe(const struct recovery *r, const char *file, struct buf *text, bool *sealed,
	struct err *e) MUST_CHECK;

/* The whole test of a backup: recover_read into a scratch folder; FILE.manifest, if there is one
 * (*sealed), must say what it holds and be signed; and what the file derived from its entries must
 * be what they give, else RC_DIVERGED: the node shows something else than it was sent. *text gets
 * what a manifest says of it (PROTOCOL 3.6), signer (may be NULL) the log key that its member has
 * by the file's roster. */
int recover_verify(const char *file, const struct hash *pinned, const char *member,
	struct buf *text, bool *sealed, uint8_t signer[KEY_BYTES], struct err *e) MUST_CHECK;

#endif
