/* Versions of the roster: which one is in force, what stands against it, and who is told. What is
 * in force depends on which notes are here and not on when they came. Source: PROTOCOL 5.3, 7.3. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/core/rosters.h"
#include "proto/base/mutant.h"
#include "proto/base/text.h"

#define PLACES ROSTER_PLACES
#define KEY_SIZE 40

/* ---- notes by version and place ---- */

static void key_of(uint32_t version, unsigned place, char key[KEY_SIZE])
{
	snprintf(key, KEY_SIZE, "roster/%u/%u", version, place);
}

/* STORE_NONE: the place is empty. */
static int note_get(
	struct replica *r, uint32_t version, unsigned place, struct buf *note, struct err *e)
{
	char key[KEY_SIZE];
	buf_reset(note);
	if (place == 0)
		return r->ops->roster_get(r->store, version, note, e);
	key_of(version, place, key);
	return r->ops->meta_get(r->store, key, note, e);
}

static int note_put(
	struct replica *r, uint32_t version, unsigned place, struct bytes note, struct err *e)
{
	char key[KEY_SIZE];
	r->wrote = true;
	if (place == 0)
		return r->ops->roster_put(r->store, version, note, e);
	key_of(version, place, key);
	return r->ops->meta_put(r->store, key, note, e);
}

/* ---- the chain ---- */

struct candidate {
	struct roster roster;
	bool unanimous;
};

/* Where the chain ends and why. */
struct chain {
	const struct given *given;	 /* walked instead of what is in the store; NULL */
	const struct given_roster *also; /* as if it stood there; NULL */
	struct roster *end;
	uint32_t top, split, removes_us;
	struct hash of[2];
};

/* Successors of one version; one text counts once. */
struct successors {
	struct candidate *of; /* PLACES of them */
	size_t n;
	bool any; /* of its version there is a note, whether it follows or not */
};

static void take_candidate(
	struct successors *s, struct bytes note, const struct roster *now, struct roster *next)
{
	bool unanimous = roster_is_unanimous(note, now);
	for (size_t i = 0; i < s->n; i++)
		if (hash_equal(&s->of[i].roster.id, &next->id)) {
			s->of[i].unanimous |= unanimous;
			return;
		}
	s->of[s->n].roster = *next;
	s->of[s->n++].unanimous = unanimous;
}

static int chain_note(struct replica *r, const struct chain *c, uint32_t version, unsigned place,
	struct buf *note, struct err *e)
{
	const struct given_roster *given = c->also;
	if (given == NULL || given->version != version || given->place != place) {
		if (c->given == NULL)
			return note_get(r, version, place, note, e);
		given = given_find(c->given, version, place);
	}
	buf_reset(note);
	if (given == NULL)
		return STORE_NONE;
	buf_put_bytes(note, given->note);
	return RC_OK;
}

static int gather(struct replica *r, const struct chain *c, struct successors *s, struct err *e)
{
	const struct roster *now = c->end;
	struct buf note = {0};
	struct roster *next = xalloc(sizeof(*next));
	int rc = RC_OK;
	s->n = 0;
	s->any = false;
	for (unsigned place = 0; rc >= RC_OK && place < PLACES; place++) {
		rc = chain_note(r, c, now->version + 1, place, &note, e);
		s->any |= rc == RC_OK;
		if (rc == RC_OK && roster_verify_next(buf_bytes(&note), now, next, NULL) == RC_OK)
			take_candidate(s, buf_bytes(&note), now, next);
	}
	buf_release(&note);
	free(next);
	return rc == STORE_NONE ? RC_OK : rc;
}

/* PROTOCOL 5.3: the only one, or the only one that all roots of the version before have signed. */
static const struct candidate *decide(const struct successors *s)
{
	const struct candidate *all = NULL;
	size_t n_all = 0;
	if (s->n == 1 || (s->n > 1 && MUTANT(FIRST_ROSTER_WINS)))
		return &s->of[0];
	for (size_t i = 0; i < s->n; i++)
		if (s->of[i].unanimous) {
			all = &s->of[i];
			n_all++;
		}
	return n_all == 1 ? all : NULL;
}

static void note_split(struct chain *c, const struct successors *s)
{
	bool swapped = hash_compare(&s->of[0].roster.id, &s->of[1].roster.id) > 0;
	c->split = c->end->version + 1;
	c->of[0] = s->of[swapped].roster.id;
	c->of[1] = s->of[!swapped].roster.id;
}

/* One version on; STORE_NONE: the chain ends here. */
static int chain_step(struct replica *r, struct chain *c, struct successors *s, struct err *e)
{
	int rc = gather(r, c, s, e);
	if (rc != RC_OK)
		return rc;
	c->top = c->end->version + s->any;
	const struct candidate *next = decide(s);
	if (next == NULL) {
		if (s->n > 1)
			note_split(c, s);
		return STORE_NONE;
	}
	const struct bytes self = bytes_str(r->config.member);
	if (roster_find(c->end, self) >= 0 && roster_find(&next->roster, self) < 0) {
		c->removes_us = next->roster.version;
		return STORE_NONE;
	}
	*c->end = next->roster;
	return RC_OK;
}

static int chain_begin(struct replica *r, struct chain *c, struct err *e)
{
	struct buf note = {0};
	int rc = chain_note(r, c, 1, 0, &note, e);
	if (rc == RC_OK &&
		roster_verify_first(buf_bytes(&note), &r->config.cluster_id, c->end, e) != RC_OK)
		rc = err_prefix(e, "the stored roster");
	buf_release(&note);
	c->top = 1;
	return rc;
}

/* From the first version to the end, or to version `upto`. STORE_NONE: there is not even a first.
 */
static int chain_walk(struct replica *r, struct chain *c, uint32_t upto, struct err *e)
{
	struct successors s = {.of = xalloc(PLACES * sizeof(*s.of))};
	int rc = chain_begin(r, c, e);
	bool begun = rc == RC_OK;
	while (rc == RC_OK && c->end->version < upto)
		rc = chain_step(r, c, &s, e);
	free(s.of);
	return begun && rc == STORE_NONE ? RC_OK : rc;
}

static void take_state(struct replica *r, const struct chain *c)
{
	char a[HASH_HEX_SIZE], b[HASH_HEX_SIZE];
	r->rosters.top = c->top;
	r->rosters.split = c->split;
	r->rosters.removes_us = c->removes_us;
	r->rosters.of[0] = c->of[0];
	r->rosters.of[1] = c->of[1];
	r->rosters.text[0] = '\0';
	hash_print(&c->of[0], a);
	hash_print(&c->of[1], b);
	if (c->split != 0)
		text_print(r->rosters.text, sizeof(r->rosters.text),
			"two rosters of version %u are validly signed: sha256 %.16s… and %.16s…",
			c->split, a, b);
	else if (c->removes_us != 0)
		text_print(r->rosters.text, sizeof(r->rosters.text),
			"version %u of the roster removes this member", c->removes_us);
}

int rosters_load(struct replica *r, struct roster *out, struct err *e)
{
	struct chain c = {.end = out};
	int rc = chain_walk(r, &c, UINT32_MAX, e);
	if (rc == RC_OK)
		take_state(r, &c);
	return rc;
}

int rosters_decide(struct replica *r, const struct given *g, struct roster *out,
	uint32_t *removes_us, struct err *e)
{
	struct chain c = {.given = g, .end = out};
	int rc = chain_walk(r, &c, UINT32_MAX, e);
	*removes_us = c.removes_us;
	return rc;
}

int rosters_put(struct replica *r, const struct given *g, struct err *e)
{
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < g->n; i++)
		rc = note_put(r, g->of[i].version, g->of[i].place, g->of[i].note, e);
	return rc;
}

/* ---- a version from elsewhere ---- */

static bool is_same(struct bytes note, const struct hash *id)
{
	struct note n;
	struct hash here;
	if (note_parse(note, &n, NULL) != RC_OK)
		return false;
	sha256(n.text, &here);
	return hash_equal(&here, id);
}

/* Where the note goes; PLACES: it is here, or there is no room and it would change nothing. A note
 * that no longer follows gives way, and to one that all have signed the last that not all have:
 * what is left still shows that there are several. */
static int find_place(struct replica *r, struct bytes note, const struct roster *next,
	const struct roster *before, unsigned *place, struct err *e)
{
	struct buf there = {0};
	struct roster *parsed = xalloc(sizeof(*parsed));
	unsigned empty = PLACES, lesser = PLACES;
	bool known = false, all = roster_is_unanimous(note, before);
	int rc = RC_OK;
	for (unsigned i = 0; rc >= RC_OK && i < PLACES; i++) {
		rc = note_get(r, next->version, i, &there, e);
		struct bytes b = buf_bytes(&there);
		bool yields = rc == RC_OK && all && !roster_is_unanimous(b, before);
		if (rc == RC_OK && is_same(b, &next->id) && !yields)
			known = true;
		if (yields && i > 0)
			lesser = i;
		bool dead = rc == RC_OK && i > 0 &&
			roster_verify_next(b, before, parsed, NULL) != RC_OK;
		if ((rc == STORE_NONE || dead) && empty == PLACES)
			empty = i;
	}
	*place = known ? PLACES : empty < PLACES ? empty : lesser;
	buf_release(&there);
	free(parsed);
	return rc == STORE_NONE ? RC_OK : rc;
}

static void tell_all(struct replica *r, uint32_t version)
{
	for (size_t p = 0; r->has_roster && p < r->roster.n; p++) {
		struct session *s = &r->session[p];
		if (s->tell_version == 0 || version < s->tell_version)
			s->tell_version = version;
		s->tell_place = 0;
	}
}

/* Whom another version let in is nobody by this one, and could not even start: like a member that
 * is removed it keeps what it has. */
static int leaves_us_out(const struct replica *r, uint32_t version, struct err *e)
{
	return err_set(e, RC_ROSTER,
		"with this version %u the roster in force would not name member %s: the node keeps "
		"what it has",
		version, r->config.member);
}

/* The note is stored, and what is here with it decides. */
static int settle(struct replica *r, const struct given_roster *next, struct err *e)
{
	struct roster *end = xalloc(sizeof(*end));
	struct chain c = {.also = next, .end = end};
	int rc = chain_walk(r, &c, UINT32_MAX, e);
	if (rc == RC_OK && roster_find(end, bytes_str(r->config.member)) < 0)
		rc = leaves_us_out(r, next->version, e);
	if (rc == RC_OK)
		rc = note_put(r, next->version, next->place, next->note, e);
	if (rc == RC_OK) {
		take_state(r, &c);
		r->rosters.due = !hash_equal(&end->id, &r->roster.id);
		if (r->rosters.text[0] != '\0')
			event_hold(r, EVENT_ROSTER, NO_PEER, NULL, "%s", r->rosters.text);
		tell_all(r, next->version);
	}
	free(end);
	return rc;
}

static int does_not_follow(uint32_t now, uint32_t next, struct err *e)
{
	return err_set(e, RC_ROSTER,
		"version %u is in force; version %u comes next, and this is version %u", now,
		now + 1, next);
}

static int offer(struct replica *r, struct bytes note, const struct roster *next,
	struct roster *before, struct err *e)
{
	struct chain c = {.end = before};
	unsigned place;
	/* The chain ends at the top or right before it; no signature is looked at to know that. */
	if (r->has_roster && next->version - 1 > r->rosters.top)
		return does_not_follow(r->roster.version, next->version, e);
	int rc = chain_walk(r, &c, next->version - 1, e);
	if (rc == RC_OK && before->version + 1 != next->version)
		return does_not_follow(before->version, next->version, e);
	struct roster *verified = xalloc(sizeof(*verified));
	if (rc == RC_OK)
		rc = roster_verify_next(note, before, verified, e);
	free(verified);
	if (rc == RC_OK)
		rc = find_place(r, note, next, before, &place, e);
	if (rc != RC_OK || place == PLACES)
		return rc;
	return settle(r,
		&(struct given_roster){.note = note, .version = next->version, .place = place}, e);
}

int rosters_offer(struct replica *r, struct bytes note, struct err *e)
{
	struct note n;
	struct roster *next = xalloc(sizeof(*next)), *before = xalloc(sizeof(*before));
	int rc = note_parse(note, &n, e);
	if (rc == RC_OK)
		rc = roster_parse(n.text, next, e);
	if (rc == RC_OK && next->version == 1)
		rc = hash_equal(&next->id, &r->config.cluster_id)
			? RC_OK
			: err_set(e, RC_ROSTER, "it is the first version of another cluster");
	else if (rc == RC_OK)
		rc = offer(r, note, next, before, e);
	free(next);
	free(before);
	return rc;
}

/* ---- between nodes ---- */

bool rosters_equal(const struct replica *r, const struct session *s)
{
	return s->roster_version == r->roster.version &&
		(hash_is_zero(&s->roster_id) || hash_equal(&s->roster_id, &r->roster.id));
}

int rosters_recv(struct replica *r, int peer, struct bytes note, struct err *e)
{
	int rc = rosters_offer(r, note, e);
	if (rc == RC_VERIFY)
		return err_set(e, RC_PEER_MESSAGE, "a roster that those who must have not signed");
	/* A chain of which we lack a part, or of a newer program. */
	if (rc == RC_ROSTER || rc == RC_NOTE) {
		event_hold(r, EVENT_INFO, peer, NULL, "a roster passed over: %s", e->text);
		return RC_OK;
	}
	return rc;
}

void rosters_greet(struct replica *r, struct session *s, const struct message *hello)
{
	const uint32_t theirs = hello->hello.roster_version;
	s->roster_version = theirs == 0 ? 1 : theirs;
	s->roster_id = (struct hash){{0}};
	if (hello->hello.roster_id.n == HASH_BYTES)
		memcpy(s->roster_id.b, hello->hello.roster_id.p, HASH_BYTES);
	s->tell_version = s->roster_version + 1;
	s->tell_place = 0;
	bool same = hash_is_zero(&s->roster_id) ||
		(s->roster_version == r->roster.version &&
			hash_equal(&s->roster_id, &r->roster.id)) ||
		(s->roster_version + 1 == r->roster.version &&
			hash_equal(&s->roster_id, &r->roster.prev));
	if (!same)
		s->tell_version = 2;
	if (r->rosters.split != 0 && r->rosters.split < s->tell_version)
		s->tell_version = r->rosters.split;
}

/* All notes of one version, then the next. */
bool rosters_next_out(struct replica *r, struct session *s, struct message *m)
{
	while (s->tell_version >= 2 && s->tell_version <= r->rosters.top) {
		int rc = note_get(r, s->tell_version, s->tell_place, &r->out_notes, NULL);
		if (++s->tell_place == PLACES || rc < 0) {
			s->tell_place = 0;
			s->tell_version++;
		}
		if (rc != RC_OK)
			continue;
		m->kind = MESSAGE_ROSTER;
		m->note = buf_bytes(&r->out_notes);
		return true;
	}
	s->tell_version = 0;
	return false;
}

/* ---- what was said under other versions ---- */

static enum vouched vouch(const struct roster *r, const struct checkpoint *cp,
	const struct origin *o, struct bytes head)
{
	const struct retirement *t = roster_retired(r, cp->origin);
	struct checkpoint again;
	int m = roster_find(r, bytes_str(o->member));
	if (m >= 0 && checkpoint_verify(head, r->member[m].log, &again, NULL) == RC_OK)
		return VOUCHED_KEY;
	return t != NULL && t->valid_below == cp->size && hash_equal(&t->root, &cp->root)
		? VOUCHED_LINE
		: VOUCHED_NOT;
}

static enum vouched vouch_by_note(
	struct bytes note, const struct checkpoint *cp, const struct origin *o, struct bytes head)
{
	struct roster *r = xalloc(sizeof(*r));
	struct note n;
	bool read = note_parse(note, &n, NULL) == RC_OK && roster_parse(n.text, r, NULL) == RC_OK;
	enum vouched by = read ? vouch(r, cp, o, head) : VOUCHED_NOT;
	free(r);
	return by;
}

int rosters_vouch(struct replica *r, const struct checkpoint *cp, struct bytes head,
	enum vouched *by, struct err *e)
{
	struct buf note = {0};
	struct origin o;
	int rc = origin_parse(cp->origin, &o, e);
	bool any = true;
	*by = VOUCHED_NOT;
	for (uint32_t v = 1; rc >= RC_OK && any && *by == VOUCHED_NOT; v++) {
		any = false;
		for (unsigned at = 0; rc >= RC_OK && *by == VOUCHED_NOT && at < PLACES; at++) {
			rc = note_get(r, v, at, &note, e);
			any |= rc == RC_OK;
			if (rc == RC_OK)
				*by = vouch_by_note(buf_bytes(&note), cp, &o, head);
		}
	}
	buf_release(&note);
	return rc == STORE_NONE ? RC_OK : rc;
}

/* ---- for people ---- */

/* Every note of one version; of the one in force the first that has its text. */
static int show_version(struct replica *r, uint32_t version, const struct roster *in_force,
	replica_roster_fn *fn, void *arg, int *stopped, struct err *e)
{
	struct buf note = {0};
	bool found = in_force->version != version;
	int rc = RC_OK;
	for (unsigned place = 0; rc >= RC_OK && *stopped == 0 && place < PLACES; place++) {
		rc = note_get(r, version, place, &note, e);
		if (rc != RC_OK)
			continue;
		bool is = !found && is_same(buf_bytes(&note), &in_force->id);
		found |= is;
		*stopped = fn(arg, buf_bytes(&note), is);
	}
	buf_release(&note);
	return rc;
}

int replica_rosters(struct replica *r, replica_roster_fn *fn, void *arg, struct err *e)
{
	struct roster *end = xalloc(sizeof(*end));
	struct successors s = {.of = xalloc(PLACES * sizeof(*s.of))};
	struct chain c = {.end = end};
	int stopped = 0;
	int rc = r->has_roster ? chain_begin(r, &c, e) : STORE_NONE;
	for (uint32_t v = 1; rc >= RC_OK && stopped == 0 && v <= r->rosters.top; v++) {
		rc = show_version(r, v, end, fn, arg, &stopped, e);
		if (rc >= RC_OK && end->version == v)
			rc = chain_step(r, &c, &s, e);
	}
	free(s.of);
	free(end);
	return rc == STORE_NONE ? RC_OK : rc;
}
