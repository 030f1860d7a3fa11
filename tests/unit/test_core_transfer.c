/* Entries by file: what a bundle holds comes over as by the wire, and a bundle with anything wrong
 * in it changes nothing. H54 and H57 to H60 as far as they are not the file's own. */
#include "tests/lib/core_test.h"

#include <stdio.h>

#include "daemon/core/transfer.h"
#include "daemon/store/store_sqlite.h"
#include "proto/trust/checkpoint.h"
#include "tests/lib/bundle_fixture.h"
#include "tests/lib/failing_store.h"
#include "tests/lib/roster_fixture.h"

static const struct ctl_export everything = {.what = EXPORT_ALL};

/* ---- nodes ---- */

static void begin_node(struct node *n, const struct cluster *c, int self, size_t notes)
{
	node_init(n, c, self);
	assert_ok(n, node_delegate(n, &c->member[self].operator[0], NULL, 0));
	for (size_t i = 0; i < notes; i++)
		assert_ok(n, node_write(n, (struct write){.value = value_note("x")}, NULL));
}

static struct buf export_of(struct node *n, const struct ctl_export *what)
{
	struct buf file = {0};
	assert_ok(n, bundle_make(n->replica, what, &file, &n->e));
	return file;
}

static int import_into(struct node *n, struct bytes file, struct bundle_taken *out)
{
	n->e = (struct err){0};
	int rc = bundle_import(n->replica, &n->c->cluster_id, file, n->now, out, &n->e);
	struct err why = n->e;
	assert_int_equal(node_tick(n), RC_OK); /* takes the events of the groups */
	n->e = why;
	return rc;
}

/* Everything that `from` holds, by file. */
static struct bundle_taken carry_all(struct node *from, struct node *to)
{
	struct bundle_taken taken;
	struct buf file = export_of(from, &everything);
	assert_ok(to, import_into(to, buf_bytes(&file), &taken));
	buf_release(&file);
	return taken;
}

/* All that a node shows, as one text: whoever changed nothing shows the same. */
static void show(struct node *n, struct buf *out)
{
	struct ctl_status s;
	char hex[HASH_HEX_SIZE];
	assert_ok(n, replica_status(n->replica, n->now, &s, &n->e));
	struct hash view = node_view(n);
	hash_print(&view, hex);
	buf_printf(out, "%s", hex);
	assert_ok(n, replica_status(n->replica, n->now, &s, &n->e));
	for (size_t i = 0; i < s.n_logs; i++)
		buf_printf(out, " %.*s %llu %llu %d", (int)s.logs[i].origin.n,
			(const char *)s.logs[i].origin.p, (unsigned long long)s.logs[i].size,
			(unsigned long long)s.logs[i].seen_size, s.logs[i].forked);
	buf_put_u8(out, 0);
}

/* ---- bundles made by hand ---- */

struct forged {
	struct buf file;
	struct sha256_stream sha;
	struct bundle_writer w;
};

static void forge(struct forged *f, const struct cluster *c, int maker)
{
	struct message m = {.kind = MESSAGE_HELLO};
	*f = (struct forged){0};
	bundle_write_begin(&f->w, sha256_sum(&f->sha), &f->file);
	m.hello.protocol_min = m.hello.protocol_max = PROTOCOL_MAX;
	m.hello.cluster_id = hash_bytes(&c->cluster_id);
	m.hello.member = bytes_str(c->member[maker].slug);
	bundle_write(&f->w, &m, &f->file);
}

static void forge_leaves(struct forged *f, const struct scribe *s, size_t from, size_t to)
{
	struct buf note = {0};
	struct bytes leaves[LIMIT_BATCH_LEAVES];
	struct message m = {.kind = MESSAGE_LEAVES};
	scribe_head(s, to, &note);
	for (size_t i = from; i < to; i++)
		leaves[i - from] = buf_bytes(&s->leaf[i]);
	m.leaves.origin = bytes_str(s->origin);
	m.leaves.first = from;
	m.leaves.leaves = leaves;
	m.leaves.n = to - from;
	m.leaves.head = buf_bytes(&note);
	bundle_write(&f->w, &m, &f->file);
	buf_release(&note);
}

static void forge_head(struct forged *f, const struct scribe *s, size_t size)
{
	struct buf note = {0};
	scribe_head(s, size, &note);
	struct message m = {.kind = MESSAGE_HEAD, .note = buf_bytes(&note)};
	bundle_write(&f->w, &m, &f->file);
	buf_release(&note);
}

static struct bytes forged(struct forged *f)
{
	bundle_write_end(&f->w, &f->file);
	return buf_bytes(&f->file);
}

#define PIECES_MAX 64

/* A real bundle, taken apart. */
struct apart {
	struct buf record[PIECES_MAX];
	size_t n;
};

static void take_apart(const struct buf *file, struct apart *a)
{
	size_t at = BUNDLE_MAGIC_BYTES;
	a->n = 0;
	for (size_t n; (n = get_u32be(file->p + at)) > 0; at += 4 + n) {
		assert_true(a->n < PIECES_MAX - 2);
		buf_put(&a->record[a->n++], file->p + at + 4, n);
	}
}

/* With a trailer that is right, whatever the records are. */
static void put_together(const struct apart *a, struct buf *file)
{
	struct hash sum;
	buf_reset(file);
	buf_put_str(file, BUNDLE_MAGIC);
	for (size_t i = 0; i < a->n; i++) {
		buf_put_u32be(file, (uint32_t)a->record[i].n);
		buf_put_bytes(file, buf_bytes(&a->record[i]));
	}
	buf_put_u32be(file, 0);
	buf_put_u64be(file, a->n);
	sha256(buf_bytes(file), &sum);
	buf_put(file, sum.b, HASH_BYTES);
}

static void free_apart(struct apart *a)
{
	for (size_t i = 0; i < PIECES_MAX; i++)
		buf_release(&a->record[i]);
}

/* Refused with this code at this record, by both passes alike, and nothing changed. */
static void assert_refused(struct node *n, struct bytes file, int rc, uint64_t record)
{
	struct bundle_taken taken = {0}, looked = {0};
	struct buf before = {0}, after = {0};
	show(n, &before);
	assert_rc(n, import_into(n, file, &taken), rc);
	show(n, &after);
	assert_string_equal(before.p, after.p);
	assert_int_equal(taken.place.record, record);
	assert_rc(n, bundle_check(n->replica, file, &looked, &n->e), rc);
	assert_int_equal(looked.place.record, taken.place.record);
	assert_int_equal(looked.place.offset, taken.place.offset);
	buf_release(&before);
	buf_release(&after);
}

/* ---- what goes over ---- */

static void empty_node_holds_all_after_one_file(void **state)
{
	const struct cluster *c = *state;
	struct node a, b;
	struct scribe office;
	begin_node(&a, c, JIANGSU, 5);
	begin_node(&b, c, SHANGHAI, 0);
	scribe_begin(&office, c, OFFICE);
	scribe_write(&office, (struct write){.value = value_task("jiangsu")}, NULL);
	node_feed(&a, &office);
	struct bundle_taken taken = carry_all(&a, &b);
	assert_int_equal(taken.logs, 2);
	assert_int_equal(taken.before, 0);
	assert_int_equal(taken.after, 7 + 3);
	assert_int_equal(node_size(&b, node_origin(&a)), 7);
	assert_int_equal(node_size(&b, office.origin), 3);
	carry_all(&b, &a);
	struct hash view = node_view(&a);
	assert_same_hash(view, node_view(&b));
	node_release(&a);
	node_release(&b);
	scribe_release(&office);
}

static void file_that_comes_twice_changes_nothing(void **state)
{
	const struct cluster *c = *state;
	struct node a, b;
	struct buf before = {0}, after = {0};
	begin_node(&a, c, JIANGSU, 3);
	begin_node(&b, c, SHANGHAI, 0);
	carry_all(&a, &b);
	show(&b, &before);
	struct bundle_taken taken = carry_all(&a, &b);
	assert_int_equal(taken.leaves, 5);
	assert_int_equal(taken.before, 5);
	assert_int_equal(taken.after, 5);
	show(&b, &after);
	assert_string_equal(before.p, after.p);
	assert_int_equal(b.events[EVENT_FORK], 0);
	buf_release(&before);
	buf_release(&after);
	node_release(&a);
	node_release(&b);
}

static void looking_changes_nothing(void **state)
{
	const struct cluster *c = *state;
	struct node a, b;
	struct bundle_taken looked;
	struct buf before = {0}, after = {0};
	begin_node(&a, c, JIANGSU, 3);
	begin_node(&b, c, SHANGHAI, 0);
	struct buf file = export_of(&a, &everything);
	show(&b, &before);
	assert_ok(&b, bundle_check(b.replica, buf_bytes(&file), &looked, &b.e));
	show(&b, &after);
	assert_string_equal(before.p, after.p);
	assert_true(looked.records >= 4);
	buf_release(&before);
	buf_release(&after);
	buf_release(&file);
	node_release(&a);
	node_release(&b);
}

/* Leaves in a file. */
static size_t leaves_in(struct node *reader, const struct buf *file)
{
	struct bundle_taken taken;
	assert_ok(reader, import_into(reader, buf_bytes(file), &taken));
	return taken.leaves;
}

static void receipt_makes_the_next_bundle_small(void **state)
{
	const struct cluster *c = *state;
	struct node a, b;
	const struct ctl_export receipt = {.what = EXPORT_RECEIPT};
	const struct ctl_export for_shanghai = {
		.what = EXPORT_FOR, .member = bytes_str("shanghai")};
	begin_node(&a, c, JIANGSU, 3);
	begin_node(&b, c, SHANGHAI, 0);
	struct buf file = export_of(&a, &for_shanghai);
	assert_int_equal(leaves_in(&b, &file), 5);
	buf_release(&file);
	/* Nothing is known of what it holds yet. */
	file = export_of(&a, &for_shanghai);
	assert_int_equal(leaves_in(&b, &file), 5);
	buf_release(&file);
	file = export_of(&b, &receipt);
	assert_int_equal(leaves_in(&a, &file), 0);
	buf_release(&file);
	assert_ok(&a, node_restart(&a)); /* it is remembered */
	assert_ok(&a, node_write(&a, (struct write){.value = value_note("y")}, NULL));
	file = export_of(&a, &for_shanghai);
	assert_int_equal(leaves_in(&b, &file), 1);
	buf_release(&file);
	node_release(&a);
	node_release(&b);
}

static void peers_last_digest_makes_the_bundle_small_too(void **state)
{
	const struct cluster *c = *state;
	struct node a, b;
	const struct ctl_export for_shanghai = {
		.what = EXPORT_FOR, .member = bytes_str("shanghai")};
	begin_node(&a, c, JIANGSU, 3);
	begin_node(&b, c, SHANGHAI, 0);
	node_meet(&a, &b);
	assert_ok(&a, node_link(&a, SHANGHAI, LINK_DOWN));
	assert_ok(&a, node_write(&a, (struct write){.value = value_note("y")}, NULL));
	struct buf file = export_of(&a, &for_shanghai);
	assert_int_equal(leaves_in(&b, &file), 1);
	buf_release(&file);
	node_release(&a);
	node_release(&b);
}

static void exports_that_make_no_sense_are_refused(void **state)
{
	const struct cluster *c = *state;
	struct node a, bare;
	struct buf file = {0};
	const struct {
		struct ctl_export what;
		int rc;
	} cases[] = {{{.what = EXPORT_FOR, .member = bytes_str("nobody")}, RC_NOT_FOUND},
		{{.what = EXPORT_FOR}, RC_NOT_FOUND},
		{{.what = EXPORT_FOR, .member = bytes_str("jiangsu")}, RC_INPUT},
		{{.what = 9}, RC_INPUT}, {{.what = 0}, RC_INPUT}};
	begin_node(&a, c, JIANGSU, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_rc(&a, bundle_make(a.replica, &cases[i].what, &file, &a.e), cases[i].rc);
	node_init_bare(&bare, c, SHANGHAI, NULL);
	assert_rc(&bare, bundle_make(bare.replica, &everything, &file, &bare.e), RC_NO_ROSTER);
	struct bundle_taken taken;
	assert_rc(&bare, bundle_check(bare.replica, bytes_str(BUNDLE_MAGIC), &taken, &bare.e),
		RC_NO_ROSTER);
	assert_int_equal(file.n, 0);
	node_release(&a);
	node_release(&bare);
}

static void since_says_from_where_and_a_gap_is_refused(void **state)
{
	const struct cluster *c = *state;
	struct node a, b;
	begin_node(&a, c, JIANGSU, 3);
	begin_node(&b, c, SHANGHAI, 0);
	struct log_size from = {bytes_str(node_origin(&a)), 2};
	const struct ctl_export since = {.what = EXPORT_SINCE, .since = &from, .n_since = 1};
	struct buf file = export_of(&a, &since);
	assert_refused(&b, buf_bytes(&file), RC_REFUSED_GAP, 3);
	carry_all(&a, &b);
	assert_int_equal(leaves_in(&b, &file), 3);
	buf_release(&file);
	/* Beyond what is there: only heads. */
	from.size = 1000;
	file = export_of(&a, &since);
	assert_int_equal(leaves_in(&b, &file), 0);
	buf_release(&file);
	node_release(&a);
	node_release(&b);
}

static void head_without_its_leaves_is_known_to_be_missing(void **state)
{
	const struct cluster *c = *state;
	struct scribe s;
	struct forged f;
	struct node n;
	struct bundle_taken taken;
	scribe_begin(&s, c, JIANGSU);
	node_init(&n, c, SHANGHAI);
	forge(&f, c, ANHUI);
	forge_head(&f, &s, 2);
	assert_ok(&n, import_into(&n, forged(&f), &taken));
	assert_int_equal(node_log(&n, s.origin)->size, 0);
	assert_int_equal(node_log(&n, s.origin)->seen_size, 2);
	buf_release(&f.file);
	scribe_release(&s);
	node_release(&n);
}

/* More than one batch, and more than is counted in one go. */
static void long_log_goes_over_and_on_from_its_middle(void **state)
{
	const struct cluster *c = *state;
	struct scribe s;
	struct node b;
	struct bundle_taken taken;
	scribe_begin(&s, c, JIANGSU);
	while (s.n < 5200)
		scribe_write(&s, (struct write){.value = value_note("x")}, NULL);
	node_init(&b, c, SHANGHAI);
	struct forged f;
	forge(&f, c, JIANGSU);
	for (size_t at = 0; at < 5000; at += 500)
		forge_leaves(&f, &s, at, at + 500);
	assert_ok(&b, import_into(&b, forged(&f), &taken));
	assert_int_equal(node_size(&b, s.origin), 5000);
	buf_release(&f.file);
	forge(&f, c, JIANGSU);
	forge_leaves(&f, &s, 4700, 5200);
	assert_ok(&b, import_into(&b, forged(&f), &taken));
	assert_int_equal(node_size(&b, s.origin), 5200);
	assert_int_equal(taken.before, 5000);
	buf_release(&f.file);
	scribe_release(&s);
	node_release(&b);
}

static void export_goes_on_while_its_log_grows(void **state)
{
	const struct cluster *c = *state;
	struct node a, b;
	struct transfer_export *x;
	struct sha256_stream sha;
	struct bundle_writer w;
	struct message m;
	struct buf file = {0};
	struct bundle_taken taken;
	begin_node(&a, c, JIANGSU, 600);
	begin_node(&b, c, SHANGHAI, 0);
	assert_ok(&a, transfer_export_new(a.replica, &everything, &x, &a.e));
	bundle_write_begin(&w, sha256_sum(&sha), &file);
	int rc;
	while ((rc = transfer_export_next(a.replica, x, &m, &a.e)) == RC_OK) {
		bundle_write(&w, &m, &file);
		assert_ok(&a, node_write(&a, (struct write){.value = value_note("y")}, NULL));
	}
	assert_int_equal(rc, STORE_NONE);
	bundle_write_end(&w, &file);
	transfer_export_free(x);
	assert_ok(&b, import_into(&b, buf_bytes(&file), &taken));
	assert_true(node_size(&b, node_origin(&a)) >= 602);
	buf_release(&file);
	node_release(&a);
	node_release(&b);
}

/* What is above the mark must not leave a node, by no way. */
static void what_is_above_the_mark_stays_at_home(void **state)
{
	const struct cluster *c = *state;
	struct node a, b;
	begin_node(&a, c, JIANGSU, 1);
	begin_node(&b, c, SHANGHAI, 0);
	a.mark_by_hand = true;
	assert_ok(&a, node_write(&a, (struct write){.value = value_note("y")}, NULL));
	assert_int_equal(node_size(&a, node_origin(&a)), 4);
	carry_all(&a, &b);
	assert_int_equal(node_size(&b, node_origin(&a)), 3);
	node_write_mark(&a);
	carry_all(&a, &b);
	assert_int_equal(node_size(&b, node_origin(&a)), 4);
	node_release(&a);
	node_release(&b);
}

/* ---- what is refused ---- */

static void bundle_of_another_cluster_is_refused(void **state)
{
	const struct cluster *c = *state;
	struct cluster other = *c;
	struct node n;
	struct forged f;
	node_init(&n, c, SHANGHAI);
	other.cluster_id.b[0] ^= 1;
	forge(&f, &other, JIANGSU);
	assert_refused(&n, forged(&f), RC_PEER_CLUSTER, 1);
	buf_release(&f.file);
	node_release(&n);
}

static void changed_leaf_is_refused_at_its_record(void **state)
{
	const struct cluster *c = *state;
	struct scribe s, lie;
	struct forged f;
	struct node n;
	struct buf note = {0};
	scribe_begin(&s, c, JIANGSU);
	for (size_t i = 0; i < 4; i++)
		scribe_write(&s, (struct write){.value = value_note("x")}, NULL);
	node_init(&n, c, SHANGHAI);
	scribe_copy(&lie, &s);
	lie.leaf[3].p[lie.leaf[3].n - 1] ^= 1;
	scribe_head(&s, s.n, &note);
	struct bytes leaves[6];
	for (size_t i = 0; i < s.n; i++)
		leaves[i] = buf_bytes(&lie.leaf[i]);
	struct message m = {.kind = MESSAGE_LEAVES};
	m.leaves.origin = bytes_str(s.origin);
	m.leaves.leaves = leaves;
	m.leaves.n = s.n;
	m.leaves.head = buf_bytes(&note);
	forge(&f, c, ANHUI);
	bundle_write(&f.w, &m, &f.file);
	assert_refused(&n, forged(&f), RC_PEER_BATCH, 2);
	buf_release(&f.file);
	buf_release(&note);
	scribe_release(&s);
	scribe_release(&lie);
	node_release(&n);
}

/* The good records before a bad one are not taken either. */
static void fault_in_the_last_record_refuses_the_first(void **state)
{
	const struct cluster *c = *state;
	struct scribe s;
	struct forged f;
	struct node n;
	scribe_begin(&s, c, JIANGSU);
	node_init(&n, c, SHANGHAI);
	forge(&f, c, ANHUI);
	forge_leaves(&f, &s, 0, 2);
	struct buf note = {0};
	struct hash root = {{1}};
	checkpoint_sign(s.origin, 9, &root, &c->member[ANHUI].log, &note);
	struct message m = {.kind = MESSAGE_HEAD, .note = buf_bytes(&note)};
	bundle_write(&f.w, &m, &f.file);
	assert_refused(&n, forged(&f), RC_PEER_HEAD, 3);
	buf_release(&f.file);
	buf_reset(&note);
	checkpoint_sign("yrd/nobody/1-00000000", 9, &root, &c->member[ANHUI].log, &note);
	forge(&f, c, ANHUI);
	forge_leaves(&f, &s, 0, 2);
	m.note = buf_bytes(&note);
	bundle_write(&f.w, &m, &f.file);
	assert_refused(&n, forged(&f), RC_PEER_ORIGIN, 3);
	buf_release(&f.file);
	buf_reset(&note);
	checkpoint_sign("../../etc/passwd", 9, &root, &c->member[ANHUI].log, &note);
	forge(&f, c, ANHUI);
	forge_leaves(&f, &s, 0, 2);
	m.note = buf_bytes(&note);
	bundle_write(&f.w, &m, &f.file);
	assert_refused(&n, forged(&f), RC_PEER_HEAD, 3);
	buf_release(&f.file);
	buf_release(&note);
	scribe_release(&s);
	node_release(&n);
}

static void real_bundle_cut_or_flipped_anywhere_is_refused_whole(void **state)
{
	const struct cluster *c = *state;
	struct node a, b;
	struct buf before = {0}, after = {0};
	struct bundle_taken taken;
	begin_node(&a, c, JIANGSU, 1);
	begin_node(&b, c, SHANGHAI, 1);
	struct buf file = export_of(&a, &everything);
	show(&b, &before);
	for (size_t n = 0; n < file.n; n++)
		assert_int_not_equal(
			bundle_check(b.replica, bytes_of(file.p, n), &taken, &b.e), RC_OK);
	for (size_t bit = 0; bit < 8 * file.n; bit += 61) {
		file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(import_into(&b, buf_bytes(&file), &taken), RC_OK);
		file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	show(&b, &after);
	assert_string_equal(before.p, after.p);
	assert_ok(&b, import_into(&b, buf_bytes(&file), &taken));
	buf_release(&before);
	buf_release(&after);
	buf_release(&file);
	node_release(&a);
	node_release(&b);
}

/* ---- other histories ---- */

/* Two histories of jiangsu's log, `common` leaves alike. */
static void two_histories(
	struct scribe *one, struct scribe *two, const struct cluster *c, size_t common)
{
	scribe_begin(one, c, JIANGSU);
	while (one->n < common)
		scribe_write(one, (struct write){.value = value_note("both")}, NULL);
	scribe_copy(two, one);
	for (size_t i = 0; i < 4; i++)
		scribe_write(one, (struct write){.value = value_note("one")}, NULL);
	for (size_t i = 0; i < 4; i++)
		scribe_write(two, (struct write){.value = value_note("two")}, NULL);
}

static void other_history_in_a_file_is_a_fork_and_the_rest_is_taken(void **state)
{
	const struct cluster *c = *state;
	/* Where their batches end: below, at, above and across what is held. */
	static const struct {
		size_t first_end, second_end, held;
	} cases[] = {{10, 14, 14}, {12, 14, 14}, {10, 14, 12}, {11, 14, 11}, {5, 14, 13}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scribe one, two, zhejiang;
		struct forged f;
		struct node n;
		struct bundle_taken taken;
		two_histories(&one, &two, c, 10);
		scribe_begin(&zhejiang, c, ZHEJIANG);
		node_init(&n, c, SHANGHAI);
		node_greet(&n, JIANGSU);
		assert_ok(&n, node_leaves(&n, JIANGSU, &one, 0, cases[i].held));
		forge(&f, c, ANHUI);
		forge_leaves(&f, &two, 0, cases[i].first_end);
		forge_leaves(&f, &two, cases[i].first_end, cases[i].second_end);
		forge_leaves(&f, &zhejiang, 0, 2);
		assert_ok(&n, import_into(&n, forged(&f), &taken));
		assert_true(node_log(&n, one.origin)->forked);
		assert_int_equal(node_log(&n, one.origin)->size, cases[i].held);
		assert_int_equal(node_size(&n, zhejiang.origin), 2);
		assert_int_equal(n.events[EVENT_FORK], 1);
		assert_ok(&n, import_into(&n, buf_bytes(&f.file), &taken));
		assert_int_equal(n.events[EVENT_FORK], 1);
		buf_release(&f.file);
		scribe_release(&one);
		scribe_release(&two);
		scribe_release(&zhejiang);
		node_release(&n);
	}
}

/* Leaves that only begin after the parting prove nothing: whoever made the file may have made them
 * up. */
static void leaves_that_do_not_go_on_from_ours_are_refused(void **state)
{
	const struct cluster *c = *state;
	struct scribe one, two;
	struct forged f;
	struct node n;
	two_histories(&one, &two, c, 10);
	node_init(&n, c, SHANGHAI);
	node_greet(&n, JIANGSU);
	assert_ok(&n, node_leaves(&n, JIANGSU, &one, 0, 12));
	forge(&f, c, ANHUI);
	forge_leaves(&f, &two, 12, 14);
	assert_refused(&n, forged(&f), RC_PEER_BATCH, 2);
	buf_release(&f.file);
	scribe_release(&one);
	scribe_release(&two);
	node_release(&n);
}

static void other_head_in_a_file_is_a_fork(void **state)
{
	const struct cluster *c = *state;
	struct scribe one, two;
	struct forged f;
	struct node n;
	struct bundle_taken taken;
	two_histories(&one, &two, c, 10);
	node_init(&n, c, SHANGHAI);
	node_greet(&n, JIANGSU);
	assert_ok(&n, node_leaves(&n, JIANGSU, &one, 0, 14));
	forge(&f, c, ANHUI);
	forge_head(&f, &two, 12);
	assert_ok(&n, import_into(&n, forged(&f), &taken));
	assert_true(node_log(&n, one.origin)->forked);
	buf_release(&f.file);
	scribe_release(&one);
	scribe_release(&two);
	node_release(&n);
}

static void node_that_was_set_back_learns_it_from_a_file(void **state)
{
	const struct cluster *c = *state;
	struct node a, old, b;
	begin_node(&a, c, JIANGSU, 0);
	begin_node(&b, c, SHANGHAI, 0);
	node_init(&old, c, JIANGSU); /* as a was once: the same random numbers */
	assert_string_equal(node_origin(&old), node_origin(&a));
	carry_all(&a, &b);
	char first[ORIGIN_SIZE];
	snprintf(first, sizeof(first), "%s", node_origin(&a));
	carry_all(&b, &old);
	assert_int_equal(old.events[EVENT_NEW_EPOCH], 1);
	assert_string_not_equal(node_origin(&old), first);
	assert_int_equal(node_size(&old, first), 2);
	node_release(&a);
	node_release(&old);
	node_release(&b);
}

/* ---- what members say of each other's logs ---- */

static void receipts_carry_cosignatures_back_and_the_head_is_final(void **state)
{
	const struct cluster *c = *state;
	const int witnesses[] = {SHANGHAI, ZHEJIANG, OFFICE};
	struct node a, late;
	const struct ctl_export receipt = {.what = EXPORT_RECEIPT};
	begin_node(&a, c, JIANGSU, 3);
	for (size_t i = 0; i < 3; i++) {
		struct node b;
		assert_int_equal(node_log(&a, node_origin(&a))->final_size, 0);
		node_init(&b, c, witnesses[i]);
		carry_all(&a, &b);
		assert_ok(&b, node_pass(&b, 3000)); /* it is new here */
		struct buf file = export_of(&b, &receipt);
		assert_int_equal(leaves_in(&a, &file), 0);
		buf_release(&file);
		node_release(&b);
	}
	assert_int_equal(node_log(&a, node_origin(&a))->final_size, 5);
	/* And on to one who was not asked, with everything else. */
	node_init(&late, c, ANHUI);
	carry_all(&a, &late);
	assert_int_equal(node_log(&late, node_origin(&a))->final_size, 5);
	node_release(&a);
	node_release(&late);
}

static void cosignature_that_is_not_its_members_is_refused(void **state)
{
	const struct cluster *c = *state;
	struct node a, b, n;
	struct buf file = {0};
	struct apart parts = {0};
	const struct ctl_export receipt = {.what = EXPORT_RECEIPT};
	begin_node(&a, c, JIANGSU, 3);
	begin_node(&b, c, SHANGHAI, 0);
	node_init(&n, c, ZHEJIANG);
	carry_all(&a, &b);
	assert_ok(&b, node_pass(&b, 3000));
	struct buf whole = export_of(&b, &receipt);
	take_apart(&whole, &parts);
	/* The last base64 digits of the last line, which is the cosignature's. */
	struct buf *last = &parts.record[parts.n - 1];
	last->p[last->n - 10] = last->p[last->n - 10] == 'A' ? 'B' : 'A';
	put_together(&parts, &file);
	assert_refused(&n, buf_bytes(&file), RC_PEER_HEAD, parts.n);
	free_apart(&parts);
	buf_release(&file);
	buf_release(&whole);
	node_release(&a);
	node_release(&b);
	node_release(&n);
}

static void evidence_goes_along_and_freezes_the_log(void **state)
{
	const struct cluster *c = *state;
	struct scribe one, two, zhejiang;
	struct node a, b;
	two_histories(&one, &two, c, 6);
	scribe_begin(&zhejiang, c, ZHEJIANG);
	node_init(&a, c, ANHUI);
	node_feed(&a, &one);
	assert_ok(&a, node_head(&a, JIANGSU, &two, 10));
	assert_true(node_log(&a, one.origin)->forked);
	node_feed(&a, &zhejiang);
	node_init(&b, c, SHANGHAI);
	node_greet(&b, JIANGSU);
	assert_ok(&b, node_leaves(&b, JIANGSU, &two, 0, 10));
	carry_all(&a, &b);
	assert_true(node_log(&b, one.origin)->forked);
	assert_int_equal(node_size(&b, one.origin), 10);
	assert_int_equal(node_size(&b, zhejiang.origin), 2);
	assert_int_equal(b.events[EVENT_FORK], 1);
	carry_all(&a, &b);
	assert_int_equal(b.events[EVENT_FORK], 1);
	node_release(&b);
	/* And one that never heard of the log. */
	node_init(&b, c, OFFICE);
	carry_all(&a, &b);
	assert_true(node_log(&b, one.origin)->forked);
	node_release(&a);
	node_release(&b);
	scribe_release(&one);
	scribe_release(&two);
	scribe_release(&zhejiang);
}

static void evidence_of_nothing_is_refused(void **state)
{
	const struct cluster *c = *state;
	struct scribe one, two;
	struct forged f;
	struct node n;
	struct buf first = {0}, second = {0};
	two_histories(&one, &two, c, 6);
	node_init(&n, c, SHANGHAI);
	scribe_head(&one, 6, &first);
	scribe_head(&two, 10, &second);
	struct message m = {.kind = MESSAGE_EVIDENCE};
	m.evidence.first = buf_bytes(&first);
	m.evidence.second = buf_bytes(&second);
	forge(&f, c, ANHUI);
	bundle_write(&f.w, &m, &f.file);
	assert_refused(&n, forged(&f), RC_PEER_EVIDENCE, 2);
	buf_release(&f.file);
	buf_release(&first);
	buf_release(&second);
	scribe_release(&one);
	scribe_release(&two);
	node_release(&n);
}

/* ---- versions of the roster ---- */

/* The version after the cluster's first, with another log key for zhejiang, whose log ends at
 * `below`. */
static void next_version(
	const struct cluster *c, const struct scribe *old, size_t below, struct buf *note)
{
	uint8_t seed[32] = {77};
	struct key fresh;
	struct roster now = roster_of_note(buf_bytes(&c->roster)), next = roster_after(&now);
	const struct key *new_keys[] = {&fresh};
	key_from_seed(&fresh, KEY_LOG, "zhejiang", "", seed);
	roster_use_key(&next, ZHEJIANG, &fresh);
	roster_retire(&next, &now, old, below, "lost");
	roster_sign_quorum(&next, &now, c, new_keys, 1, note);
	key_release(&fresh);
}

static void install_next(struct node *n, const struct buf *note)
{
	struct bytes b = buf_bytes(note);
	assert_ok(n, node_install(n, &b, 1));
	assert_int_equal(replica_roster(n->replica)->version, 2);
}

static void version_of_the_roster_goes_along_and_is_in_force_before_what_it_speaks_of(void **state)
{
	const struct cluster *c = *state;
	struct scribe s;
	struct node a, b;
	struct buf note = {0};
	scribe_begin(&s, c, ZHEJIANG);
	for (size_t i = 0; i < 6; i++)
		scribe_write(&s, (struct write){.value = value_note("x")}, NULL);
	next_version(c, &s, 5, &note);
	begin_node(&a, c, JIANGSU, 2);
	node_feed(&a, &s);
	install_next(&a, &note);
	begin_node(&b, c, SHANGHAI, 2);
	carry_all(&a, &b);
	assert_int_equal(replica_roster(b.replica)->version, 2);
	assert_int_equal(node_size(&b, node_origin(&a)), 4);
	assert_int_equal(node_size(&b, s.origin), 5);
	carry_all(&b, &a);
	struct hash view = node_view(&a);
	assert_same_hash(view, node_view(&b));
	/* And to a node that held more of the log than counts. */
	node_release(&b);
	begin_node(&b, c, ANHUI, 0);
	node_feed(&b, &s);
	carry_all(&a, &b);
	assert_int_equal(replica_roster(b.replica)->version, 2);
	carry_all(&b, &a);
	view = node_view(&a);
	assert_same_hash(view, node_view(&b));
	buf_release(&note);
	scribe_release(&s);
	node_release(&a);
	node_release(&b);
}

/* Evidence against a member who was removed, and of whose log no line speaks. */
static void evidence_against_a_former_member_hinders_nothing(void **state)
{
	const struct cluster *c = *state;
	struct scribe one, two, other;
	struct node a, b;
	struct buf note = {0};
	struct roster now = roster_of_note(buf_bytes(&c->roster)), next = roster_after(&now);
	two_histories(&one, &two, c, 4);
	scribe_init(&other, c, JIANGSU, 2);
	scribe_open(&other, OPEN_ROLLBACK, &one);
	roster_remove(&next, JIANGSU);
	roster_retire(&next, &now, &other, 1, "removed");
	roster_sign_quorum(&next, &now, c, NULL, 0, &note);
	begin_node(&a, c, ANHUI, 2);
	node_feed(&a, &one);
	assert_ok(&a, node_head(&a, JIANGSU, &two, 8));
	assert_true(node_log(&a, one.origin)->forked);
	install_next(&a, &note);
	begin_node(&b, c, SHANGHAI, 0);
	carry_all(&a, &b);
	assert_int_equal(replica_roster(b.replica)->version, 2);
	assert_int_equal(node_size(&b, node_origin(&a)), 4);
	carry_all(&a, &b);
	buf_release(&note);
	scribe_release(&one);
	scribe_release(&two);
	scribe_release(&other);
	node_release(&a);
	node_release(&b);
}

/* Of two successors the one that all have signed is in force, and goes into bundles. */
static void text_that_all_have_signed_is_the_one_that_goes_along(void **state)
{
	const struct cluster *c = *state;
	struct node a, b;
	struct buf note[2] = {{0}, {0}};
	const struct key *last = &c->member[ANHUI].root;
	struct roster now = roster_of_note(buf_bytes(&c->roster)), next = roster_after(&now);
	next.not_after = 20310101;
	roster_sign_quorum(&next, &now, c, &last, 0, &note[0]);
	next.not_after = 20320101;
	roster_sign_quorum(&next, &now, c, &last, 1, &note[1]);
	struct roster all = roster_of_note(buf_bytes(&note[1]));
	begin_node(&a, c, JIANGSU, 1);
	install_next(&a, &note[0]);
	node_greet(&a, ZHEJIANG);
	struct message m = {.kind = MESSAGE_ROSTER, .note = buf_bytes(&note[1])};
	assert_ok(&a, node_recv(&a, ZHEJIANG, &m));
	assert_same_hash(replica_roster(a.replica)->id, all.id);
	begin_node(&b, c, SHANGHAI, 0);
	carry_all(&a, &b);
	assert_same_hash(replica_roster(b.replica)->id, all.id);
	assert_int_equal(node_size(&b, node_origin(&a)), 3);
	buf_release(&note[0]);
	buf_release(&note[1]);
	node_release(&a);
	node_release(&b);
}

static void bundle_by_an_older_roster_is_taken_as_far_as_it_still_counts(void **state)
{
	const struct cluster *c = *state;
	struct scribe s, longer;
	struct node a, b;
	struct buf note = {0};
	scribe_begin(&s, c, ZHEJIANG);
	scribe_write(&s, (struct write){.value = value_note("x")}, NULL);
	scribe_copy(&longer, &s);
	scribe_write(&longer, (struct write){.value = value_note("by whoever has the key")}, NULL);
	next_version(c, &s, 3, &note);
	begin_node(&a, c, JIANGSU, 2);
	node_feed(&a, &longer);
	begin_node(&b, c, SHANGHAI, 0);
	install_next(&b, &note);
	carry_all(&a, &b);
	assert_int_equal(node_size(&b, node_origin(&a)), 4);
	assert_int_equal(b.events[EVENT_FORK], 0);
	assert_int_equal(replica_roster(b.replica)->version, 2);
	buf_release(&note);
	scribe_release(&s);
	scribe_release(&longer);
	node_release(&a);
	node_release(&b);
}

static void roster_that_those_who_must_have_not_signed_is_refused(void **state)
{
	const struct cluster *c = *state;
	struct forged f;
	struct node n;
	struct buf note = {0};
	struct roster now = roster_of_note(buf_bytes(&c->roster)), next = roster_after(&now);
	const struct key *alone[] = {&c->member[OFFICE].root, &c->member[ANHUI].root};
	roster_sign(&next, &now, alone, 2, &note);
	begin_node(&n, c, SHANGHAI, 0);
	forge(&f, c, ANHUI);
	struct message m = {.kind = MESSAGE_ROSTER, .note = buf_bytes(&c->roster)};
	bundle_write(&f.w, &m, &f.file);
	m.note = buf_bytes(&note);
	bundle_write(&f.w, &m, &f.file);
	assert_refused(&n, forged(&f), RC_VERIFY, 3);
	buf_release(&f.file);
	buf_release(&note);
	node_release(&n);
}

/* ---- with the wire, in any order ---- */

#define PARTIES 3
#define FILES 6
#define STEPS 60

struct mixed {
	const struct cluster *c;
	uint64_t seed;
	struct node n[PARTIES];
	struct buf file[FILES]; /* lie about, and are read again later */
};

static uint64_t draw(struct mixed *m, uint64_t below)
{
	m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
	return (m->seed >> 33) % below;
}

static void write_file(struct mixed *m)
{
	static const char *const slugs[] = {"shanghai", "jiangsu", "zhejiang"};
	struct node *n = &m->n[draw(m, PARTIES)];
	struct log_size since[PARTIES];
	char origin[PARTIES][ORIGIN_SIZE];
	struct ctl_export what = {.what = (uint32_t)(EXPORT_ALL + draw(m, 4)), .since = since};
	for (size_t i = 0; i < PARTIES; i++) {
		snprintf(origin[i], sizeof(origin[i]), "%s", node_origin(&m->n[i]));
		since[i] = (struct log_size){bytes_str(origin[i]), draw(m, 20)};
	}
	what.n_since = PARTIES;
	what.member = bytes_str(slugs[draw(m, PARTIES)]);
	size_t at = draw(m, FILES);
	buf_reset(&m->file[at]);
	int rc = bundle_make(n->replica, &what, &m->file[at], &n->e);
	assert_true(rc == RC_OK || (rc == RC_INPUT && what.what == EXPORT_FOR));
	if (rc != RC_OK)
		buf_reset(&m->file[at]);
}

static void read_file(struct mixed *m)
{
	struct node *n = &m->n[draw(m, PARTIES)];
	const struct buf *file = &m->file[draw(m, FILES)];
	struct bundle_taken taken;
	if (file->n == 0)
		return;
	int rc = import_into(n, buf_bytes(file), &taken);
	if (rc != RC_OK && rc != RC_REFUSED_GAP)
		fail_msg("%s: %s", rc_id(rc), n->e.text);
}

static void step(struct mixed *m)
{
	struct node *n = &m->n[draw(m, PARTIES)];
	struct node *other = &m->n[draw(m, PARTIES)];
	char text[16];
	switch (draw(m, 5)) {
	case 0:
	case 1:
		snprintf(text, sizeof(text), "%u", (unsigned)draw(m, 1000000));
		assert_ok(n, node_write(n, (struct write){.value = value_note(text)}, NULL));
		break;
	case 2: write_file(m); break;
	case 3: read_file(m); break;
	case 4:
		if (n == other)
			assert_ok(n, node_restart(n));
		else
			node_meet(n, other);
		break;
	}
}

/* Whatever came by which way: in the end all show the view of a node that got it all by wire. */
static void files_and_wire_in_any_order_give_one_view(void **state)
{
	for (uint64_t seed = 1; seed <= 25; seed++) {
		struct mixed m = {.c = *state, .seed = seed};
		struct node judge;
		for (int i = 0; i < PARTIES; i++)
			begin_node(&m.n[i], m.c, SHANGHAI + i, 0);
		for (size_t i = 0; i < STEPS; i++)
			step(&m);
		for (size_t i = 1; i < PARTIES; i++)
			carry_all(&m.n[i], &m.n[0]);
		for (size_t i = 1; i < PARTIES; i++)
			carry_all(&m.n[0], &m.n[i]);
		node_init(&judge, m.c, OFFICE);
		node_meet(&judge, &m.n[0]);
		struct hash view = node_view(&judge);
		for (size_t i = 0; i < PARTIES; i++) {
			carry_all(&judge, &m.n[i]);
			struct hash theirs = node_view(&m.n[i]);
			if (!hash_equal(&view, &theirs) || m.n[i].events[EVENT_FORK] > 0 ||
				m.n[i].events[EVENT_NEW_EPOCH] > 0)
				fail_msg("seed %llu, node %zu", (unsigned long long)seed, i);
		}
		node_release(&judge);
		for (size_t i = 0; i < PARTIES; i++)
			node_release(&m.n[i]);
		for (size_t i = 0; i < FILES; i++)
			buf_release(&m.file[i]);
	}
	print_message("seeds 1 to 25\n");
}

/* ---- mixed up ---- */

static uint64_t roll(uint64_t *seed, uint64_t below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (*seed >> 33) % below;
}

static void mix_up(struct apart *a, uint64_t *seed)
{
	struct buf *x = &a->record[roll(seed, a->n)], *y = &a->record[roll(seed, a->n)];
	struct buf kept = *x;
	switch (roll(seed, 5)) {
	case 0: /* two change places */
		*x = *y;
		*y = kept;
		break;
	case 1: /* one is left out */
		*x = a->record[--a->n];
		a->record[a->n] = kept;
		break;
	case 2: /* one stands twice */
		if (a->n == PIECES_MAX)
			break;
		buf_reset(&a->record[a->n]);
		buf_put_bytes(&a->record[a->n++], buf_bytes(x));
		break;
	case 3: x->p[roll(seed, x->n)] ^= (uint8_t)(1 << roll(seed, 8)); break;
	case 4: /* part of one in another's place */
		if (x != y && y->n < x->n)
			memcpy(x->p + roll(seed, x->n - y->n), y->p, y->n);
		break;
	}
}

/* Whatever was done to a bundle: it is refused and nothing changed, or what was taken is true. */
static void bundle_that_was_mixed_up_is_refused_or_true(void **state)
{
	const struct cluster *c = *state;
	struct node a, b;
	struct scribe office;
	size_t taken_whole = 0;
	begin_node(&a, c, JIANGSU, 4);
	scribe_begin(&office, c, OFFICE);
	scribe_write(&office, (struct write){.value = value_task("jiangsu")}, NULL);
	node_feed(&a, &office);
	struct buf whole = export_of(&a, &everything);
	for (uint64_t first = 1; first <= 150; first++) {
		struct apart parts = {0};
		struct buf file = {0}, before = {0}, after = {0};
		struct bundle_taken taken;
		uint64_t seed = first;
		node_init(&b, c, SHANGHAI);
		take_apart(&whole, &parts);
		for (uint64_t i = 1 + roll(&seed, 3); i > 0; i--)
			mix_up(&parts, &seed);
		put_together(&parts, &file);
		show(&b, &before);
		int rc = import_into(&b, buf_bytes(&file), &taken);
		show(&b, &after);
		if (rc != RC_OK && strcmp((char *)before.p, (char *)after.p) != 0)
			fail_msg("seed %llu: refused and changed", (unsigned long long)first);
		taken_whole += rc == RC_OK;
		/* Nothing in it stands in the way of the true one. */
		assert_ok(&b, import_into(&b, buf_bytes(&whole), &taken));
		if (node_size(&b, node_origin(&a)) != 6 || node_size(&b, office.origin) != 3 ||
			b.events[EVENT_FORK] > 0)
			fail_msg("seed %llu: the true one is not taken", (unsigned long long)first);
		free_apart(&parts);
		buf_release(&file);
		buf_release(&before);
		buf_release(&after);
		node_release(&b);
	}
	/* Some leave out what nobody misses; most are refused. */
	assert_in_range(taken_whole, 1, 75);
	print_message("seeds 1 to 150, %zu taken\n", taken_whole);
	buf_release(&whole);
	node_release(&a);
	scribe_release(&office);
}

/* ---- a store that fails ---- */

static void import_into_a_store_that_fails_is_undone_and_can_be_repeated(void **state)
{
	const struct cluster *c = *state;
	struct node a;
	struct bundle_taken taken;
	begin_node(&a, c, JIANGSU, 3);
	struct buf file = export_of(&a, &everything);
	bool failed = true;
	for (uint64_t call = 1; failed; call++) {
		struct node b;
		struct store *real;
		struct failing_store store;
		assert_int_equal(store_sqlite_open(":memory:", NULL, &real, NULL), RC_OK);
		failing_store_init(&store, real);
		node_init_bare(&b, c, SHANGHAI, &store.store);
		assert_ok(&b, node_install_roster(&b));
		store.fail_at = store.calls + call;
		store.rc = RC_DISK_FULL;
		int rc = bundle_import(
			b.replica, &c->cluster_id, buf_bytes(&file), b.now, &taken, &b.e);
		failed = store.failed;
		store.fail_at = 0;
		assert_int_equal(rc, failed ? RC_DISK_FULL : RC_OK);
		if (failed)
			assert_int_equal(replica_rollback(b.replica, b.now, &b.e), RC_OK);
		assert_ok(&b, import_into(&b, buf_bytes(&file), &taken));
		assert_int_equal(node_size(&b, node_origin(&a)), 5);
		node_release(&b);
		store_sqlite_close(real);
	}
	buf_release(&file);
	node_release(&a);
}

/* ---- hostile records, each in a bundle that is whole ---- */

static void assert_message_refused(struct node *n, const struct message *m, int rc, uint64_t record)
{
	struct forged f;
	if (m->kind == MESSAGE_HELLO) {
		f = (struct forged){0};
		bundle_write_begin(&f.w, sha256_sum(&f.sha), &f.file);
	} else {
		forge(&f, n->c, ANHUI);
	}
	bundle_write(&f.w, m, &f.file);
	assert_refused(n, forged(&f), rc, record);
	buf_release(&f.file);
}

static void hello_of_another_protocol_or_with_no_head_is_refused(void **state)
{
	const struct cluster *c = *state;
	struct node n;
	struct bytes nonsense = bytes_str("nonsense");
	struct message m = {.kind = MESSAGE_HELLO};
	node_init(&n, c, SHANGHAI);
	m.hello.cluster_id = hash_bytes(&c->cluster_id);
	m.hello.member = bytes_str("jiangsu");
	m.hello.protocol_min = m.hello.protocol_max = PROTOCOL_MAX + 1;
	assert_message_refused(&n, &m, RC_PEER_VERSION, 1);
	m.hello.protocol_min = m.hello.protocol_max = PROTOCOL_MAX;
	m.hello.heads = &nonsense;
	m.hello.n_heads = 1;
	assert_message_refused(&n, &m, RC_PEER_HEAD, 1);
	node_release(&n);
}

static void evidence_that_is_no_checkpoint_is_refused(void **state)
{
	struct node n;
	struct message m = {.kind = MESSAGE_EVIDENCE};
	node_init(&n, *state, SHANGHAI);
	m.evidence.first = m.evidence.second = bytes_str("yrd/a/1\n1\n");
	assert_message_refused(&n, &m, RC_PEER_EVIDENCE, 2);
	node_release(&n);
}

static void head_of_another_cluster_or_of_a_stranger_is_refused(void **state)
{
	struct cluster *c = *state;
	struct node n;
	struct scribe s;
	struct message m = {.kind = MESSAGE_HEAD};
	static const char *const origins[] = {
		"other/jiangsu/1-abcdef01", "yrd/nobody/1-abcdef01", "yrd/jiangsu/0-abcdef01"};
	const int rc[] = {RC_PEER_ORIGIN, RC_PEER_ORIGIN, RC_PEER_HEAD};
	scribe_begin(&s, c, JIANGSU);
	node_init(&n, c, SHANGHAI);
	for (size_t i = 0; i < 3; i++) {
		struct buf note = {0};
		snprintf(s.origin, sizeof(s.origin), "%s", origins[i]);
		scribe_head(&s, s.n, &note);
		m.note = buf_bytes(&note);
		assert_message_refused(&n, &m, rc[i], 2);
		buf_release(&note);
	}
	scribe_release(&s);
	node_release(&n);
}

/* What has no place here is passed over; the rest is taken. */
static void epochs_beyond_the_limit_of_a_member_are_passed_over(void **state)
{
	const struct cluster *c = *state;
	struct node n;
	struct forged f;
	struct bundle_taken taken;
	struct ctl_status status;
	struct scribe anhui;
	node_init(&n, c, SHANGHAI);
	forge(&f, c, ZHEJIANG);
	for (uint32_t epoch = 1; epoch <= LIMIT_EPOCHS_PER_MEMBER + 1; epoch++) {
		struct scribe s;
		scribe_init(&s, c, JIANGSU, epoch);
		scribe_open(&s, OPEN_INIT, NULL);
		forge_leaves(&f, &s, 0, 1);
		scribe_release(&s);
	}
	scribe_begin(&anhui, c, ANHUI);
	forge_leaves(&f, &anhui, 0, anhui.n);
	assert_ok(&n, import_into(&n, forged(&f), &taken));
	assert_ok(&n, replica_status(n.replica, n.now, &status, &n.e));
	assert_int_equal(status.n_logs, 1 + LIMIT_EPOCHS_PER_MEMBER + 1);
	assert_int_equal(node_size(&n, anhui.origin), anhui.n);
	buf_release(&f.file);
	scribe_release(&anhui);
	node_release(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_node_holds_all_after_one_file),
		cmocka_unit_test(file_that_comes_twice_changes_nothing),
		cmocka_unit_test(looking_changes_nothing),
		cmocka_unit_test(receipt_makes_the_next_bundle_small),
		cmocka_unit_test(peers_last_digest_makes_the_bundle_small_too),
		cmocka_unit_test(exports_that_make_no_sense_are_refused),
		cmocka_unit_test(since_says_from_where_and_a_gap_is_refused),
		cmocka_unit_test(head_without_its_leaves_is_known_to_be_missing),
		cmocka_unit_test(long_log_goes_over_and_on_from_its_middle),
		cmocka_unit_test(export_goes_on_while_its_log_grows),
		cmocka_unit_test(what_is_above_the_mark_stays_at_home),
		cmocka_unit_test(bundle_of_another_cluster_is_refused),
		cmocka_unit_test(changed_leaf_is_refused_at_its_record),
		cmocka_unit_test(fault_in_the_last_record_refuses_the_first),
		cmocka_unit_test(real_bundle_cut_or_flipped_anywhere_is_refused_whole),
		cmocka_unit_test(other_history_in_a_file_is_a_fork_and_the_rest_is_taken),
		cmocka_unit_test(leaves_that_do_not_go_on_from_ours_are_refused),
		cmocka_unit_test(other_head_in_a_file_is_a_fork),
		cmocka_unit_test(node_that_was_set_back_learns_it_from_a_file),
		cmocka_unit_test(receipts_carry_cosignatures_back_and_the_head_is_final),
		cmocka_unit_test(cosignature_that_is_not_its_members_is_refused),
		cmocka_unit_test(evidence_goes_along_and_freezes_the_log),
		cmocka_unit_test(evidence_of_nothing_is_refused),
		cmocka_unit_test(
			version_of_the_roster_goes_along_and_is_in_force_before_what_it_speaks_of),
		cmocka_unit_test(evidence_against_a_former_member_hinders_nothing),
		cmocka_unit_test(text_that_all_have_signed_is_the_one_that_goes_along),
		cmocka_unit_test(bundle_by_an_older_roster_is_taken_as_far_as_it_still_counts),
		cmocka_unit_test(roster_that_those_who_must_have_not_signed_is_refused),
		cmocka_unit_test(files_and_wire_in_any_order_give_one_view),
		cmocka_unit_test(bundle_that_was_mixed_up_is_refused_or_true),
		cmocka_unit_test(import_into_a_store_that_fails_is_undone_and_can_be_repeated),
		cmocka_unit_test(hello_of_another_protocol_or_with_no_head_is_refused),
		cmocka_unit_test(evidence_that_is_no_checkpoint_is_refused),
		cmocka_unit_test(head_of_another_cluster_or_of_a_stranger_is_refused),
		cmocka_unit_test(epochs_beyond_the_limit_of_a_member_are_passed_over),
	};
	return cmocka_run_group_tests_name("core transfer", tests, core_set_up, core_tear_down);
}
