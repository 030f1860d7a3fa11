/* A responder and arbitrary bytes. The first byte says after how many honest messages (0 to 4) they
 * begin, and whether they stand alone, cut by u16be lengths, or change the next honest message:
 * then any change must be refused, and none must pass. */
#include <string.h>

#include "proto/trust/noise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HONEST_MAX 5
#define CHANGES 0x80

static struct key i_static, r_static;
static const uint8_t i_ephemeral[32] = {3}, r_ephemeral[32] = {4};

struct pair {
	struct noise *i, *r;
	struct buf sent;
};

static void start(void)
{
	static bool started;
	if (started)
		return;
	started = true;
	ENSURE(trust_init(NULL) == RC_OK);
	static const uint8_t i_seed[32] = {1}, r_seed[32] = {2};
	key_from_seed(&i_static, KEY_NOISE, "jiangsu", NULL, i_seed);
	key_from_seed(&r_static, KEY_NOISE, "shanghai", NULL, r_seed);
}

/* The next message between honest ends, as written; message 1, counted from 0, is the responder's.
 */
static void write_next(struct pair *p, unsigned message)
{
	buf_reset(&p->sent);
	struct noise *from = message == 1 ? p->r : p->i;
	ENSURE(noise_write(from, bytes_str("payload"), &p->sent, NULL) == RC_OK);
}

static int read_by(struct noise *n, struct bytes message)
{
	struct buf got = {0};
	struct err e = {0};
	int rc = noise_read(n, message, &got, &e);
	ENSURE(rc == RC_OK || rc == RC_PEER_HANDSHAKE);
	ENSURE(rc == RC_OK || (got.n == 0 && e.text[0] != '\0'));
	ENSURE(got.n <= message.n);
	buf_release(&got);
	return rc;
}

/* Nobody who does not hold the keys gets a message accepted; the first, for which one needs only
 * the responder's public key, is the exception, and the third after it never comes. */
static void feed_alone(struct pair *p, struct bytes in, unsigned honest)
{
	struct reader r = reader_of(in);
	for (unsigned k = honest; r.rest.n > 0; k++) {
		size_t n = reader_u16be(&r);
		struct bytes message = reader_take(&r, n);
		if (!reader_ok(&r))
			return;
		if (read_by(p->r, message) != RC_OK)
			return;
		ENSURE(k == 0);
		buf_reset(&p->sent);
		ENSURE(noise_write(p->r, bytes_of(NULL, 0), &p->sent, NULL) == RC_OK);
	}
}

static void feed_changed(struct pair *p, struct bytes in, unsigned honest)
{
	write_next(p, honest);
	bool changed = false;
	for (size_t k = 0; k < in.n && k < p->sent.n; k++) {
		p->sent.p[k] ^= in.p[k];
		changed |= in.p[k] != 0;
	}
	if (in.n > p->sent.n) {
		buf_put(&p->sent, in.p + p->sent.n, in.n - p->sent.n);
		changed = true;
	}
	struct noise *to = honest == 1 ? p->i : p->r;
	ENSURE((read_by(to, buf_bytes(&p->sent)) == RC_OK) == !changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	if (size == 0)
		return 0;
	struct pair p = {0};
	static const struct hash cluster = {{0xc1}};
	uint8_t prologue[NOISE_PROLOGUE_BYTES];
	noise_prologue(&cluster, prologue);
	struct bytes pro = bytes_of(prologue, sizeof prologue);
	p.i = noise_new(NOISE_INITIATOR, pro, &i_static, r_static.public, i_ephemeral);
	p.r = noise_new(NOISE_RESPONDER, pro, &r_static, NULL, r_ephemeral);

	unsigned honest = (data[0] & ~(unsigned)CHANGES) % HONEST_MAX;
	struct bytes in = bytes_of(data + 1, size - 1);
	for (unsigned m = 0; m < honest; m++) {
		write_next(&p, m);
		ENSURE(read_by(m == 1 ? p.i : p.r, buf_bytes(&p.sent)) == RC_OK);
	}
	if (data[0] & CHANGES)
		feed_changed(&p, in, honest);
	else
		feed_alone(&p, in, honest);
	noise_free(p.i);
	noise_free(p.r);
	buf_release(&p.sent);
	return 0;
}
