/* I7: the view is a function of the set of leaves. A new node of another member is given every leaf
 * that a node stores, logs in an order of chance and mixed, and must see what that node sees. Its
 * own new log holds nothing but its Open. */
#include <stdlib.h>

#include "daemon/store/store_sqlite.h"
#include "proto/base/text.h"
#include "proto/trust/checkpoint.h"
#include "tests/sim/ends.h"
#include "tests/sim/oracle.h"
#include "tests/sim/programs.h"

struct rebuild {
	struct world *w;
	struct sim_node *source;
	int member;
	struct replica *newcomer;
	struct dice dice;
	struct store_log *log; /* of the source, size = what is still to be given */
	uint64_t *given, *bytes;
	size_t n;
	struct message m; /* what is being given */
	struct buf raw;
	size_t *at;
};

static void chance_of_dice(void *self, void *p, uint32_t n)
{
	dice_fill(self, p, n);
}

static void must(struct rebuild *b, int rc, const struct err *e)
{
	if (rc != RC_OK)
		oracle_fail(b->w, 7, "the newcomer: %s", e->text);
}

static void give(struct rebuild *b, const struct message *m)
{
	struct buf raw = {0};
	struct err e = {0};
	struct event ev;
	struct now now = node_now(b->w, b->source);
	message_encode(m, &raw);
	must(b, replica_begin(b->newcomer, &e), &e);
	must(b, feed_replica(b->w, b->newcomer, b->source->member, buf_bytes(&raw), now, &e), &e);
	must(b, replica_commit(b->newcomer, now, &e), &e);
	while (replica_next_event(b->newcomer, &ev))
		;
	buf_release(&raw);
}

static void say_hello(struct rebuild *b)
{
	struct message m = {.kind = MESSAGE_HELLO};
	m.hello.protocol_min = PROTOCOL_MIN;
	m.hello.protocol_max = PROTOCOL_MAX;
	m.hello.cluster_id = hash_bytes(&b->w->cluster_id);
	m.hello.member = bytes_str(b->source->id->slug);
	replica_link(b->newcomer, b->source->member, LINK_UP, node_now(b->w, b->source));
	give(b, &m);
}

/* ---- leaves ---- */

static int note_log(void *arg, const struct store_log *log)
{
	struct rebuild *b = arg;
	const struct book_log *l = books_log(&b->w->books, log->origin, false);
	uint64_t size = l != NULL ? ends_counted(b->source, l) : log->size;
	if (size == 0)
		return 0;
	b->log = xrealloc(b->log, (b->n + 1) * sizeof(*b->log));
	b->given = xrealloc(b->given, (b->n + 1) * sizeof(*b->given));
	b->bytes = xrealloc(b->bytes, (b->n + 1) * sizeof(*b->bytes));
	b->given[b->n] = b->bytes[b->n] = 0;
	b->log[b->n] = *log;
	b->log[b->n++].size = size;
	return 0;
}

static int take_leaf(void *arg, uint64_t index, struct bytes leaf)
{
	struct rebuild *b = arg;
	(void)index;
	b->at[b->m.leaves.n++] = b->raw.n;
	buf_put_bytes(&b->raw, leaf);
	return 0;
}

/* The head at its end, which the roster vouches for (PROTOCOL 5.3). STORE_NONE: it has none. */
static int seal(
	struct rebuild *b, const struct store_log *log, struct store_head *head, struct buf *note)
{
	static const uint8_t nothing[4 + SIGNATURE_BYTES];
	const struct roster *r = replica_roster(b->source->replica);
	const struct retirement *t = roster_retired(r, bytes_str(log->origin));
	if (t == NULL || t->valid_below != log->size)
		return STORE_NONE;
	*head = (struct store_head){.size = log->size};
	buf_reset(note);
	checkpoint_print(t->origin, t->valid_below, &t->root, note);
	buf_printf(note, "\n\u2014 %s/roster ", r->cluster);
	base64_encode(note, nothing, sizeof(nothing));
	buf_put_str(note, "\n");
	return RC_OK;
}

/* To one of the heads that are kept, near or far. */
static void give_some(struct rebuild *b, size_t i)
{
	struct store *s = b->source->store;
	struct store_head head;
	struct buf note = {0};
	struct err e = {0};
	uint64_t from = b->given[i], upto = from + 1 + dice_index(&b->dice, LIMIT_BATCH_LEAVES);
	uint64_t size = b->log[i].size;
	int rc = s->ops->head_get(
		s, b->log[i].id, from, upto < size ? upto : size, &head, &note, &e);
	if (rc == STORE_NONE) {
		upto = from + LIMIT_BATCH_LEAVES;
		rc = s->ops->head_get(
			s, b->log[i].id, from, upto < size ? upto : size, &head, &note, &e);
	}
	if (rc == STORE_NONE && size - from <= LIMIT_BATCH_LEAVES)
		rc = seal(b, &b->log[i], &head, &note);
	while (rc == RC_OK && head.bytes > b->bytes[i] &&
		head.bytes - b->bytes[i] > LIMIT_BATCH_BYTES)
		rc = s->ops->head_get(s, b->log[i].id, from, head.size - 1, &head, &note, &e);
	if (rc != RC_OK)
		oracle_fail(b->w, 3, "%s has no head after %llu of %s within a batch",
			b->source->id->slug, (unsigned long long)from, b->log[i].origin);
	b->m = (struct message){.kind = MESSAGE_LEAVES};
	buf_reset(&b->raw);
	must(b, s->ops->leaf_each(s, b->log[i].id, from, head.size, take_leaf, b, &e), &e);
	struct bytes leaf[LIMIT_BATCH_LEAVES];
	b->at[b->m.leaves.n] = b->raw.n;
	for (size_t k = 0; k < b->m.leaves.n; k++)
		leaf[k] = bytes_of(b->raw.p + b->at[k], b->at[k + 1] - b->at[k]);
	b->m.leaves.origin = bytes_str(b->log[i].origin);
	b->m.leaves.first = from;
	b->m.leaves.leaves = leaf;
	b->m.leaves.head = buf_bytes(&note);
	give(b, &b->m);
	b->given[i] = head.size;
	b->bytes[i] = head.bytes;
	buf_release(&note);
}

static void give_all(struct rebuild *b)
{
	struct err e = {0};
	size_t left = 0;
	must(b, b->source->store->ops->log_each(b->source->store, note_log, b, &e), &e);
	for (left = b->n; left > 0;) {
		size_t i = dice_index(&b->dice, b->n);
		if (b->given[i] == b->log[i].size)
			continue;
		give_some(b, i);
		left -= b->given[i] == b->log[i].size;
	}
}

static void open_newcomer(struct rebuild *b, struct store *store)
{
	struct err e = {0};
	struct identity *id = &b->w->identity[b->member];
	struct replica_config c = {.store = store,
		.chance = {chance_of_dice, &b->dice},
		.log_key = &id->log,
		.log_key_next = &id->log_next,
		.member = id->slug,
		.cluster_id = b->w->cluster_id,
		.software = "sim"};
	struct now now = node_now(b->w, b->source);
	struct bytes note[SIM_VERSIONS + 1];
	size_t n = versions_notes(b->w, b->source, note);
	must(b, replica_open(&c, now, &b->newcomer, &e), &e);
	must(b, replica_begin(b->newcomer, &e), &e);
	must(b, replica_install_rosters(b->newcomer, note, n, now, &e), &e);
	must(b, replica_commit(b->newcomer, now, &e), &e);
}

void oracle_rebuild(struct world *w, struct sim_node *n)
{
	struct rebuild b = {.w = w, .source = n, .dice = {w->seed ^ w->steps}};
	struct store *store;
	struct err e = {0};
	struct hash root;
	b.member = n->member == 0 ? 1 : 0;
	programs_run(n);
	must(&b, store_sqlite_open(":memory:", NULL, &store, &e), &e);
	open_newcomer(&b, store);
	b.at = xalloc((LIMIT_BATCH_LEAVES + 1) * sizeof(*b.at));
	say_hello(&b);
	give_all(&b);
	must(&b, replica_view_root(b.newcomer, &root, &e), &e);
	if (!hash_equal(&root, &n->held.view))
		oracle_fail(w, 7, "the leaves of %s%d in another order give another view",
			n->id->slug, n->self);
	oracle_holds(7);
	replica_close(b.newcomer);
	store_sqlite_close(store);
	buf_release(&b.raw);
	free(b.log);
	free(b.given);
	free(b.bytes);
	free(b.at);
}
