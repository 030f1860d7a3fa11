/* Rosters that another program wrote, signed and judged: tests/vectors/roster.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/trust/roster.h"

#define VECTORS "tests/vectors/roster.txt"
#define NAMES_MAX 8
#define WORD_SIZE 32

/* A note and what is said of it. */
struct vector {
	char name[WORD_SIZE], before[WORD_SIZE], verdict[WORD_SIZE], remark[128];
	struct bytes note;
};

/* The versions that others follow. */
struct known {
	char name[WORD_SIZE];
	struct roster roster;
};

struct run {
	struct known known[NAMES_MAX];
	size_t n_known;
	unsigned ok, text, signatures, wrong;
};

static void read_file(struct buf *out)
{
	char piece[4096];
	FILE *file = fopen(VECTORS, "r");
	assert_non_null(file);
	for (size_t n; (n = fread(piece, 1, sizeof piece, file)) > 0;)
		buf_put(out, piece, n);
	assert_int_equal(fclose(file), 0);
}

/* At *at stands a line "== name after before verdict: remark", and a note up to the next. */
static bool next_vector(struct bytes all, size_t *at, struct vector *v)
{
	const char *line = (const char *)all.p + *at, *end;
	if (*at == all.n)
		return false;
	assert_int_equal(sscanf(line, "== %31s after %31s %31[a-z]: %127[^\n]", v->name, v->before,
				 v->verdict, v->remark),
		4);
	const char *note = strchr(line, '\n') + 1;
	end = memmem(note, all.n - (size_t)(note - (const char *)all.p), "\n== ", 4);
	size_t to = end != NULL ? (size_t)(end + 1 - (const char *)all.p) : all.n;
	v->note = bytes_of(note, to - (size_t)(note - (const char *)all.p));
	*at = to;
	return true;
}

static const struct roster *known(const struct run *r, const char *name)
{
	for (size_t i = 0; i < r->n_known; i++)
		if (strcmp(r->known[i].name, name) == 0)
			return &r->known[i].roster;
	fail_msg("nobody is called \"%s\"", name);
	return NULL;
}

static int judge(const struct run *r, const struct vector *v, struct roster *out, struct err *e)
{
	if (strcmp(v->before, "-") != 0)
		return roster_verify_next(v->note, known(r, v->before), out, e);
	struct note n;
	struct hash id;
	int rc = note_parse(v->note, &n, e);
	if (rc != RC_OK)
		return rc;
	sha256(n.text, &id);
	return roster_verify_first(v->note, &id, out, e);
}

/* Who prints it again writes the same text. */
static void assert_prints_alike(const struct vector *v, const struct roster *got)
{
	struct note n;
	struct hash id;
	struct buf printed = {0};
	assert_int_equal(note_parse(v->note, &n, NULL), RC_OK);
	sha256(n.text, &id);
	assert_true(hash_equal(&got->id, &id));
	roster_print(got, &printed);
	assert_true(bytes_equal(buf_bytes(&printed), n.text));
	buf_release(&printed);
}

static void try_vector(struct run *r, const struct vector *v)
{
	static struct roster got;
	struct err e = {0};
	bool ok = strcmp(v->verdict, "ok") == 0, text = strcmp(v->verdict, "text") == 0;
	assert_true(ok || text || strcmp(v->verdict, "signatures") == 0);
	*(ok ? &r->ok : text ? &r->text : &r->signatures) += 1;
	int rc = judge(r, v, &got, &e);
	/* A text may be wrong as a note already. */
	if (rc != (ok ? RC_OK : text ? RC_ROSTER : RC_VERIFY) && !(text && rc == RC_NOTE)) {
		print_error("%s: %s, not %s: %s\n", v->remark, rc_id(rc), v->verdict, e.text);
		r->wrong++;
	}
	if (rc == RC_OK)
		assert_prints_alike(v, &got);
	if (strcmp(v->name, "-") == 0)
		return;
	assert_true(r->n_known < NAMES_MAX);
	memcpy(r->known[r->n_known].name, v->name, WORD_SIZE);
	r->known[r->n_known++].roster = got;
}

static void every_roster_is_judged_as_by_its_maker(void **state)
{
	(void)state;
	struct buf file = {0};
	static struct run r;
	struct vector v;
	read_file(&file);
	buf_put_u8(&file, 0);
	struct bytes all = bytes_of(file.p, file.n - 1);
	size_t at =
		(size_t)((const char *)memmem(all.p, all.n, "\n== ", 4) + 1 - (const char *)all.p);
	while (next_vector(all, &at, &v))
		try_vector(&r, &v);
	assert_int_equal(r.wrong, 0);
	assert_in_range(r.ok, 15, 1000);
	assert_in_range(r.text, 45, 1000);
	assert_in_range(r.signatures, 25, 1000);
	buf_release(&file);
}

static int set_up(void **state)
{
	(void)state;
	return trust_init(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_roster_is_judged_as_by_its_maker)};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
