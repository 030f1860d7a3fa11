#include "tests/sim/crafts.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/text.h"
#include "proto/trust/sign.h"
#include "proto/wire/codec.h"
#include "tests/sim/oracle.h"

#define CRAFT_EPOCH 40 /* below those of a newer program */
#define ROOM 8	       /* leaves that one piece takes at most */
#define WAITING 8
#define SHOWN_IN 12 /* acts until the first log is shown */
#define TASK "1-02"
#define OTHER_TASK "9-13"

/* The log that is written to. */
struct craft {
	struct world *w;
	const struct identity *id;
	struct forged *log;
};

static void put(struct craft *c, struct buf raw, enum made how)
{
	oracle_wrote(c->w, c->log->origin, (int)(c->id - c->w->identity), buf_bytes(&raw));
	oracle_made(c->w, c->log->origin, c->log->n, how);
	forge_append(c->log, raw);
}

static struct claim note(const struct craft *c)
{
	return (struct claim){.as = c->id,
		.task = TASK,
		.slot = SLOT_NOTE,
		.value = bytes_str("\x0a\x05"
				   "craft")};
}

static void put_note(struct craft *c, const struct key *k, enum made how)
{
	struct claim says = note(c);
	put(c, forge_change(c->w, c->log, k, &says), how);
}

static void put_body(struct craft *c, struct buf body, enum made how)
{
	put(c, forge_signed(c->w, c->log, LEAF_CHANGE, &c->id->operator[0], buf_bytes(&body)), how);
	buf_release(&body);
}

static void put_delegate(struct craft *c, const struct key *k, uint64_t not_after)
{
	put(c, forge_delegate(c->w, c->log, c->id, &c->id->root, k->public, not_after), MADE_GOOD);
}

static void new_key(struct craft *c, struct key *out)
{
	uint8_t seed[32];
	dice_fill(&c->w->hostile_dice, seed, sizeof(seed));
	key_from_seed(out, KEY_OPERATOR, c->id->slug, "op", seed);
}

/* ---- void, each in its own way ---- */

/* With an empty reason behind what it says: there is a shorter form of the same. */
static void in_another_form(struct craft *c, const struct forger *newer)
{
	struct claim says = note(c);
	struct buf body = forge_body(c->w, &says);
	(void)newer;
	buf_put(&body, "\x5a", 2);
	put_body(c, body, MADE_VOID);
}

static void out_of_order(struct craft *c, const struct forger *newer)
{
	struct hash ids[2] = {{{1}}, {{2}}};
	struct bytes supersedes[] = {hash_bytes(&ids[0]), hash_bytes(&ids[1])};
	struct claim says = note(c);
	(void)newer;
	says.supersedes = supersedes;
	says.n_supersedes = 2;
	struct buf body = forge_body(c->w, &says);
	uint8_t *first = memmem(body.p, body.n, ids[0].b, HASH_BYTES);
	uint8_t *second = memmem(body.p, body.n, ids[1].b, HASH_BYTES);
	memcpy(first, ids[1].b, HASH_BYTES);
	memcpy(second, ids[0].b, HASH_BYTES);
	put_body(c, body, MADE_VOID);
}

/* Behind one that is good. */
static void wrongly_signed(struct craft *c, const struct forger *newer)
{
	struct key wrong = c->id->operator[1];
	(void)newer;
	memcpy(wrong.public, c->id->operator[0].public, KEY_BYTES);
	put_note(c, &c->id->operator[0], MADE_GOOD);
	put_note(c, &wrong, MADE_VOID);
}

/* An operator that was sent away, and whose old delegation is written once more. */
static void delegated_again(struct craft *c, const struct forger *newer)
{
	struct key k;
	(void)newer;
	new_key(c, &k);
	put_delegate(c, &k, 0);
	size_t delegation = c->log->n - 1;
	put_note(c, &k, MADE_GOOD);
	put(c, forge_revoke(c->w, c->log, c->id, &c->id->root, k.public, c->log->n), MADE_GOOD);
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct leaf leaf;
	arena_init(&a, memory, sizeof(memory));
	ENSURE(leaf_decode(buf_bytes(&c->log->leaf[delegation]), &a, &leaf, NULL) == RC_OK);
	put(c, forge_signed(c->w, c->log, LEAF_DELEGATE, &c->id->root, leaf.signed_body.body),
		MADE_VOID);
	put_note(c, &k, MADE_VOID);
	key_release(&k);
}

/* What nobody can judge yet, copied: it is its author's. */
static void copied(struct craft *c, const struct forger *newer)
{
	const struct forged *of = newer->n_logs > 0 ? newer->log[0][0] : NULL;
	size_t from = of != NULL ? dice_index(&c->w->hostile_dice, of->n) : 0;
	for (size_t i = from; of != NULL && i < of->n && i < from + ROOM; i++) {
		bool is_change;
		struct buf raw = forge_same_body(c->log, buf_bytes(&of->leaf[i]), &is_change);
		if (is_change)
			put(c, raw, MADE_VOID);
	}
}

struct led {
	const char *slug;
	struct hash plan;
	char task[TASK_KEY_SIZE];
};

static int take_led(void *arg, const struct ctl_entry *entry)
{
	struct led *l = arg;
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct leaf leaf;
	struct change c;
	struct value v;
	arena_init(&a, memory, sizeof(memory));
	ENSURE(leaf_decode(entry->leaf, &a, &leaf, NULL) == RC_OK);
	ENSURE(change_decode(leaf.signed_body.body, &a, &c, NULL) == RC_OK);
	if (value_decode(SLOT_TASK, c.value, &a, &v, NULL) != RC_OK ||
		!bytes_equal(v.task.lead, bytes_str(l->slug)))
		return 0;
	memcpy(l->plan.b, entry->change_id.p, HASH_BYTES);
	memcpy(l->task, c.task.p, c.task.n);
	l->task[c.task.n] = '\0';
	return 1;
}

/* The overall status of a task under the plan of another one, which it leads, before it has written
 * that of the task itself, or after. */
static void under_another_task(struct craft *c, const struct forger *newer)
{
	struct sim_node *n = &c->w->node[c->id - c->w->identity];
	struct led l = {.slug = c->id->slug};
	struct ctl_query q = {.any_task = true, .slot = SLOT_TASK};
	(void)newer;
	if (!node_is_up(n))
		return;
	ENSURE(replica_query(n->replica, &q, take_led, &l, NULL) == RC_OK);
	struct claim says = {.as = c->id,
		.task = l.task,
		.holder = "",
		.slot = SLOT_OVERALL,
		.value = bytes_str("\x08\x02"),
		.under = hash_bytes(&l.plan)};
	if (l.task[0] == '\0')
		return;
	if (dice_percent(&c->w->hostile_dice, 50))
		put(c, forge_change(c->w, c->log, &c->id->operator[0], &says), MADE_GOOD);
	says.task = strcmp(l.task, TASK) != 0 ? TASK : OTHER_TASK;
	put(c, forge_change(c->w, c->log, &c->id->operator[0], &says), MADE_WAITING);
}

/* ---- what counts ---- */

struct opened {
	struct hash id;
	char holder[33];
};

static void open_note(struct craft *c, struct opened *out)
{
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct change change;
	struct claim says = note(c);
	struct buf body = forge_body(c->w, &says);
	arena_init(&a, memory, sizeof(memory));
	ENSURE(change_decode(buf_bytes(&body), &a, &change, NULL) == RC_OK);
	hex_encode(change.nonce.p, NONCE_BYTES, out->holder);
	change_id_of(BODY_CHANGE, &c->w->cluster_id, buf_bytes(&body), &out->id);
	put_body(c, body, MADE_GOOD);
}

static void strike(struct craft *c, const struct opened *o)
{
	struct claim says = note(c);
	says.holder = o->holder;
	says.value = bytes_str("\x10\x01");
	says.under = hash_bytes(&o->id);
	put(c, forge_change(c->w, c->log, &c->id->operator[0], &says), MADE_GOOD);
}

/* Several that nobody decided between, all of one time. */
static void at_one_time(struct craft *c, const struct forger *newer)
{
	struct opened o;
	(void)newer;
	open_note(c, &o);
	for (int i = 0; i < 3; i++) {
		strike(c, &o);
		c->log->hlc--;
	}
	c->log->hlc++;
}

/* ---- the logs ---- */

static struct craft begin_log(
	struct world *w, struct forger *f, const struct forged *before, uint32_t epoch)
{
	struct craft c = {w, &w->identity[f->member], xalloc(sizeof(*c.log))};
	f->log[f->n_logs++][0] = c.log;
	forge_begin(w, c.log, c.id, epoch, before);
	for (size_t i = 0; i < c.log->n; i++)
		oracle_wrote(w, c.log->origin, f->member, buf_bytes(&c.log->leaf[i]));
	return c;
}

/* In the first log, which comes late: an operator whose time ends in it, a change by nobody, a
 * note. In the second, which builds on it: a change by that operator, the same change by nobody. In
 * the third: what waits for the note. */
static void begin(struct world *w, struct forger *f)
{
	struct key ended, nobody;
	struct opened o;
	bool is_change;
	struct craft c = begin_log(w, f, NULL, CRAFT_EPOCH);
	const struct forged *first = c.log;
	new_key(&c, &ended);
	new_key(&c, &nobody);
	put_delegate(&c, &ended, first->n + 1);
	put_note(&c, &ended, MADE_GOOD);
	put_note(&c, &nobody, MADE_VOID);
	struct bytes void_one = buf_bytes(&first->leaf[first->n - 1]);
	open_note(&c, &o);
	c = begin_log(w, f, first, CRAFT_EPOCH + 1);
	put_note(&c, &ended, MADE_VOID);
	put(&c, forge_same_body(c.log, void_one, &is_change), MADE_VOID);
	c = begin_log(w, f, NULL, CRAFT_EPOCH + 2);
	for (int i = 0; i < WAITING; i++)
		strike(&c, &o);
	key_release(&ended);
	key_release(&nobody);
	f->hides_first = true;
}

void crafts_write(struct world *w, struct forger *f, const struct forger *newer)
{
	static void (*const pieces[])(struct craft *, const struct forger *) = {in_another_form,
		out_of_order, wrongly_signed, delegated_again, copied, under_another_task,
		at_one_time};
	if (f->member < 0)
		return;
	if (f->n_logs == 0)
		begin(w, f);
	if (w->calm || dice_index(&w->hostile_dice, SHOWN_IN) == 0)
		f->hides_first = false;
	struct craft c = {w, &w->identity[f->member], f->log[1][0]};
	if (w->calm || c.log->n + ROOM > FORGED_MAX)
		return;
	pieces[dice_index(&w->hostile_dice, sizeof(pieces) / sizeof(*pieces))](&c, newer);
}
