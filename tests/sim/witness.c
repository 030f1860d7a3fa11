/* Cosignatures and what they make final, seen from outside: on every head that leaves a node, and
 * in what a node keeps as final. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/trust/cosign.h"
#include "tests/sim/ends.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"

/* ---- the books ---- */

static struct book_head *find(struct book_heads *b, const char *origin, int by, uint64_t size)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->head[i].by == by && b->head[i].size == size &&
			strcmp(b->head[i].origin, origin) == 0)
			return &b->head[i];
	return NULL;
}

static struct book_head *note_head(
	struct book_heads *b, const char *origin, int by, uint64_t size, const struct hash *root)
{
	if (b->n == b->cap) {
		b->cap = b->cap == 0 ? 64 : 2 * b->cap;
		b->head = xrealloc(b->head, b->cap * sizeof(*b->head));
	}
	struct book_head *h = &b->head[b->n++];
	*h = (struct book_head){.by = by, .size = size, .root = *root};
	snprintf(h->origin, sizeof(h->origin), "%s", origin);
	return h;
}

/* Or copied to a second machine. */
static bool was_put_back(const struct world *w, int member)
{
	return w->node[member].lineage > 0 || w->identity[member].copied;
}

/* ---- what a node says of others' logs ---- */

struct head {
	struct note n;
	struct checkpoint cp;
	char origin[ORIGIN_SIZE];
	int owner;
};

static bool read_head(struct world *w, struct bytes raw, struct head *out)
{
	struct origin o;
	ENSURE(note_parse(raw, &out->n, NULL) == RC_OK);
	ENSURE(checkpoint_parse(out->n.text, &out->cp, NULL) == RC_OK);
	snprintf(out->origin, sizeof(out->origin), "%.*s", (int)out->cp.origin.n,
		(const char *)out->cp.origin.p);
	ENSURE(origin_parse(out->cp.origin, &o, NULL) == RC_OK);
	out->owner = -1;
	for (size_t i = 0; i < w->n_members; i++)
		if (strcmp(w->identity[i].slug, o.member) == 0)
			out->owner = (int)i;
	return out->owner >= 0;
}

/* ---- who may have forgotten what it said ---- */

void witness_heard(struct world *w, struct sim_node *n, int peer, enum message_kind kind)
{
	if (kind == MESSAGE_VIEW_DIGEST)
		n->told[peer] = 1 + w->steps;
}

struct remembering {
	struct world *w;
	struct sim_node *n;
};

/* What it made before, and may not have said yet, is still there. */
static int remember_row(void *arg, const struct store_cosignature *row)
{
	struct remembering *x = arg;
	struct book_heads *b = &x->w->books.cosigned;
	struct head h;
	if (strcmp(row->member, x->n->id->slug) == 0 && read_head(x->w, row->note, &h) &&
		find(b, h.origin, x->n->member, row->size) == NULL)
		note_head(b, h.origin, x->n->member, row->size, &h.cp.root);
	return 0;
}

static int remember_log(void *arg, const struct store_log *log)
{
	struct remembering *x = arg;
	return x->n->store->ops->cosignature_each(x->n->store, log->id, remember_row, x, NULL);
}

void witness_set_back(struct world *w, struct sim_node *n)
{
	struct remembering x = {.w = w, .n = n};
	n->set_back = 1 + w->steps;
	if (n->store->ops->log_each(n->store, remember_log, &x, NULL) != RC_OK)
		oracle_fail(w, 10, "%s cannot read what it cosigned", n->id->slug);
}

/* Has told what it knows since this node was set back, or has cosigned as much itself. A liar may
 * have done either, to this node alone. */
static bool vouches(
	const struct world *w, const struct sim_node *n, int member, const struct head *h)
{
	const struct book_heads *b = &w->books.cosigned;
	if (n->told[member] >= n->set_back || !world_is_honest(w, member))
		return true;
	for (size_t i = 0; i < b->n; i++)
		if (b->head[i].by == member && b->head[i].size >= h->cp.size &&
			strcmp(b->head[i].origin, h->origin) == 0)
			return true;
	return false;
}

/* I10: what it once said still binds it, and it has to be told (PROTOCOL 4.1, said once more). */
static void check_vouched(struct world *w, struct sim_node *n, const struct head *h)
{
	const struct roster *r = replica_roster(n->replica);
	size_t need = r->n - r->final_quorum, count = 0;
	if (n->set_back == 0 || w->two_liars) /* who has a member's key vouches in its name */
		return;
	if (r->n > 2 && need > r->n - 2)
		need = r->n - 2;
	for (int m = 0; m < (int)w->n_members; m++)
		if (m != n->member && (m != h->owner || r->n == 2))
			count += vouches(w, n, m, h);
	if (count < need)
		oracle_fail(w, 10,
			"%s was set back and cosigns %s at %llu, for which %zu of %zu vouch",
			n->id->slug, h->origin, (unsigned long long)h->cp.size, count, need);
	sometimes(SOMETIMES_COSIGNED_AGAIN);
}

/* ---- its own line ---- */

/* When, by the cosigner's clock, in seconds. */
static uint64_t time_of_line(const struct world *w, const struct sim_node *n, const struct head *h)
{
	struct vkey v;
	uint64_t time;
	cosign_vkey(replica_roster(n->replica), n->member, &v);
	if (!note_is_signed_by(&h->n, &v, &time))
		oracle_fail(w, 10, "%s says a cosignature of %s that is not its own", n->id->slug,
			h->origin);
	return time;
}

struct own_row {
	const char *origin;
	const char *member;
	struct store *store;
	uint64_t size; /* the largest */
};

static int take_row(void *arg, const struct store_cosignature *row)
{
	struct own_row *x = arg;
	if (strcmp(row->member, x->member) == 0 && row->size > x->size)
		x->size = row->size;
	return 0;
}

static int find_row(void *arg, const struct store_log *log)
{
	struct own_row *x = arg;
	if (strcmp(log->origin, x->origin) != 0)
		return 0;
	return x->store->ops->cosignature_each(x->store, log->id, take_row, x, NULL);
}

/* I10: what binds it is stored before it is said. */
static void check_is_kept(struct world *w, struct sim_node *n, const struct head *h)
{
	struct own_row x = {.origin = h->origin, .member = n->id->slug, .store = n->store};
	if (n->store->ops->log_each(n->store, find_row, &x, NULL) != RC_OK)
		oracle_fail(w, 10, "%s cannot read what it cosigned", n->id->slug);
	if (x.size < h->cp.size)
		oracle_fail(w, 10, "%s says that it cosigned %s at %llu and has stored %llu",
			n->id->slug, h->origin, (unsigned long long)h->cp.size,
			(unsigned long long)x.size);
}

/* I10: nothing smaller than before, by a clock that nobody has set back. */
static void check_order(struct world *w, struct sim_node *n, const struct head *h, uint64_t time)
{
	const struct book_heads *b = &w->books.cosigned;
	for (size_t i = 0; i < b->n && !n->wall_set; i++) {
		const struct book_head *other = &b->head[i];
		bool in_order =
			other->size < h->cp.size ? other->time <= time : other->time >= time;
		if (other->by == n->member && !in_order && strcmp(other->origin, h->origin) == 0)
			oracle_fail(w, 10, "%s cosigned %s at %llu and at %llu in the wrong order",
				n->id->slug, h->origin, (unsigned long long)other->size,
				(unsigned long long)h->cp.size);
	}
}

/* I10, of whoever forgot nothing: only what is committed, and one root at one size. */
static void check_whole(struct world *w, struct sim_node *n, const struct head *h, uint64_t time)
{
	if (held_size(&n->held, h->origin) < h->cp.size)
		oracle_fail(w, 10, "%s cosigned %s at %llu and holds %llu", n->id->slug, h->origin,
			(unsigned long long)h->cp.size,
			(unsigned long long)held_size(&n->held, h->origin));
	const struct book_log *l = books_log(&w->books, h->origin, false);
	if (l != NULL && !l->tainted &&
		(h->cp.size > l->n || !hash_equal(&h->cp.root, &l->root[h->cp.size - 1])))
		oracle_fail(w, 10, "%s cosigned a head of %s that its history does not have",
			n->id->slug, h->origin);
	check_order(w, n, h, time);
}

static void check_own_line(struct world *w, struct sim_node *n, const struct head *h)
{
	struct book_heads *b = &w->books.cosigned;
	if (h->owner == n->member)
		oracle_fail(w, 10, "%s cosigns its own log", n->id->slug);
	struct book_head *said = find(b, h->origin, n->member, h->cp.size);
	bool forgot = was_put_back(w, n->member);
	if (said != NULL && !hash_equal(&said->root, &h->cp.root) && !forgot)
		oracle_fail(w, 10, "%s cosigned two roots of %s at %llu", n->id->slug, h->origin,
			(unsigned long long)h->cp.size);
	oracle_holds(10);
	if (said != NULL)
		return;
	sometimes(SOMETIMES_COSIGNED);
	uint64_t time = time_of_line(w, n, h);
	if (!forgot)
		check_whole(w, n, h, time);
	if (!w->identity[n->member].copied)
		check_vouched(w, n, h);
	check_is_kept(w, n, h);
	note_head(b, h->origin, n->member, h->cp.size, &h->cp.root)->time = time;
}

void witness_said(struct world *w, struct sim_node *n, struct bytes note)
{
	struct head h;
	const struct roster *r = replica_roster(n->replica);
	if (!read_head(w, note, &h) || h.n.n < 2)
		return;
	if ((cosign_named(r, &h.n) & MEMBER_BIT(n->member)) != 0)
		check_own_line(w, n, &h);
}

/* ---- what is final ---- */

/* Members besides the log's owner who lie, or who may have forgotten what they said. */
static size_t faulty(const struct world *w, int owner)
{
	size_t n = 0;
	for (int i = 0; i < (int)w->n_members; i++)
		n += i != owner && (!world_is_honest(w, i) || was_put_back(w, i));
	return n;
}

/* I11: of one log no two histories become final while at most one member lies or was put back. */
static void check_one_history(struct world *w, struct sim_node *n, const struct head *h)
{
	const struct book_heads *b = &w->books.final;
	const struct book_log *l = books_log(&w->books, h->origin, false);
	struct hash root;
	for (size_t i = 0; l != NULL && l->tainted && i < b->n; i++) {
		const struct book_head *f = &b->head[i];
		if (strcmp(f->origin, h->origin) != 0 || f->size > h->cp.size)
			continue;
		if (!oracle_root_at(n, f->origin, f->size, &root) || !hash_equal(&root, &f->root))
			oracle_fail(w, 11, "two histories of %s are final, at %llu and at %llu",
				f->origin, (unsigned long long)f->size,
				(unsigned long long)h->cp.size);
	}
}

/* I11: what is final is what its holder holds. */
static void check_final(struct world *w, struct sim_node *n, const struct head *h)
{
	struct book_heads *b = &w->books.final;
	struct book_head *said = find(b, h->origin, 0, h->cp.size);
	struct held_log *held = held_find(&n->held, h->origin);
	struct hash root;
	if (held->final == h->cp.size)
		return;
	held->final = h->cp.size;
	if (!oracle_root_at(n, h->origin, h->cp.size, &root))
		oracle_fail(w, 11, "%s%d calls %llu leaves of %s final and holds fewer",
			n->id->slug, n->self, (unsigned long long)h->cp.size, h->origin);
	if (!hash_equal(&root, &h->cp.root))
		oracle_fail(w, 11, "%s%d holds other leaves of %s than the final ones", n->id->slug,
			n->self, h->origin);
	if (faulty(w, h->owner) == 0 || w->two_liars)
		check_one_history(w, n, h);
	oracle_holds(11);
	if (said != NULL)
		return;
	sometimes(SOMETIMES_FINAL);
	note_head(b, h->origin, 0, h->cp.size, &h->cp.root);
}

struct looking {
	struct world *w;
	struct sim_node *n;
};

static int look_at_final(void *arg, const struct store_log *log)
{
	struct looking *x = arg;
	struct store *s = x->n->store;
	struct buf note = {0};
	struct head h;
	uint64_t size = 0;
	int rc = s->ops->final_get(s, log->id, &size, &note, NULL);
	if (rc == RC_OK && read_head(x->w, buf_bytes(&note), &h))
		check_final(x->w, x->n, &h);
	buf_release(&note);
	return rc < 0 ? rc : 0;
}

void witness_look(struct world *w, struct sim_node *n)
{
	struct looking x = {w, n};
	if (world_is_honest(w, n->member))
		ENSURE(n->store->ops->log_each(n->store, look_at_final, &x, NULL) == RC_OK);
}

/* I11, when all is mended: what was final is there, and every history that was is one. */
void witness_end(struct world *w)
{
	struct book_heads *b = &w->books.final;
	for (size_t i = 0; i < b->n; i++) {
		const struct book_head *f = &b->head[i];
		const struct book_log *l = books_log(&w->books, f->origin, false);
		if (l == NULL || l->tainted || f->size > l->safe)
			continue;
		if (f->size > l->n || !hash_equal(&l->root[f->size - 1], &f->root))
			oracle_fail(w, 11, "the final leaves of %s are not those it has now",
				f->origin);
		for (size_t k = 0; k < w->n_nodes; k++) {
			struct sim_node *n = &w->node[k];
			if (!world_is_honest(w, n->member) || n->id->removed || !node_is_up(n) ||
				(l->by_hand && n->member == l->member))
				continue;
			if (held_size(&n->held, f->origin) < f->size && !ends_has_end(n, l))
				oracle_fail(w, 11, "%s%d does not hold the final leaves of %s",
					n->id->slug, n->self, f->origin);
		}
		oracle_holds(11);
	}
}
