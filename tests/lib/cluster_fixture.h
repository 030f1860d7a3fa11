/* A cluster's members with their keys and roster, and scribes: whoever writes a member's log as its
 * node would, or as a hostile one. Shared by the tests of the core and by what runs whole clusters.
 */
#ifndef DELTAD_TESTS_CLUSTER_FIXTURE_H
#define DELTAD_TESTS_CLUSTER_FIXTURE_H

#include "proto/base/units.h"
#include "proto/model/value.h"
#include "proto/trust/merkle.h"
#include "proto/trust/roster.h"

#define CLUSTER_MEMBERS 5
#define CLUSTER_OPERATORS 2

/* Indexes in the roster; the office is the regional member. */
enum { OFFICE, SHANGHAI, JIANGSU, ZHEJIANG, ANHUI };

struct cluster_member {
	char slug[SLUG_SIZE];
	struct key root, log, cosign, noise, operator[CLUSTER_OPERATORS];
};

struct cluster {
	size_t n;
	struct cluster_member member[CLUSTER_MEMBERS];
	struct buf roster; /* the note of version 1, signed by everybody */
	struct hash cluster_id;
};

/* The first n members, their keys from seeds that the generator gives. */
void cluster_init(struct cluster *c, size_t n, struct chance chance);
/* With keys from a counter: the same in every run. */
void cluster_init_fixed(struct cluster *c);
void cluster_release(struct cluster *c);

/* What an operator writes; zeros and NULLs are filled in. */
struct write {
	const char *task;   /* NULL: "3-05" */
	const char *holder; /* NULL: the nonce of a NOTE, the member of a REPORT, else "" */
	const char *member; /* NULL: the log's */
	const char *reason;
	uint32_t slot; /* 0: the value's */
	struct value value;
	struct bytes value_bytes; /* instead of value, if not empty */
	uint64_t nonce, claimed_ms;
	uint32_t version; /* 0: 1 */
	const struct hash *under;
	const struct hash *supersedes; /* in any order */
	size_t n_supersedes;
};
/* Appends the body. */
void write_encode(const struct write *w, const char *member, struct buf *body);
/* The values that tests write most. Texts are borrowed. */
struct value value_task(const char *lead);
struct value value_report(uint32_t progress);
struct value value_note(const char *text);

/* A signed body with its memory. */
struct signature {
	struct buf body;
	uint8_t raw[SIGNATURE_BYTES];
	struct signed_body s;
	struct hash id;
};
void sign_write(const struct cluster *c, const struct key *k, const struct write *w,
	const char *member, struct signature *out);
/* scope may be NULL (everything); ends with NULL. */
void sign_delegate(const struct cluster *c, const struct key *root, const struct key *operator,
	const char * const * scope, uint64_t not_after, uint64_t nonce, struct signature *out);
void sign_revoke(const struct cluster *c, const struct key *root, const struct key *operator,
	uint64_t valid_below, uint64_t nonce, struct signature *out);
void signature_release(struct signature *s);

/* One log of one member, leaf by leaf. */
struct scribe {
	const struct cluster *c;
	int member;
	char origin[ORIGIN_SIZE];
	uint64_t hlc; /* of the next leaf; goes up by one each time */
	struct buf *leaf;
	size_t n, cap;
};

/* An empty log: tests that want an Open say so. */
void scribe_init(struct scribe *s, const struct cluster *c, int member, uint32_t epoch);
/* With an Open (INIT) and a delegation of operator 0: index 2 is next. */
void scribe_begin(struct scribe *s, const struct cluster *c, int member);
/* The same leaves under the same origin: where a fork starts. */
void scribe_copy(struct scribe *to, const struct scribe *from);
void scribe_release(struct scribe *s);

/* Each appends one leaf and returns its index. */
size_t scribe_raw(struct scribe *s, struct bytes leaf);
/* version 0, index 0 and hlc 0 are filled in. */
size_t scribe_leaf(struct scribe *s, struct leaf l);
size_t scribe_open(struct scribe *s, uint32_t reason, const struct scribe *previous);
size_t scribe_delegate(struct scribe *s, const struct key *operator, const char * const * scope,
	uint64_t not_after);
size_t scribe_revoke(struct scribe *s, const struct key *operator, uint64_t valid_below);
/* By operator 0; *id may be NULL. */
size_t scribe_write(struct scribe *s, struct write w, struct hash *id);
size_t scribe_write_as(struct scribe *s, const struct key *k, struct write w, struct hash *id);

/* Appends the head of the first `size` leaves, signed by the member's log key. */
void scribe_head(const struct scribe *s, size_t size, struct buf *out);
void scribe_root(const struct scribe *s, size_t size, struct hash *out);

#endif
