/* Reads tests/vectors/gate: lines "message hex # why". */
#ifndef DELTAD_TESTS_GATE_FILE_H
#define DELTAD_TESTS_GATE_FILE_H

#include "tests/unit/raw.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/gate.h"

typedef void gate_line_fn(void *arg, const struct gate *g, struct bytes in, const char *line);

/* Gives the number of lines. */
static inline size_t gate_file_each(const char *path, gate_line_fn *fn, void *arg)
{
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	char *line = NULL;
	size_t cap = 0, n = 0;
	while (getline(&line, &cap, file) > 0) {
		if (line[0] == '#')
			continue;
		char *hex = strchr(line, ' ');
		assert_non_null(hex);
		*hex++ = '\0';
		const struct gate *g = gate_named(line);
		assert_non_null(g);
		char *why = strstr(hex, " # ");
		assert_non_null(why);
		*why = '\0';
		struct buf b = {0};
		raw_hex(&b, strcmp(hex, "-") == 0 ? "" : hex);
		fn(arg, g, buf_bytes(&b), why + 3);
		buf_release(&b);
		n++;
	}
	free(line);
	assert_int_equal(fclose(file), 0);
	return n;
}

#define GATE_ACCEPT "tests/vectors/gate/accept.txt"
#define GATE_REJECT "tests/vectors/gate/reject.txt"

#endif
