/* Any bytes as a signed note, as a checkpoint and as a verifier key: what is taken must print as
 * the bytes it was read from. */
#include "proto/base/limits.h"
#include "proto/trust/checkpoint.h"
#include "tests/fuzz/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const known_keys[] = {
	"yrd.example/log/shanghai/e1+5a45a7cd+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c",
	"yrd.example/witness/jiangsu+e2aa7894+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU",
};

static void ensure_equal(struct buf *printed, struct bytes in)
{
	ENSURE(bytes_equal(buf_bytes(printed), in));
	buf_release(printed);
}

static void try_note(struct bytes in)
{
	struct note n;
	struct err e = {0};
	if (note_parse(in, &n, &e) != 0) {
		ENSURE(e.rc == RC_NOTE);
		return;
	}
	ENSURE(in.n <= LIMIT_SIGNED_NOTE_BYTES && n.n >= 1 && n.n <= NOTE_SIGNATURES_MAX);
	struct buf printed = {0};
	buf_put_bytes(&printed, n.text);
	buf_put_str(&printed, "\n");
	for (size_t i = 0; i < n.n; i++)
		buf_put_bytes(&printed, n.sig[i].line);
	ensure_equal(&printed, in);
	for (size_t i = 0; i < sizeof known_keys / sizeof known_keys[0]; i++) {
		struct vkey v;
		uint64_t time = UINT64_MAX;
		ENSURE(vkey_parse(bytes_str(known_keys[i]), &v, &e) == 0);
		bool is_signed = note_is_signed_by(&n, &v, &time);
		ENSURE(is_signed == (time <= INT64_MAX));
	}
}

static void try_checkpoint(struct bytes in)
{
	struct checkpoint c;
	struct err e = {0};
	if (checkpoint_parse(in, &c, &e) != 0) {
		ENSURE(e.rc == RC_NOTE);
		return;
	}
	char origin[NOTE_NAME_SIZE];
	ENSURE(c.origin.n < sizeof origin && c.size <= LIMIT_LOG_SIZE);
	for (size_t i = 0; i < c.origin.n; i++)
		origin[i] = (char)c.origin.p[i];
	origin[c.origin.n] = '\0';
	struct buf printed = {0};
	checkpoint_print(origin, c.size, &c.root, &printed);
	ensure_equal(&printed, in);
}

static void try_vkey(struct bytes in)
{
	struct vkey v;
	struct err e = {0};
	if (vkey_parse(in, &v, &e) != 0) {
		ENSURE(e.rc == RC_NOTE);
		return;
	}
	struct buf printed = {0};
	vkey_print(&v, &printed);
	ensure_equal(&printed, in);
}

static void try_signed_checkpoint(struct bytes in)
{
	struct vkey v;
	struct checkpoint c;
	struct err e = {0};
	ENSURE(vkey_parse(bytes_str(known_keys[0]), &v, &e) == 0);
	int rc = checkpoint_verify(in, v.public, &c, &e);
	ENSURE(rc == 0 || rc == RC_NOTE || rc == RC_VERIFY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	trust_ready();
	struct bytes in = bytes_of(data, size);
	try_note(in);
	try_checkpoint(in);
	try_vkey(in);
	try_signed_checkpoint(in);
	return 0;
}
