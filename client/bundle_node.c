#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/bundle.h"
#include "client/files.h"
#include "client/text.h"

/* ---- from the node ---- */

struct fetching {
	struct sha256_stream sha;
	struct bundle_reader reader;
	struct file_new *to;
	uint8_t *memory;
	struct bundle_counts *counts;
	char origin[ORIGIN_SIZE]; /* of the last leaves */
};

static int count_record(struct fetching *f, struct bytes envelope, struct err *e)
{
	struct arena a;
	struct message m;
	arena_init(&a, f->memory, MESSAGE_ARENA);
	int rc = message_decode(envelope, &a, &m, e);
	if (rc != RC_OK || m.kind != MESSAGE_LEAVES)
		return rc;
	f->counts->leaves += m.leaves.n;
	if (!bytes_equal(m.leaves.origin, bytes_str(f->origin))) {
		f->counts->logs++;
		snprintf(f->origin, sizeof f->origin, "%.*s", (int)m.leaves.origin.n,
			(const char *)m.leaves.origin.p);
	}
	return RC_OK;
}

static int on_piece(void *arg, const struct ctl_reply *r, struct err *e)
{
	struct fetching *f = arg;
	struct bytes envelope;
	int next;
	if (r->kind != CTL_REPLY_PIECE)
		return err_set(e, RC_PEER_MESSAGE, tr("the node did not send a bundle"));
	f->counts->bytes += r->piece.n;
	bundle_reader_put(&f->reader, r->piece);
	while ((next = bundle_reader_next(&f->reader, &envelope, e)) == BUNDLE_RECORD) {
		int rc = count_record(f, envelope, e);
		if (rc != RC_OK)
			return rc;
	}
	if (next >= 0 && !r->more)
		next = bundle_reader_finish(&f->reader, e);
	return next < 0 ? next : file_put(f->to, r->piece, e);
}

static int fetch(struct node *n, const struct ctl_export *what, struct file_new *to,
	struct bundle_counts *out, struct err *e)
{
	struct fetching f = {.to = to, .counts = out, .memory = xalloc(MESSAGE_ARENA)};
	struct ctl_request q = {.kind = CTL_EXPORT_BUNDLE, .export = *what};
	*out = (struct bundle_counts){0};
	bundle_reader_init(&f.reader, sha256_sum(&f.sha));
	int rc = connection_call(&n->line, &q, on_piece, &f, e);
	out->records = f.reader.records;
	bundle_reader_release(&f.reader);
	free(f.memory);
	return rc;
}

int bundle_save(struct node *n, const struct ctl_export *what, const char *path,
	struct bundle_counts *out, struct err *e)
{
	struct file_new f;
	if (access(path, F_OK) == 0)
		return err_set(e, RC_REFUSED, tr("%.200s exists and is not overwritten"), path);
	int rc = file_begin(&f, path, 0644, e);
	if (rc != RC_OK)
		return rc;
	rc = fetch(n, what, &f, out, e);
	if (rc == RC_OK)
		return file_end(&f, false, e);
	file_abandon(&f);
	return rc;
}

/* ---- to the node ---- */

static void keep(struct bundle_outcome *out, const struct ctl_imported *i)
{
	*out = (struct bundle_outcome){.done = i->done,
		.records = i->records,
		.offset = i->offset,
		.leaves = i->leaves,
		.n_logs = i->n_logs};
	for (size_t k = 0; k < i->n_logs; k++) {
		snprintf(out->log[k].origin, sizeof out->log[k].origin, "%.*s",
			(int)i->logs[k].origin.n, (const char *)i->logs[k].origin.p);
		out->log[k].before = i->logs[k].before;
		out->log[k].size = i->logs[k].size;
	}
}

struct handing {
	bool tell, told;
	struct bundle_outcome *out;
};

/* How far the node is, for people who wait. */
static void show_progress(struct handing *h, const struct ctl_imported *i)
{
	if (!h->tell)
		return;
	fputc('\r', stderr);
	fprintf(stderr, tr("%llu entries taken"), (unsigned long long)i->leaves);
	fflush(stderr);
	h->told = true;
}

/* Every frame of the answer to one piece. */
static int hear(struct handing *h, struct connection *line, struct err *e)
{
	for (;;) {
		struct ctl_reply r;
		int rc = connection_next(line, line->timeout_ms, &r, e);
		if (rc != RC_OK)
			return rc == RC_TIMEOUT
				? err_set(e, RC_UNREACHABLE,
					  tr("the node at %s did not answer in time"), line->path)
				: rc;
		if (r.kind == CTL_REPLY_IMPORTED)
			keep(h->out, &r.imported);
		h->out->faulty = r.kind == CTL_REPLY_IMPORTED && r.rc != RC_OK;
		if (r.rc != RC_OK)
			return connection_refusal(&r, e);
		if (r.kind != CTL_REPLY_IMPORTED)
			return err_set(e, RC_PEER_MESSAGE, tr("the node did not take a bundle"));
		if (!r.more)
			return RC_OK;
		show_progress(h, &r.imported);
	}
}

int bundle_hand_over(struct node *n, const char *path, bool check, bool tell,
	struct bundle_outcome *out, struct err *e)
{
	struct bundle_file f;
	struct buf piece = {0};
	struct handing h = {.tell = tell && isatty(STDERR_FILENO), .out = out};
	*out = (struct bundle_outcome){0};
	int rc = bundle_open(&f, path, e);
	bool all_sent = false;
	while (rc == RC_OK && f.left > 0) {
		rc = bundle_read(&f, &piece, e);
		if (rc != RC_OK)
			break;
		struct ctl_request q = {.kind = CTL_IMPORT_BUNDLE,
			.import = {check, (uint64_t)f.found.st_size, buf_bytes(&piece)}};
		rc = connection_send(&n->line, &q, e);
		all_sent = rc == RC_OK && f.left == 0;
		if (rc == RC_OK)
			rc = hear(&h, &n->line, e);
	}
	if (rc == RC_UNREACHABLE && all_sent && !check)
		rc = err_set(e, RC_UNKNOWN_OUTCOME,
			tr("the node has the whole bundle and did not say what became of it; "
			   "import it again, that takes nothing twice"));
	if (h.told)
		fprintf(stderr, "\n");
	if (rc == RC_OK && !out->done)
		rc = err_set(e, RC_PEER_MESSAGE, tr("the node did not take a bundle"));
	buf_release(&piece);
	bundle_close(&f);
	return rc;
}
