/* Any bytes as a key file: a plain one that opens must print as the bytes it was read from, and no
 * file may ask for more memory or time than the limits. */
#include <stdlib.h>
#include <string.h>

#include "proto/trust/key_file.h"
#include "tests/fuzz/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Above these the box is left shut: deriving its key is what takes the time. */
#define TRIED_OPS 2
#define TRIED_MEM_KIB 64

static void check_printed(const struct key *k, struct bytes in)
{
	static const struct key_cost none;
	char *text = xalloc(KEY_FILE_MAX);
	ENSURE(key_file_print(k, NULL, none, text, NULL) == RC_OK);
	ENSURE(bytes_equal(bytes_str(text), in));
	free(text);
}

static void try_open(const struct key_file *f, struct bytes in)
{
	struct key k = {0};
	struct err e = {0};
	int rc = key_file_open(f, "secret", &k, &e);
	ENSURE(rc == RC_OK || rc == RC_KEYFILE);
	ENSURE((rc == RC_OK) == (k.secret != NULL));
	if (rc == RC_OK && !f->boxed)
		check_printed(&k, in);
	key_release(&k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	trust_ready();
	struct bytes in = bytes_of(data, size);
	struct key_file f;
	struct err e = {0};
	if (key_file_parse(in, &f, &e) != RC_OK) {
		ENSURE(e.rc == RC_KEYFILE && e.text[0] != '\0');
		return 0;
	}
	ENSURE(size <= KEY_FILE_MAX && f.authenticated.n < size);
	ENSURE(f.ops <= KEY_BOX_OPS_MAX && f.mem_kib <= KEY_BOX_MEM_KIB_MAX);
	if (f.ops <= TRIED_OPS && f.mem_kib <= TRIED_MEM_KIB)
		try_open(&f, in);
	return 0;
}
