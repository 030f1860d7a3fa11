/* The audit and the node derive the same from the same leaves, each by its own storage, order and
 * fold: histories by chance, of people who write, err, revoke, repeat themselves and lose disks. */
#include "tests/lib/core_test.h"

#include "client/audit.h"
#include "tests/lib/roster_fixture.h"

#define HISTORIES 60
#define STEPS 70
#define WRITERS 3
#define EPOCHS 3
#define IDS_MAX 256

/* What somebody wrote, to be written again. */
struct said {
	struct write w;
	struct hash gone[2];
	size_t operator;
	int member;
};

struct past {
	const struct cluster *c;
	struct said said[IDS_MAX];
	size_t n_said;
	struct scribe log[WRITERS][EPOCHS];
	size_t epochs[WRITERS];
	struct hash id[IDS_MAX];
	size_t n_ids;
	uint64_t chance;
	struct buf roster; /* a second version, which retires some logs; empty: there is none */
};

static const int writers[WRITERS] = {OFFICE, JIANGSU, SHANGHAI};
static const char *const tasks[] = {"3-05", "1-02"};
static const char *const slugs[] = {"jiangsu", "shanghai", "office", ""};

static uint64_t roll(struct past *p, uint64_t below)
{
	p->chance = p->chance * 6364136223846793005u + 1442695040888963407u;
	return (p->chance >> 33) % below;
}

static const struct hash *some_id(struct past *p)
{
	static const struct hash nowhere = {{1, 2, 3}};
	return p->n_ids == 0 || roll(p, 8) == 0 ? &nowhere : &p->id[roll(p, p->n_ids)];
}

static struct value some_value(struct past *p)
{
	struct value v = value_task(slugs[roll(p, 2) * 3]);
	switch (roll(p, 6)) {
	case 0:
	case 1: v.task.source = roll(p, 6) == 0 ? 99 : SOURCE_SEED; break;
	case 2:
	case 3: v = value_report((uint32_t)roll(p, 120)); break;
	case 4:
		v = (struct value){
			.slot = SLOT_OVERALL, .overall = {.status = 1 + (uint32_t)roll(p, 8)}};
		break;
	case 5:
		v = value_note(roll(p, 3) == 0 ? "" : "x");
		v.note.struck = v.note.text.n == 0;
		break;
	}
	return v;
}

/* Often right, sometimes wrong in one of its parts. */
static void think(struct past *p, const struct scribe *s, struct said *x)
{
	*x = (struct said){.gone = {*some_id(p), *some_id(p)},
		.operator= roll(p, 4) == 0,
		.member = s->member,
		.w = {.value = some_value(p),
			.task = tasks[roll(p, 2)],
			.nonce = 1 + roll(p, 1000)}};
	x->w.under = roll(p, 6) == 0 ? NULL : some_id(p);
	x->w.n_supersedes = roll(p, 3);
	if (x->w.n_supersedes == 2 && hash_equal(&x->gone[0], &x->gone[1]))
		x->w.n_supersedes = 1;
	if (roll(p, 12) == 0)
		x->w.member = slugs[roll(p, 3)];
	if (roll(p, 12) == 0)
		x->w.holder = slugs[roll(p, 3)];
	if (roll(p, 20) == 0)
		x->w.slot = 77;
}

static void some_change(struct past *p, struct scribe *s)
{
	struct hash id;
	ENSURE(p->n_said < IDS_MAX && p->n_ids < IDS_MAX);
	struct said *x =
		&p->said[p->n_said > 0 && roll(p, 5) == 0 ? roll(p, p->n_said) : p->n_said];
	if (x == &p->said[p->n_said] || x->member != s->member) {
		x = &p->said[p->n_said++];
		think(p, s, x);
	}
	x->w.supersedes = x->gone;
	scribe_write_as(s, &p->c->member[s->member].operator[x->operator], x->w, &id);
	p->id[p->n_ids++] = id;
}

static void some_leaf(struct past *p, struct scribe *s)
{
	static const char *const scope[] = {"3-05", NULL};
	const struct cluster_member *m = &p->c->member[s->member];
	const struct key *operator= & m->operator[roll(p, 2)];
	switch (roll(p, 16)) {
	case 0: scribe_raw(s, bytes_str("\xff")); break;
	case 1: scribe_leaf(s, (struct leaf){.kind = LEAF_CLOSE, .index = 1 + roll(p, 9)}); break;
	case 2: scribe_open(s, OPEN_INIT, NULL); break;
	case 3:
	case 4:
		scribe_delegate(s, operator, roll(p, 2) ? scope : NULL,
			roll(p, 3) == 0 ? 1 + roll(p, s->n + 4) : 0);
		break;
	case 5: scribe_revoke(s, operator, roll(p, s->n + 2)); break;
	default: some_change(p, s); break;
	}
}

static void begin_epoch(struct past *p, size_t writer)
{
	size_t epoch = p->epochs[writer];
	struct scribe *s = &p->log[writer][epoch];
	scribe_init(s, p->c, writers[writer], (uint32_t)epoch + 1);
	scribe_open(s, epoch == 0 ? OPEN_INIT : OPEN_RESTORE,
		epoch == 0 || roll(p, 5) == 0 ? NULL : s - 1);
	p->epochs[writer]++;
}

static void make_past(struct past *p, const struct cluster *c, uint64_t seed)
{
	*p = (struct past){.c = c, .chance = seed};
	for (size_t i = 0; i < WRITERS; i++) {
		begin_epoch(p, i);
		scribe_delegate(&p->log[i][0], &c->member[writers[i]].operator[0], NULL, 0);
	}
	for (size_t i = 0; i < STEPS; i++) {
		size_t writer = roll(p, WRITERS);
		if (roll(p, 25) == 0 && p->epochs[writer] < EPOCHS)
			begin_epoch(p, writer);
		/* An old epoch may go on: a copied machine. */
		some_leaf(p, &p->log[writer][roll(p, p->epochs[writer])]);
	}
}

static void end_some_logs(struct past *p)
{
	struct roster *now = xalloc(sizeof *now), *next = xalloc(sizeof *next);
	*now = roster_of_note(buf_bytes(&p->c->roster));
	*next = roster_after(now);
	for (size_t i = 0; i < WRITERS; i++)
		for (size_t k = 0; k < p->epochs[i]; k++)
			if (roll(p, 2) == 0)
				roster_retire(next, now, &p->log[i][k], roll(p, p->log[i][k].n + 1),
					"lost");
	roster_sign_quorum(next, now, p->c, NULL, 0, &p->roster);
	free(now);
	free(next);
}

static void forget(struct past *p)
{
	buf_release(&p->roster);
	for (size_t i = 0; i < WRITERS; i++)
		for (size_t k = 0; k < p->epochs[i]; k++)
			scribe_release(&p->log[i][k]);
}

/* In parts, by chance. */
static void tell_node(struct past *p, struct node *n)
{
	size_t told[WRITERS][EPOCHS] = {{0}}, left = 0;
	node_init(n, p->c, ZHEJIANG);
	for (size_t i = 0; i < WRITERS; i++) {
		node_greet(n, writers[i]);
		for (size_t k = 0; k < p->epochs[i]; k++)
			left += p->log[i][k].n;
	}
	while (left > 0) {
		size_t i = roll(p, WRITERS), k = roll(p, p->epochs[i]);
		size_t more = p->log[i][k].n - told[i][k];
		if (more == 0)
			continue;
		more = 1 + roll(p, more);
		assert_ok(n,
			node_leaves(n, writers[i], &p->log[i][k], told[i][k], told[i][k] + more));
		told[i][k] += more;
		left -= more;
	}
	struct bytes roster = buf_bytes(&p->roster);
	if (roster.n > 0)
		assert_ok(n, node_install(n, &roster, 1));
}

static void tell_audit(struct past *p, struct audit *a)
{
	struct err e = {0};
	struct message m = {.kind = MESSAGE_ROSTER, .note = buf_bytes(&p->c->roster)};
	audit_init(a, &p->c->cluster_id);
	assert_int_equal(audit_take(a, &m, &e), RC_OK);
	m.note = buf_bytes(&p->roster);
	if (m.note.n > 0)
		assert_int_equal(audit_take(a, &m, &e), RC_OK);
	for (size_t i = 0; i < WRITERS; i++)
		for (size_t k = 0; k < p->epochs[i]; k++) {
			struct scribe *s = &p->log[i][k];
			struct buf head = {0};
			struct bytes *leaves = xalloc(s->n * sizeof *leaves);
			for (size_t j = 0; j < s->n; j++)
				leaves[j] = buf_bytes(&s->leaf[j]);
			scribe_head(s, s->n, &head);
			m = (struct message){.kind = MESSAGE_LEAVES};
			m.leaves.origin = bytes_str(s->origin);
			m.leaves.leaves = leaves;
			m.leaves.n = s->n;
			m.leaves.head = buf_bytes(&head);
			assert_int_equal(audit_take(a, &m, &e), RC_OK);
			buf_release(&head);
			free(leaves);
		}
	audit_read_leaves(a);
	audit_check_bodies(a);
	audit_check_logs(a);
	assert_int_equal(a->n_findings, 0);
	audit_derive(a, audit_roster(a));
}

/* How often each void code came up: a test that reaches none of them shows nothing. */
static unsigned reached[32];

static void compare(struct past *p, struct node *n, struct audit *a, uint64_t seed)
{
	for (size_t i = 0; i < WRITERS; i++)
		for (size_t k = 0; k < p->epochs[i]; k++) {
			struct scribe *s = &p->log[i][k];
			const struct audit_log *log = audit_log_find(a, bytes_str(s->origin));
			assert_int_equal(log->n, s->n);
			for (size_t j = 0; j < s->n; j++) {
				enum void_code code;
				enum verdict v = node_verdict(n, s->origin, j, &code);
				const struct audit_leaf *x = &log->leaf[j];
				reached[v == VERDICT_VOID ? (size_t)code + 4 : (size_t)v]++;
				if (v != x->verdict || code != x->code)
					fail_msg("seed %u, %s#%zu: node %s %s, audit %s %s",
						(unsigned)seed, s->origin, j, verdict_name(v),
						void_code_name(code), verdict_name(x->verdict),
						void_code_name(x->code));
				if (x->kind == LEAF_CHANGE && v == VERDICT_EFFECTIVE)
					assert_int_equal(node_is_current(n, &x->id), x->current);
			}
		}
	assert_same_hash(node_view(n), a->view_root);
}

static void node_and_audit_derive_the_same_from_histories_by_chance(void **state)
{
	for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
		struct past *p = xalloc(sizeof *p);
		struct audit *a = xalloc(sizeof *a);
		struct node n;
		make_past(p, *state, seed);
		if (seed % 2 == 0)
			end_some_logs(p);
		tell_node(p, &n);
		tell_audit(p, a);
		compare(p, &n, a, seed);
		audit_release(a);
		node_release(&n);
		forget(p);
		free(a);
		free(p);
	}
	for (size_t i = VERDICT_EFFECTIVE; i <= VERDICT_UNKNOWN; i++)
		assert_true(reached[i] > 0);
	for (size_t code = VOID_GATE; code <= VOID_RETIRED; code++)
		if (code != VOID_SIGNATURE && reached[code + 4] == 0)
			fail_msg("no leaf was void: %s", void_code_name((enum void_code)code));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(node_and_audit_derive_the_same_from_histories_by_chance),
	};
	return cmocka_run_group_tests(tests, core_set_up, core_tear_down);
}
