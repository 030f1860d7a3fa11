#include <stdlib.h>
#include <string.h>

#include "daemon/core/transfer.h"
#include "daemon/net/ctl_bundle.h"
#include "daemon/net/loop.h"

/* What was just posted is not kept out of a bundle because its mark is on its way to the disk. */
#define MARK_WAIT_MS 2000
/* A receipt waits for the audit of what came, and for the cosignatures. */
#define RECEIPT_WAIT_MS 8000
#define RECEIPT_LOOK_MS 50

struct ctl_export_run {
	uint32_t id;
	struct ctl_export what;
	struct log_size since[LIMIT_LOGS];
	char since_origin[LIMIT_LOGS][ORIGIN_SIZE];
	char member[SLUG_SIZE];
	uint64_t own_size; /* when it was asked for */
	struct mono_ms wait_until, looked;
	struct transfer_export *source; /* NULL: it waits for the mark */
	struct sha256_stream sha;
	struct bundle_writer writer;
	struct buf
		ready; /* bytes of the file that are not sent yet: a piece and at most one record */
	bool ended;
};

void ctl_export_end(struct client *c)
{
	struct ctl_export_run *x = c->export;
	if (!x)
		return;
	c->export = NULL;
	c->shell->ctl.transfers--;
	c->asked = loop_now().mono;
	transfer_export_free(x->source);
	buf_release(&x->ready);
	free(x);
}

/* The request's own bytes go before the answer ends. */
static void keep_what(struct ctl_export_run *x, const struct ctl_export *what)
{
	x->what = *what;
	x->what.since = x->since;
	x->what.n_since = 0;
	for (size_t i = 0; i < what->n_since && i < LIMIT_LOGS; i++) {
		struct bytes origin = what->since[i].origin;
		if (origin.n >= ORIGIN_SIZE)
			continue;
		char *to = x->since_origin[x->what.n_since];
		memcpy(to, origin.p, origin.n);
		x->since[x->what.n_since++] = (struct log_size){bytes_str(to), what->since[i].size};
	}
	size_t n = what->member.n < sizeof(x->member) ? what->member.n : 0;
	if (n > 0)
		memcpy(x->member, what->member.p, n);
	x->what.member = bytes_str(x->member);
}

void ctl_export_begin(struct client *c, const struct ctl_request *r)
{
	struct shell *s = c->shell;
	if (s->ctl.transfers >= LIMIT_TRANSFERS) {
		client_error(c, r->id, RC_BUSY, "the node is at work on as many bundles as it can");
		return;
	}
	struct ctl_export_run *x = xalloc(sizeof(*x));
	x->id = r->id;
	keep_what(x, &r->export);
	bundle_write_begin(&x->writer, sha256_sum(&x->sha), &x->ready);
	c->export = x;
	s->ctl.transfers++;
	turn_settle(s);
	if (c->state != CLIENT_OPEN)
		return;
	x->own_size = transfer_own_size(s->replica);
	x->wait_until.v = loop_now().mono.v +
		(x->what.what == EXPORT_RECEIPT ? RECEIPT_WAIT_MS : MARK_WAIT_MS);
	ctl_export_on(c);
}

struct mono_ms ctl_export_deadline(const struct client *c)
{
	const struct ctl_export_run *x = c->export;
	struct mono_ms at = MONO_NEVER;
	if (!x || x->source || c->drain.queued >= LIMIT_WRITE_PAUSE_BYTES)
		return at;
	if (x->what.what == EXPORT_RECEIPT)
		at.v = x->looked.v + RECEIPT_LOOK_MS;
	return at.v < x->wait_until.v ? at : x->wait_until;
}

static bool is_ready(const struct shell *s, struct ctl_export_run *x)
{
	x->looked = loop_now().mono;
	return x->looked.v >= x->wait_until.v ||
		(transfer_is_marked(s->replica, x->own_size) &&
			(x->what.what != EXPORT_RECEIPT || transfer_is_witnessed(s->replica)));
}

/* False: it still waits, or it is over. */
static bool has_source(struct client *c, struct ctl_export_run *x)
{
	struct shell *s = c->shell;
	struct err e = {0};
	if (x->source)
		return true;
	if (!is_ready(s, x))
		return false;
	int rc = transfer_export_new(s->replica, &x->what, &x->source, &e);
	if (rc == RC_OK)
		return true;
	client_error(c, x->id, rc, e.text);
	ctl_export_end(c);
	return false;
}

/* Until a piece is there. */
static int fill(struct shell *s, struct ctl_export_run *x, struct err *e)
{
	while (!x->ended && x->ready.n < CTL_PIECE_BYTES) {
		struct message m;
		int rc = transfer_export_next(s->replica, x->source, &m, e);
		if (rc < 0)
			return rc;
		x->ended = rc == STORE_NONE;
		if (x->ended)
			bundle_write_end(&x->writer, &x->ready);
		else
			bundle_write(&x->writer, &m, &x->ready);
		if (x->writer.bytes > LIMIT_BUNDLE_BYTES)
			return err_set(e, RC_TOO_BIG,
				"the bundle would be larger than 1 GiB: export it in parts, with "
				"--since");
	}
	return RC_OK;
}

/* True while more is to come. */
static bool send_piece(struct client *c, struct ctl_export_run *x)
{
	size_t n = x->ready.n < CTL_PIECE_BYTES ? x->ready.n : CTL_PIECE_BYTES;
	bool more = !x->ended || n < x->ready.n;
	struct ctl_reply r = {.id = x->id,
		.more = more,
		.kind = CTL_REPLY_PIECE,
		.piece = bytes_of(x->ready.p, n)};
	client_reply(c, &r);
	if (c->export) /* else the client went while it was written to */
		buf_consume(&x->ready, n);
	return more;
}

void ctl_export_on(struct client *c)
{
	struct shell *s = c->shell;
	bool more = true;
	while (more && c->state == CLIENT_OPEN && c->drain.queued < LIMIT_WRITE_PAUSE_BYTES) {
		struct ctl_export_run *x = c->export;
		struct err e = {0};
		turn_settle(s);
		if (c->state != CLIENT_OPEN || s->state == SHELL_FAILED || !has_source(c, x))
			return;
		int rc = fill(s, x, &e);
		if (rc) {
			client_error(c, x->id, rc, e.text);
			ctl_export_end(c);
			if (rc == RC_CORRUPT)
				(void)turn_survives(s, rc, &e);
			return;
		}
		more = send_piece(c, x);
	}
	if (!more)
		ctl_export_end(c);
}
