/* What members say of another member's log: cosignatures of its heads. Floor 2. Source: C2SP
 * tlog-cosignature; PROTOCOL 4.1. */
#ifndef DELTAD_TRUST_COSIGN_H
#define DELTAD_TRUST_COSIGN_H

#include "proto/trust/checkpoint.h"
#include "proto/trust/roster.h"

/* The name of a member's cosign key is cluster/slug/cosign. */
void cosign_vkey(const struct roster *r, int member, struct vkey *out);

/* A set of members, one bit for each index in the roster. */
typedef uint64_t member_set;
#define MEMBER_BIT(i) ((member_set)1 << (i))
unsigned member_set_count(member_set s);

/* Which members have validly cosigned the head in this note, `owner` and those in `known` not
 * looked at. *bad: those that it names with their own key and a signature that is none of theirs,
 * or with the time 0. */
member_set cosign_verify(
	const struct roster *r, const struct note *n, int owner, member_set known, member_set *bad);

/* Which members have a line of their key there, right or wrong. */
member_set cosign_named(const struct roster *r, const struct note *n);

/* Is a head that these members have cosigned final (PROTOCOL 4.2)? */
bool cosign_is_final(const struct roster *r, member_set by, int owner);

/* Appends the first line of the member's cosign key. */
void cosign_put_line_of(const struct roster *r, const struct note *n, int member, struct buf *out);
/* Appends the text, the empty line, and the first line of the log's own key. The note must be
 * signed by it. */
void cosign_put_head(const struct note *n, struct bytes origin, const uint8_t log_key[KEY_BYTES],
	struct buf *out);
/* Appends the line that k, the member's cosign key, makes over the text at that time (seconds). */
void cosign_put_line(const struct roster *r, int member, const struct key *k, struct bytes text,
	uint64_t time, struct buf *out);

#endif
