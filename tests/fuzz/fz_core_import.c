/* Bundles into a node: of a member who lies, or of an honest one on a bad disk, with bytes changed
 * and the sums put right. What the first look refuses changes nothing; what it takes is taken
 * whole; the node holds only what its authors signed, and goes on like any other. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/session.h"
#include "tests/lib/bundle_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPS_MAX 60
#define TAKER 0
#define GIVER 1

static struct cluster cluster;

static void start(void)
{
	if (cluster.n == 0)
		cluster_init_fixed(&cluster);
}

static void honest_bundle(struct pair *p, struct buf *file)
{
	struct ctl_export everything = {.what = EXPORT_ALL};
	struct node *n = &p->node[GIVER];
	for (uint64_t i = 0; i < 3; i++)
		ENSURE(node_write(n, (struct write){.value = value_note("a note")}, NULL) == RC_OK);
	p->own[GIVER] += 3;
	ENSURE(bundle_make(n->replica, &everything, file, &n->e) == RC_OK);
}

static void damage(struct buf *file, struct reader *in)
{
	for (unsigned n = reader_u8(in) % 4; n > 0; n--) {
		size_t at = reader_u16be(in) % file->n;
		uint8_t by = reader_u8(in);
		if (by == 0)
			file->n = at > 0 ? at : 1;
		else
			file->p[at] ^= by;
	}
	bundle_mend(file);
}

/* All the logs that it holds, and how much of each. */
static void sizes(struct node *n, struct buf *out)
{
	struct ctl_status s;
	struct hash view = node_view(n);
	buf_put_bytes(out, hash_bytes(&view));
	ENSURE(replica_status(n->replica, n->now, &s, NULL) == RC_OK);
	for (size_t i = 0; i < s.n_logs; i++)
		buf_printf(out, " %.*s %llu", (int)s.logs[i].origin.n,
			(const char *)s.logs[i].origin.p, (unsigned long long)s.logs[i].size);
}

static void import(struct node *n, struct bytes file)
{
	struct bundle_taken looked, taken;
	struct buf before = {0}, between = {0}, after = {0};
	struct err e = {0};
	sizes(n, &before);
	int rc = bundle_check(n->replica, file, &looked, &e);
	ENSURE(rc == RC_OK || (e.rc == rc && e.text[0] != '\0'));
	sizes(n, &between);
	ENSURE(bytes_equal(buf_bytes(&before), buf_bytes(&between)));
	ENSURE(bundle_import(n->replica, &cluster.cluster_id, file, n->now, &taken, &e) == rc);
	ENSURE(node_tick(n) == RC_OK);
	sizes(n, &after);
	ENSURE(rc == RC_OK || bytes_equal(buf_bytes(&before), buf_bytes(&after)));
	buf_release(&before);
	buf_release(&between);
	buf_release(&after);
}

/* 0 ends the liar's writing. */
static bool step(struct liar *l, struct reader *in)
{
	switch (reader_u8(in) % 8) {
	case 0: return false;
	case 1:
	case 2: liar_write(l, in); break;
	case 3: liar_event(l, in); break;
	case 4: liar_fork(l, in); break;
	case 5: liar_raw(l, in); break;
	default: liar_twist(l, in); break;
	}
	return reader_ok(in) && in->rest.n > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pair p;
	struct liar l;
	struct buf file = {0};
	struct reader in = reader_of(bytes_of(data, size));
	start();
	pair_init(&p, &cluster);
	liar_init(&l, &cluster);
	bool honest = reader_u8(&in) & 1;
	for (size_t i = 0; i < OPS_MAX && !honest && step(&l, &in); i++)
		;
	if (honest)
		honest_bundle(&p, &file);
	else
		liar_bundle(&l, &in, &file);
	damage(&file, &in);
	import(&p.node[TAKER], buf_bytes(&file));
	oracle_check(&p, &l);
	pair_settle(&p);
	oracle_check(&p, &l);
	buf_release(&file);
	pair_release(&p);
	liar_release(&l);
	return 0;
}
