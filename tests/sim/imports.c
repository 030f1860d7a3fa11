/* A file at its receiver: looked at as a whole, then taken, a few records a turn, while others come
 * and go. I31 is checked here. */
#include "tests/sim/bundles.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/disk.h"
#include "tests/sim/oracle.h"
#include "tests/sim/programs.h"
#include "tests/sim/sometimes.h"

#define PIECE_MAX 60000
#define RECORDS_A_TURN 6

void imports_drop(struct world *w, struct parcel *p)
{
	if (p->state == PARCEL_UNDER_WAY)
		return;
	if (p->has_record)
		feed_release(w, &p->record);
	p->has_record = false;
	transfer_import_free(p->target);
	bundle_reader_release(&p->reader);
	p->target = NULL;
	p->state = PARCEL_UNDER_WAY;
}

static void read_again(struct parcel *p)
{
	bundle_reader_release(&p->reader);
	bundle_reader_init(&p->reader, sha256_sum(&p->sha));
	p->put = 0;
	p->taken = 0;
}

void imports_begin(struct world *w, struct parcel *p)
{
	struct sim_node *n = &w->node[p->to];
	struct err e = {0};
	if (transfer_import_new(n->replica, &p->target, &e) != RC_OK)
		oracle_fail(w, 31, "%s%d reads no bundle: %s", n->id->slug, n->self, e.text);
	read_again(p);
	p->state = PARCEL_LOOKING;
	p->life = n->life;
	world_trace(w, "look %s%d file %llu", n->id->slug, n->self, (unsigned long long)p->id);
}

/* Of all that a refused file could change. */
static int sum_log(void *arg, const struct store_log *log)
{
	struct buf *b = arg;
	struct hash root;
	frontier_root(&log->frontier, &root);
	buf_printf(b, "%s %llu %llu %d ", log->origin, (unsigned long long)log->size,
		(unsigned long long)log->seen_size, log->forked);
	buf_put_bytes(b, hash_bytes(&root));
	return 0;
}

static bool sum_up(struct sim_node *n, struct hash *out)
{
	struct buf b = {0};
	struct hash view;
	bool read = n->store->ops->log_each(n->store, sum_log, &b, NULL) == RC_OK &&
		replica_view_root(n->replica, &view, NULL) == RC_OK;
	if (read)
		buf_put_bytes(&b, hash_bytes(&view));
	buf_put_bytes(&b, hash_bytes(&replica_roster(n->replica)->id));
	sha256(buf_bytes(&b), out);
	buf_release(&b);
	return read;
}

/* ---- what may be refused ---- */

static bool any_is_tainted(const struct world *w)
{
	for (size_t i = 0; i < w->books.n_logs; i++)
		if (w->books.log[i].tainted)
			return true;
	return false;
}

/* What is passed over is not looked at: leaves of a log that is frozen, heads by another roster. */
static bool must_be_refused(const struct world *w, const struct parcel *p)
{
	bool judged = w->versions.n == 0 && !any_is_tainted(w);
	switch (p->tamper) {
	case TAMPER_FLIP:
	case TAMPER_CUT:
	case TAMPER_TAIL:
	case TAMPER_ORDER:
	case TAMPER_TWICE:
	case TAMPER_CLUSTER: return true;
	case TAMPER_LEAF:
	case TAMPER_HEAD: return judged;
	case TAMPER_NONE:
	case TAMPERS: break;
	}
	return false;
}

/* Nobody changed it. Its receiver may have lost what its maker believes it has, or lied about it;
 * and of a log with two histories only a file from its beginning shows where they part. */
static bool may_be_refused(const struct world *w, const struct sim_node *n, int rc)
{
	bool forgot =
		n->lineage > 0 || w->identity[n->member].copied || !world_is_honest(w, n->member);
	return (rc == RC_REFUSED_GAP && forgot) || (rc == RC_PEER_BATCH && any_is_tainted(w));
}

static void refused(
	struct world *w, struct sim_node *n, struct parcel *p, int rc, const struct err *e)
{
	world_trace(w, "refuse %s%d file %llu %s %s", n->id->slug, n->self,
		(unsigned long long)p->id, rc_id(rc), e->text);
	if (n->disk != NULL && disk_has_struck(n->disk))
		return;
	sometimes_rc(rc);
	sometimes(SOMETIMES_FILE_REFUSED);
	if (p->tamper != TAMPER_NONE)
		sometimes(SOMETIMES_FILE_TAMPERED);
	if (p->tamper == TAMPER_NONE && !may_be_refused(w, n, rc))
		oracle_fail(w, 31, "%s%d refuses a bundle of %s%d: %s %s", n->id->slug, n->self,
			w->node[p->from].id->slug, p->from, rc_id(rc), e->text);
	oracle_holds(31);
}

/* ---- reading ---- */

/* enum bundle_next, or the fault; the record is p->record. */
static int next_record(struct world *w, struct parcel *p, struct err *e)
{
	struct bytes envelope;
	int next;
	if (p->has_record)
		return BUNDLE_RECORD;
	while ((next = bundle_reader_next(&p->reader, &envelope, e)) == BUNDLE_MORE) {
		size_t left = p->file.n - p->put;
		size_t n = 1 + dice_index(&w->bundles->dice, PIECE_MAX);
		if (left == 0)
			return bundle_reader_finish(&p->reader, e);
		n = n < left ? n : left;
		bundle_reader_put(&p->reader, bytes_of(p->file.p + p->put, n));
		p->put += n;
	}
	if (next == BUNDLE_END) {
		bundle_reader_put(&p->reader, bytes_of(p->file.p + p->put, p->file.n - p->put));
		p->put = p->file.n;
		int rc = bundle_reader_finish(&p->reader, e);
		return rc < 0 ? rc : BUNDLE_END;
	}
	if (next != BUNDLE_RECORD)
		return next;
	int rc = feed_open(w, envelope, &p->record, e);
	p->has_record = rc == RC_OK;
	if (rc != RC_OK)
		feed_release(w, &p->record);
	return rc == RC_OK ? BUNDLE_RECORD : rc;
}

static void done_with_record(struct world *w, struct parcel *p)
{
	feed_release(w, &p->record);
	p->has_record = false;
	p->taken++;
}

/* ---- looking ---- */

static int look_at_some(struct world *w, struct sim_node *n, struct parcel *p, struct err *e)
{
	size_t most = 1 + dice_index(&w->bundles->dice, RECORDS_A_TURN);
	for (size_t i = 0; i < most; i++) {
		int next = next_record(w, p, e);
		if (next != BUNDLE_RECORD)
			return next;
		int rc = transfer_import_check(n->replica, p->target, &p->record.m, e);
		if (rc == TRANSFER_AGAIN)
			return BUNDLE_RECORD;
		done_with_record(w, p);
		if (rc != RC_OK)
			return rc;
	}
	return BUNDLE_RECORD;
}

static bool look(struct world *w, struct sim_node *n, struct parcel *p)
{
	struct hash before, after;
	struct err e = {0};
	programs_run(n);
	bool readable = sum_up(n, &before);
	int rc = look_at_some(w, n, p, &e);
	readable = sum_up(n, &after) && readable;
	programs_run_newest();
	if (readable && !hash_equal(&before, &after))
		oracle_fail(w, 31, "%s%d looked at a bundle and is not what it was", n->id->slug,
			n->self);
	if (rc < 0) {
		refused(w, n, p, rc, &e);
		return false;
	}
	if (rc != BUNDLE_END)
		return true;
	if (must_be_refused(w, p))
		oracle_fail(w, 31, "%s%d would take a bundle that was tampered with (%d)",
			n->id->slug, n->self, (int)p->tamper);
	p->state = PARCEL_TAKING;
	read_again(p);
	transfer_import_rewind(n->replica, p->target);
	return true;
}

/* ---- taking ---- */

static void took(
	struct world *w, struct sim_node *n, struct parcel *p, const struct ctl_imported *what)
{
	struct sim_node *from = &w->node[p->from];
	bool news = false;
	for (size_t i = 0; i < what->n_logs; i++)
		news |= what->logs[i].size > what->logs[i].before;
	world_trace(w, "took %s%d file %llu%s", n->id->slug, n->self, (unsigned long long)p->id,
		news ? ", with news" : "");
	if (news)
		sometimes(SOMETIMES_FILE_APPLIED);
	int apart = w->bundles->apart;
	w->bundles->alone |= news && w->calm && (n->self == apart || p->from == apart);
	oracle_holds(31);
	node_settle(w, n);
	if (!w->calm && node_is_up(n) && from->id != NULL && from->member != n->member &&
		dice_percent(&w->bundles->dice, 50))
		bundles_send(w, n, from, &(struct ctl_export){.what = EXPORT_RECEIPT}, false);
}

static int take_record(struct world *w, struct sim_node *n, struct parcel *p, struct err *e)
{
	struct message *m = &p->record.m;
	if (p->record.x == NULL && transfer_import_wants(n->replica, m))
		feed_examine(w, &p->record, n->lazy);
	int rc = transfer_import_apply(
		n->replica, p->target, m, &p->record.batch, node_now(w, n), e);
	if (rc == RC_OK)
		meet_record(w, n, m);
	return rc;
}

/* False: it is over. Where the node's store fails it begins anew later. */
static bool take_one(struct world *w, struct sim_node *n, struct parcel *p)
{
	struct ctl_imported what;
	struct err e = {0};
	int next = next_record(w, p, &e);
	int rc = next < 0 ? next : RC_OK;
	if (rc == RC_OK && !node_enter(w, n))
		return true;
	if (next == BUNDLE_END)
		rc = transfer_import_end(n->replica, p->target, &what, &e);
	else if (rc == RC_OK)
		rc = take_record(w, n, p, &e);
	if (rc < 0 && next >= 0 && !node_survives(w, n, rc, &e))
		return true;
	if (rc == TRANSFER_AGAIN)
		return true;
	if (rc < 0) {
		refused(w, n, p, rc, &e);
		return false;
	}
	if (next == BUNDLE_END) {
		took(w, n, p, &what);
		return false;
	}
	done_with_record(w, p);
	if (replica_roster_is_due(n->replica))
		node_settle(w, n);
	return true;
}

bool imports_go_on(struct world *w, struct parcel *p)
{
	struct sim_node *n = &w->node[p->to];
	size_t most = 1 + dice_index(&w->bundles->dice, RECORDS_A_TURN);
	if (p->state == PARCEL_LOOKING)
		return look(w, n, p);
	for (size_t i = 0; i < most && p->state == PARCEL_TAKING && node_is_up(n); i++)
		if (!take_one(w, n, p))
			return false;
	return true;
}
