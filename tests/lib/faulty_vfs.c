#include "tests/lib/faulty_vfs.h"

#include <sqlite3.h>
#include <string.h>

#include "proto/base/err.h"

struct faulty_file {
	sqlite3_file base;
	sqlite3_file *real; /* right behind */
	const char *name;   /* SQLite keeps it as long as the file is open */
};

static struct {
	sqlite3_vfs vfs, *real;
	struct fault plan;
	bool planned, struck;
	unsigned calls[FAULTY_OPS];
	int64_t limit;
	sqlite3_mem_methods memory; /* the real ones */
	faulty_watch_fn *watch;
	void *watch_arg;
} faulty;

/* Counts a call; true if it is one that fails. */
static bool strikes(enum faulty_op op)
{
	faulty.calls[op]++;
	if (!faulty.planned || faulty.plan.op != op)
		return false;
	if (faulty.plan.nth > 1) {
		faulty.plan.nth--;
		return false;
	}
	faulty.planned = faulty.plan.for_ever;
	faulty.struck = true;
	return true;
}

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct faulty_file *)f)->real;
}

static void report(enum faulty_op op, const char *name, const void *p, int n, int64_t at)
{
	if (faulty.watch != NULL && name != NULL)
		faulty.watch(faulty.watch_arg, op, name, p, n, at);
}

static const char *name_of(sqlite3_file *f)
{
	return ((struct faulty_file *)f)->name;
}

static int on_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int on_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	if (strikes(FAULTY_READ))
		return faulty.plan.code;
	return real_of(f)->pMethods->xRead(real_of(f), p, n, at);
}

static int on_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	sqlite3_file *real = real_of(f);
	if (strikes(FAULTY_WRITE)) {
		if (faulty.plan.how == FAULTY_HALF)
			(void)real->pMethods->xWrite(real, p, n / 2, at);
		if (faulty.plan.how == FAULTY_AFTER)
			(void)real->pMethods->xWrite(real, p, n, at);
		return faulty.plan.code;
	}
	sqlite3_int64 size = 0;
	if (faulty.limit > 0 && at + n > faulty.limit &&
		real->pMethods->xFileSize(real, &size) == SQLITE_OK && at + n > size) {
		faulty.struck = true;
		return SQLITE_FULL;
	}
	report(FAULTY_WRITE, name_of(f), p, n, at);
	return real->pMethods->xWrite(real, p, n, at);
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	if (strikes(FAULTY_TRUNCATE))
		return faulty.plan.code;
	report(FAULTY_TRUNCATE, name_of(f), NULL, 0, size);
	return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int on_sync(sqlite3_file *f, int flags)
{
	if (strikes(FAULTY_SYNC))
		return faulty.plan.code;
	report(FAULTY_SYNC, name_of(f), NULL, 0, 0);
	return real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int on_size(sqlite3_file *f, sqlite3_int64 *size)
{
	if (strikes(FAULTY_SIZE))
		return faulty.plan.code;
	return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int on_lock(sqlite3_file *f, int level)
{
	if (strikes(FAULTY_LOCK))
		return faulty.plan.code;
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int on_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int on_check_lock(sqlite3_file *f, int *taken)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), taken);
}

static int on_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int on_sector_size(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int on_characteristics(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
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
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_check_lock,
	.xFileControl = on_control,
	.xSectorSize = on_sector_size,
	.xDeviceCharacteristics = on_characteristics,
};

static int on_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	(void)v;
	struct faulty_file *file = (struct faulty_file *)f;
	file->base.pMethods = NULL;
	file->real = (sqlite3_file *)(file + 1);
	file->name = name;
	if (strikes(FAULTY_OPEN))
		return faulty.plan.code;
	int code = faulty.real->xOpen(faulty.real, name, file->real, flags, out_flags);
	if (code == SQLITE_OK)
		file->base.pMethods = &methods;
	return code;
}

static int on_delete(sqlite3_vfs *v, const char *name, int sync)
{
	(void)v;
	if (strikes(FAULTY_DELETE))
		return faulty.plan.code;
	report(FAULTY_DELETE, name, NULL, 0, 0);
	if (sync)
		report(FAULTY_SYNC, name, NULL, 0, 0);
	return faulty.real->xDelete(faulty.real, name, sync);
}

void faulty_vfs_register(void)
{
	if (faulty.real != NULL)
		return;
	faulty.real = sqlite3_vfs_find(NULL);
	faulty.vfs = *faulty.real;
	faulty.vfs.pNext = NULL;
	faulty.vfs.zName = FAULTY_VFS;
	faulty.vfs.szOsFile = (int)sizeof(struct faulty_file) + faulty.real->szOsFile;
	faulty.vfs.xOpen = on_open;
	faulty.vfs.xDelete = on_delete;
	ENSURE(sqlite3_vfs_register(&faulty.vfs, 0) == SQLITE_OK);
}

static void *on_malloc(int n)
{
	return strikes(FAULTY_MALLOC) ? NULL : faulty.memory.xMalloc(n);
}

static void *on_realloc(void *p, int n)
{
	return strikes(FAULTY_MALLOC) ? NULL : faulty.memory.xRealloc(p, n);
}

void faulty_malloc_install(void)
{
	ENSURE(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &faulty.memory) == SQLITE_OK);
	sqlite3_mem_methods ours = faulty.memory;
	ours.xMalloc = on_malloc;
	ours.xRealloc = on_realloc;
	ENSURE(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) == SQLITE_OK);
}

void faulty_vfs_clear(void)
{
	faulty.planned = false;
	faulty.struck = false;
	faulty.limit = 0;
	memset(faulty.calls, 0, sizeof faulty.calls);
}

void faulty_vfs_plan(const struct fault *f)
{
	faulty.plan = *f;
	faulty.planned = true;
	faulty.struck = false;
}

bool faulty_vfs_struck(void)
{
	return faulty.struck;
}

unsigned faulty_vfs_calls(enum faulty_op op)
{
	return faulty.calls[op];
}

void faulty_vfs_watch(faulty_watch_fn *fn, void *arg)
{
	faulty.watch = fn;
	faulty.watch_arg = arg;
}

void faulty_vfs_limit(int64_t bytes)
{
	faulty.limit = bytes;
}
