#include "tests/lib/power_cut.h"

#include <stdlib.h>
#include <string.h>

#define FILES 3
#define SECTOR 512

static const char *const suffixes[FILES] = {"", "-wal", "-journal"};

static unsigned file_of(const char *name)
{
	for (unsigned i = 1; i < FILES; i++) {
		size_t n = strlen(suffixes[i]);
		if (strlen(name) > n && strcmp(name + strlen(name) - n, suffixes[i]) == 0)
			return i;
	}
	return 0;
}

static void note(void *arg, enum faulty_op op, const char *name, const void *p, int n, int64_t at)
{
	struct power_record *r = arg;
	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 1024 : 2 * r->cap;
		r->event = xrealloc(r->event, r->cap * sizeof *r->event);
	}
	r->event[r->n++] =
		(struct power_event){op, file_of(name), at, r->bytes.n, (size_t)n, r->acked};
	buf_put(&r->bytes, p, (size_t)n);
}

void power_record_start(struct power_record *r)
{
	faulty_vfs_watch(note, r);
}

void power_record_stop(struct power_record *r)
{
	(void)r;
	faulty_vfs_watch(NULL, NULL);
}

void power_record_release(struct power_record *r)
{
	free(r->event);
	buf_release(&r->bytes);
}

/* ---- one file on the disk ---- */

struct platter {
	struct buf b;
	bool exists;
};

static void set_size(struct platter *x, size_t n)
{
	if (n > x->b.n)
		memset(buf_reserve(&x->b, n - x->b.n), 0, n - x->b.n);
	x->b.n = n;
}

/* keep: of 4, how many sectors reach the disk. */
static void apply(struct platter *x, const struct power_record *r, const struct power_event *v,
	unsigned keep, struct chance chance)
{
	if (v->op == FAULTY_DELETE || v->op == FAULTY_TRUNCATE) {
		if (chance_below(chance, 4) >= keep)
			return;
		x->exists = x->exists && v->op != FAULTY_DELETE;
		set_size(x, (size_t)v->at);
		return;
	}
	for (size_t done = 0; done < v->n;) {
		size_t at = (size_t)v->at + done;
		size_t n = SECTOR - at % SECTOR;
		if (n > v->n - done)
			n = v->n - done;
		if (chance_below(chance, 4) < keep) {
			x->exists = true;
			if (at + n > x->b.n)
				set_size(x, at + n);
			memcpy(x->b.p + at, r->bytes.p + v->data + done, n);
		}
		done += n;
	}
}

/* The first sync of a log or journal also syncs the folder, so a deletion lasts from the next sync
 * of any file on. */
static bool is_durable(const struct power_record *r, size_t i, size_t cut)
{
	const struct power_event *v = &r->event[i];
	for (size_t k = i + 1; k < cut && !r->no_syncs; k++) {
		const struct power_event *later = &r->event[k];
		if (later->op == FAULTY_SYNC && (later->file == v->file || v->op == FAULTY_DELETE))
			return true;
	}
	return false;
}

static void cut_file(const struct power_record *r, unsigned file, size_t cut, struct chance chance,
	struct platter *x)
{
	unsigned keep = (unsigned)chance_below(chance, 5); /* also none, and all */
	for (size_t i = 0; i < cut; i++) {
		const struct power_event *v = &r->event[i];
		if (v->file == file && v->op != FAULTY_SYNC)
			apply(x, r, v, is_durable(r, i, cut) ? 4 : keep, chance);
	}
}

void power_cut(const struct power_record *r, size_t cut, struct chance chance,
	const struct store_fixture *f)
{
	for (unsigned file = 0; file < FILES; file++) {
		struct platter x = {0};
		cut_file(r, file, cut, chance, &x);
		if (x.exists)
			store_fixture_write(f, suffixes[file], buf_bytes(&x.b));
		buf_release(&x.b);
	}
}
