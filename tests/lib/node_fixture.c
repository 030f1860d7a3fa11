#include "tests/lib/node_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/store_sqlite.h"
#include "proto/wire/codec.h"

#define START_MONO_MS 1000000
#define SETTLE_MS 200 /* longer than any delay of the core that is meant to gather things */
#define START_WALL_MS 1793577600000LL /* 2026-11-02 */

/* ---- life ---- */

static void node_chance(void *self, void *p, uint32_t count)
{
	struct node *n = self;
	uint8_t *out = p;
	for (uint32_t i = 0; i < count; i++)
		out[i] = (uint8_t)(n->salt = n->salt * 6364136223846793005u + 1442695040888963407u,
			n->salt >> 56);
}

static void take_events(struct node *n)
{
	struct event ev;
	while (replica_next_event(n->replica, &ev)) {
		n->events[ev.kind]++;
		memcpy(n->said[ev.kind], ev.text, sizeof(ev.text));
		if (ev.kind != EVENT_MARK)
			continue;
		n->mark_wanted = (struct mark){.present = true, .size = ev.size, .root = ev.root};
		memcpy(n->mark_wanted.origin, ev.origin, sizeof(ev.origin));
		if (!n->mark_by_hand)
			node_write_mark(n);
	}
}

static int start(struct node *n)
{
	struct replica_config config = {.store = n->store,
		.chance = {node_chance, n},
		.log_key = n->log_key != NULL ? n->log_key : &n->c->member[n->self].log,
		.log_key_next = n->log_key_next,
		.cosign_key = n->mute ? NULL : &n->c->member[n->self].cosign,
		.member = n->c->member[n->self].slug,
		.cluster_id = n->c->cluster_id,
		.software = "test",
		.mark = n->mark};
	int rc = replica_open(&config, n->now, &n->replica, &n->e);
	if (rc == RC_OK)
		take_events(n);
	return rc;
}

static struct store *open_memory(void)
{
	struct store *s;
	ENSURE(store_sqlite_open(":memory:", NULL, &s, NULL) == RC_OK);
	return s;
}

/* Takes the database, which may be NULL. */
static void init(struct node *n, const struct cluster *c, int self, struct store *database,
	struct store *store)
{
	*n = (struct node){.c = c,
		.self = self,
		.store = store,
		.database = database,
		.now = {{START_MONO_MS}, {START_WALL_MS}},
		.salt = (uint64_t)self + 1};
	ENSURE(start(n) == RC_OK);
}

void node_init_bare(struct node *n, const struct cluster *c, int self, struct store *store)
{
	struct store *database = store == NULL ? open_memory() : NULL;
	init(n, c, self, database, store == NULL ? database : store);
}

void node_init_failing(struct node *n, const struct cluster *c, int self, struct failing_store *f)
{
	struct store *database = open_memory();
	failing_store_init(f, database);
	init(n, c, self, database, &f->store);
}

void node_init(struct node *n, const struct cluster *c, int self)
{
	node_init_bare(n, c, self, NULL);
	ENSURE(node_install_roster(n) == RC_OK);
}

void node_release(struct node *n)
{
	if (n->replica != NULL)
		replica_close(n->replica);
	if (n->database != NULL)
		store_sqlite_close(n->database);
}

int node_restart(struct node *n)
{
	if (n->replica != NULL)
		replica_close(n->replica);
	n->replica = NULL;
	return start(n);
}

void node_write_mark(struct node *n)
{
	n->mark = n->mark_wanted;
	replica_marked(n->replica, n->mark.origin, n->mark.size);
}

/* ---- groups ---- */

static bool is_store_error(int rc)
{
	return rc == RC_DISK_FULL || rc == RC_NOMEM || rc == RC_IO || rc == RC_CORRUPT ||
		rc == RC_UNKNOWN_OUTCOME;
}

int node_begin(struct node *n)
{
	n->e = (struct err){0};
	return replica_begin(n->replica, &n->e);
}

/* What the shell does: commit, or roll back what the store did not take. */
int node_end(struct node *n, int rc)
{
	if (!is_store_error(rc)) {
		struct err late = {0};
		int committed = replica_commit(n->replica, n->now, &late);
		if (committed == RC_OK) {
			take_events(n);
			return rc;
		}
		rc = committed;
		n->e = late;
	}
	if (rc != RC_UNKNOWN_OUTCOME)
		ENSURE(replica_rollback(n->replica, n->now, NULL) == RC_OK);
	take_events(n);
	return rc;
}

int node_install(struct node *n, const struct bytes *notes, size_t count)
{
	int rc = node_begin(n);
	if (rc == RC_OK)
		rc = replica_install_rosters(n->replica, notes, count, n->now, &n->e);
	return node_end(n, rc);
}

int node_install_roster(struct node *n)
{
	struct bytes note = buf_bytes(&n->c->roster);
	return node_install(n, &note, 1);
}

int node_link(struct node *n, int peer, enum link_event ev)
{
	int rc = node_begin(n);
	if (rc == RC_OK)
		replica_link(n->replica, peer, ev, n->now);
	return node_end(n, rc);
}

int node_recv(struct node *n, int peer, const struct message *m)
{
	struct batch b = {0};
	struct examined *x = NULL;
	void *memory = NULL;
	if (m->kind == MESSAGE_LEAVES) {
		struct arena a;
		size_t room = CODEC_LEAF_ARENA + m->leaves.n * CODEC_LEAF_KEPT;
		x = xalloc((m->leaves.n + 1) * sizeof(*x));
		memory = xalloc(room);
		arena_init(&a, memory, room);
		for (size_t i = 0; i < m->leaves.n; i++)
			(n->bulk ? examine_bulk : examine_leaf)(
				&n->c->cluster_id, m->leaves.leaves[i], &a, &x[i]);
		b = (struct batch){x, m->leaves.n};
	}
	int rc = node_begin(n);
	if (rc == RC_OK)
		rc = replica_recv(n->replica, peer, m, &b, n->now, &n->e);
	rc = node_end(n, rc);
	free(x);
	free(memory);
	return rc;
}

int node_try_audit(struct node *n, size_t leaves)
{
	struct audit_piece p = {0};
	struct arena a;
	n->e = (struct err){0};
	int rc = replica_audit_next(n->replica, &p, &n->e);
	if (rc != RC_OK) {
		audit_piece_release(&p);
		return rc;
	}
	p.n = p.n > leaves ? leaves : p.n;
	size_t room = CODEC_LEAF_ARENA + p.n * CODEC_LEAF_KEPT;
	struct examined *x = xalloc(p.n * sizeof(*x));
	void *memory = xalloc(room);
	arena_init(&a, memory, room);
	for (size_t i = 0; i < p.n; i++)
		examine_leaf(&n->c->cluster_id, p.leaf[i], &a, &x[i]);
	rc = node_begin(n);
	if (rc == RC_OK)
		rc = replica_audit_done(n->replica, &p, x, &n->e);
	rc = node_end(n, rc);
	free(x);
	free(memory);
	audit_piece_release(&p);
	return rc;
}

bool node_audit_piece(struct node *n, size_t leaves)
{
	int rc = node_try_audit(n, leaves);
	if (rc < 0)
		ensure_failed(n->e.text, __FILE__, __LINE__);
	return rc == RC_OK;
}

void node_audit(struct node *n)
{
	while (node_audit_piece(n, AUDIT_LEAVES))
		;
}

int node_tick(struct node *n)
{
	int rc = node_begin(n);
	if (rc == RC_OK)
		rc = replica_tick(n->replica, n->now, &n->e);
	return node_end(n, rc);
}

int node_post(struct node *n, const struct signed_body *change, size_t count, struct posted *out)
{
	int rc = node_begin(n);
	if (rc == RC_OK)
		rc = replica_post(n->replica, change, count, out, n->now, &n->e);
	return node_end(n, rc);
}

int node_post_event(struct node *n, enum leaf_kind kind, const struct signed_body *body)
{
	struct posted posted;
	int rc = node_begin(n);
	if (rc == RC_OK)
		rc = replica_post_event(n->replica, kind, body, &posted, n->now, &n->e);
	return node_end(n, rc);
}

int node_write(struct node *n, struct write w, struct hash *id)
{
	const struct cluster_member *m = &n->c->member[n->self];
	struct signature g;
	struct posted posted;
	if (w.nonce == 0)
		w.nonce = ++n->salt;
	sign_write(n->c, &m->operator[0], &w, m->slug, &g);
	int rc = node_post(n, &g.s, 1, &posted);
	if (id != NULL)
		*id = g.id;
	signature_release(&g);
	return rc;
}

int node_delegate(
	struct node *n, const struct key *operator, const char * const * scope, uint64_t not_after)
{
	struct signature g;
	sign_delegate(n->c, &n->c->member[n->self].root, operator, scope, not_after, ++n->salt, &g);
	int rc = node_post_event(n, LEAF_DELEGATE, &g.s);
	signature_release(&g);
	return rc;
}

int node_revoke(struct node *n, const struct key *operator, uint64_t valid_below)
{
	struct signature g;
	sign_revoke(n->c, &n->c->member[n->self].root, operator, valid_below, ++n->salt, &g);
	int rc = node_post_event(n, LEAF_REVOKE, &g.s);
	signature_release(&g);
	return rc;
}

/* ---- what peers say ---- */

int node_hello(struct node *n, int peer, const struct bytes *heads, size_t n_heads)
{
	struct message m = {.kind = MESSAGE_HELLO};
	m.hello.protocol_min = PROTOCOL_MIN;
	m.hello.protocol_max = PROTOCOL_MAX;
	m.hello.cluster_id = hash_bytes(&n->c->cluster_id);
	m.hello.member = bytes_str(n->c->member[peer].slug);
	m.hello.software = bytes_str("test");
	m.hello.roster_version = 1;
	m.hello.heads = heads;
	m.hello.n_heads = n_heads;
	return node_recv(n, peer, &m);
}

void node_greet(struct node *n, int peer)
{
	ENSURE(node_link(n, peer, LINK_UP) == RC_OK);
	ENSURE(node_hello(n, peer, NULL, 0) == RC_OK);
}

int node_digest(struct node *n, int peer)
{
	static const struct hash none;
	struct message m = {.kind = MESSAGE_VIEW_DIGEST};
	m.digest.rules_version = RULES_VERSION;
	m.digest.view_root = hash_bytes(&none);
	return node_recv(n, peer, &m);
}

void node_settle(struct node *n)
{
	for (int p = 0; p < CLUSTER_MEMBERS; p++) {
		if (p == n->self)
			continue;
		node_greet(n, p);
		ENSURE(node_digest(n, p) == RC_OK);
		ENSURE(node_link(n, p, LINK_DOWN) == RC_OK);
	}
}

int node_head(struct node *n, int peer, const struct scribe *s, size_t size)
{
	struct buf note = {0};
	scribe_head(s, size, &note);
	struct message m = {.kind = MESSAGE_HEAD, .note = buf_bytes(&note)};
	int rc = node_recv(n, peer, &m);
	buf_release(&note);
	return rc;
}

int node_leaves(struct node *n, int peer, const struct scribe *s, size_t from, size_t to)
{
	struct buf note = {0};
	struct bytes leaves[LIMIT_BATCH_LEAVES];
	ENSURE(to - from <= LIMIT_BATCH_LEAVES);
	scribe_head(s, to, &note);
	for (size_t i = from; i < to; i++)
		leaves[i - from] = buf_bytes(&s->leaf[i]);
	struct message m = {.kind = MESSAGE_LEAVES};
	m.leaves.origin = bytes_str(s->origin);
	m.leaves.first = from;
	m.leaves.leaves = leaves;
	m.leaves.n = to - from;
	m.leaves.head = buf_bytes(&note);
	int rc = node_recv(n, peer, &m);
	buf_release(&note);
	return rc;
}

void node_feed(struct node *n, const struct scribe *s)
{
	node_greet(n, s->member);
	int rc = node_leaves(n, s->member, s, 0, s->n);
	if (rc != RC_OK)
		ensure_failed(n->e.text, __FILE__, __LINE__);
	ENSURE(node_size(n, s->origin) == s->n);
}

bool node_next(struct node *n, int peer, enum message_kind kind, struct outbound *out)
{
	while (replica_next_out(n->replica, peer, out))
		if (out->msg.kind == kind)
			return true;
	return false;
}

size_t node_drain(struct node *n, int peer)
{
	struct outbound out;
	size_t count = 0;
	while (replica_next_out(n->replica, peer, &out))
		count++;
	return count;
}

static bool carry(struct node *from, struct node *to)
{
	struct outbound out;
	bool moved = false;
	while (replica_next_out(from->replica, to->self, &out)) {
		(void)node_recv(to, from->self, &out.msg);
		moved = true;
	}
	return moved;
}

void node_exchange(struct node *a, struct node *b)
{
	for (bool moved = true; moved;) {
		moved = carry(a, b);
		moved |= carry(b, a);
	}
}

int node_pass(struct node *n, int64_t ms)
{
	n->now.mono.v += ms;
	n->now.wall.v += ms;
	return node_tick(n);
}

void node_meet(struct node *a, struct node *b)
{
	ENSURE(node_link(a, b->self, LINK_UP) == RC_OK);
	ENSURE(node_link(b, a->self, LINK_UP) == RC_OK);
	for (size_t i = 0; i < 3; i++) {
		node_exchange(a, b);
		ENSURE(node_pass(a, SETTLE_MS) == RC_OK && node_pass(b, SETTLE_MS) == RC_OK);
	}
	node_exchange(a, b);
}
