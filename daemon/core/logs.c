/* The table of logs: heads of peers, batches, and which heads are kept. Source:
 * PROTOCOL 3.2, 3.3, 4. */
#include <stdlib.h>
#include <string.h>

#include "daemon/core/set_back.h"
#include "daemon/core/verdicts.h"
#include "proto/base/mutant.h"

struct log *log_find(const struct replica *r, struct bytes origin)
{
	for (size_t i = 0; i < r->n_logs; i++)
		if (bytes_equal(bytes_str(r->log[i]->row.origin), origin))
			return r->log[i];
	return NULL;
}

struct log *log_by_id(const struct replica *r, uint32_t id)
{
	for (size_t i = 0; i < r->n_logs; i++)
		if (r->log[i]->row.id == id)
			return r->log[i];
	return NULL;
}

int log_of_row(const struct replica *r, uint32_t id, struct log **out, struct err *e)
{
	*out = log_by_id(r, id);
	return *out != NULL ? RC_OK
			    : err_set(e, RC_CORRUPT, "a row names log %u, which is not here", id);
}

size_t log_position(const struct replica *r, const struct log *log)
{
	size_t i = 0;
	while (r->log[i] != log)
		i++;
	return i;
}

const uint8_t *log_key(const struct replica *r, const struct log *log)
{
	return roster_log_key(&r->roster, bytes_str(log->row.origin), log->member);
}

int log_add_leaf(void *frontier, uint64_t index, struct bytes leaf)
{
	struct hash h;
	(void)index;
	merkle_leaf_hash(leaf, &h);
	frontier_append(frontier, &h);
	return 0;
}

static void seen_head_set(
	struct seen_head *h, const struct hash *root, uint64_t size, struct bytes note)
{
	h->size = size;
	h->root = *root;
	buf_reset(&h->note);
	buf_put_bytes(&h->note, note);
}

static struct log *log_new(const struct origin *o, int member)
{
	struct log *log = xalloc(sizeof(*log));
	log->origin = *o;
	log->member = member;
	log->source = log->doubted = NO_PEER;
	log->relay_at = log->witness.relay_at = MONO_NEVER;
	return log;
}

static void log_free(struct log *log)
{
	buf_release(&log->head);
	buf_release(&log->seen.note);
	buf_release(&log->earlier.note);
	for (size_t i = 0; i < 3; i++)
		buf_release(&log->evidence[i]);
	witness_release(&log->witness);
	buf_release(&log->seal);
	free(log->shown);
	free(log);
}

bool log_has_room(const struct replica *r, const char *member)
{
	size_t epochs = 0;
	for (size_t i = 0; i < r->n_logs; i++)
		epochs += !r->log[i]->retired && strcmp(r->log[i]->origin.member, member) == 0;
	return r->n_logs < LIMIT_LOGS && epochs < LIMIT_EPOCHS_PER_MEMBER;
}

int log_create(
	struct replica *r, const struct origin *o, int member, struct log **out, struct err *e)
{
	if (!log_has_room(r, o->member))
		return err_set(e, RC_PEER_LIMIT, "too many logs of member %s (limit %d)", o->member,
			LIMIT_EPOCHS_PER_MEMBER);
	struct log *log = log_new(o, member);
	log->row.id = r->next_log_id;
	memcpy(log->row.origin, o->text, sizeof(log->row.origin));
	int rc = r->ops->log_put(r->store, &log->row, e);
	if (rc != RC_OK) {
		log_free(log);
		return rc;
	}
	r->next_log_id++;
	r->wrote = true;
	r->log[r->n_logs++] = log;
	*out = log;
	return RC_OK;
}

static int load_heads(struct replica *r, struct log *log, struct err *e)
{
	struct store_head h;
	struct buf ignored = {0};
	int rc = r->ops->head_get(r->store, log->row.id, 0, log->row.size, &h, &log->head, e);
	if (rc == RC_OK) {
		log->kept[0] = (struct kept_head){h.size, h.bytes};
		rc = r->ops->head_get(r->store, log->row.id, 0, h.size - 1, &h, &ignored, e);
	}
	if (rc == RC_OK)
		log->kept[1] = (struct kept_head){h.size, h.bytes};
	buf_release(&ignored);
	if (rc == STORE_NONE)
		rc = RC_OK;
	if (rc == RC_OK && log->kept[0].size != log->row.size)
		rc = err_set(e, RC_CORRUPT, "log %s has %llu leaves but its newest head is of %llu",
			log->row.origin, (unsigned long long)log->row.size,
			(unsigned long long)log->kept[0].size);
	return rc;
}

/* Whom only a version let in that is not in force any more is nobody by this one, no province
 * either: its logs are here and count nowhere, as those of a member who was removed. One place
 * behind the last stands for all of them. */
static int owner_of_row(struct replica *r, const struct origin *o)
{
	struct roster *roster = &r->roster;
	int found = roster_find_any(roster, bytes_str(o->member));
	if (found >= 0 || r->rosters.top == 1)
		return found;
	size_t at = roster->n + roster->n_former;
	roster->member[at] = (struct member){.former = true};
	return (int)at;
}

static int load_one(void *arg, const struct store_log *row)
{
	struct replica *r = arg;
	struct origin o;
	if (r->n_logs == LIMIT_LOGS || origin_parse(bytes_str(row->origin), &o, NULL) != RC_OK)
		return RC_CORRUPT;
	int member = owner_of_row(r, &o);
	if (member < 0 || row->audited > row->size)
		return RC_CORRUPT;
	struct log *log = log_new(&o, member);
	log->row = *row;
	if (MUTANT(AUDIT_FORGOTTEN))
		log->row.audited = row->size;
	r->log[r->n_logs++] = log;
	if (row->id >= r->next_log_id)
		r->next_log_id = row->id + 1;
	return 0;
}

int logs_load(struct replica *r, struct err *e)
{
	int rc = r->ops->log_each(r->store, load_one, r, e);
	if (rc == RC_CORRUPT && e != NULL && e->rc == RC_OK)
		err_set(e, rc, "the table of logs names a log that no roster member can have");
	for (size_t i = 0; rc == RC_OK && i < r->n_logs; i++)
		if (r->log[i]->row.size > 0)
			rc = load_heads(r, r->log[i], e);
	return rc;
}

void logs_release(struct replica *r)
{
	for (size_t i = 0; i < r->n_logs; i++)
		log_free(r->log[i]);
	r->n_logs = 0;
	r->own = NULL;
}

/* A version that is not in force any more may have left one that nobody signed. */
int log_signed_head(struct replica *r, const struct log *log, uint64_t above, uint64_t upto,
	struct store_head *h, struct buf *note, struct err *e)
{
	int rc = r->ops->head_get(r->store, log->row.id, above, upto, h, note, e);
	while (rc == RC_OK && retire_is_seal(r, h->note))
		rc = r->ops->head_get(r->store, log->row.id, above, h->size - 1, h, note, e);
	return rc;
}

int log_keep_head(struct replica *r, struct log *log, struct bytes note, struct err *e)
{
	struct kept_head now = {log->row.size, log->row.bytes};
	struct store_head h = {.size = now.size, .bytes = now.bytes, .note = note};
	int rc = r->ops->head_put(r->store, log->row.id, &h, e);
	/* PROTOCOL 3.3: the middle one of three may go if the outer two are at most one stride
	 * apart. */
	if (rc == RC_OK && log->kept[0].size > 0 &&
		now.size - log->kept[1].size <= LIMIT_HEAD_STRIDE_LEAVES &&
		now.bytes - log->kept[1].bytes <= LIMIT_HEAD_STRIDE_BYTES)
		rc = r->ops->head_delete(r->store, log->row.id, log->kept[0].size, e);
	else
		log->kept[1] = log->kept[0];
	log->kept[0] = now;
	log->sealed = false;
	witness_follow(log);
	buf_reset(&log->head);
	buf_put_bytes(&log->head, note);
	if (rc == RC_OK)
		rc = r->ops->log_put(r->store, &log->row, e);
	r->wrote = true;
	return rc;
}

bool log_is_frozen(const struct log *log)
{
	return log->retired ? log->astray : log->row.forked;
}

bool log_is_closed(const struct log *log)
{
	return log->retired || log->sealed || log->row.forked;
}

uint64_t log_sendable(const struct replica *r, const struct log *log, struct bytes *note)
{
	uint64_t size = log->row.size;
	*note = buf_bytes(&log->head);
	if (log->retired && size >= log->below) {
		*note = buf_bytes(&log->seal);
		return note->n > 0 && !log->astray ? log->below : 0;
	}
	if (log == r->own && !MUTANT(MARK_AFTER_SEND)) {
		size = r->mark.size;
		*note = buf_bytes(&r->mark.note);
	}
	if (note->n == 0 || log->sealed)
		return 0;
	*note = witness_note(log, size, *note);
	return size;
}

/* The head as its owner, or the roster that ends the log, signed it: lines that others put under it
 * would fill our memory and our messages. */
static void put_plain(const struct replica *r, const struct log *log, uint64_t size,
	struct bytes head, struct buf *out)
{
	struct note n;
	if (log->retired && size == log->below) {
		buf_put_bytes(out, buf_bytes(&log->seal));
		return;
	}
	if (retire_is_seal(r, head)) {
		buf_put_bytes(out, head);
		return;
	}
	ENSURE(note_parse(head, &n, NULL) == RC_OK);
	cosign_put_head(&n, bytes_str(log->row.origin), log_key(r, log), out);
}

/* A head larger than all before it: leaves are missing here. */
static int raise_seen(struct replica *r, struct log *log, const struct checkpoint *cp,
	struct bytes note, struct now now, struct err *e)
{
	struct buf plain = {0};
	if (cp->size <= log->seen.size)
		return RC_OK;
	if (log->earlier.size <= log->row.size)
		seen_head_set(
			&log->earlier, &log->seen.root, log->seen.size, buf_bytes(&log->seen.note));
	put_plain(r, log, cp->size, note, &plain);
	seen_head_set(&log->seen, &cp->root, cp->size, buf_bytes(&plain));
	buf_release(&plain);
	log->seen_at = now.mono;
	if (cp->size <= log->row.size || cp->size <= log->row.seen_size)
		return RC_OK;
	log->row.seen_size = cp->size;
	if (log->row.seen_ms != 0)
		return RC_OK; /* known to be incomplete: an owner's larger heads cost no write each
			       */
	log->row.seen_ms = now.wall.v;
	r->wrote = true;
	return r->ops->log_put(r->store, &log->row, e);
}

/* PROTOCOL 3.4, 4: a peer holds more of our own log than we do, or another history of it: this
 * database was rolled back or copied. */
int log_check_own(struct replica *r, int peer, struct log *log, struct now now, struct err *e)
{
	bool behind = log->seen.size > log->row.size && !MUTANT(OWN_HEAD_IGNORED);
	if (log != r->own || (!behind && !log->row.forked))
		return RC_OK;
	event_hold(r, EVENT_NEW_EPOCH, peer, log,
		"peer holds %llu leaves of our log, we hold %llu: %s",
		(unsigned long long)log->seen.size, (unsigned long long)log->row.size,
		behind ? "rolled back" : "others than ours");
	return own_open(r, behind ? OPEN_ROLLBACK : OPEN_CLONE, now, e);
}

int log_owner(const struct replica *r, const struct origin *o, struct err *e)
{
	int member = roster_find_any(&r->roster, bytes_str(o->member));
	if (member < 0 || strcmp(o->cluster, r->roster.cluster) != 0)
		return err_set(e, RC_PEER_ORIGIN, "no roster member owns the log \"%s\"", o->text);
	return member;
}

/* Is the head validly signed? *pass: it is none to be read here, and nobody is to blame. */
static int check_head(const struct replica *r, int peer, const struct log *log,
	const struct origin *o, int member, struct bytes note, struct checkpoint *cp, bool *pass,
	struct err *e)
{
	bool same_as_ours = log != NULL && bytes_equal(buf_bytes(&log->head), note);
	bool same_as_seen = log != NULL && bytes_equal(buf_bytes(&log->seen.note), note);
	*pass = log == NULL && roster_retired(&r->roster, bytes_str(o->text)) != NULL;
	if (*pass)
		return RC_OK;
	if (log != NULL && log->retired)
		return retire_check_head(r, log, cp, note, pass, e);
	const uint8_t *key = roster_log_key(&r->roster, bytes_str(o->text), member);
	if (same_as_ours || same_as_seen ||
		(key != NULL && checkpoint_verify(note, key, cp, e) == RC_OK))
		return RC_OK;
	/* Nor is a log of a former member that no line speaks of anybody's. */
	*pass = key == NULL || (peer != NO_PEER && !rosters_equal(r, &r->session[peer]));
	return *pass ? RC_OK
		     : err_set(e, RC_PEER_HEAD, "the head of \"%s\" is not signed by its owner",
			       o->text);
}

/* What a head that verifies says. */
static int take_head(struct replica *r, int peer, struct log *log, const struct checkpoint *cp,
	struct bytes note, struct now now, struct err *e)
{
	int rc = RC_OK;
	if (!log->retired && !bytes_equal(buf_bytes(&log->head), note))
		rc = fork_check_head(r, peer, log, cp, note, now, e);
	if (rc == RC_OK)
		rc = raise_seen(r, log, cp, note, now, e);
	if (rc == RC_OK)
		rc = log_check_own(r, peer, log, now, e);
	if (rc == RC_OK)
		rc = rebuild_look(r, log, now, e);
	if (rc == RC_OK)
		set_back_named(r, peer, log, cp);
	if (rc == RC_OK && peer != NO_PEER) {
		struct peer_log *pl = &r->session[peer].log[log_position(r, log)];
		if (cp->size > pl->has)
			pl->has = cp->size;
	}
	return rc;
}

int log_accept_head(struct replica *r, int peer, struct bytes note, struct now now,
	struct log **out, struct checkpoint *cp, struct err *e)
{
	struct note parsed;
	struct origin o;
	bool pass = false;
	if (out != NULL)
		*out = NULL;
	if (note_parse(note, &parsed, e) != RC_OK ||
		checkpoint_parse(parsed.text, cp, e) != RC_OK ||
		origin_parse(cp->origin, &o, e) != RC_OK || cp->size == 0 ||
		cp->size > LIMIT_LOG_SIZE)
		return err_set(e, RC_PEER_HEAD, "a head that is no checkpoint");
	struct log *log = log_find(r, cp->origin);
	int member = log != NULL ? log->member : log_owner(r, &o, e);
	if (member < 0 && peer != NO_PEER && !rosters_equal(r, &r->session[peer]))
		return RC_OK;
	if (member < 0)
		return member;
	int rc = check_head(r, peer, log, &o, member, note, cp, &pass, e);
	if (rc != RC_OK || pass)
		return rc;
	if (log == NULL)
		rc = log_create(r, &o, member, &log, e);
	if (rc == RC_OK)
		rc = take_head(r, peer, log, cp, note, now, e);
	if (out != NULL)
		*out = log;
	return rc;
}

/* Does the head's root follow from our leaves and the batch's? */
static bool batch_fits(const struct log *log, const struct checkpoint *cp, const struct batch *b,
	size_t skip, struct frontier *after)
{
	struct hash root;
	*after = log->row.frontier;
	for (size_t i = skip; i < b->n; i++)
		frontier_append(after, &b->leaf[i].leaf_hash);
	frontier_root(after, &root);
	return after->size == cp->size &&
		(hash_equal(&root, &cp->root) || MUTANT(ROOT_NOT_RECOMPUTED));
}

int log_append_batch(struct replica *r, int peer, struct log *log, const struct checkpoint *cp,
	struct bytes note, uint64_t first, const struct batch *b, struct now now, size_t *appended,
	struct err *e)
{
	*appended = 0;
	if ((first > log->row.size && !MUTANT(GAP_ALLOWED)) || log_is_frozen(log) || log == r->own)
		return RC_OK;
	if (cp->size <= log->row.size)
		return log->doubted == peer ? fork_follow(r, peer, log, cp, note, first, b, now, e)
					    : RC_OK;
	size_t skip = (size_t)(log->row.size - first);
	struct frontier after;
	if (!batch_fits(log, cp, b, skip, &after))
		return fork_follow(r, peer, log, cp, note, first, b, now, e);
	if (fork_is_passed_by(log, b, skip))
		return evidence_found(r, peer, log, buf_bytes(&log->earlier.note), note,
			&(struct history){log->row.size, b, skip}, e);
	int rc = RC_OK;
	if (MUTANT(FUTURE_REJECTED) && HLC_MS(b->leaf[skip].leaf.hlc) > now.wall.v + 3600000)
		rc = err_set(e, RC_PEER_BATCH, "leaves from the future");
	for (size_t i = skip; rc == RC_OK && i < b->n; i++) {
		rc = admit_leaf(r, log, &b->leaf[i], e);
		if (rc == RC_OK && log->member == r->self && !MUTANT(NONCE_NOT_BACK))
			rc = post_remember(r, &b->leaf[i], e);
	}
	if (rc == RC_OK)
		rc = admit_settle(r, e);
	if (rc != RC_OK)
		return rc;
	ENSURE(log->row.size == cp->size);
	log->row.frontier = after;
	log->doubted = NO_PEER;
	if (log->row.size >= log->row.seen_size)
		log->row.seen_ms = 0;
	*appended = b->n - skip;
	struct buf plain = {0};
	put_plain(r, log, cp->size, note, &plain);
	rc = log_keep_head(r, log, buf_bytes(&plain), e);
	buf_release(&plain);
	if (rc == RC_OK)
		rc = witness_grew(r, log, now, e);
	if (rc == RC_OK)
		session_log_grew(r, log, now);
	return rc;
}
