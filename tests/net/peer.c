/* A member that misbehaves: it shows a valid key, says Hello, and then does what its mode says. It
 * prints "open", and at the end, which SIGTERM is too, how long it was kept and what it said.
 *
 * Usage: net_peer --roster FILE --key FILE --to SLUG [--seconds N] --mode MODE
 *   stall    asks for every log once, reads nothing, and pings each second to be taken for alive
 *   hoard    asks for every log again and again, reads nothing
 *   flood    pings as fast as it can, reads the answers
 *   garbage  sends bytes that are no frames of this session
 *   garbled  sends frames whose messages are of chance
 *   cut      says Hello and is silent, then hangs up in the middle of a frame */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/net/address.h"
#include "daemon/net/channel.h"
#include "proto/base/text.h"
#include "proto/trust/checkpoint.h"
#include "proto/trust/roster.h"
#include "proto/wire/message.h"

#define UNSENT_MAX (256 * 1024)
#define STALL_BUFFER 4096 /* of the kernel, so that what is not read is soon noticed */

enum mode { STALL, HOARD, FLOOD, GARBAGE, GARBLED, CUT, MODES };

static const char *const mode_names[MODES] = {
	"stall", "hoard", "flood", "garbage", "garbled", "cut"};

struct known {
	char origin[128];
	uint64_t size;
};

struct client {
	enum mode mode;
	int fd;
	struct roster roster;
	struct key key;
	size_t to;
	struct channel channel;
	struct buf out; /* not yet taken by the kernel */
	struct known known[LIMIT_LOGS];
	size_t n_known;
	bool greeted;
	uint64_t messages, bytes, answers;
	int64_t opened_ms, pinged_ms, end_ms;
};

static volatile sig_atomic_t told_to_end;

static void on_term(int number)
{
	(void)number;
	told_to_end = 1;
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "net_peer: %s: %s\n", what, why);
	exit(1);
}

static void read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		fail(path, strerror(errno));
	size_t n;
	do {
		n = fread(buf_reserve(out, 4096), 1, 4096, f);
		out->n += n;
	} while (n > 0);
	fclose(f);
}

/* ---- sending ---- */

static void say(struct client *c, const struct message *m)
{
	struct buf envelope = {0};
	message_encode(m, &envelope);
	channel_send(&c->channel, buf_bytes(&envelope), &c->out);
	buf_release(&envelope);
	c->messages++;
}

static void say_hello(struct client *c)
{
	struct message m = {.kind = MESSAGE_HELLO};
	int self = roster_find(&c->roster, bytes_str(c->key.member));
	ENSURE(self >= 0);
	m.hello.protocol_min = PROTOCOL_MIN;
	m.hello.protocol_max = PROTOCOL_MAX;
	m.hello.cluster_id = hash_bytes(&c->roster.cluster_id);
	m.hello.member = bytes_str(c->key.member);
	m.hello.software = bytes_str("net_peer");
	m.hello.roster_version = c->roster.version;
	say(c, &m);
}

static void say_want(struct client *c, const struct known *k)
{
	struct message m = {.kind = MESSAGE_WANT};
	m.want.origin = bytes_str(k->origin);
	m.want.to = k->size;
	say(c, &m);
}

static void say_ping(struct client *c)
{
	struct message m = {.kind = MESSAGE_PING, .token = c->messages};
	say(c, &m);
	c->pinged_ms = now_ms();
}

static void say_garbage(struct client *c)
{
	uint8_t bytes[512];
	ENSURE(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes));
	put_u16be(bytes, sizeof(bytes) - 2);
	buf_put(&c->out, bytes, sizeof(bytes));
	c->messages++;
}

static void say_garbled(struct client *c)
{
	uint8_t bytes[400];
	ENSURE(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes));
	channel_send(&c->channel, bytes_of(bytes, sizeof(bytes)), &c->out);
	c->messages++;
}

/* Hangs up with half of a frame on the way. */
static void say_half(struct client *c)
{
	say_ping(c);
	c->out.n /= 2;
	c->end_ms = now_ms() + 200;
	c->mode = STALL;
}

static void say_more(struct client *c)
{
	bool may = c->greeted && c->out.n < UNSENT_MAX;
	switch (c->mode) {
	case STALL:
		if (may && now_ms() - c->pinged_ms >= 1000)
			say_ping(c);
		break;
	case HOARD:
		for (size_t i = 0; may && i < c->n_known; i++)
			say_want(c, &c->known[i]);
		break;
	case FLOOD:
		for (int i = 0; may && i < 64; i++)
			say_ping(c);
		break;
	case GARBAGE:
		if (may)
			say_garbage(c);
		break;
	case GARBLED:
		if (may)
			say_garbled(c);
		break;
	case CUT:
		if (may)
			say_half(c);
		break;
	case MODES: break;
	}
}

/* ---- receiving ---- */

static void learn(struct client *c, const struct message *m)
{
	struct err e = {0};
	for (size_t i = 0; i < m->hello.n_heads && c->n_known < LIMIT_LOGS; i++) {
		struct note note;
		struct checkpoint cp;
		struct known *k = &c->known[c->n_known];
		if (note_parse(m->hello.heads[i], &note, &e) ||
			checkpoint_parse(note.text, &cp, &e))
			fail("a head", e.text);
		text_print(k->origin, sizeof(k->origin), "%.*s", (int)cp.origin.n,
			(const char *)cp.origin.p);
		k->size = cp.size;
		c->n_known++;
	}
}

static void hear(struct client *c)
{
	static uint8_t memory[MESSAGE_ARENA];
	struct arena a;
	struct message m;
	struct err e = {0};
	arena_init(&a, memory, sizeof(memory));
	if (message_decode(channel_envelope(&c->channel), &a, &m, &e))
		fail("what it says", e.text);
	if (m.kind == MESSAGE_HELLO) {
		learn(c, &m);
		c->greeted = true;
		for (size_t i = 0; c->mode == STALL && i < c->n_known; i++)
			say_want(c, &c->known[i]);
	}
	if (m.kind == MESSAGE_BYE)
		printf("bye %.*s %.*s\n", (int)m.bye.code.n, (const char *)m.bye.code.p,
			(int)m.bye.text.n, (const char *)m.bye.text.p);
	c->answers++;
}

static void use(struct client *c)
{
	struct err e = {0};
	for (;;) {
		int got = channel_next(&c->channel, &c->out, &e);
		if (got < 0)
			fail("the session", e.text);
		if (got == CHANNEL_NOTHING)
			return;
		if (got == CHANNEL_AUTHENTICATED) {
			c->opened_ms = now_ms();
			puts("open");
			fflush(stdout);
			say_hello(c);
		} else {
			hear(c);
		}
	}
}

/* A node that no longer wants to hear us is what most modes are about. */
static void finish(struct client *c, const char *how)
{
	printf("%s after %lld ms: %llu messages, %llu bytes, %llu answers\n", how,
		(long long)(now_ms() - c->opened_ms), (unsigned long long)c->messages,
		(unsigned long long)c->bytes, (unsigned long long)c->answers);
	exit(0);
}

static bool reads(const struct client *c)
{
	return !c->greeted || (c->mode != STALL && c->mode != HOARD);
}

static void take_in(struct client *c)
{
	static uint8_t in[65536];
	ssize_t n = recv(c->fd, in, sizeof(in), 0);
	if (n > 0) {
		channel_feed(&c->channel, bytes_of(in, (size_t)n));
		use(c);
	} else if (n == 0 || errno != EAGAIN) {
		finish(c, "closed");
	}
}

static void give_out(struct client *c)
{
	if (c->out.n == 0)
		return;
	ssize_t n = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL);
	if (n > 0) {
		c->bytes += (uint64_t)n;
		buf_consume(&c->out, (size_t)n);
	} else if (errno != EAGAIN) {
		finish(c, "closed");
	}
}

static void run(struct client *c)
{
	while (now_ms() < c->end_ms && !told_to_end) {
		struct pollfd p = {.fd = c->fd};
		p.events = (short)((reads(c) ? POLLIN : 0) | (c->out.n > 0 ? POLLOUT : 0));
		int ready = poll(&p, 1, c->out.n > 0 || c->mode == STALL ? 100 : 1);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready < 0)
			fail("poll", strerror(errno));
		if (p.revents & (POLLHUP | POLLERR))
			finish(c, "closed");
		if (p.revents & POLLIN)
			take_in(c);
		say_more(c);
		give_out(c);
	}
	finish(c, "still open");
}

static void dial(struct client *c)
{
	struct sockaddr_storage to;
	struct err e = {0};
	uint8_t ephemeral[KEY_BYTES];
	int small = STALL_BUFFER;
	if (address_parse(c->roster.member[c->to].addr, ADDRESS_DIAL, &to, &e))
		fail("its address", e.text);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->mode == STALL || c->mode == HOARD)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(struct sockaddr_in)) != 0 ||
		fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0)
		fail(c->roster.member[c->to].addr, strerror(errno));
	ENSURE(getrandom(ephemeral, sizeof(ephemeral), 0) == sizeof(ephemeral));
	channel_init(&c->channel, &c->roster.cluster_id, &c->key, c->roster.member[c->to].noise,
		ephemeral);
	if (channel_start(&c->channel, &c->out, &e))
		fail("the handshake", e.text);
}

static void set(struct client *c, const char *name, const char *value, const char **to)
{
	struct err e = {0};
	struct buf note = {0};
	uint64_t seconds;
	if (strcmp(name, "--roster") == 0) {
		read_file(value, &note);
		if (roster_verify_first(buf_bytes(&note), NULL, &c->roster, &e))
			fail(value, e.text);
		buf_release(&note);
	} else if (strcmp(name, "--key") == 0) {
		if (key_load(&c->key, value, KEY_NOISE, NULL, NULL, &e))
			fail(value, e.text);
	} else if (strcmp(name, "--to") == 0) {
		*to = value;
	} else if (strcmp(name, "--seconds") == 0) {
		if (!decimal_parse(bytes_str(value), 600, &seconds))
			fail(name, "a number from 0 to 600");
		c->end_ms = now_ms() + (int64_t)seconds * 1000;
	} else if (strcmp(name, "--mode") == 0) {
		while (c->mode < MODES && strcmp(mode_names[c->mode], value) != 0)
			c->mode++;
		if (c->mode == MODES)
			fail(value, "no such mode");
	} else {
		fail(name, "not understood");
	}
}

int main(int argc, char **argv)
{
	static struct client c;
	struct err e = {0};
	const char *to = "";
	if (trust_init(&e))
		fail("start", e.text);
	c.opened_ms = now_ms();
	c.end_ms = c.opened_ms + 10000;
	signal(SIGTERM, on_term);
	for (int i = 1; i + 1 < argc; i += 2)
		set(&c, argv[i], argv[i + 1], &to);
	int found = roster_find(&c.roster, bytes_str(to));
	if (found < 0)
		fail(to, "no such member");
	c.to = (size_t)found;
	dial(&c);
	run(&c);
	return 0;
}
