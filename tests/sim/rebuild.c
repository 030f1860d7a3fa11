/* I7: the view is a function of the set of leaves. At the end of a run a new node of member 1
 * fetches every log from node 0, in an order of chance, and must see what node 0 sees. Its own new
 * log holds nothing but its Open. */
#include <stdlib.h>

#include "daemon/store/store_sqlite.h"
#include "tests/sim/world.h"

#define NEWCOMER 1
#define SOURCE 0

struct rebuild {
	struct world *w;
	struct sim_node *n;
	struct replica *newcomer;
	struct dice dice;
};

static void chance_of_dice(void *self, void *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)dice_u64(self);
}

static void must(struct rebuild *b, int rc, const struct err *e)
{
	if (rc != RC_OK)
		oracle_fail(b->w, "I7: the newcomer: %s", e->text);
}

static void shuffle_heads(struct rebuild *b, struct message *m)
{
	struct bytes *head = (struct bytes *)(uintptr_t)m->hello.heads;
	for (size_t i = m->hello.n_heads; i > 1; i--) {
		size_t k = (size_t)dice_range(&b->dice, 0, (int64_t)i - 1);
		struct bytes t = head[i - 1];
		head[i - 1] = head[k];
		head[k] = t;
	}
}

/* Everything that `from` has to say, as one group each. */
static bool carry(
	struct rebuild *b, struct replica *from, int from_member, struct replica *to, int to_member)
{
	struct outbound out;
	struct err e = {0};
	struct event ev;
	if (!replica_next_out(from, to_member, &out))
		return false;
	if (out.msg.kind == MESSAGE_HELLO)
		shuffle_heads(b, &out.msg);
	struct buf raw = {0};
	message_encode(&out.msg, &raw);
	struct now now = world_now(b->w, b->n);
	must(b, replica_begin(to, &e), &e);
	must(b, world_feed(b->w, to, from_member, buf_bytes(&raw), now, &e), &e);
	must(b, replica_commit(to, now, &e), &e);
	while (replica_next_event(to, &ev))
		;
	buf_release(&raw);
	return true;
}

static void fetch_all(struct rebuild *b)
{
	struct now now = world_now(b->w, b->n);
	struct replica *source = b->w->node[SOURCE].replica;
	replica_link(source, NEWCOMER, LINK_UP, now);
	replica_link(b->newcomer, SOURCE, LINK_UP, now);
	for (bool busy = true; busy;) {
		busy = carry(b, source, SOURCE, b->newcomer, NEWCOMER);
		busy |= carry(b, b->newcomer, NEWCOMER, source, SOURCE);
	}
	replica_link(source, NEWCOMER, LINK_DOWN, now);
}

void oracle_rebuild(struct world *w)
{
	struct rebuild b = {.w = w, .n = &w->node[NEWCOMER], .dice = {w->seed}};
	struct store *store;
	struct err e = {0};
	struct hash root;
	must(&b, store_sqlite_open(":memory:", NULL, &store, &e), &e);
	struct replica_config c = {.store = store,
		.chance = {chance_of_dice, &b.dice},
		.log_key = &b.n->log,
		.member = b.n->slug,
		.cluster_id = w->cluster_id,
		.software = "sim"};
	struct now now = world_now(w, b.n);
	must(&b, replica_open(&c, now, &b.newcomer, &e), &e);
	must(&b, replica_begin(b.newcomer, &e), &e);
	must(&b, replica_install_roster(b.newcomer, buf_bytes(&w->roster), now, &e), &e);
	must(&b, replica_commit(b.newcomer, now, &e), &e);
	fetch_all(&b);
	must(&b, replica_view_root(b.newcomer, &root, &e), &e);
	if (!hash_equal(&root, &w->node[SOURCE].view))
		oracle_fail(w, "I7: the same leaves in another order give another view");
	replica_close(b.newcomer);
	store_sqlite_close(store);
}
