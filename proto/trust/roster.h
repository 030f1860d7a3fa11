/* The roster: members, their keys and roles, and the rule of final, as a multi-signed text.
 * Floor 2. Source: PROTOCOL 5. */
#ifndef DELTAD_TRUST_ROSTER_H
#define DELTAD_TRUST_ROSTER_H

#include "proto/base/limits.h"
#include "proto/trust/note.h"

enum role { ROLE_PROVINCE = 1, ROLE_REGIONAL = 2 };

#define ADDR_SIZE 64
#define MEMBER_NAME_SIZE 128

struct member {
	char slug[SLUG_SIZE];
	enum role role;
	char name[MEMBER_NAME_SIZE]; /* for people, UTF-8 without spaces */
	struct vkey root;	     /* name "cluster/slug/root" */
	uint8_t log[KEY_BYTES], cosign[KEY_BYTES], noise[KEY_BYTES];
	char addr[ADDR_SIZE]; /* "ip:port", or empty: does not listen */
};

struct roster {
	char cluster[CLUSTER_SIZE];
	uint32_t version;
	struct hash id;		/* SHA-256 of this version's text */
	struct hash cluster_id; /* id of version 1 */
	struct hash prev;	/* id of the version before; zero for 1 */
	uint32_t not_after;	/* yyyymmdd */
	unsigned final_quorum;
	unsigned province_quorum; /* provinces needed beside the office to sign the next version */
	size_t n;
	struct member member[LIMIT_MEMBERS];
};

/* Parses and checks a text's form: exactly the lines of PROTOCOL 5 in their order, unique slugs and
 * keys, enrollable keys, exactly one regional office and at least one province, numeric addresses.
 * RC_ROSTER with the line number; *out is untouched. No signatures are looked at. */
int roster_parse(struct bytes text, struct roster *out, struct err *e) MUST_CHECK;

/* Version 1: parse, text's SHA-256 = *cluster_id (NULL: not checked, for drafting tools), and
 * signed by the regional office's root, by province_quorum provinces' roots, and by the log and
 * cosign key of each member (proof of possession). RC_VERIFY says whose signatures are missing. */
int roster_verify_first(struct bytes note, const struct hash *cluster_id, struct roster *out,
	struct err *e) MUST_CHECK;

/* Appends to out the whole draft (in: text alone, or a note with signatures so far) with the
 * signature this key owes: a root, log or cosign key that the roster names. RC_ROSTER: the key is
 * not in it. Signing twice is a no-op: out is the draft as it was. */
int roster_add_signature(
	struct bytes draft, const struct key *k, struct buf *out, struct err *e) MUST_CHECK;
/* One line a signature still wanted ("jiangsu root key"); empty when roster_verify_first would
 * pass. While the quorum of provinces is not met, every province that has not signed is named. */
int roster_missing_signatures(struct bytes draft, struct buf *out, struct err *e) MUST_CHECK;

/* The line of a member for a draft (`deltactl key init` writes it, `roster draft` collects them):
 * "member … LF". */
void roster_put_member_line(struct buf *out, const struct member *m);
int roster_parse_member_line(struct bytes line, struct member *out, struct err *e) MUST_CHECK;

/* Index into member[], or -1. */
int roster_find(const struct roster *r, struct bytes slug);
int roster_find_noise(const struct roster *r, const uint8_t pub[KEY_BYTES]);

#endif
