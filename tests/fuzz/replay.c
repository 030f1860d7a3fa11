/* Feeds every file of a corpus folder to a fuzz target, so that what was once found stays found
 * without a fuzzer at hand. Usage: fz_x FOLDER. A folder without files is a failure. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_whole(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return false;
	size_t n;
	do {
		n = fread(buf_reserve(out, 4096), 1, 4096, f);
		out->n += n;
	} while (n > 0);
	bool ok = !ferror(f);
	fclose(f);
	return ok;
}

/* A copy of exactly its size, so that the sanitizer sees a read past the end. */
static void feed(struct bytes input)
{
	uint8_t *copy = xmemdup(input.p, input.n);
	LLVMFuzzerTestOneInput(copy, input.n);
	free(copy);
}

static bool feed_file(const char *folder, const char *name)
{
	struct buf path = {0}, input = {0};
	buf_printf(&path, "%s/%s", folder, name);
	buf_put_u8(&path, 0);
	bool ok = read_whole((const char *)path.p, &input);
	if (ok)
		feed(buf_bytes(&input));
	else
		fprintf(stderr, "cannot read %s\n", (const char *)path.p);
	buf_release(&path);
	buf_release(&input);
	return ok;
}

int main(int argc, char **argv)
{
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	if (!folder) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	int fed = 0;
	bool ok = true;
	for (struct dirent *d = readdir(folder); d && ok; d = readdir(folder)) {
		if (d->d_name[0] == '.')
			continue;
		ok = feed_file(argv[1], d->d_name);
		fed++;
	}
	closedir(folder);
	printf("%d inputs\n", fed);
	return ok && fed > 0 ? 0 : 1;
}
