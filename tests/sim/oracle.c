#include "tests/sim/oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/store_sqlite.h"
#include "proto/trust/checkpoint.h"
#include "proto/wire/codec.h"
#include "tests/sim/ends.h"
#include "tests/sim/shared.h"
#include "tests/sim/sometimes.h"

/* The costly checks are made once in so many times. */
#define VIEW_IN 32
#define VERDICTS_IN 64
#define REBUILD_IN 16
#define FINAL_IN 8
#define SHOWN_IN 32

/* ---- the table ---- */

static const struct {
	int number;
	const char *sentence;
} invariants[] = {
#define INVARIANT(number, sentence) {number, sentence},
#include "tests/sim/invariants.def"
#undef INVARIANT
};
#define INVARIANTS (sizeof(invariants) / sizeof(*invariants))

static uint64_t *checked; /* by place in the table */

static struct run replay;

void oracle_set_replay(const struct run *run)
{
	replay = *run;
}

void oracle_print_replay(const struct run *run)
{
	printf("replay: tests/sim/run --seed %llu --steps %llu", (unsigned long long)run->seed,
		(unsigned long long)run->steps);
	if (run->members != 0)
		printf(" --members %zu", run->members);
	const char *sep = " --without ";
	for (size_t c = 0; c < FAULT_CLASSES; c++)
		if (run->without >> c & 1) {
			printf("%s%s", sep, fault_name((enum fault_class)c));
			sep = ",";
		}
	printf("%s%s --trace\n", run->canary ? " --canary" : "",
		run->two_liars ? " --two-liars" : "");
}

void oracle_init(void)
{
	if (checked == NULL)
		checked = shared_alloc(INVARIANTS * sizeof(*checked));
}

void oracle_fail(const struct world *w, int number, const char *fmt, ...)
{
	const char *sentence = "";
	for (size_t i = 0; i < INVARIANTS; i++)
		if (invariants[i].number == number)
			sentence = invariants[i].sentence;
	printf("FAILED seed %llu step %llu time %lld ms: I%d (%s): ", (unsigned long long)w->seed,
		(unsigned long long)w->steps, (long long)w->now, number, sentence);
	va_list ap;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	oracle_print_replay(&replay);
	fflush(stdout);
	exit(1);
}

void oracle_holds(int number)
{
	size_t i = 0;
	while (invariants[i].number != number)
		ENSURE(++i < INVARIANTS);
	oracle_init();
	shared_add(&checked[i], 1);
}

size_t oracle_print(void)
{
	size_t never = 0;
	printf("\n%-5s%14s  %s\n", "", "checked", "invariant");
	for (size_t i = 0; i < INVARIANTS; i++) {
		printf("I%-4d%14llu  %s\n", invariants[i].number, (unsigned long long)checked[i],
			invariants[i].sentence);
		never += checked[i] == 0;
	}
	return never;
}

/* ---- what a node holds ---- */

static int member_of(const struct world *w, const char *origin)
{
	struct origin o;
	ENSURE(origin_parse(bytes_str(origin), &o, NULL) == RC_OK);
	for (size_t i = 0; i < w->n_members; i++)
		if (strcmp(w->identity[i].slug, o.member) == 0)
			return (int)i;
	oracle_fail(w, 2, "a log of nobody is stored: %s", origin);
}

void oracle_wrote(struct world *w, const char *origin, int member, struct bytes leaf)
{
	struct book_log *l = books_log(&w->books, origin, true);
	struct hash h;
	merkle_leaf_hash(leaf, &h);
	l->member = member;
	memcpy(l->key, w->identity[member].log.public, KEY_BYTES);
	l->by_hand = true;
	books_leaf(l, &h);
}

void oracle_made(struct world *w, const char *origin, uint64_t index, enum made how)
{
	struct book_log *l = books_log(&w->books, origin, true);
	ENSURE(index < BOOK_MADE_MAX);
	l->crafted = true;
	l->made[index] = (uint8_t)how;
}

void oracle_taint(struct world *w, const char *origin, int member)
{
	struct book_log *l = books_log(&w->books, origin, true);
	l->member = member;
	l->tainted = true;
	if (l->n == 0)
		memcpy(l->key, w->identity[member].log.public, KEY_BYTES);
}

void oracle_cloned(struct world *w, const char *origin, int member)
{
	oracle_taint(w, origin, member);
	books_log(&w->books, origin, true)->cloned = true;
}

struct checking {
	struct world *w;
	struct sim_node *n;
	struct book_log *book;
	bool author;
	size_t logs;
};

/* I2: every stored leaf was written by its author in this run. I3: at its place, byte for byte. */
static int check_leaf(void *arg, uint64_t index, struct bytes leaf)
{
	struct checking *c = arg;
	struct hash h;
	merkle_leaf_hash(leaf, &h);
	if (c->author && (c->book->closed >> c->n->self & 1) != 0 &&
		(index >= c->book->n || !hash_equal(&h, &c->book->leaf[index])))
		oracle_fail(c->w, 27, "%s%d goes on in %s at %llu, which its mark does not cover",
			c->n->id->slug, c->n->self, c->book->origin, (unsigned long long)index);
	/* What was lost and never left its node may be written anew. */
	if (c->author && index >= c->book->safe && index < c->book->n &&
		!hash_equal(&h, &c->book->leaf[index]))
		books_cut(c->book, index);
	if (c->author && index == c->book->n) {
		books_leaf(c->book, &h);
		if (c->n->held.unknown_outcome)
			sometimes(SOMETIMES_RESURRECTED);
	}
	if (index >= c->book->n)
		oracle_fail(c->w, 2, "%s holds leaf %llu of %s that nobody wrote", c->n->id->slug,
			(unsigned long long)index, c->book->origin);
	if (!hash_equal(&h, &c->book->leaf[index]))
		oracle_fail(c->w, 3, "%s holds another leaf %llu of %s than its author wrote",
			c->n->id->slug, (unsigned long long)index, c->book->origin);
	oracle_holds(2);
	return 0;
}

/* I9: never smaller. */
static void check_growth(struct checking *c, const struct store_log *log, struct held_log *held)
{
	if (log->size < held->size)
		oracle_fail(c->w, 9, "%s lost leaves of %s: %llu, had %llu", c->n->id->slug,
			log->origin, (unsigned long long)log->size, (unsigned long long)held->size);
	bool settled =
		roster_retired(replica_roster(c->n->replica), bytes_str(log->origin)) != NULL;
	if (held->forked && log->size > held->size && !settled)
		oracle_fail(
			c->w, 5, "%s appends to the forked log %s", c->n->id->slug, log->origin);
	oracle_holds(9);
}

static void check_history(struct checking *c, const struct store_log *log, struct held_log *held)
{
	if (c->n->store->ops->leaf_each(
		    c->n->store, log->id, held->size, log->size, check_leaf, c, NULL) != RC_OK)
		oracle_fail(c->w, 3, "%s cannot read its leaves", c->n->id->slug);
	if (!hash_equal(&held->root, &c->book->root[log->size - 1]))
		oracle_fail(c->w, 3, "%s has another root of %s", c->n->id->slug, log->origin);
	oracle_holds(3);
}

static int check_log(void *arg, const struct store_log *log)
{
	struct checking *c = arg;
	struct held_log *held = held_find(&c->n->held, log->origin);
	uint64_t before = held->size;
	c->logs++;
	if (log->id == 0)
		oracle_fail(c->w, 3, "%s stores %s without a number", c->n->id->slug, log->origin);
	check_growth(c, log, held);
	held->forked = log->forked;
	if (log->size == before)
		return 0;
	int owner = member_of(c->w, log->origin);
	c->author = owner == c->n->member && world_is_honest(c->w, owner);
	c->book = books_log(&c->w->books, log->origin, c->author || !world_is_honest(c->w, owner));
	if (c->book == NULL)
		oracle_fail(c->w, 2, "%s holds the log %s that nobody opened", c->n->id->slug,
			log->origin);
	c->book->member = owner;
	if (c->book->n == 0)
		memcpy(c->book->key,
			c->author ? replica_roster(c->n->replica)->member[owner].log
				  : c->w->identity[owner].log.public,
			KEY_BYTES);
	c->book->tainted |= !world_is_honest(c->w, owner);
	frontier_root(&log->frontier, &held->root);
	if (!c->book->tainted)
		check_history(c, log, held);
	if (c->book->by_hand && !c->book->tainted && !c->book->crafted) {
		sometimes(SOMETIMES_FUTURE_STORED);
		oracle_holds(22);
	}
	if (!world_is_honest(c->w, owner) && c->n->member != owner)
		sometimes(SOMETIMES_HOSTILE_STORED);
	held->size = log->size;
	held->bytes = log->bytes;
	return 0;
}

/* I6: at all times, on all nodes. */
static void check_views(struct world *w, struct sim_node *n)
{
	for (size_t i = 0; i < w->n_nodes; i++) {
		struct sim_node *o = &w->node[i];
		if (o == n || o->replica == NULL || o->held.provisional ||
			o->old_program != n->old_program || !versions_equal(o, n) ||
			!hash_equal(&o->held.entries, &n->held.entries))
			continue;
		if (!hash_equal(&o->held.view, &n->held.view)) {
			oracle_print_view(n);
			oracle_print_view(o);
			oracle_fail(w, 6, "%s%d and %s%d hold the same leaves and see another view",
				n->id->slug, n->self, o->id->slug, o->self);
		}
		oracle_holds(6);
		oracle_holds(21);
		/* I14, which is costly: now and then. */
		if (dice_index(&w->oracle, VERDICTS_IN) != 0)
			continue;
		struct hash a, b;
		oracle_dump(w, n, &a);
		oracle_dump(w, o, &b);
		if (!hash_equal(&a, &b)) {
			oracle_print_view(n);
			oracle_print_view(o);
			oracle_fail(w, 14, "%s%d and %s%d judge the same leaves differently",
				n->id->slug, n->self, o->id->slug, o->self);
		}
		oracle_holds(14);
	}
}

static void note_pending(struct world *w, struct sim_node *n)
{
	uint64_t conflicts, pending, unknown;
	struct err e = {0};
	if (n->store->ops->counts(n->store, &conflicts, &pending, &unknown, &e) != RC_OK)
		oracle_fail(w, 3, "%s: %s", n->id->slug, e.text);
	if (pending < n->held.pending)
		sometimes(SOMETIMES_PENDING_RELEASED);
	n->held.pending = pending;
}

void oracle_committed(struct world *w, struct sim_node *n)
{
	struct checking c = {.w = w, .n = n};
	struct err e = {0};
	if (n->store->ops->log_each(n->store, check_log, &c, &e) != RC_OK)
		oracle_fail(w, 3, "%s: %s", n->id->slug, e.text);
	if (c.logs < n->held.n)
		oracle_fail(w, 9, "%s lost %zu logs", n->id->slug, n->held.n - c.logs);
	held_sum(&n->held);
	if (replica_view_root(n->replica, &n->held.view, &e) != RC_OK)
		oracle_fail(w, 6, "%s: %s", n->id->slug, e.text);
	n->held.unknown_outcome = false;
	note_pending(w, n);
	if (dice_index(&w->oracle, FINAL_IN) == 0)
		witness_look(w, n);
	/* While a signature is only assumed to be good the view may be another one, and while
	 * changes are still to be released. */
	n->held.provisional = replica_is_provisional(n->replica);
	if (n->held.provisional) {
		if (dice_index(&w->oracle, SHOWN_IN) == 0)
			oracle_values(w, n);
		return;
	}
	check_views(w, n);
	if (dice_index(&w->oracle, VIEW_IN) == 0) {
		oracle_fold(w, n);
		oracle_values(w, n);
	}
}

/* I27: a log goes on only where the mark file vouches for what is stored of it. Its new one is not
 * in the mark file yet. */
static void close_logs(struct world *w, struct sim_node *n, size_t n_old)
{
	for (size_t i = 0; i < n_old; i++) {
		struct book_log *l = &w->books.log[i];
		bool vouched = n->mark.present && strcmp(n->mark.origin, l->origin) == 0 &&
			held_size(&n->held, l->origin) >= n->mark.size;
		if (l->member == n->member && !vouched)
			l->closed |= (uint32_t)1 << n->self;
	}
	oracle_holds(27);
}

void oracle_started(struct world *w, struct sim_node *n)
{
	size_t n_logs = w->books.n_logs;
	w->images += n->disk != NULL && n->life > 1;
	oracle_committed(w, n);
	meet_started(n);
	oracle_holds(19);
	close_logs(w, n, n_logs);
	if (n->held.provisional)
		return;
	oracle_fold(w, n);
	if (dice_index(&w->oracle, REBUILD_IN) == 0)
		oracle_rebuild(w, n);
}

/* By those who give it back. */
static uint64_t held_by_others(const struct world *w, const struct sim_node *n, const char *origin)
{
	uint64_t max = 0;
	for (size_t i = 0; i < w->n_nodes; i++) {
		uint64_t size = held_size(&w->node[i].held, origin);
		bool gives = world_is_honest(w, w->node[i].member) && !w->node[i].id->removed;
		if (&w->node[i] != n && gives && size > max)
			max = size;
	}
	return max;
}

void oracle_put_back(struct world *w, struct sim_node *n, const struct mark *with)
{
	for (size_t i = 0; i < w->books.n_logs; i++) {
		struct book_log *l = &w->books.log[i];
		uint64_t safe = held_by_others(w, n, l->origin);
		if (safe < l->n && safe < l->safe)
			l->safe = safe;
		l->tainted |= with != NULL && strcmp(l->origin, with->origin) == 0;
	}
	n->held.n = 0;
}

/* ---- what leaves a node ---- */

/* I4, I10: a head that leaves names leaves that are committed, with the only root its log ever had
 * at that size; I19: and the mark is not behind it. */
static void check_head(struct world *w, struct sim_node *n, struct bytes note_bytes)
{
	struct note note;
	struct checkpoint cp;
	char origin[ORIGIN_SIZE];
	ENSURE(note_parse(note_bytes, &note, NULL) == RC_OK);
	ENSURE(checkpoint_parse(note.text, &cp, NULL) == RC_OK);
	snprintf(origin, sizeof(origin), "%.*s", (int)cp.origin.n, (const char *)cp.origin.p);
	struct book_log *l = books_log(&w->books, origin, false);
	if (l == NULL)
		oracle_fail(w, 10, "%s sends a head of %s that nobody opened", n->id->slug, origin);
	const struct held_log *held = held_look(&n->held, origin);
	/* The two heads of a fork are said to all who will hear them. */
	if (held == NULL || (held->size < cp.size && !held->forked))
		oracle_fail(w, 10, "%s sends a head of %s at %llu and holds %llu", n->id->slug,
			origin, (unsigned long long)cp.size,
			(unsigned long long)held_size(&n->held, origin));
	oracle_holds(10);
	witness_said(w, n, note_bytes);
	if (l->tainted)
		return;
	if (cp.size > l->n || !hash_equal(&cp.root, &l->root[cp.size - 1]))
		oracle_fail(w, 4, "%s sends a head of %s at %llu that its history does not have",
			n->id->slug, origin, (unsigned long long)cp.size);
	oracle_holds(4);
	/* Of a log that has ended the roster says as much, and nobody writes it. */
	if (l->member != n->member || ends_has_end(n, l))
		return;
	if (strcmp(n->mark.origin, origin) == 0 && cp.size > n->mark.size)
		oracle_fail(w, 19, "%s sends its head %llu, its mark says %llu", n->id->slug,
			(unsigned long long)cp.size, (unsigned long long)n->mark.size);
	oracle_holds(19);
}

/* An older program hands on what it cannot judge. */
static void note_relay(struct sim_node *n, const struct message *m)
{
	for (size_t i = 0; n->old_program && i < m->leaves.n; i++) {
		uint8_t memory[CODEC_LEAF_ARENA];
		struct arena a;
		struct leaf leaf;
		struct change c;
		arena_init(&a, memory, sizeof(memory));
		if (leaf_decode(m->leaves.leaves[i], &a, &leaf, NULL) == RC_OK &&
			leaf.kind == LEAF_CHANGE &&
			change_decode(leaf.signed_body.body, &a, &c, NULL) == RC_OK &&
			slot_find(c.slot) == NULL)
			sometimes(SOMETIMES_OLD_RELAYS);
	}
}

/* The same stretch of a log, asked for again over another connection. */
static void note_want(struct world *w, struct sim_node *n, const struct message *m, uint64_t conn)
{
	bool same = n->want_conn != 0 && n->want_conn != conn && n->want_from == m->want.from &&
		bytes_equal(bytes_str(n->want_origin), m->want.origin);
	if (same && conn_find(w, n->want_conn) == NULL)
		sometimes(SOMETIMES_BATCH_RESUMED);
	n->want_conn = conn;
	n->want_from = m->want.from;
	snprintf(n->want_origin, sizeof(n->want_origin), "%.*s", (int)m->want.origin.n,
		(const char *)m->want.origin.p);
}

static bool names(const struct message *hello, const struct held_log *held)
{
	for (size_t i = 0; i < hello->hello.n_heads; i++) {
		struct note note;
		struct checkpoint cp;
		ENSURE(note_parse(hello->hello.heads[i], &note, NULL) == RC_OK);
		ENSURE(checkpoint_parse(note.text, &cp, NULL) == RC_OK);
		if (bytes_equal(cp.origin, bytes_str(held->origin)))
			return cp.size == held->size;
	}
	return false;
}

/* I46: what the other side held when it was last heard of it may have lost. Own leaves wait for the
 * mark. */
static void check_hello(struct world *w, struct sim_node *n, const struct message *m)
{
	for (size_t i = 0; i < n->held.n; i++) {
		const struct held_log *held = &n->held.log[i];
		const struct book_log *l = books_log(&w->books, held->origin, false);
		if (held->size == 0 || held->forked || l->member == n->member || ends_has_end(n, l))
			continue;
		if (!names(m, held))
			oracle_fail(w, 46, "%s%d does not name %s at %llu in a Hello", n->id->slug,
				n->self, held->origin, (unsigned long long)held->size);
		oracle_holds(46);
	}
}

void oracle_message(struct world *w, struct sim_node *n, const struct message *m, uint64_t conn)
{
	if (m->kind == MESSAGE_LEAVES)
		note_relay(n, m);
	if (m->kind == MESSAGE_WANT)
		note_want(w, n, m, conn);
	if (m->kind == MESSAGE_HEAD)
		check_head(w, n, m->note);
	if (m->kind == MESSAGE_LEAVES)
		check_head(w, n, m->leaves.head);
	if (m->kind == MESSAGE_COSIGNATURE)
		witness_said(w, n, m->note);
	if (m->kind == MESSAGE_HELLO && conn != 0)
		check_hello(w, n, m);
	if (m->kind == MESSAGE_HELLO)
		for (size_t i = 0; i < m->hello.n_heads; i++)
			check_head(w, n, m->hello.heads[i]);
	if (n->full)
		oracle_holds(20);
}

/* ---- what a node says of others ---- */

static void fork_found(struct world *w, struct sim_node *n, const struct event *ev)
{
	struct book_log *l = books_log(&w->books, ev->origin, false);
	if (l == NULL || !l->tainted)
		oracle_fail(
			w, 5, "%s says that %s was forked: %s", n->id->slug, ev->origin, ev->text);
	if (held_find(&n->held, ev->origin)->alarms++ > 0)
		oracle_fail(
			w, 5, "%s%d is alarmed twice over %s", n->id->slug, n->self, ev->origin);
	oracle_holds(5);
	sometimes(SOMETIMES_FORK_FOUND);
	if (l->cloned)
		sometimes(SOMETIMES_CLONE_FOUND);
	if (ev->peer >= 0 && ev->peer != l->member)
		sometimes(SOMETIMES_FORK_BY_RELAY);
}

/* I29: an honest member's node lets in nothing that no operator signed. */
static void bad_signature(struct world *w, struct sim_node *n, const struct event *ev)
{
	const struct book_log *l = books_log(&w->books, ev->origin, false);
	if (l != NULL && !l->tainted && !l->crafted && world_is_honest(w, l->member))
		oracle_fail(w, 29, "%s finds in %s: %s", n->id->slug, ev->origin, ev->text);
	oracle_holds(29);
	sometimes(SOMETIMES_AUDIT_VOIDED);
}

void oracle_event(struct world *w, struct sim_node *n, const struct event *ev)
{
	if (ev->kind == EVENT_BAD_SIGNATURE)
		bad_signature(w, n, ev);
	if (ev->kind == EVENT_FORK)
		fork_found(w, n, ev);
	else if (ev->kind == EVENT_DIVERGED)
		oracle_diverged(w, n, ev);
	if (ev->kind != EVENT_NEW_EPOCH)
		return;
	world_trace(w, "new epoch %s%d: %s", n->id->slug, n->self, ev->text);
	if (strncmp(ev->text, "the roster ends", 15) != 0)
		witness_set_back(w, n);
	if (strncmp(ev->text, "rebuilt", 7) == 0)
		loss_over(w, n);
	else if (ev->peer >= 0)
		sometimes(SOMETIMES_ROLLBACK_BY_PEER);
	else
		sometimes(strstr(ev->text, "missing") != NULL ? SOMETIMES_MARK_MISSING
							      : SOMETIMES_ROLLBACK_BY_MARK);
}

void oracle_refusal(struct world *w, struct sim_node *n, struct sim_conn *c, int end, int rc,
	const struct err *e)
{
	struct conn_end *here = &c->end[end], *there = &c->end[1 - end];
	world_trace(w, "refused %s%d %llu %s %s", n->id->slug, n->self, (unsigned long long)c->id,
		rc_id(rc), e->text);
	bool store =
		rc == RC_DISK_FULL || rc == RC_NOMEM || rc == RC_UNKNOWN_OUTCOME || rc == RC_IO;
	if (store)
		return;
	sometimes_rc(rc);
	if (here->flipped)
		sometimes(SOMETIMES_FLIP_REFUSED);
	if (!world_is_honest(w, there->node->member) && world_is_honest(w, n->member))
		sometimes(SOMETIMES_HOSTILE_REFUSED);
	if (here->flipped || there->flipped || !world_is_honest(w, n->member) ||
		!world_is_honest(w, there->node->member))
		return;
	oracle_fail(w, 5, "%s%d refuses %s%d: %s %s", n->id->slug, n->self, there->node->id->slug,
		there->node->self, rc_id(rc), e->text);
}
