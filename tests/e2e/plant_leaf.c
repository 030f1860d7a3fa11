/* What a dishonest administrator can do to his own node: appends a note to the log in its database
 * that no operator signed, under a head that the log's key signs. The node must be stopped.
 * Usage: plant_leaf DATABASE LOG_KEY OPERATOR_KEY_PUBLIC_HEX MEMBER TASK
 * Prints origin and index of the leaf. For tests/e2e/bulk.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/store_sqlite.h"
#include "proto/base/text.h"
#include "proto/model/value.h"
#include "proto/trust/checkpoint.h"
#include "proto/trust/key.h"
#include "proto/wire/codec.h"

#define HOLDER "00112233445566778899aabbccddeeff"

static _Noreturn void die(const char *what, const struct err *e)
{
	fprintf(stderr, "plant_leaf: %s: %s\n", what, e->text);
	exit(1);
}

static void must(int rc, const char *what, const struct err *e)
{
	if (rc != RC_OK)
		die(what, e);
}

struct search {
	const char *member;
	struct store_log log; /* the newest of the member's */
};

static int take_log(void *arg, const struct store_log *log)
{
	struct search *s = arg;
	struct origin o;
	if (origin_parse(bytes_str(log->origin), &o, NULL) == RC_OK &&
		strcmp(o.member, s->member) == 0)
		s->log = *log;
	return 0;
}

static void make_leaf(const struct store_log *log, const uint8_t key[KEY_BYTES], const char *member,
	const char *task, struct buf *out)
{
	struct err e = {0};
	uint8_t nonce[NONCE_BYTES];
	static const uint8_t signature[SIGNATURE_BYTES] = {1};
	struct buf value = {0}, body = {0};
	struct value v = {.slot = SLOT_NOTE, .note = {.text = bytes_str("nobody wrote this")}};
	must(value_encode(&v, &value, &e), "value", &e);
	ENSURE(hex_decode(bytes_str(HOLDER), nonce, sizeof(nonce)));
	struct change c = {.version = CHANGE_VERSION,
		.member = bytes_str(member),
		.nonce = bytes_of(nonce, sizeof(nonce)),
		.task = bytes_str(task),
		.slot = SLOT_NOTE,
		.holder = bytes_str(HOLDER),
		.value = buf_bytes(&value)};
	must(change_encode(&c, &body, &e), "change", &e);
	struct leaf leaf = {.version = LEAF_VERSION,
		.index = log->size,
		.hlc = log->hlc + 1,
		.kind = LEAF_CHANGE,
		.signed_body = {bytes_of(key, KEY_BYTES), bytes_of(signature, sizeof(signature)),
			buf_bytes(&body)}};
	must(leaf_encode(&leaf, out, &e), "leaf", &e);
	buf_release(&value);
	buf_release(&body);
}

/* The database as the node would have left it, had it taken the leaf. */
static void append(struct store *s, struct store_log *log, struct bytes leaf, const struct key *k)
{
	struct err e = {0};
	struct hash h;
	struct buf note = {0};
	merkle_leaf_hash(leaf, &h);
	frontier_append(&log->frontier, &h);
	frontier_root(&log->frontier, &h);
	must(s->ops->begin(s, &e), "begin", &e);
	must(s->ops->leaf_put(s, log->id, log->size, leaf, &e), "leaf", &e);
	log->size++;
	log->bytes += leaf.n;
	log->hlc++;
	log->audited = log->size;
	checkpoint_sign(log->origin, log->size, &h, k, &note);
	struct store_head head = {log->size, log->bytes, buf_bytes(&note)};
	must(s->ops->head_put(s, log->id, &head, &e), "head", &e);
	must(s->ops->log_put(s, log, &e), "log", &e);
	must(s->ops->commit(s, &e), "commit", &e);
	buf_release(&note);
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct key key;
	struct store *s;
	uint8_t operator_key[KEY_BYTES];
	struct buf leaf = {0};
	if (argc != 6 || !hex_decode(bytes_str(argv[3]), operator_key, sizeof(operator_key)))
		return 2;
	must(trust_init(&e), "libsodium", &e);
	must(key_load(&key, argv[2], KEY_LOG, NULL, NULL, &e), argv[2], &e);
	must(store_sqlite_open(argv[1], NULL, &s, &e), argv[1], &e);
	struct search search = {.member = argv[4]};
	must(s->ops->log_each(s, take_log, &search, &e), "logs", &e);
	if (search.log.size == 0)
		die(argv[4], &(struct err){.text = "has no log in this database"});
	make_leaf(&search.log, operator_key, argv[4], argv[5], &leaf);
	printf("%s %llu\n", search.log.origin, (unsigned long long)search.log.size);
	append(s, &search.log, buf_bytes(&leaf), &key);
	store_sqlite_close(s);
	key_release(&key);
	buf_release(&leaf);
	return 0;
}
