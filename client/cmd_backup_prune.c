#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/command.h"
#include "client/files.h"
#include "client/text.h"
#include "proto/base/text.h"
#include "proto/model/ids.h"

#define MANIFEST ".manifest"
#define TAIL "-20261102T030000Z.db"
#define TAIL_BYTES (sizeof(TAIL) - 1)
#define NAME_BYTES (SLUG_SIZE + TAIL_BYTES)

/* jiangsu-20261102T030000Z.db with its manifest: a backup that was verified. */
struct backup {
	char name[NAME_BYTES];
	uint32_t day, month;
	uint64_t week;
	bool kept;
};

struct folder {
	const char *path;
	struct backup *backup; /* a member's together, the newest first */
	size_t n, cap;
};

/* Days since 1970-01-01, by the Gregorian calendar. */
static uint64_t days_of(uint32_t yyyymmdd)
{
	uint64_t y = yyyymmdd / 10000, m = yyyymmdd / 100 % 100, d = yyyymmdd % 100;
	y -= m <= 2;
	uint64_t of_era = y % 400;
	uint64_t of_year = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	return y / 400 * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool parse_name(const char *name, struct backup *out)
{
	size_t n = strlen(name);
	char date[11];
	uint32_t day;
	if (n <= TAIL_BYTES || n >= NAME_BYTES || !slug_is_valid(bytes_of(name, n - TAIL_BYTES)))
		return false;
	const char *t = name + n - TAIL_BYTES;
	for (size_t i = 0; i < TAIL_BYTES; i++) {
		bool digit = t[i] >= '0' && t[i] <= '9';
		bool wants_digit = TAIL[i] >= '0' && TAIL[i] <= '9';
		if (wants_digit ? !digit : t[i] != TAIL[i])
			return false;
	}
	snprintf(date, sizeof(date), "%.4s-%.2s-%.2s", t + 1, t + 5, t + 7);
	if (!date_parse(bytes_str(date), &day))
		return false;
	/* 1970-01-01 was a Thursday; weeks begin on Monday. */
	*out = (struct backup){.day = day, .month = day / 100, .week = (days_of(day) + 3) / 7};
	memcpy(out->name, name, n + 1);
	return true;
}

static bool has_manifest(const char *folder, const char *name)
{
	struct buf path = {0};
	struct stat st;
	buf_printf(&path, "%s/%s" MANIFEST, folder, name);
	buf_put_u8(&path, 0);
	bool there = lstat((const char *)path.p, &st) == 0;
	buf_release(&path);
	return there;
}

static int compare(const void *a, const void *b)
{
	const char *x = ((const struct backup *)a)->name, *y = ((const struct backup *)b)->name;
	size_t n = strlen(x) - TAIL_BYTES, m = strlen(y) - TAIL_BYTES;
	int c = bytes_compare(bytes_of(x, n), bytes_of(y, m));
	return c != 0 ? c : strcmp(y + m, x + n);
}

static int list(struct folder *f, struct err *e)
{
	struct backup b;
	DIR *d = opendir(f->path);
	if (d == NULL)
		return file_error(f->path, errno, e);
	for (struct dirent *x; (x = readdir(d)) != NULL;) {
		if (!parse_name(x->d_name, &b) || !has_manifest(f->path, x->d_name))
			continue;
		if (f->n == f->cap) {
			f->cap = f->cap ? 2 * f->cap : 32;
			f->backup = xrealloc(f->backup, f->cap * sizeof(b));
		}
		f->backup[f->n++] = b;
	}
	closedir(d);
	if (f->n > 0)
		qsort(f->backup, f->n, sizeof(b), compare);
	return RC_OK;
}

static bool same_member(const struct backup *a, const struct backup *b)
{
	size_t n = strlen(a->name), m = strlen(b->name);
	return n == m && memcmp(a->name, b->name, n - TAIL_BYTES) == 0;
}

static uint64_t period_of(const struct backup *b, int kind)
{
	return kind == 0 ? b->day : kind == 1 ? b->week : b->month;
}

/* Of each of the newest so many days, weeks and months that have any: the newest. */
static void choose(struct folder *f)
{
	static const size_t counts[] = {14, 8, 12};
	for (int kind = 0; kind < 3; kind++) {
		size_t periods = 0;
		for (size_t i = 0; i < f->n; i++) {
			struct backup *b = &f->backup[i];
			bool first = i == 0 || !same_member(b - 1, b);
			if (first)
				periods = 0;
			if (!first && period_of(b - 1, kind) == period_of(b, kind))
				continue;
			if (++periods <= counts[kind])
				b->kept = true;
		}
	}
}

static int remove_one(const struct folder *f, const struct backup *b, struct err *e)
{
	struct buf path = {0};
	buf_printf(&path, "%s/%s" MANIFEST, f->path, b->name);
	buf_put_u8(&path, 0);
	int failed = unlink((const char *)path.p);
	path.p[path.n - 1 - strlen(MANIFEST)] = '\0';
	if (!failed)
		failed = unlink((const char *)path.p);
	int rc = failed ? file_error((const char *)path.p, errno, e) : RC_OK;
	buf_release(&path);
	return rc;
}

static void tell(struct app *app, const struct folder *f, size_t removed)
{
	static const struct column columns[] = {{.key = "file"}, {.key = "kept"}};
	struct sheet *s = sheet_new("backup-prune");
	bool dry = args_has(app->args, OPT_DRY_RUN);
	struct table *t = sheet_table(s, "backups", columns, 2, NULL, NULL);
	for (size_t i = 0; i < f->n; i++) {
		table_text(t, TONE_NONE, bytes_str(f->backup[i].name), NULL);
		table_cell(t, TONE_NONE, json_boolean(f->backup[i].kept), NULL);
	}
	if (dry)
		sheet_line(s, TONE_NONE, tr("%zu backups: %zu would be removed"), f->n, removed);
	else
		sheet_line(s, TONE_GOOD, tr("%zu backups: %zu removed"), f->n, removed);
	if (!app->out.quiet)
		sheet_print(s, &app->out);
	sheet_free(s);
}

int cmd_backup_prune(struct app *app, struct err *e)
{
	struct folder f = {.path = app->operand[0]};
	size_t removed = 0;
	int rc = list(&f, e);
	choose(&f);
	for (size_t i = 0; rc == RC_OK && i < f.n; i++) {
		if (f.backup[i].kept)
			continue;
		if (!args_has(app->args, OPT_DRY_RUN))
			rc = remove_one(&f, &f.backup[i], e);
		removed++;
	}
	if (rc == RC_OK)
		tell(app, &f, removed);
	free(f.backup);
	return rc;
}
