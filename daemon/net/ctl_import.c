/* A bundle that comes in:
 *
 *	          piece            looked at, more to come
 *	COMING ----------> LOOKING ------------------------> COMING
 *	                      |
 *	                      | all of it is good
 *	                      v        leaves            examined
 *	                   TAKING ---------------> EXAMINING ------> TAKING
 *
 * COMING waits for the client; LOOKING and TAKING do a little each turn of the loop, so that others
 * are served; EXAMINING waits for the thread pool. A fault ends it from anywhere. In COMING and
 * LOOKING it belongs to its client; from TAKING on it goes on without him. */
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "daemon/core/transfer.h"
#include "daemon/net/ctl_bundle.h"
#include "daemon/net/loop.h"
#include "daemon/net/spool.h"
#include "daemon/net/verify.h"
#include "proto/base/mutant.h"

#define LOOK_RECORDS 16 /* in one turn; a head costs a signature */
#define TELL_MS 500
#define REREAD_BYTES ((size_t)256 * 1024)

enum import_state { IMPORT_COMING, IMPORT_LOOKING, IMPORT_TAKING, IMPORT_EXAMINING };

struct ctl_import_run {
	struct ctl_import_run *next;
	struct shell *shell;
	struct client *client; /* NULL: gone */
	enum import_state state;
	bool given_up; /* goes when the thread pool is done */
	bool served;   /* in this turn */
	uint32_t id;
	bool check;
	uint64_t size, received;
	struct transfer_import *target;
	struct sha256_stream sha;
	struct bundle_reader reader;
	struct spool spool;
	struct buf reread;
	bool has_record; /* msg, which is not done with */
	struct message msg;
	void *memory; /* of msg */
	struct verify *verify;
	struct mono_ms told;
};

static void move(struct ctl_import_run *i, enum import_state to)
{
	static const bool allowed[4][4] = {
		[IMPORT_COMING] = {[IMPORT_LOOKING] = true},
		[IMPORT_LOOKING] = {[IMPORT_COMING] = true, [IMPORT_TAKING] = true},
		[IMPORT_TAKING] = {[IMPORT_EXAMINING] = true},
		[IMPORT_EXAMINING] = {[IMPORT_TAKING] = true},
	};
	ENSURE(allowed[i->state][to]);
	i->state = to;
}

static void import_free(struct ctl_import_run *i)
{
	struct ctl_import_run **at = &i->shell->ctl.imports;
	if (i->state == IMPORT_EXAMINING && !verify_is_done(i->verify)) {
		i->given_up = true;
		return;
	}
	while (*at != i)
		at = &(*at)->next;
	*at = i->next;
	i->shell->ctl.transfers--;
	verify_free(i->verify);
	transfer_import_free(i->target);
	bundle_reader_release(&i->reader);
	spool_close(&i->spool);
	buf_release(&i->reread);
	free(i->memory);
	free(i);
}

/* The client is another's from here on. */
static struct client *let_go(struct ctl_import_run *i)
{
	struct client *c = i->client;
	i->client = NULL;
	if (c) {
		c->import = NULL;
		c->asked = loop_now().mono;
	}
	return c;
}

static void summary(struct ctl_import_run *i, struct ctl_reply *r)
{
	*r = (struct ctl_reply){.id = i->id, .kind = CTL_REPLY_IMPORTED};
	transfer_import_summary(i->target, &r->imported);
	r->imported.received = i->received;
	r->imported.records = i->reader.records;
}

/* Ends it with the place of the fault. */
static void refuse(struct ctl_import_run *i, int rc, struct err *e)
{
	struct ctl_reply r;
	summary(i, &r);
	err_prefix(e, "record %llu at byte %llu", (unsigned long long)i->reader.place.record,
		(unsigned long long)i->reader.place.offset);
	r.rc = rc;
	r.text = bytes_str(e->text);
	r.imported.records = i->reader.place.record;
	r.imported.offset = i->reader.place.offset;
	r.imported.n_logs = 0;
	struct client *c = let_go(i);
	if (c)
		client_reply(c, &r);
	import_free(i);
}

/* Ends it for a reason that is not the file's. */
static void give_up(struct ctl_import_run *i, int rc, const char *text)
{
	struct client *c = let_go(i);
	if (c)
		client_error(c, i->id, rc, text);
	import_free(i);
}

/* ---- both passes ---- */

/* The record at hand, decoded: enum bundle_next or the fault. */
static int next_record(struct ctl_import_run *i, struct err *e)
{
	struct bytes envelope;
	struct arena a;
	if (i->has_record)
		return BUNDLE_RECORD;
	int next = bundle_reader_next(&i->reader, &envelope, e);
	if (next != BUNDLE_RECORD)
		return next;
	arena_init(&a, i->memory, MESSAGE_ARENA);
	int rc = message_decode(envelope, &a, &i->msg, e);
	i->has_record = rc == RC_OK;
	return rc == RC_OK ? BUNDLE_RECORD : rc;
}

/* ---- looking ---- */

static void begin_taking(struct ctl_import_run *i)
{
	bundle_reader_release(&i->reader);
	bundle_reader_init(&i->reader, sha256_sum(&i->sha));
	transfer_import_rewind(i->shell->replica, i->target);
	i->told = loop_now().mono;
	move(i, IMPORT_TAKING);
}

/* Everything that was sent has been looked at. */
static void looked(struct ctl_import_run *i, struct client *c)
{
	struct ctl_reply r;
	struct err e = {0};
	if (i->received == i->size) {
		int rc = bundle_reader_finish(&i->reader, &e);
		if (rc) {
			refuse(i, rc, &e);
			return;
		}
		if (!i->check) {
			begin_taking(i);
			return;
		}
	}
	summary(i, &r);
	r.imported.done = i->received == i->size;
	if (!r.imported.done)
		r.imported.n_logs = 0;
	client_reply(c, &r);
	if (!c->import)
		return; /* he went while he was written to */
	if (r.imported.done) {
		let_go(i);
		import_free(i);
	} else {
		move(i, IMPORT_COMING);
	}
}

static void look(struct ctl_import_run *i)
{
	struct shell *s = i->shell;
	struct client *c = i->client;
	turn_settle(s);
	if (s->state == SHELL_FAILED || c->state != CLIENT_OPEN)
		return;
	for (size_t n = 0; n < LOOK_RECORDS; n++) {
		struct err e = {0};
		int next = next_record(i, &e);
		if (next == BUNDLE_MORE || next == BUNDLE_END) {
			looked(i, c);
			return;
		}
		int rc =
			next < 0 ? next : transfer_import_check(s->replica, i->target, &i->msg, &e);
		if (rc == TRANSFER_AGAIN)
			return;
		i->has_record = false;
		if (rc && !MUTANT(BUNDLE_FAULT_FORGIVEN)) {
			refuse(i, rc, &e);
			if (rc == RC_CORRUPT)
				(void)turn_survives(s, rc, &e);
			return;
		}
	}
}

/* ---- taking ---- */

static void tell(struct ctl_import_run *i)
{
	struct ctl_reply r;
	struct mono_ms now = loop_now().mono;
	if (!i->client || now.v - i->told.v < TELL_MS || i->client->drain.queued > 0)
		return;
	i->told = now;
	summary(i, &r);
	r.more = true;
	r.imported.n_logs = 0;
	client_reply(i->client, &r);
}

/* On disk when its group is. */
static void taken(struct ctl_import_run *i)
{
	struct shell *s = i->shell;
	struct ctl_reply r;
	struct err e = {0};
	summary(i, &r);
	int rc = transfer_import_end(s->replica, i->target, &r.imported, &e);
	if (!turn_survives(s, rc, &e))
		return; /* ctl_import_fail has said so */
	r.imported.received = i->received;
	r.imported.records = i->reader.records;
	r.imported.done = true;
	struct client *c = let_go(i);
	if (c)
		client_hold(c, &r);
	import_free(i);
}

static void apply(struct ctl_import_run *i)
{
	struct shell *s = i->shell;
	struct batch b = {0};
	struct err e = {0};
	if (i->verify)
		b = (struct batch){verify_leaves(i->verify), i->msg.leaves.n};
	int rc = transfer_import_apply(s->replica, i->target, &i->msg, &b, loop_now(), &e);
	if (!turn_survives(s, rc, &e))
		return;
	if (rc == TRANSFER_AGAIN)
		return;
	verify_free(i->verify);
	i->verify = NULL;
	i->has_record = false;
	if (rc)
		refuse(i, rc, &e);
	else
		tell(i);
}

static void on_examined(void *arg)
{
	struct ctl_import_run *i = arg;
	if (i->given_up)
		import_free(i);
	else
		move(i, IMPORT_TAKING);
}

static void examine(struct ctl_import_run *i)
{
	i->verify = verify_start(&i->shell->uv, &i->shell->settings.cluster_id,
		i->msg.leaves.leaves, i->msg.leaves.n,
		replica_is_bulk(i->shell->replica, i->msg.leaves.origin), on_examined, i);
	if (!verify_is_done(i->verify))
		move(i, IMPORT_EXAMINING);
}

/* One record, or the next part of the copy. */
static void take(struct ctl_import_run *i)
{
	struct shell *s = i->shell;
	struct err e = {0};
	int next = next_record(i, &e);
	if (next == BUNDLE_MORE) {
		int rc = spool_read(&i->spool, REREAD_BYTES, &i->reread, &e);
		if (rc == RC_OK && i->reread.n == 0)
			rc = bundle_reader_finish(&i->reader, &e);
		bundle_reader_put(&i->reader, buf_bytes(&i->reread));
		if (rc)
			give_up(i, rc, e.text);
		return;
	}
	if (next < 0) {
		refuse(i, next, &e);
		return;
	}
	if (next == BUNDLE_RECORD && !i->verify && transfer_import_wants(s->replica, &i->msg))
		examine(i);
	if (i->state != IMPORT_TAKING || !turn_enter(s))
		return;
	if (next == BUNDLE_END)
		taken(i);
	else
		apply(i);
	/* What comes after a version of the roster is read by it. */
	if (replica_roster_is_due(s->replica))
		turn_settle(s);
}

/* ---- coming ---- */

static bool may_begin(struct client *c, const struct ctl_import *r, struct err *e)
{
	struct shell *s = c->shell;
	struct statvfs v;
	if (s->ctl.transfers >= LIMIT_TRANSFERS)
		return err_set(e, RC_BUSY, "the node is at work on as many bundles as it can") ==
			RC_OK;
	if (r->size > LIMIT_BUNDLE_BYTES)
		return err_set(e, RC_TOO_BIG, "a bundle of %llu bytes, over the limit of 1 GiB",
			       (unsigned long long)r->size) == RC_OK;
	if (r->check)
		return true;
	if (!loop_may_author(s, e))
		return false;
	if (statvfs(s->settings.data_dir, &v) == 0 &&
		(uint64_t)v.f_bavail * v.f_frsize < 2 * r->size)
		return err_set(e, RC_DISK_FULL,
			       "the node has no room for a bundle of %llu bytes and what is in it",
			       (unsigned long long)r->size) == RC_OK;
	return true;
}

static int begin(struct client *c, const struct ctl_import *r, struct err *e)
{
	struct shell *s = c->shell;
	struct transfer_import *target;
	struct spool spool = {.fd = -1};
	if (!may_begin(c, r, e))
		return e->rc;
	int rc = transfer_import_new(s->replica, &target, e);
	if (rc == RC_OK && !r->check)
		rc = spool_open(&spool, s->settings.data_dir, e);
	if (rc) {
		transfer_import_free(target);
		return rc;
	}
	struct ctl_import_run *i = xalloc(sizeof(*i));
	i->shell = s;
	i->client = c;
	i->check = r->check;
	i->size = r->size;
	i->target = target;
	i->spool = spool;
	i->memory = xalloc(MESSAGE_ARENA);
	bundle_reader_init(&i->reader, sha256_sum(&i->sha));
	i->next = s->ctl.imports;
	s->ctl.imports = i;
	s->ctl.transfers++;
	c->import = i;
	return RC_OK;
}

void ctl_import_take(struct client *c, const struct ctl_request *r)
{
	struct err e = {0};
	int rc = c->import ? RC_OK : begin(c, &r->import, &e);
	if (rc) {
		client_error(c, r->id, rc, e.text);
		return;
	}
	struct ctl_import_run *i = c->import;
	i->id = r->id;
	if (r->import.size != i->size || r->import.check != i->check ||
		r->import.piece.n > i->size - i->received) {
		give_up(i, RC_INPUT, "the pieces of a bundle do not fit together");
		return;
	}
	if (!i->check)
		rc = spool_append(&i->spool, r->import.piece, &e);
	if (rc) {
		give_up(i, rc, e.text);
		return;
	}
	bundle_reader_put(&i->reader, r->import.piece);
	i->received += r->import.piece.n;
	move(i, IMPORT_LOOKING);
	look(i);
}

/* ---- for the loop ---- */

void ctl_import_leave(struct client *c)
{
	struct ctl_import_run *i = c->import;
	if (!i)
		return;
	(void)let_go(i);
	if (i->state == IMPORT_COMING || i->state == IMPORT_LOOKING)
		import_free(i);
}

bool ctl_import_is_busy(const struct client *c)
{
	return c->import && c->import->state != IMPORT_COMING;
}

static bool is_due(const struct ctl_import_run *i)
{
	return i->state == IMPORT_LOOKING || i->state == IMPORT_TAKING;
}

bool ctl_import_is_due(const struct shell *s)
{
	for (const struct ctl_import_run *i = s->ctl.imports; i; i = i->next)
		if (is_due(i))
			return true;
	return false;
}

/* What is done for one may end others. */
static struct ctl_import_run *next_due(struct shell *s)
{
	for (struct ctl_import_run *i = s->ctl.imports; i; i = i->next)
		if (is_due(i) && !i->served)
			return i;
	return NULL;
}

void ctl_import_go_on(struct shell *s)
{
	struct ctl_import_run *i;
	for (i = s->ctl.imports; i; i = i->next)
		i->served = false;
	while (s->state != SHELL_FAILED && (i = next_due(s))) {
		struct client *c = i->client;
		i->served = true;
		if (i->state == IMPORT_LOOKING)
			look(i);
		else
			take(i);
		if (c && c->state == CLIENT_OPEN)
			client_go_on(c);
	}
}

void ctl_import_fail(struct shell *s, int rc, const char *text)
{
	struct ctl_import_run *next;
	for (struct ctl_import_run *i = s->ctl.imports; i; i = next) {
		next = i->next;
		if (i->state == IMPORT_TAKING || i->state == IMPORT_EXAMINING)
			give_up(i, rc, text);
	}
}

bool ctl_import_stop(struct shell *s)
{
	struct ctl_import_run *next;
	for (struct ctl_import_run *i = s->ctl.imports; i; i = next) {
		next = i->next;
		(void)let_go(i);
		import_free(i);
	}
	return !s->ctl.imports;
}
