/* Reads the fact files of tests/vectors: lines "field field … ok|bad # remark", '#' lines skipped,
 * '-' for an empty field. */
#ifndef DELTAD_TESTS_VECTOR_FILE_H
#define DELTAD_TESTS_VECTOR_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/bytes.h"

#define VECTOR_FIELDS_MAX 8

struct vector_counts {
	unsigned ok, bad;
};

/* Splits line in place; "-" becomes an empty field. */
static inline size_t vector_split(char *line, char *field[VECTOR_FIELDS_MAX])
{
	static char empty[] = "";
	size_t n = 0;
	for (char *save, *s = strtok_r(line, " \n", &save); s && n < VECTOR_FIELDS_MAX;
		s = strtok_r(NULL, " \n", &save))
		field[n++] = strcmp(s, "-") == 0 ? empty : s;
	return n;
}

/* Asks `holds` for every line's first n fields and compares with the line's own word; fails the
 * test, after the last line, if any differs. */
static inline struct vector_counts vector_file_check(
	const char *path, size_t n, bool (*holds)(char *const field[]))
{
	struct vector_counts counts = {0};
	unsigned wrong = 0, number = 0;
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	char *line = NULL;
	size_t cap = 0;
	while (getline(&line, &cap, file) > 0) {
		number++;
		if (line[0] == '#')
			continue;
		char *field[VECTOR_FIELDS_MAX];
		char *remark = strchr(line, '#');
		assert_non_null(remark);
		*remark = '\0';
		assert_int_equal(vector_split(line, field), n + 1);
		bool ok = strcmp(field[n], "ok") == 0;
		assert_true(ok || strcmp(field[n], "bad") == 0);
		*(ok ? &counts.ok : &counts.bad) += 1;
		if (holds(field) != ok) {
			print_error("%s:%u: should be %s:%s", path, number, field[n], remark + 1);
			wrong++;
		}
	}
	free(line);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(wrong, 0);
	return counts;
}

#endif
