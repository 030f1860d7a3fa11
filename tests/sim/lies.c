#include "tests/sim/lies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/model/verdict.h"
#include "proto/trust/checkpoint.h"
#include "tests/sim/ends.h"
#include "tests/sim/sometimes.h"

#define MANY_SIZES 2000

static struct dice *chance(struct world *w)
{
	return &w->hostile_dice;
}

static const char *any_origin(struct world *w)
{
	if (w->books.n_logs == 0)
		return "sim/office/1-00000000";
	return w->books.log[dice_index(chance(w), w->books.n_logs)].origin;
}

static void say_noise(struct world *w, const struct liar *l, struct buf *out)
{
	size_t n = 1 + dice_index(chance(w), 4000);
	(void)l;
	dice_fill(chance(w), buf_reserve(out, n), n);
	out->n += n;
}

static void repeat(struct world *w, const struct liar *l, struct buf *out)
{
	if (l->heard.n > 0)
		buf_put_bytes(out, l->heard);
	else
		say_noise(w, l, out);
}

static void repeat_wrongly(struct world *w, const struct liar *l, struct buf *out)
{
	size_t at = out->n;
	repeat(w, l, out);
	size_t bit = dice_index(chance(w), (out->n - at) * 8);
	out->p[at + bit / 8] ^= (uint8_t)(1 << bit % 8);
}

void lies_hello(struct world *w, const struct identity *id, struct buf *out)
{
	struct message m = {.kind = MESSAGE_HELLO};
	struct hash wrong = {{9}};
	size_t lie = dice_index(chance(w), 4);
	m.hello.protocol_min = lie == 1 ? 7 : PROTOCOL_MIN;
	m.hello.protocol_max = lie == 1 ? 9 : PROTOCOL_MAX;
	m.hello.cluster_id = hash_bytes(lie == 2 ? &wrong : &w->cluster_id);
	m.hello.member = bytes_str(lie == 3 ? "nobody" : id->slug);
	message_encode(&m, out);
}

static void say_hello(struct world *w, const struct liar *l, struct buf *out)
{
	lies_hello(w, l->id, out);
}

static void want_absurdly(struct world *w, const struct liar *l, struct buf *out)
{
	struct message m = {.kind = MESSAGE_WANT};
	(void)l;
	m.want.origin = bytes_str(any_origin(w));
	m.want.from = dice_percent(chance(w), 50) ? 0 : dice_u64(chance(w));
	m.want.to = dice_percent(chance(w), 50) ? UINT64_MAX : dice_u64(chance(w));
	message_encode(&m, out);
}

/* A head of anybody's log at any size, by the liar's own key. */
static void say_head(struct world *w, const struct liar *l, struct buf *out)
{
	struct buf note = {0};
	struct hash root;
	uint64_t size = dice_percent(chance(w), 20) ? LIMIT_LOG_SIZE + dice_index(chance(w), 2)
						    : 1 + dice_index(chance(w), 100);
	dice_fill(chance(w), &root, sizeof(root));
	const char *origin = any_origin(w);
	if (dice_percent(chance(w), 20))
		origin = "elsewhere/office/1-00000000";
	checkpoint_sign(origin, size, &root, &l->id->log, &note);
	struct message m = {.kind = MESSAGE_HEAD, .note = buf_bytes(&note)};
	message_encode(&m, out);
	buf_release(&note);
}

/* Leaves that are not what their head says. */
static void say_leaves(struct world *w, const struct liar *l, struct buf *out)
{
	struct buf note = {0};
	struct message m = {.kind = MESSAGE_LEAVES};
	size_t n = 1 + dice_index(chance(w), l->log->n);
	struct bytes leaf[FORGED_MAX];
	forge_head(l->log, l->id, n, &note);
	for (size_t i = 0; i < n; i++)
		leaf[i] = buf_bytes(&l->log->leaf[n - 1 - i]);
	m.leaves.origin = bytes_str(dice_percent(chance(w), 70) ? l->log->origin : any_origin(w));
	m.leaves.first = dice_percent(chance(w), 70) ? 0 : dice_index(chance(w), 100);
	m.leaves.leaves = leaf;
	m.leaves.n = n;
	m.leaves.head = buf_bytes(&note);
	message_encode(&m, out);
	buf_release(&note);
}

/* Equal logs, another view; or logs of nobody. */
static void say_digest(struct world *w, const struct liar *l, struct buf *out)
{
	struct log_size size[64];
	struct hash root;
	size_t n = 0;
	const struct held *held = &w->node[0].held;
	(void)l;
	dice_fill(chance(w), &root, sizeof(root));
	for (; n < held->n && n < 60; n++)
		size[n] = (struct log_size){bytes_str(held->log[n].origin), held->log[n].size};
	if (dice_percent(chance(w), 50))
		size[n++] = (struct log_size){bytes_str("sim/office/99-00000000"), UINT64_MAX};
	struct message m = {.kind = MESSAGE_VIEW_DIGEST, .digest = {1, size, n, hash_bytes(&root)}};
	message_encode(&m, out);
}

/* More than anybody has memory for. */
static void say_too_much(struct world *w, const struct liar *l, struct buf *out)
{
	(void)w;
	(void)l;
	struct buf body = {0};
	buf_put_str(&body, "\x08\x01");
	for (size_t i = 0; i < MANY_SIZES; i++)
		buf_put_str(&body,
			"\x12\x08\x0a\x03"
			"a/b\x10\x01");
	buf_put_str(out, "\x42");
	size_t n = body.n;
	for (; n >= 128; n >>= 7)
		buf_put_u8(out, (uint8_t)(n | 128));
	buf_put_u8(out, (uint8_t)n);
	buf_put_bytes(out, buf_bytes(&body));
	buf_release(&body);
}

static void say_reserved(struct world *w, const struct liar *l, struct buf *out)
{
	static const enum message_kind kinds[] = {
		MESSAGE_ROSTER, MESSAGE_COSIGNATURE, MESSAGE_EVIDENCE};
	struct message m = {.kind = kinds[dice_index(chance(w), 3)]};
	(void)l;
	if (m.kind == MESSAGE_EVIDENCE)
		m.evidence.first = m.evidence.second = buf_bytes(&w->roster);
	else
		m.note = buf_bytes(&w->roster);
	message_encode(&m, out);
}

/* A kind of message that is not known yet. */
static void say_news(struct world *w, const struct liar *l, struct buf *out)
{
	(void)w;
	(void)l;
	buf_put_str(out, "\x6a\x04news");
}

static void say_ping(struct world *w, const struct liar *l, struct buf *out)
{
	struct message m = {.kind = MESSAGE_PING, .token = dice_u64(chance(w))};
	(void)l;
	message_encode(&m, out);
}

static void say_bye(struct world *w, const struct liar *l, struct buf *out)
{
	struct message m = {.kind = MESSAGE_BYE};
	(void)w;
	(void)l;
	m.bye.code = bytes_str("E1103");
	m.bye.text = bytes_str("you are wrong");
	message_encode(&m, out);
}

void lies_make(struct world *w, const struct liar *l, struct buf *out)
{
	static void (*const lies[])(struct world *, const struct liar *, struct buf *) = {say_noise,
		repeat, repeat, repeat_wrongly, say_hello, want_absurdly, want_absurdly, say_head,
		say_leaves, say_digest, say_too_much, say_reserved, say_news, say_ping, say_ping,
		say_bye};
	lies[dice_index(chance(w), sizeof(lies) / sizeof(*lies))](w, l, out);
}

/* ---- to a purpose ---- */

void lies_digest(struct world *w, int peer, struct buf *out)
{
	struct log_size size[64];
	struct hash root;
	size_t n = 0;
	const struct sim_node *to = &w->node[peer];
	dice_fill(chance(w), &root, sizeof(root));
	for (size_t i = 0; i < to->held.n && n < 64; i++) {
		const struct held_log *held = &to->held.log[i];
		const struct book_log *l = books_log(&w->books, held->origin, false);
		uint64_t counted = l != NULL ? ends_counted(to, l) : held->size;
		if (counted > 0)
			size[n++] = (struct log_size){bytes_str(held->origin), counted};
	}
	struct message m = {
		.kind = MESSAGE_VIEW_DIGEST, .digest = {RULES_VERSION, size, n, hash_bytes(&root)}};
	message_encode(&m, out);
}

struct two_heads {
	struct world *w;
	struct sim_node *n; /* the liar's */
	struct buf *first;  /* that it remembers */
	char origin[ORIGIN_SIZE];
	uint64_t size;
	struct buf second;
	struct merkle_spans spans;
	bool found;
};

static int add_leaf(void *arg, uint64_t index, struct bytes leaf)
{
	struct hash h;
	(void)index;
	merkle_leaf_hash(leaf, &h);
	merkle_spans_add(arg, &h);
	return 0;
}

static int take_second(void *arg, const struct store_log *log)
{
	struct two_heads *t = arg;
	struct store *s = t->n->store;
	struct store_head head;
	if (strcmp(log->origin, t->origin) != 0 || log->size <= t->size ||
		s->ops->head_get(s, log->id, t->size, log->size, &head, &t->second, NULL) != RC_OK)
		return 0;
	merkle_spans_begin(&t->spans, t->size, head.size);
	t->found = s->ops->leaf_each(s, log->id, 0, head.size, add_leaf, &t->spans, NULL) == RC_OK;
	return STORE_NONE;
}

/* Of any honest member's log. */
static int remember_head(void *arg, const struct store_log *log)
{
	struct two_heads *t = arg;
	struct store_head head;
	const struct book_log *l = books_log(&t->w->books, log->origin, false);
	if (l == NULL || l->tainted || l->member == t->n->member || dice_percent(chance(t->w), 50))
		return 0;
	buf_reset(t->first);
	(void)t->n->store->ops->head_get(t->n->store, log->id, 1, log->size, &head, t->first, NULL);
	return 0;
}

static void make_evidence(struct two_heads *t, struct buf *out)
{
	struct hash path[MERKLE_PROOF_MAX];
	struct bytes proof[MERKLE_PROOF_MAX];
	struct message m = {.kind = MESSAGE_EVIDENCE};
	size_t n = 0;
	merkle_spans_end(&t->spans, path, &n);
	path[0].b[dice_index(chance(t->w), HASH_BYTES)] ^= 1;
	for (size_t i = 0; i < n; i++)
		proof[i] = hash_bytes(&path[i]);
	m.evidence.first = buf_bytes(t->first);
	m.evidence.second = buf_bytes(&t->second);
	m.evidence.proof = proof;
	m.evidence.n_proof = n;
	message_encode(&m, out);
	sometimes(SOMETIMES_ACCUSED);
}

void lies_evidence(struct world *w, struct sim_node *liar, struct buf *remembered, struct buf *out)
{
	struct two_heads t = {.w = w, .n = liar, .first = remembered};
	struct note note;
	struct checkpoint cp;
	const struct store_ops *ops = liar->store->ops;
	if (remembered->n > 0 && note_parse(buf_bytes(remembered), &note, NULL) == RC_OK &&
		checkpoint_parse(note.text, &cp, NULL) == RC_OK) {
		snprintf(t.origin, sizeof(t.origin), "%.*s", (int)cp.origin.n,
			(const char *)cp.origin.p);
		t.size = cp.size;
		(void)ops->log_each(liar->store, take_second, &t, NULL);
	}
	if (t.found)
		make_evidence(&t, out);
	if (t.found || remembered->n == 0)
		(void)ops->log_each(liar->store, remember_head, &t, NULL);
	buf_release(&t.second);
}
