/* What goes into a bundle. Source: PROTOCOL 10. */
#include "daemon/core/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/core/set_back.h"
#include "daemon/core/verdicts.h"
#include "daemon/core/transfer_holds.h"

enum stage {
	STAGE_HELLO,
	STAGE_ROSTER,
	STAGE_EVIDENCE,
	STAGE_LEAVES,
	STAGE_HEAD,
	STAGE_COSIGNATURE,
	STAGE_END
};

/* One log: its head when the bundle was begun, and the leaves that still go into it. */
struct export_log {
	char origin[ORIGIN_SIZE];
	bool regional;
	uint64_t from, to;
	size_t note_at, note_n; /* in notes */
};

/* The cosigned heads of one log, in the order of their bytes. */
struct export_words {
	struct buf notes;
	size_t *at; /* where each begins; n + 1 of them */
	size_t n, next;
};

struct export_roster {
	struct hash id, prev;
	size_t at, n; /* in rosters */
	bool in_force;
};

struct transfer_export {
	bool receipt;
	enum stage stage;
	size_t at; /* within the stage */
	struct export_log log[LIMIT_LOGS];
	size_t n;
	struct buf notes;
	struct bytes head[LIMIT_LOGS];
	char forked[LIMIT_LOGS][ORIGIN_SIZE]; /* logs of which there is evidence */
	size_t n_forked;
	struct export_words words;
	struct buf rosters;
	struct export_roster *roster; /* by version */
	size_t n_rosters;
};

static int compare_origins(const void *a, const void *b)
{
	const struct export_log *x = a, *y = b;
	return bytes_compare(bytes_str(x->origin), bytes_str(y->origin));
}

static void list_logs(struct replica *r, struct transfer_export *x)
{
	for (size_t i = 0; i < r->n_logs; i++) {
		struct bytes note;
		uint64_t size = log_sendable(r, r->log[i], &note);
		if (size == 0)
			continue;
		struct export_log *l = &x->log[x->n++];
		memcpy(l->origin, r->log[i]->row.origin, sizeof(l->origin));
		l->regional = r->roster.member[r->log[i]->member].role == ROLE_REGIONAL;
		l->to = size;
		l->note_at = x->notes.n;
		l->note_n = note.n;
		buf_put_bytes(&x->notes, note);
	}
	qsort(x->log, x->n, sizeof(x->log[0]), compare_origins);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void list_forked(struct replica *r, struct transfer_export *x)
{
	struct message m;
	for (size_t i = 0; i < r->n_logs; i++)
		if (evidence_of(r, r->log[i], &m))
			memcpy(x->forked[x->n_forked++], r->log[i]->row.origin, ORIGIN_SIZE);
	qsort(x->forked, x->n_forked, ORIGIN_SIZE, compare_texts);
}

/* Every text that is here of a version; which of them are in force is seen from the last one. */
static int list_roster(void *arg, struct bytes note, bool in_force)
{
	struct transfer_export *x = arg;
	struct roster *parsed = xalloc(sizeof(*parsed));
	struct note n;
	(void)in_force;
	if (note_parse(note, &n, NULL) == RC_OK && roster_parse(n.text, parsed, NULL) == RC_OK) {
		x->roster = xrealloc(x->roster, (x->n_rosters + 1) * sizeof(*x->roster));
		x->roster[x->n_rosters++] = (struct export_roster){
			.id = parsed->id, .prev = parsed->prev, .at = x->rosters.n, .n = note.n};
		buf_put_bytes(&x->rosters, note);
	}
	free(parsed);
	return 0;
}

static int list_rosters(struct replica *r, struct transfer_export *x, struct err *e)
{
	struct hash wanted = r->roster.id;
	int rc = replica_rosters(r, list_roster, x, e);
	for (size_t i = x->n_rosters; i-- > 0;) {
		x->roster[i].in_force = hash_equal(&x->roster[i].id, &wanted);
		if (x->roster[i].in_force)
			wanted = x->roster[i].prev;
	}
	return rc < 0 ? rc : RC_OK;
}

static void begin_at(struct transfer_export *x, struct bytes origin, uint64_t size)
{
	for (size_t i = 0; i < x->n; i++)
		if (bytes_equal(bytes_str(x->log[i].origin), origin) && x->log[i].from < size)
			x->log[i].from = size;
}

/* What a member is known to hold: by its last digest here, and by the last bundle it made. */
static int begin_for(
	struct replica *r, struct transfer_export *x, struct bytes member, struct err *e)
{
	int peer = roster_find(&r->roster, member);
	if (peer < 0)
		return err_set(
			e, RC_NOT_FOUND, "no member of that name; deltactl roster show names them");
	if (peer == r->self)
		return err_set(e, RC_INPUT, "this is the member's own node");
	const struct session *s = &r->session[peer];
	for (size_t i = 0; s->has_digest && i < r->n_logs; i++)
		begin_at(x, bytes_str(r->log[i]->row.origin), s->digest_size[i]);
	for (size_t i = 0; s->has_digest && i < s->n_digest_foreign; i++)
		begin_at(x, bytes_str(s->digest_foreign[i].origin), s->digest_foreign[i].size);
	struct holds h;
	int rc = holds_load(r, member, &h, e);
	for (size_t i = 0; rc == RC_OK && i < h.n; i++)
		begin_at(x, bytes_str(h.log[i].origin), h.log[i].size);
	return rc;
}

static int choose(
	struct replica *r, struct transfer_export *x, const struct ctl_export *what, struct err *e)
{
	switch (what->what) {
	case EXPORT_ALL: return RC_OK;
	case EXPORT_SINCE:
		for (size_t i = 0; i < what->n_since; i++)
			begin_at(x, what->since[i].origin, what->since[i].size);
		return RC_OK;
	case EXPORT_FOR: return begin_for(r, x, what->member, e);
	case EXPORT_RECEIPT: x->receipt = true; return RC_OK;
	default: return err_set(e, RC_INPUT, "a bundle of kind %u is not known", what->what);
	}
}

uint64_t transfer_own_size(const struct replica *r)
{
	return r->own != NULL ? r->own->row.size : 0;
}

bool transfer_is_marked(const struct replica *r, uint64_t own_size)
{
	struct bytes note;
	return transfer_own_size(r) < own_size || r->own == NULL ||
		log_sendable(r, r->own, &note) >= own_size;
}

bool transfer_is_witnessed(const struct replica *r)
{
	for (size_t i = 0; i < r->n_logs; i++)
		if (witness_is_due(r, r->log[i]))
			return false;
	return !replica_is_provisional(r) && !set_back_is_young(r);
}

int transfer_export_new(struct replica *r, const struct ctl_export *what,
	struct transfer_export **out, struct err *e)
{
	if (!r->has_roster)
		return err_set(e, RC_NO_ROSTER, "install the roster first");
	struct transfer_export *x = xalloc(sizeof(*x));
	list_logs(r, x);
	list_forked(r, x);
	int rc = list_rosters(r, x, e);
	if (rc == RC_OK)
		rc = choose(r, x, what, e);
	if (rc != RC_OK) {
		transfer_export_free(x);
		return rc;
	}
	*out = x;
	return RC_OK;
}

void transfer_export_free(struct transfer_export *x)
{
	if (x == NULL)
		return;
	buf_release(&x->notes);
	buf_release(&x->rosters);
	free(x->roster);
	buf_release(&x->words.notes);
	free(x->words.at);
	free(x);
}

static struct bytes note_of(const struct transfer_export *x, const struct export_log *l)
{
	return bytes_of(x->notes.p + l->note_at, l->note_n);
}

static int next_hello(struct replica *r, struct transfer_export *x, struct message *m)
{
	if (x->at++ > 0)
		return STORE_NONE;
	for (size_t i = 0; i < x->n; i++)
		x->head[i] = note_of(x, &x->log[i]);
	out_make_hello(r, x->head, x->n, m);
	return RC_OK;
}

static int next_roster(struct transfer_export *x, struct message *m)
{
	while (x->at < x->n_rosters) {
		const struct export_roster *v = &x->roster[x->at++];
		if (!v->in_force)
			continue;
		m->kind = MESSAGE_ROSTER;
		m->note = bytes_of(x->rosters.p + v->at, v->n);
		return RC_OK;
	}
	return STORE_NONE;
}

static int next_evidence(struct replica *r, struct transfer_export *x, struct message *m)
{
	while (x->at < x->n_forked) {
		const struct log *log = log_find(r, bytes_str(x->forked[x->at++]));
		if (log != NULL && evidence_of(r, log, m))
			return RC_OK;
	}
	return STORE_NONE;
}

/* The regional member's logs come first: what others wrote acts under it, and would have to wait.
 */
static struct export_log *next_log(struct transfer_export *x)
{
	for (; !x->receipt && x->at < 2 * x->n; x->at++) {
		struct export_log *l = &x->log[x->at % x->n];
		if (l->regional == (x->at < x->n) && l->from < l->to)
			return l;
	}
	return NULL;
}

/* Up to the head that there was, or beyond it where that head was forgotten meanwhile. */
static int next_leaves(
	struct replica *r, struct transfer_export *x, struct message *m, struct err *e)
{
	struct export_log *l = next_log(x);
	if (l == NULL)
		return STORE_NONE;
	struct log *log = log_find(r, bytes_str(l->origin));
	struct bytes note;
	if (log == NULL ||
		!out_make_leaves(r, log, l->from, log_sendable(r, log, &note), m, &l->from))
		return err_set(e, RC_IO, "the leaves of %s from %llu on cannot be read", l->origin,
			(unsigned long long)l->from);
	return RC_OK;
}

static int next_head(struct transfer_export *x, struct message *m)
{
	if (x->at == x->n || x->receipt)
		return STORE_NONE;
	m->kind = MESSAGE_HEAD;
	m->note = note_of(x, &x->log[x->at++]);
	return RC_OK;
}

static int compare_notes(const void *a, const void *b)
{
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Copied, because they change while the bundle is written. */
static void gather_words(struct export_words *w, const struct witness *of)
{
	struct bytes *note = xalloc((of->n + 1) * sizeof(*note));
	size_t n = 0;
	for (size_t i = 0; i < of->n; i++)
		if (of->head[i].by != 0)
			note[n++] = buf_bytes(&of->head[i].note);
	if (of->final.n > 0)
		note[n++] = buf_bytes(&of->final);
	qsort(note, n, sizeof(*note), compare_notes);
	w->at = xrealloc(w->at, (n + 1) * sizeof(*w->at));
	buf_reset(&w->notes);
	w->n = w->next = 0;
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && bytes_equal(note[i], note[i - 1]))
			continue;
		w->at[w->n++] = w->notes.n;
		buf_put_bytes(&w->notes, note[i]);
	}
	w->at[w->n] = w->notes.n;
	free(note);
}

static int next_cosignature(struct replica *r, struct transfer_export *x, struct message *m)
{
	struct export_words *w = &x->words;
	while (w->next == w->n) {
		if (x->at == x->n)
			return STORE_NONE;
		const struct log *log = log_find(r, bytes_str(x->log[x->at++].origin));
		if (log != NULL)
			gather_words(w, &log->witness);
	}
	m->kind = MESSAGE_COSIGNATURE;
	m->note = bytes_of(w->notes.p + w->at[w->next], w->at[w->next + 1] - w->at[w->next]);
	w->next++;
	return RC_OK;
}

int transfer_export_next(
	struct replica *r, struct transfer_export *x, struct message *out, struct err *e)
{
	ENSURE(!r->in_group);
	for (; x->stage != STAGE_END; x->stage++, x->at = 0) {
		int rc = STORE_NONE;
		*out = (struct message){0};
		switch (x->stage) {
		case STAGE_HELLO: rc = next_hello(r, x, out); break;
		case STAGE_ROSTER: rc = next_roster(x, out); break;
		case STAGE_EVIDENCE: rc = next_evidence(r, x, out); break;
		case STAGE_LEAVES: rc = next_leaves(r, x, out, e); break;
		case STAGE_HEAD: rc = next_head(x, out); break;
		case STAGE_COSIGNATURE: rc = next_cosignature(r, x, out); break;
		case STAGE_END: break;
		}
		if (rc != STORE_NONE)
			return rc;
	}
	return STORE_NONE;
}
