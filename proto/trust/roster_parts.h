/* What the files of the roster share. Floor 2; for proto/trust only. Source: PROTOCOL 5. */
#ifndef DELTAD_TRUST_ROSTER_PARTS_H
#define DELTAD_TRUST_ROSTER_PARTS_H

#include "proto/trust/roster.h"

/* Lines of later versions, without the LF. RC_ROSTER; *out is untouched. */
int former_line_parse(struct bytes line, struct member *out, struct err *e) MUST_CHECK;
int retire_line_parse(struct bytes line, struct retirement *out, struct err *e) MUST_CHECK;

/* A text with the signatures it has so far, which may be none. */
struct draft {
	struct note note;
	struct roster roster;
	bool is_note; /* has the empty line that parts text and signatures */
};
int draft_open(struct draft *d, struct bytes in, struct err *e) MUST_CHECK;
/* The key's purpose must be root, log or cosign. */
const uint8_t *member_signing_key(const struct member *m, enum key_purpose p);
bool roster_has_signed(
	const struct note *n, const struct roster *r, const struct member *m, enum key_purpose p);
/* "jiangsu root key LF" unless it has signed. */
void roster_put_wanted(struct buf *out, const struct note *n, const struct roster *r,
	const struct member *m, enum key_purpose p);
size_t roster_count_province_roots(const struct note *n, const struct roster *r);
/* RC_VERIFY that names them. */
int roster_missing_error(const struct buf *missing, struct err *e);
/* The member whose key of that purpose this is, or NULL. */
const struct member *roster_find_signer(const struct roster *r, const struct key *k);
/* The draft `in`, opened as d, with k's signature as a member of r; as it was if k has signed. */
int roster_put_signed(const struct draft *d, struct bytes in, const struct roster *r,
	const struct member *m, const struct key *k, struct buf *out, struct err *e) MUST_CHECK;

#endif
