#include "tests/sim/disk.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sometimes.h"

#define SECTOR 512
#define FILES 3 /* the database, "-wal", "-journal" */
#define DISKS 8

/* One change of a file that has not been synced. */
struct unsynced {
	bool truncates, deletes;
	int64_t at;
	struct buf bytes;
};

struct disk_file {
	struct buf now;	   /* what a process reads */
	struct buf synced; /* what the power cannot take */
	bool exists, synced_exists;
	struct unsynced *change;
	size_t n, cap;
};

struct disk {
	char path[16];
	struct disk_file file[FILES];
	bool dead, struck;
	unsigned dies_at;
	struct {
		bool planned, for_ever;
		enum disk_op op;
		unsigned nth;
		int code;
		struct dice *dice;
	} fault;
	int64_t limit; /* bytes that may still be added; -1 = no limit */
};

struct disk_copy {
	struct buf file[FILES];
	bool exists[FILES];
};

struct handle {
	sqlite3_file base;
	struct disk *disk;
	struct disk_file *file;
	unsigned which;
};

static struct disk *disks[DISKS];
static struct dice chance;

/* ---- files ---- */

static void set_size(struct buf *b, size_t n)
{
	if (n > b->n)
		memset(buf_reserve(b, n - b->n), 0, n - b->n);
	b->n = n;
}

static void copy_buf(struct buf *to, const struct buf *from)
{
	buf_reset(to);
	buf_put_bytes(to, buf_bytes(from));
}

static struct unsynced *note(struct disk_file *f)
{
	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 16 : 2 * f->cap;
		f->change = xrealloc(f->change, f->cap * sizeof(*f->change));
	}
	struct unsynced *u = &f->change[f->n++];
	*u = (struct unsynced){0};
	return u;
}

static void forget(struct disk_file *f)
{
	for (size_t i = 0; i < f->n; i++)
		buf_release(&f->change[i].bytes);
	f->n = 0;
}

static void put(struct buf *b, size_t at, const uint8_t *p, size_t n)
{
	if (at + n > b->n)
		set_size(b, at + n);
	memcpy(b->p + at, p, n);
}

/* keep: of 4, how many sectors reach the disk. */
static void apply(struct disk_file *f, const struct unsynced *u, unsigned keep, struct dice *dice)
{
	if (u->truncates || u->deletes) {
		if (keep < 4 && dice_index(dice, 4) >= keep)
			return;
		set_size(&f->synced, (size_t)u->at);
		f->synced_exists = !u->deletes;
		return;
	}
	for (size_t done = 0, n; done < u->bytes.n; done += n) {
		size_t at = (size_t)u->at + done;
		n = keep == 4 ? u->bytes.n : SECTOR - at % SECTOR;
		n = n > u->bytes.n - done ? u->bytes.n - done : n;
		if (keep < 4 && dice_index(dice, 4) >= keep)
			continue;
		put(&f->synced, at, u->bytes.p + done, n);
		f->synced_exists = true;
	}
}

static void sync_file(struct disk_file *f)
{
	for (size_t i = 0; i < f->n; i++)
		apply(f, &f->change[i], 4, NULL);
	f->synced_exists = f->exists;
	forget(f);
}

void disk_lose_power(struct disk *d, struct dice *dice)
{
	for (size_t i = 0; i < FILES; i++) {
		struct disk_file *f = &d->file[i];
		unsigned keep = (unsigned)dice_index(dice, 5);
		if (f->n > 0)
			sometimes(keep == 0 ? SOMETIMES_WRITES_LOST : SOMETIMES_WRITES_TORN);
		for (size_t k = 0; k < f->n; k++)
			apply(f, &f->change[k], keep, dice);
		forget(f);
		copy_buf(&f->now, &f->synced);
		f->exists = f->synced_exists;
	}
}

/* ---- faults ---- */

/* A change of a file, which is the last one or never happens. */
static bool is_dead_now(struct disk *d)
{
	if (d->dies_at > 0 && --d->dies_at == 0)
		d->dead = true;
	return d->dead;
}

static int strikes(struct disk *d, enum disk_op op)
{
	if (op == DISK_READ ? d->dead : is_dead_now(d))
		return SQLITE_IOERR;
	if (!d->fault.planned || d->fault.op != op)
		return SQLITE_OK;
	if (d->fault.nth > 1) {
		d->fault.nth--;
		return SQLITE_OK;
	}
	d->fault.planned = d->fault.for_ever;
	d->struck = true;
	return d->fault.code;
}

void disk_plan_fault(
	struct disk *d, enum disk_op op, unsigned nth, bool for_ever, int code, struct dice *dice)
{
	d->fault.planned = true;
	d->fault.for_ever = for_ever;
	d->fault.op = op;
	d->fault.nth = nth;
	d->fault.code = code;
	d->fault.dice = dice;
}

void disk_limit(struct disk *d, int64_t more)
{
	d->limit = more;
}

void disk_heal(struct disk *d)
{
	d->fault.planned = false;
	d->limit = -1;
}

bool disk_has_struck(const struct disk *d)
{
	return d->struck;
}

void disk_set_dead(struct disk *d, bool dead)
{
	d->dead = dead;
}

void disk_die_at(struct disk *d, unsigned nth)
{
	d->dies_at = nth;
}

bool disk_is_dead(const struct disk *d)
{
	return d->dead;
}

/* ---- SQLite's side: files ---- */

static int on_close(sqlite3_file *f)
{
	f->pMethods = NULL;
	return SQLITE_OK;
}

static int on_read(sqlite3_file *base, void *p, int n, sqlite3_int64 at)
{
	struct handle *h = (struct handle *)base;
	int code = strikes(h->disk, DISK_READ);
	if (code != SQLITE_OK)
		return code;
	const struct buf *b = &h->file->now;
	size_t have = (size_t)at < b->n ? b->n - (size_t)at : 0;
	if (have >= (size_t)n) {
		memcpy(p, b->p + at, (size_t)n);
		return SQLITE_OK;
	}
	memset(p, 0, (size_t)n);
	if (have > 0)
		memcpy(p, b->p + at, have);
	return SQLITE_IOERR_SHORT_READ;
}

static void write_now(struct disk_file *f, const void *p, size_t n, int64_t at)
{
	struct unsynced *u = note(f);
	u->at = at;
	buf_put(&u->bytes, p, n);
	put(&f->now, (size_t)at, p, n);
}

static bool is_full(struct disk *d, const struct disk_file *f, size_t end)
{
	if (d->limit < 0 || end <= f->now.n)
		return false;
	if ((int64_t)(end - f->now.n) > d->limit)
		return true;
	d->limit -= (int64_t)(end - f->now.n);
	return false;
}

static int on_write(sqlite3_file *base, const void *p, int n, sqlite3_int64 at)
{
	struct handle *h = (struct handle *)base;
	int code = strikes(h->disk, DISK_WRITE);
	if (code != SQLITE_OK) {
		if (!h->disk->dead && dice_percent(h->disk->fault.dice, 50))
			write_now(h->file, p, (size_t)n / 2, at);
		return code;
	}
	if (is_full(h->disk, h->file, (size_t)at + (size_t)n)) {
		h->disk->struck = true;
		if (h->which == 0)
			sometimes(SOMETIMES_FULL_IN_CHECKPOINT);
		return SQLITE_FULL;
	}
	write_now(h->file, p, (size_t)n, at);
	return SQLITE_OK;
}

static int on_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct handle *h = (struct handle *)base;
	if (is_dead_now(h->disk))
		return SQLITE_IOERR_TRUNCATE;
	struct unsynced *u = note(h->file);
	u->truncates = true;
	u->at = size;
	set_size(&h->file->now, (size_t)size);
	return SQLITE_OK;
}

/* A sync that failed leaves any part of what was written on the disk. The rest stays in the
 * kernel's memory, where it can be read; later syncs pass over it, or not. */
static void sync_half(struct disk_file *f, struct dice *dice)
{
	for (size_t i = 0; i < f->n; i++)
		apply(f, &f->change[i], 2, dice);
	if (dice_percent(dice, 50))
		forget(f);
}

/* The first sync of a new log or journal syncs the folder too: what was deleted is gone. */
static void sync_folder(struct disk *d)
{
	for (size_t i = 0; i < FILES; i++)
		if (!d->file[i].exists)
			sync_file(&d->file[i]);
}

static int on_sync(sqlite3_file *base, int flags)
{
	struct handle *h = (struct handle *)base;
	(void)flags;
	int code = strikes(h->disk, DISK_SYNC);
	if (code == SQLITE_OK) {
		sync_file(h->file);
		sync_folder(h->disk);
	} else if (!h->disk->dead) {
		sync_half(h->file, h->disk->fault.dice);
	}
	return code;
}

static int on_size(sqlite3_file *base, sqlite3_int64 *size)
{
	*size = (sqlite3_int64)((struct handle *)base)->file->now.n;
	return SQLITE_OK;
}

static int on_lock(sqlite3_file *f, int level)
{
	(void)f;
	(void)level;
	return SQLITE_OK;
}

static int on_check_lock(sqlite3_file *f, int *taken)
{
	(void)f;
	*taken = 0;
	return SQLITE_OK;
}

static int on_control(sqlite3_file *f, int op, void *arg)
{
	(void)f;
	if (op != SQLITE_FCNTL_MMAP_SIZE)
		return SQLITE_NOTFOUND;
	*(sqlite3_int64 *)arg = 0;
	return SQLITE_OK;
}

static int on_sector_size(sqlite3_file *f)
{
	(void)f;
	return SECTOR;
}

/* As SQLite takes it of every file on Linux: what is torn is what was written, and nothing beside
 * it. Else it wrote the frame that commits several times, and the disk could be full after the
 * first. */
static int on_characteristics(sqlite3_file *f)
{
	(void)f;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_lock,
	.xCheckReservedLock = on_check_lock,
	.xFileControl = on_control,
	.xSectorSize = on_sector_size,
	.xDeviceCharacteristics = on_characteristics,
};

/* ---- SQLite's side: names, time, chance ---- */

static struct disk_file *find(const char *name, struct disk **disk, unsigned *which)
{
	static const char *const suffixes[FILES] = {"", "-wal", "-journal"};
	for (size_t i = 0; i < DISKS; i++)
		for (unsigned k = 0; disks[i] != NULL && k < FILES; k++) {
			char full[32];
			snprintf(full, sizeof(full), "%s%s", disks[i]->path, suffixes[k]);
			if (strcmp(full, name) != 0)
				continue;
			*disk = disks[i];
			*which = k;
			return &disks[i]->file[k];
		}
	return NULL;
}

static int on_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	struct handle *h = (struct handle *)f;
	(void)v;
	h->base.pMethods = NULL;
	h->file = name != NULL ? find(name, &h->disk, &h->which) : NULL;
	if (h->file == NULL || (!h->file->exists && !(flags & SQLITE_OPEN_CREATE)))
		return SQLITE_CANTOPEN;
	h->file->exists = true;
	h->base.pMethods = &methods;
	if (out_flags != NULL)
		*out_flags = flags;
	return SQLITE_OK;
}

static int on_delete(sqlite3_vfs *v, const char *name, int sync)
{
	struct disk *d;
	unsigned which;
	(void)v;
	struct disk_file *f = find(name, &d, &which);
	if (f == NULL || !f->exists)
		return SQLITE_IOERR_DELETE_NOENT;
	if (is_dead_now(d))
		return SQLITE_IOERR_DELETE;
	note(f)->deletes = true;
	set_size(&f->now, 0);
	f->exists = false;
	if (sync)
		sync_file(f);
	return SQLITE_OK;
}

static int on_access(sqlite3_vfs *v, const char *name, int flags, int *out)
{
	struct disk *d;
	unsigned which;
	(void)v;
	(void)flags;
	struct disk_file *f = find(name, &d, &which);
	*out = f != NULL && f->exists;
	return SQLITE_OK;
}

static int on_full_name(sqlite3_vfs *v, const char *name, int n, char *out)
{
	(void)v;
	snprintf(out, (size_t)n, "%s", name);
	return SQLITE_OK;
}

static int on_chance(sqlite3_vfs *v, int n, char *out)
{
	(void)v;
	dice_fill(&chance, out, (size_t)n);
	return n;
}

static int on_sleep(sqlite3_vfs *v, int us)
{
	(void)v;
	return us;
}

static int on_time(sqlite3_vfs *v, double *day)
{
	(void)v;
	*day = 2461000.5;
	return SQLITE_OK;
}

static int on_last_error(sqlite3_vfs *v, int n, char *out)
{
	(void)v;
	if (n > 0)
		*out = '\0';
	return 0;
}

void disk_register(void)
{
	static sqlite3_vfs vfs = {.iVersion = 1,
		.szOsFile = sizeof(struct handle),
		.mxPathname = 64,
		.zName = DISK_VFS,
		.xOpen = on_open,
		.xDelete = on_delete,
		.xAccess = on_access,
		.xFullPathname = on_full_name,
		.xRandomness = on_chance,
		.xSleep = on_sleep,
		.xCurrentTime = on_time,
		.xGetLastError = on_last_error};
	if (sqlite3_vfs_find(DISK_VFS) != NULL)
		return;
	ENSURE(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK);
}

void disk_seed(uint64_t seed)
{
	chance.state = seed;
	sqlite3_randomness(0, NULL);
}

/* ---- disks ---- */

struct disk *disk_new(int number)
{
	struct disk *d = xalloc(sizeof(*d));
	snprintf(d->path, sizeof(d->path), "/sim/%d", number);
	d->limit = -1;
	ENSURE(number >= 0 && number < DISKS && disks[number] == NULL);
	disks[number] = d;
	return d;
}

void disk_free(struct disk *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < DISKS; i++)
		if (disks[i] == d)
			disks[i] = NULL;
	for (size_t i = 0; i < FILES; i++) {
		forget(&d->file[i]);
		free(d->file[i].change);
		buf_release(&d->file[i].now);
		buf_release(&d->file[i].synced);
	}
	free(d);
}

const char *disk_path(const struct disk *d)
{
	return d->path;
}

struct disk_copy *disk_copy(const struct disk *d)
{
	struct disk_copy *c = xalloc(sizeof(*c));
	for (size_t i = 0; i < FILES; i++) {
		copy_buf(&c->file[i], &d->file[i].now);
		c->exists[i] = d->file[i].exists;
	}
	return c;
}

void disk_put_back(struct disk *d, const struct disk_copy *c)
{
	for (size_t i = 0; i < FILES; i++) {
		struct disk_file *f = &d->file[i];
		forget(f);
		copy_buf(&f->now, &c->file[i]);
		copy_buf(&f->synced, &c->file[i]);
		f->exists = f->synced_exists = c->exists[i];
	}
}

void disk_copy_free(struct disk_copy *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < FILES; i++)
		buf_release(&c->file[i]);
	free(c);
}
