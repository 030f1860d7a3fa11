#include <string.h>

#include "proto/trust/cosign.h"
#include "proto/trust/sign.h"
#include "proto/wire/codec.h"
#include "tests/fuzz/session.h"

static const char *const tasks[] = {"3-05", "1-01", "", "9-99"};
static const char *const holders[] = {NULL, "zhejiang", "jiangsu", "", "office", "3", "nobody"};
static const char *const leads[] = {"zhejiang", "jiangsu", "office", "nobody"};

#define PICK(in, table) ((table)[reader_u8(in) % (sizeof(table) / sizeof(*(table)))])

void liar_init(struct liar *l, const struct cluster *c)
{
	*l = (struct liar){.c = c};
	scribe_begin(&l->branch[0], c, LIAR);
	l->begun[0] = true;
	ENSURE(roster_verify_first(buf_bytes(&c->roster), &c->cluster_id, &l->roster, NULL) ==
		RC_OK);
}

void liar_release(struct liar *l)
{
	for (size_t i = 0; i < LIAR_BRANCHES; i++)
		if (l->begun[i])
			scribe_release(&l->branch[i]);
	buf_release(&l->heard);
}

struct hearing {
	struct liar *l;
	struct node *n;
	const char *origin;
};

static int hear_log(void *arg, const struct store_log *log)
{
	struct hearing *h = arg;
	struct store_head head;
	if (strcmp(log->origin, h->origin) != 0)
		return 0;
	return h->n->store->ops->head_get(
		h->n->store, log->id, 0, log->size, &head, &h->l->heard, NULL);
}

void liar_hear(struct liar *l, struct node *n)
{
	struct hearing h = {l, n, node_origin(n)};
	ENSURE(n->store->ops->log_each(n->store, hear_log, &h, NULL) == RC_OK);
}

void liar_learn(struct liar *l, const struct hash *id)
{
	l->id[l->n_ids++ % LIAR_IDS] = *id;
}

const struct hash *liar_id(const struct liar *l, uint8_t which)
{
	size_t n = l->n_ids < LIAR_IDS ? l->n_ids : LIAR_IDS;
	return n == 0 ? NULL : &l->id[which % n];
}

static struct scribe *choose_branch(struct liar *l, struct reader *in)
{
	size_t i = reader_u8(in) % LIAR_BRANCHES;
	return &l->branch[l->begun[i] ? i : 0];
}

/* NULL: it is as long as a run needs it. */
static struct scribe *open_branch(struct liar *l, struct reader *in)
{
	struct scribe *s = choose_branch(l, in);
	return s->n < LIAR_LEAVES ? s : NULL;
}

static const struct key *choose_key(const struct liar *l, struct reader *in)
{
	const struct cluster_member *m = &l->c->member[LIAR];
	const struct key *keys[] = {&m->operator[0], &m->operator[1], &m->root, &m->log,
		&l->c->member[JIANGSU].operator[0], &l->c->member[OFFICE].root};
	return PICK(in, keys);
}

/* ---- leaves ---- */

static struct value choose_value(struct reader *in)
{
	uint8_t what = reader_u8(in);
	switch (what % 4) {
	case 0: return value_task(PICK(in, leads));
	case 1: return value_report(reader_u8(in));
	case 2: return value_note(what & 4 ? "" : "a note");
	default: return (struct value){.slot = SLOT_NONE};
	}
}

void liar_write(struct liar *l, struct reader *in)
{
	struct scribe *s = open_branch(l, in);
	struct hash superseded[2], id;
	if (s == NULL)
		return;
	const struct key *k = choose_key(l, in);
	struct write w = {.task = PICK(in, tasks), .holder = PICK(in, holders)};
	uint8_t more = reader_u8(in);
	w.value = choose_value(in);
	if (w.value.slot == SLOT_NONE) {
		w.slot = 1 + reader_u8(in) % 20;
		w.value_bytes = reader_take(in, reader_u8(in) % 40);
	}
	if (w.holder == NULL && w.value.slot == SLOT_NONE)
		w.holder = "";
	w.nonce = more & 1 ? 7 : ++l->nonce + 1000;
	w.under = more & 2 ? liar_id(l, reader_u8(in)) : NULL;
	w.member = more & 4 ? PICK(in, leads) : NULL;
	w.supersedes = superseded;
	while (w.n_supersedes < (more >> 4 & 1) && l->n_ids > 0)
		superseded[w.n_supersedes++] = *liar_id(l, reader_u8(in));
	if (more & 8)
		s->hlc += (uint64_t)reader_u8(in) << 40;
	scribe_write_as(s, k, w, &id);
	liar_learn(l, &id);
}

void liar_event(struct liar *l, struct reader *in)
{
	static const char *const scope[] = {"3-05", NULL};
	struct scribe *s = open_branch(l, in);
	if (s == NULL)
		return;
	const struct key *k = choose_key(l, in);
	uint8_t what = reader_u8(in);
	switch (what % 4) {
	case 0: scribe_delegate(s, k, what & 4 ? scope : NULL, reader_u8(in)); break;
	case 1: scribe_revoke(s, k, reader_u8(in)); break;
	case 2: scribe_open(s, 1u + reader_u8(in), NULL); break;
	default: scribe_open(s, 1u + reader_u8(in), &l->branch[0]); break;
	}
}

/* Some bytes of b as the input says. */
static void change_bytes(struct buf *b, struct reader *in)
{
	for (unsigned n = 1 + reader_u8(in) % 3; n > 0 && b->n > 0; n--) {
		size_t at = reader_u8(in) % b->n;
		uint8_t by = reader_u8(in);
		if (by == 0)
			b->n = at;
		else
			b->p[at] ^= by;
	}
}

static enum body_type type_of(enum leaf_kind kind)
{
	return kind == LEAF_DELEGATE  ? BODY_DELEGATE
		: kind == LEAF_REVOKE ? BODY_REVOKE
				      : BODY_CHANGE;
}

void liar_twist(struct liar *l, struct reader *in)
{
	static uint8_t memory[CODEC_LEAF_ARENA];
	struct scribe *s = open_branch(l, in);
	struct arena a;
	struct leaf leaf;
	if (s == NULL)
		return;
	arena_init(&a, memory, sizeof(memory));
	const struct buf *old = &s->leaf[reader_u8(in) % s->n];
	if (leaf_decode(buf_bytes(old), &a, &leaf, NULL) != RC_OK || leaf.signed_body.body.n == 0)
		return;
	const struct key *k = choose_key(l, in);
	uint8_t signature[SIGNATURE_BYTES];
	struct buf body = {0};
	buf_put_bytes(&body, leaf.signed_body.body);
	change_bytes(&body, in);
	if (body.n > 0) {
		struct hash id;
		enum body_type type = type_of(leaf.kind);
		body_sign(k, type, &l->c->cluster_id, buf_bytes(&body), signature);
		change_id_of(type, &l->c->cluster_id, buf_bytes(&body), &id);
		liar_learn(l, &id);
		scribe_leaf(s,
			(struct leaf){.kind = leaf.kind,
				.signed_body = {bytes_of(k->public, KEY_BYTES),
					bytes_of(signature, SIGNATURE_BYTES), buf_bytes(&body)}});
	}
	buf_release(&body);
}

void liar_raw(struct liar *l, struct reader *in)
{
	struct scribe *s = open_branch(l, in);
	struct buf raw = {0};
	if (s == NULL)
		return;
	uint8_t what = reader_u8(in);
	if (what & 1) {
		buf_put_bytes(&raw, buf_bytes(&s->leaf[(what >> 1) % s->n]));
		change_bytes(&raw, in);
	} else {
		buf_put_bytes(&raw, reader_take(in, what));
	}
	if (raw.n > 0)
		scribe_raw(s, buf_bytes(&raw));
	buf_release(&raw);
}

void liar_fork(struct liar *l, struct reader *in)
{
	uint8_t what = reader_u8(in);
	size_t i = 1 + what % (LIAR_BRANCHES - 1);
	if (l->begun[i])
		return;
	if (i == 1) {
		scribe_copy(&l->branch[i], &l->branch[0]);
	} else {
		scribe_init(&l->branch[i], l->c, LIAR, 2);
		scribe_open(&l->branch[i], 1 + reader_u8(in) % 7, what & 8 ? NULL : &l->branch[0]);
	}
	l->begun[i] = true;
}

/* ---- messages ---- */

static void say_leaves(const struct scribe *s, struct reader *in, struct buf *out)
{
	struct buf note = {0};
	struct bytes leaf[LIAR_LEAVES + 1];
	size_t to = 1 + reader_u8(in) % s->n, from = reader_u8(in) % to;
	uint8_t other = reader_u8(in);
	for (size_t i = from; i < to; i++)
		leaf[i] = buf_bytes(&s->leaf[i]);
	scribe_head(s, to, &note);
	struct message m = {.kind = MESSAGE_LEAVES};
	m.leaves.origin = bytes_str(s->origin);
	m.leaves.first = other & 1 ? reader_u8(in) : from;
	m.leaves.leaves = &leaf[from];
	m.leaves.n = to - from;
	m.leaves.head = buf_bytes(&note);
	message_encode(&m, out);
	buf_release(&note);
}

/* A head of what there is, or (nothing of it is here) of a size that is not. */
static void make_head(
	const struct liar *l, const struct scribe *s, struct reader *in, struct buf *note)
{
	uint8_t size = reader_u8(in);
	struct hash root = {{size}};
	if (size < 200)
		scribe_head(s, 1 + size % s->n, note);
	else
		checkpoint_sign(s->origin, size, &root, &l->c->member[LIAR].log, note);
}

static void say_hello(struct liar *l, struct reader *in, struct buf *out)
{
	struct message m = {.kind = MESSAGE_HELLO};
	struct buf note = {0};
	struct bytes head;
	uint8_t what = reader_u8(in);
	m.hello.protocol_min = PROTOCOL_MIN + (what & 1);
	m.hello.protocol_max = PROTOCOL_MAX + (what >> 1 & 1);
	m.hello.cluster_id = hash_bytes(&l->c->cluster_id);
	m.hello.member = bytes_str(what & 4 ? "jiangsu" : "zhejiang");
	m.hello.software = bytes_str("fuzz");
	m.hello.roster_version = 1;
	make_head(l, choose_branch(l, in), in, &note);
	head = buf_bytes(&note);
	m.hello.heads = &head;
	m.hello.n_heads = what & 8 ? 0 : 1;
	message_encode(&m, out);
	buf_release(&note);
}

static void say_digest(struct reader *in, const struct scribe *s, struct buf *out)
{
	struct hash root = {{reader_u8(in)}};
	struct log_size size = {bytes_str(s->origin), reader_u8(in)};
	struct message m = {.kind = MESSAGE_VIEW_DIGEST,
		.digest = {1u + reader_u8(in) % 2, &size, 1, hash_bytes(&root)}};
	message_encode(&m, out);
}

/* Of its own log or an honest one; or what another member said of something else. */
static void say_cosignature(
	struct liar *l, const struct scribe *s, struct reader *in, struct buf *out)
{
	struct buf note = {0}, line = {0};
	struct note n;
	uint8_t what = reader_u8(in);
	if (what & 1)
		buf_put_bytes(&note, buf_bytes(&l->heard));
	else
		make_head(l, s, in, &note);
	if (note_parse(buf_bytes(&note), &n, NULL) == RC_OK) {
		int member = what & 2 ? JIANGSU : LIAR;
		cosign_put_line(&l->roster, member, &l->c->member[member].cosign,
			what & 2 ? bytes_str("another text\n") : n.text, 1 + reader_u8(in), &line);
		buf_put_bytes(&note, buf_bytes(&line));
	}
	struct message m = {.kind = MESSAGE_COSIGNATURE, .note = buf_bytes(&note)};
	if (note.n > 0)
		message_encode(&m, out);
	buf_release(&note);
	buf_release(&line);
}

/* Two heads that are two histories, or are not. */
static void say_evidence(const struct liar *l, struct reader *in, struct buf *out)
{
	struct buf note[2] = {{0}, {0}};
	struct hash h = {{1}};
	struct bytes proof[8];
	uint8_t what = reader_u8(in);
	for (size_t i = 0; i < 8; i++)
		proof[i] = hash_bytes(&h);
	make_head(l, &l->branch[0], in, &note[0]);
	make_head(l, &l->branch[l->begun[1] && what & 1], in, &note[1]);
	struct message m = {.kind = MESSAGE_EVIDENCE};
	m.evidence.first = buf_bytes(&note[what >> 1 & 1]);
	m.evidence.second = buf_bytes(&note[(what >> 1 & 1) ^ 1]);
	m.evidence.proof = proof;
	m.evidence.n_proof = what >> 2 & 7;
	message_encode(&m, out);
	buf_release(&note[0]);
	buf_release(&note[1]);
}

void liar_say(struct liar *l, struct reader *in, struct buf *out)
{
	struct buf note = {0};
	uint8_t what = reader_u8(in);
	const struct scribe *s = choose_branch(l, in);
	struct message m = {0};
	switch (what % 10) {
	case 0: say_hello(l, in, out); return;
	case 1: say_digest(in, s, out); return;
	case 2:
		m = (struct message){.kind = MESSAGE_WANT,
			.want = {bytes_str(s->origin), reader_u8(in), UINT64_MAX}};
		break;
	case 3: m = (struct message){.kind = MESSAGE_PING, .token = reader_u8(in)}; break;
	case 4:
		make_head(l, s, in, &note);
		m = (struct message){.kind = MESSAGE_HEAD, .note = buf_bytes(&note)};
		break;
	case 5: say_cosignature(l, s, in, out); return;
	case 6: say_evidence(l, in, out); return;
	default: say_leaves(s, in, out); return;
	}
	message_encode(&m, out);
	buf_release(&note);
}
