/* Versions of the roster: the offices sign the next one and hand it to one node; the others hear of
 * it in their sessions, whatever the weather. Dice of its own: runs without it are what they were.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/disk.h"
#include "tests/sim/ends.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"

#define FIRST (-1) /* the place of version 1 */
#define NOBODY (-1)
/* Every text adds one to the year. */
#define NOT_AFTER_FIRST 20400101
#define NOT_AFTER_STEP 10000
#define MINUTE_MS 60000

/* One text after the other, or two against each other and then the one that everybody signs. */
static void plan(struct world *w, enum version_plan what, uint64_t steps)
{
	struct versions *v = &w->versions;
	v->plan[v->planned] = what;
	v->at[v->planned++] = dice_u64(&v->dice) % (steps * 9 / 10 + 1);
}

/* With fewer members a quorum is everybody, and two texts that all have signed stay undecided. */
static bool may_split(const struct world *w)
{
	return swarm_has(&w->swarm, FAULT_SPLIT) && w->n_members == SIM_MEMBERS;
}

static void make_keys(struct world *w)
{
	for (size_t i = 0; i < w->n_members; i++) {
		struct identity *id = &w->identity[i];
		uint8_t seed[32];
		dice_fill(&w->versions.dice, seed, sizeof(seed));
		key_from_seed(&id->log_next, KEY_LOG, id->slug, "", seed);
	}
}

void versions_setup(struct world *w, uint64_t steps)
{
	struct versions *v = &w->versions;
	v->dice = (struct dice){w->seed ^ 0x726f73746572};
	v->tip = FIRST;
	make_keys(w);
	if (!swarm_has(&w->swarm, FAULT_ROSTER))
		return;
	bool retires = swarm_has(&w->swarm, FAULT_RETIRE) && !w->two_liars;
	for (size_t n = 1 + dice_index(&v->dice, 2); n > 0; n--)
		plan(w, VERSION_PLAIN, steps);
	bool first_goes = dice_percent(&v->dice, 50);
	v->planned -= first_goes && (retires || may_split(w));
	if (retires)
		plan(w, VERSION_ROTATE, steps);
	if (retires && !may_split(w))
		plan(w, VERSION_REMOVE, steps);
	if (!may_split(w))
		return;
	plan(w, VERSION_SPLIT, steps);
	if (dice_percent(&v->dice, 60))
		plan(w, VERSION_RESOLVE, steps);
}

void versions_release(struct world *w)
{
	for (size_t i = 0; i < w->versions.n; i++)
		buf_release(&w->versions.made[i].note);
}

/* From the first on; returns how many. */
static size_t chain_to(const struct world *w, int end, struct bytes out[SIM_VERSIONS + 1])
{
	const struct signed_version *made = w->versions.made;
	size_t n = end == FIRST ? 1 : made[end].number;
	for (size_t i = n; end != FIRST; end = made[end].prev)
		out[--i] = buf_bytes(&made[end].note);
	out[0] = buf_bytes(&w->roster);
	return n;
}

static int place_of(const struct versions *v, const struct hash *id)
{
	for (size_t i = 0; i < v->n; i++)
		if (hash_equal(&v->made[i].id, id))
			return (int)i;
	return FIRST;
}

size_t versions_notes(
	const struct world *w, const struct sim_node *n, struct bytes out[SIM_VERSIONS + 1])
{
	const struct roster *r = replica_roster(n->replica);
	return chain_to(w, r != NULL ? place_of(&w->versions, &r->id) : FIRST, out);
}

static struct roster *roster_of(struct bytes note)
{
	struct roster *r = xalloc(sizeof(*r));
	struct note n;
	ENSURE(note_parse(note, &n, NULL) == RC_OK);
	ENSURE(roster_parse(n.text, r, NULL) == RC_OK);
	return r;
}

/* ---- what they cost ---- */

static uint64_t looked_at;

int __real_roster_verify_next(
	struct bytes note, const struct roster *now, struct roster *out, struct err *e);
int __wrap_roster_verify_next(
	struct bytes note, const struct roster *now, struct roster *out, struct err *e);

int __wrap_roster_verify_next(
	struct bytes note, const struct roster *now, struct roster *out, struct err *e)
{
	looked_at++;
	return __real_roster_verify_next(note, now, out, e);
}

uint64_t versions_looked_at(void)
{
	return looked_at;
}

/* ---- what must hold ---- */

struct listing {
	const struct versions *v;
	uint32_t places; /* by bit */
};

static int list_note(void *arg, struct bytes note, bool in_force)
{
	struct listing *l = arg;
	struct roster *r = roster_of(note);
	int place = place_of(l->v, &r->id);
	if (place != FIRST)
		l->places |= (uint32_t)1 << place;
	(void)in_force;
	free(r);
	return 0;
}

/* Bit by place; 0 if they cannot be read. */
static uint32_t notes_here(const struct world *w, const struct sim_node *n)
{
	struct listing l = {.v = &w->versions};
	return replica_rosters(n->replica, list_note, &l, NULL) == RC_OK ? l.places : 0;
}

static bool is_here(const struct world *w, const struct sim_node *n, int place)
{
	return notes_here(w, n) >> place & 1;
}

/* What is in force where these notes are: PROTOCOL 5.3, said once more. */
static int follow(const struct versions *v, uint32_t here)
{
	for (int end = FIRST;;) {
		int one = FIRST, by_all = FIRST;
		size_t n = 0, n_by_all = 0;
		for (int i = 0; i < (int)v->n; i++) {
			if ((here >> i & 1) == 0 || v->made[i].prev != end)
				continue;
			one = i;
			n++;
			by_all = v->made[i].all ? i : by_all;
			n_by_all += v->made[i].all;
		}
		if (n != 1 && n_by_all != 1)
			return end;
		end = n == 1 ? one : by_all;
	}
}

/* I30, at any time: by what is here and by nothing else. */
static void check_in_force(struct world *w, const struct sim_node *n)
{
	const struct roster *r = replica_roster(n->replica);
	int place = follow(&w->versions, notes_here(w, n));
	/* Whoever is removed stays at the version before. */
	if ((n->disk != NULL && disk_has_struck(n->disk)) || n->id->removed)
		return;
	if (place_of(&w->versions, &r->id) != place)
		oracle_fail(w, 30,
			"%s%d has version %u of the roster in force, by notes that say another",
			n->id->slug, n->self, r->version);
	oracle_holds(30);
}

bool versions_equal(const struct sim_node *a, const struct sim_node *b)
{
	const struct roster *x = replica_roster(a->replica), *y = replica_roster(b->replica);
	return x != NULL && y != NULL ? hash_equal(&x->id, &y->id) : x == y;
}

/* A note that a plain line changed is passed over, and not said again in that session. */
static bool may_be_missed(const struct world *w)
{
	return w->flips > 0 && !swarm_has(&w->swarm, FAULT_NOISE);
}

/* A bundle carries what is in force at its maker, and not what stands against it. */
static bool hears_of_all(const struct world *w, const struct sim_node *n)
{
	return !bundles_is_apart(w, n) && !n->id->removed;
}

bool versions_converged(struct world *w, bool must)
{
	uint32_t all = 0;
	if (w->versions.n == 0 || may_be_missed(w))
		return true;
	for (size_t i = 0; i < w->n_nodes; i++) {
		const struct sim_node *n = &w->node[i];
		if (node_is_up(n) && world_is_honest(w, n->member) && hears_of_all(w, n))
			all |= notes_here(w, n);
	}
	int place = follow(&w->versions, all);
	for (size_t i = 0; i < w->n_nodes; i++) {
		const struct sim_node *n = &w->node[i];
		if (!node_is_up(n) || !world_is_honest(w, n->member) || !hears_of_all(w, n) ||
			place_of(&w->versions, &n->roster_id) == place)
			continue;
		if (must)
			oracle_fail(w, 30,
				"%s%d has version %u of the roster, and another is in force",
				n->id->slug, n->self, n->roster_version);
		return false;
	}
	if (must)
		oracle_holds(30);
	return true;
}

/* ---- making them ---- */

/* new_key: one that this version names first, or NULL. */
static struct buf sign(struct world *w, const struct roster *now, const struct roster *next,
	size_t signers, const struct key *new_key)
{
	struct buf text = {0};
	roster_print(next, &text);
	for (size_t i = 0; i < signers + (new_key != NULL); i++) {
		struct buf signed_text = {0};
		struct err e = {0};
		const struct key *k = i < signers ? &w->identity[i].root : new_key;
		if (roster_add_signature_next(buf_bytes(&text), now, k, &signed_text, &e) != RC_OK)
			oracle_fail(w, 2, "the next roster: %s", e.text);
		buf_release(&text);
		text = signed_text;
	}
	return text;
}

static void keep(struct versions *v, const struct roster *next, bool all, struct buf note)
{
	struct roster *made = roster_of(buf_bytes(&note));
	v->made[v->n++] = (struct signed_version){.number = next->version,
		.prev = v->tip,
		.by = NOBODY,
		.all = all,
		.note = note,
		.id = made->id};
	free(made);
}

/* I30: no key comes in that nobody has shown to hold. */
static void offer_unproved(struct world *w, struct sim_node *n, const struct roster *now,
	const struct roster *next, size_t signers)
{
	struct bytes note[SIM_VERSIONS + 1];
	struct buf unproved = sign(w, now, next, signers, NULL);
	struct err e = {0};
	size_t count = chain_to(w, w->versions.tip, note);
	note[count] = buf_bytes(&unproved);
	int rc = node_enter(w, n)
		? replica_install_rosters(n->replica, note, count + 1, node_now(w, n), &e)
		: RC_VERIFY;
	buf_release(&unproved);
	if (!node_survives(w, n, rc, &e))
		return;
	if (rc == RC_OK)
		oracle_fail(w, 30, "%s takes version %u of the roster, whose new key nobody proves",
			n->id->slug, next->version);
	sometimes_rc(rc);
	sometimes(SOMETIMES_KEY_UNPROVED);
	node_settle(w, n);
}

/* Until when it holds, and one address, are others. False: there is nobody to do it to, now. */
static bool make_next(struct world *w, struct sim_node *drafter, enum version_plan what)
{
	struct versions *v = &w->versions;
	struct bytes note[SIM_VERSIONS + 1];
	size_t n = chain_to(w, v->tip, note);
	struct roster *now = roster_of(note[n - 1]), *next = xalloc(sizeof(*next));
	*next = *now;
	next->version = now->version + 1;
	next->prev = now->id;
	next->not_after = NOT_AFTER_FIRST + (uint32_t)v->n * NOT_AFTER_STEP;
	struct member *m = &next->member[dice_index(&v->dice, now->n)];
	snprintf(m->addr, sizeof(m->addr), "10.0.0.%zu:7400", v->n + 1);
	/* The office and as many provinces as must, or everybody. */
	bool all = what == VERSION_RESOLVE || (what != VERSION_SPLIT && dice_percent(&v->dice, 50));
	size_t signers = all ? now->n : 1 + now->province_quorum;
	const struct key *new_key = NULL;
	bool made_any = true;
	if (what == VERSION_ROTATE) {
		new_key = ends_replace_key(w, drafter, now, next);
		made_any = new_key != NULL;
	} else if (what == VERSION_REMOVE) {
		made_any = ends_remove_member(w, drafter, now, next);
	}
	if (new_key != NULL)
		offer_unproved(w, drafter, now, next, signers);
	if (made_any)
		keep(v, next, signers == now->n, sign(w, now, next, signers, new_key));
	free(now);
	free(next);
	return made_any;
}

static bool make(struct world *w, struct sim_node *drafter, enum version_plan what)
{
	return make_next(w, drafter, what) &&
		(what != VERSION_SPLIT || make_next(w, drafter, what));
}

static void install(struct world *w, struct sim_node *n, int place)
{
	struct bytes note[SIM_VERSIONS + 1];
	struct signed_version *made = &w->versions.made[place];
	struct err e = {0};
	size_t count = chain_to(w, place, note);
	uint64_t life = n->life;
	if (!node_enter(w, n))
		return;
	made->by = n->member;
	int rc = replica_install_rosters(n->replica, note, count, node_now(w, n), &e);
	world_trace(w, "install %s%d version %zu rc %d", n->id->slug, n->self, count, rc);
	if (!node_survives(w, n, rc, &e)) {
		made->by = NOBODY;
		return;
	}
	if (rc != RC_OK)
		oracle_fail(w, 2, "%s does not take version %zu of the roster: %s", n->id->slug,
			count, e.text);
	node_settle(w, n);
	if (!node_is_up(n) || n->life != life || !is_here(w, n, place))
		made->by = NOBODY;
}

/* Each text is handed to another node. */
static struct sim_node *choose_node(struct world *w)
{
	struct versions *v = &w->versions;
	struct sim_node *n = &w->node[dice_index(&v->dice, w->n_members)];
	bool able = node_is_up(n) && !n->full && w->now >= n->paused_to &&
		world_is_honest(w, n->member) && !n->id->removed;
	for (size_t i = 0; i < v->n; i++)
		able = able && (v->made[i].by != n->member || v->made[i].prev != v->tip);
	return able ? n : NULL;
}

void versions_act(struct world *w)
{
	struct versions *v = &w->versions;
	if (v->done == v->planned || w->steps < v->at[v->done])
		return;
	struct sim_node *n = choose_node(w);
	if (n == NULL)
		return;
	if (!v->begun && !make(w, n, v->plan[v->done]))
		return;
	v->begun = true;
	for (size_t i = 0; i < v->n; i++)
		if (v->made[i].by == NOBODY) {
			install(w, n, (int)i);
			break;
		}
	for (size_t i = 0; i < v->n; i++)
		if (v->made[i].by == NOBODY)
			return;
	if (v->plan[v->done] != VERSION_SPLIT)
		v->tip = (int)v->n - 1;
	v->begun = false;
	v->done++;
}

static void greeted(struct sim_peer *p, const struct message *m)
{
	uint32_t version = m->hello.roster_version;
	p->roster_version = version == 0 ? 1 : version;
	p->roster_id = (struct hash){{0}};
	if (m->hello.roster_id.n == HASH_BYTES)
		memcpy(p->roster_id.b, m->hello.roster_id.p, HASH_BYTES);
}

bool versions_are_comparable(const struct sim_node *n, int peer)
{
	const struct sim_peer *p = &n->peer[peer];
	return p->roster_version == 0 ||
		(p->roster_version == n->roster_version &&
			(hash_is_zero(&p->roster_id) || hash_equal(&p->roster_id, &n->roster_id)));
}

/* I40: two of each version and ten besides in a minute, of those that change nothing. */
static void check_effort(struct world *w, struct sim_node *n, int peer, bool looked)
{
	struct sim_peer *p = &n->peer[peer];
	unsigned in_vain = 2 * ((unsigned)w->versions.n + 1) + 10;
	if (!looked && p->rosters >= in_vain)
		sometimes(SOMETIMES_ROSTER_PASSED_OVER);
	if (!looked)
		return;
	if (w->now >= p->rosters_since + MINUTE_MS) {
		p->rosters_since = w->now;
		p->rosters = 0;
	}
	/* The node's minute may begin within ours. */
	if (++p->rosters > 2 * in_vain + (unsigned)w->versions.n)
		oracle_fail(w, 40, "%s has looked at %u versions of the roster that %s sent",
			n->id->slug, p->rosters, w->identity[peer].slug);
	oracle_holds(40);
}

static void note_origin(const struct world *w, const struct sim_node *n, int peer)
{
	const struct versions *v = &w->versions;
	uint32_t next = replica_roster(n->replica)->version + 1;
	bool relayed = true;
	if (!replica_roster_is_due(n->replica))
		return;
	for (size_t i = 0; i < v->n; i++)
		relayed = relayed && (v->made[i].number != next || v->made[i].by != peer);
	sometimes(SOMETIMES_ROSTER_HEARD);
	if (relayed)
		sometimes(SOMETIMES_ROSTER_RELAYED);
}

void versions_heard(
	struct world *w, struct sim_node *n, int peer, const struct message *m, uint64_t looked)
{
	if (m->kind == MESSAGE_HELLO)
		greeted(&n->peer[peer], m);
	if (m->kind != MESSAGE_ROSTER)
		return;
	note_origin(w, n, peer);
	check_effort(w, n, peer, looked > 0);
}

void versions_match(struct world *w, struct sim_node *n)
{
	const struct roster *r = replica_roster(n->replica);
	if (r == NULL || hash_equal(&r->id, &n->roster_id))
		return;
	bool first = n->roster_version == 0;
	uint32_t before = n->roster_version;
	n->roster_version = r->version;
	n->roster_id = r->id;
	check_in_force(w, n);
	if (first)
		return;
	if (r->version < before)
		sometimes(SOMETIMES_ROSTER_BACK);
	if (r->version == before)
		sometimes(SOMETIMES_ROSTER_RESOLVED);
	world_trace(w, "roster %s%d version %u", n->id->slug, n->self, r->version);
	shell_drop_all(w, n, "the roster changed");
	shell_start(w, n);
	meet_started(n); /* all logs were read again */
}
