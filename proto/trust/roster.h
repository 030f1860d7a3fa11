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
	bool former;	      /* removed: slug, role and name, no keys */
};

/* A log that ends where the members say it ends (PROTOCOL 5.3). */
struct retirement {
	char origin[ORIGIN_SIZE];
	uint64_t valid_below;	      /* leaves from here on are void */
	struct hash root;	      /* of the leaves below */
	uint8_t log[KEY_BYTES];	      /* signed its heads */
	uint8_t authority[KEY_BYTES]; /* signed the delegations and revocations in it */
	char reason[SLUG_SIZE];	      /* a word for people */
};

struct roster {
	char cluster[CLUSTER_SIZE];
	uint32_t version;
	struct hash id;		/* SHA-256 of this version's text */
	struct hash cluster_id; /* id of version 1; zero where only a later text was parsed */
	struct hash prev;	/* id of the version before; zero for 1 */
	uint32_t not_after;	/* yyyymmdd */
	unsigned final_quorum;
	unsigned province_quorum; /* provinces needed beside the office to sign the next version */
	size_t n;		  /* members; those that were removed stand behind them */
	size_t n_former;
	struct member member[LIMIT_MEMBERS + LIMIT_FORMER + 1]; /* no text fills the last place */
	size_t n_retired;
	struct retirement retired[LIMIT_RETIRED]; /* by origin */
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

/* Appends the text that parses to this; ids are not looked at. */
void roster_print(const struct roster *r, struct buf *out);
/* The lines of what later versions add, for a draft: "former … LF", "retire … LF". */
void roster_put_former_line(struct buf *out, const struct member *m);
void roster_put_retire_line(struct buf *out, const struct retirement *t);

/* ---- version N+1 (PROTOCOL 5.3) ---- */
/* Is the note the successor of `now`: exactly the next version, built on its text, nothing undone,
 * and signed by the regional office's root and province_quorum provinces' roots of `now`, or by all
 * provinces' roots of it; every key that `now` does not have proved that it is held? RC_NOTE,
 * RC_ROSTER: it is no successor of this one. RC_VERIFY says whose signatures are missing. */
int roster_verify_next(
	struct bytes note, const struct roster *now, struct roster *out, struct err *e) MUST_CHECK;
/* Have the roots of all members of `now` signed? Then no other successor can stand against it. The
 * note is one that roster_verify_next took. */
bool roster_is_unanimous(struct bytes note, const struct roster *now);
/* Could this text follow `now`, whoever has signed it? RC_ROSTER says what stands against it. */
int roster_check_next(
	const struct roster *now, const struct roster *next, struct err *e) MUST_CHECK;
/* As roster_add_signature and roster_missing_signatures, for a draft of the version after `now`:
 * a root that `now` names votes, and new keys prove possession ("jiangsu new log key"). */
int roster_add_signature_next(struct bytes draft, const struct roster *now, const struct key *k,
	struct buf *out, struct err *e) MUST_CHECK;
int roster_missing_next(
	struct bytes draft, const struct roster *now, struct buf *out, struct err *e) MUST_CHECK;

/* Index into member[] of a member, or -1. */
int roster_find(const struct roster *r, struct bytes slug);
/* Of a member, or of a former one. */
int roster_find_any(const struct roster *r, struct bytes slug);
/* The line that retires this log, or NULL. */
const struct retirement *roster_retired(const struct roster *r, struct bytes origin);
/* The key that signs heads, and the one that signs delegations, in a log of this origin, whose
 * member is member[i]: the line's if it is retired, else the member's. NULL: nobody's, because the
 * member was removed. */
const uint8_t *roster_log_key(const struct roster *r, struct bytes origin, int i);
const uint8_t *roster_authority(const struct roster *r, struct bytes origin, int i);

#endif
