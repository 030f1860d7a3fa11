#include "tests/lib/bundle_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/core/transfer.h"
#include "proto/wire/codec.h"

int bundle_make(struct replica *r, const struct ctl_export *what, struct buf *file, struct err *e)
{
	struct transfer_export *x = NULL;
	struct sha256_stream s;
	struct bundle_writer w;
	struct message m;
	int rc = transfer_export_new(r, what, &x, e);
	if (rc != RC_OK)
		return rc;
	bundle_write_begin(&w, sha256_sum(&s), file);
	while ((rc = transfer_export_next(r, x, &m, e)) == RC_OK)
		bundle_write(&w, &m, file);
	bundle_write_end(&w, file);
	transfer_export_free(x);
	return rc == STORE_NONE ? RC_OK : rc;
}

/* ---- one pass over the file ---- */

struct pass {
	struct replica *r;
	struct transfer_import *t;
	const struct hash *cluster_id; /* NULL: only look */
	const struct bundle_shell *shell;
	struct now now;
};

static int apply(struct pass *p, const struct message *m, struct err *e)
{
	struct examined *x = NULL;
	void *memory = NULL;
	struct batch b = {0};
	if (m->kind == MESSAGE_LEAVES) {
		size_t room = CODEC_LEAF_ARENA + m->leaves.n * CODEC_LEAF_KEPT;
		struct arena a;
		x = xalloc(m->leaves.n * sizeof(*x));
		memory = xalloc(room);
		arena_init(&a, memory, room);
		for (size_t i = 0; i < m->leaves.n; i++)
			examine_leaf(p->cluster_id, m->leaves.leaves[i], &a, &x[i]);
		b = (struct batch){x, m->leaves.n};
	}
	int rc = transfer_import_apply(p->r, p->t, m, &b, p->now, e);
	free(x);
	free(memory);
	return rc;
}

/* What a shell answers with a rollback. */
static bool is_store_trouble(int rc)
{
	return rc == RC_DISK_FULL || rc == RC_IO || rc == RC_CORRUPT || rc == RC_NOMEM ||
		rc == RC_UNKNOWN_OUTCOME;
}

static int begin(void *arg, struct err *e)
{
	return replica_begin(((struct pass *)arg)->r, e);
}

static int commit(void *arg, int rc, struct err *e)
{
	struct pass *p = arg;
	if (is_store_trouble(rc))
		return rc;
	int committed = replica_commit(p->r, p->now, e);
	return committed != RC_OK ? committed : rc;
}

static int apply_and_commit(struct pass *p, const struct message *m, struct err *e)
{
	int rc = p->shell->enter(p->shell->arg, e);
	if (rc == RC_OK)
		rc = apply(p, m, e);
	return p->shell->settle(p->shell->arg, rc, e);
}

/* Until it is done with the record, each time in a group of its own. */
static int take(struct pass *p, const struct message *m, struct err *e)
{
	int rc;
	do
		rc = p->cluster_id == NULL ? transfer_import_check(p->r, p->t, m, e)
					   : apply_and_commit(p, m, e);
	while (rc == TRANSFER_AGAIN);
	return rc;
}

static int run_pass(struct pass *p, struct bytes file, struct bundle_taken *out, struct err *e)
{
	struct sha256_stream s;
	struct bundle_reader reader;
	struct bytes envelope;
	void *room = xalloc(MESSAGE_ARENA);
	bundle_reader_init(&reader, sha256_sum(&s));
	bundle_reader_put(&reader, file);
	int rc;
	while ((rc = bundle_reader_next(&reader, &envelope, e)) == BUNDLE_RECORD) {
		struct arena a;
		struct message m;
		arena_init(&a, room, MESSAGE_ARENA);
		rc = message_decode(envelope, &a, &m, e);
		if (rc == RC_OK)
			rc = take(p, &m, e);
		if (rc != RC_OK)
			break;
	}
	if (rc >= 0)
		rc = bundle_reader_finish(&reader, e);
	out->place = reader.place;
	out->records = reader.records;
	bundle_reader_release(&reader);
	free(room);
	return rc;
}

static int finish(struct pass *p, struct bundle_taken *out, struct err *e)
{
	struct ctl_imported done = {0};
	int rc = p->shell->enter(p->shell->arg, e);
	if (rc == RC_OK)
		rc = transfer_import_end(p->r, p->t, &done, e);
	rc = p->shell->settle(p->shell->arg, rc, e);
	if (rc != RC_OK)
		return rc;
	out->leaves = done.leaves;
	out->logs = done.n_logs;
	out->before = out->after = 0;
	for (size_t i = 0; i < done.n_logs; i++) {
		out->before += done.logs[i].before;
		out->after += done.logs[i].size;
	}
	return RC_OK;
}

int bundle_check(struct replica *r, struct bytes file, struct bundle_taken *out, struct err *e)
{
	struct pass p = {.r = r};
	int rc = transfer_import_new(r, &p.t, e);
	if (rc == RC_OK)
		rc = run_pass(&p, file, out, e);
	transfer_import_free(p.t);
	return rc;
}

static int import(struct pass *p, const struct hash *cluster_id, struct bytes file,
	struct bundle_taken *out, struct err *e)
{
	int rc = transfer_import_new(p->r, &p->t, e);
	if (rc == RC_OK)
		rc = run_pass(p, file, out, e);
	if (rc == RC_OK) {
		transfer_import_rewind(p->r, p->t);
		p->cluster_id = cluster_id;
		rc = run_pass(p, file, out, e);
	}
	if (rc == RC_OK)
		rc = finish(p, out, e);
	transfer_import_free(p->t);
	return rc;
}

int bundle_import(struct replica *r, const struct hash *cluster_id, struct bytes file,
	struct now now, struct bundle_taken *out, struct err *e)
{
	struct pass p = {.r = r, .now = now};
	const struct bundle_shell shell = {begin, commit, &p};
	p.shell = &shell;
	return import(&p, cluster_id, file, out, e);
}

int bundle_import_by(const struct bundle_shell *shell, struct replica *r,
	const struct hash *cluster_id, struct bytes file, struct now now, struct bundle_taken *out,
	struct err *e)
{
	struct pass p = {.r = r, .now = now, .shell = shell};
	return import(&p, cluster_id, file, out, e);
}
