/* Versions of a cluster's roster after the first, as tests draft and sign them. */
#ifndef DELTAD_TESTS_ROSTER_FIXTURE_H
#define DELTAD_TESTS_ROSTER_FIXTURE_H

#include "tests/lib/cluster_fixture.h"

/* The roster of a note's text. */
struct roster roster_of_note(struct bytes note);
/* The version after it, changed in nothing. */
struct roster roster_after(const struct roster *now);
/* The key of that purpose of member i is this one from now on. */
void roster_use_key(struct roster *r, size_t i, const struct key *k);
/* Becomes a former member. */
void roster_remove(struct roster *r, size_t i);
/* The log ends after the scribe's first `below` leaves. */
void roster_retire(struct roster *r, const struct roster *now, const struct scribe *s,
	uint64_t below, const char *reason);
void roster_retire_origin(struct roster *r, const struct roster *now, const char *origin,
	uint64_t below, const struct hash *root, const char *reason);
/* Appends the note: the draft, signed by these keys. */
void roster_sign(const struct roster *r, const struct roster *now, const struct key *const *keys,
	size_t n, struct buf *out);
/* Signed by the office and the first three provinces, and by these new keys. */
void roster_sign_quorum(const struct roster *r, const struct roster *now, const struct cluster *c,
	const struct key *const *new_keys, size_t n, struct buf *out);

/* Appends version 2 with a fifth province, fujian, whose keys go to k; *later is the cluster with
 * it in the place of anhui, and owns nothing. */
void roster_let_in(
	const struct cluster *c, struct key k[4], struct cluster *later, struct buf *note);
/* Likewise the version after now, with a province of that slug. */
void roster_let_in_after(const struct cluster *c, const struct roster *now, const char *slug,
	struct key k[4], struct cluster *later, struct buf *note);

#endif
