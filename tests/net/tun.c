/* A bad line between two hosts: what comes out of one end goes into the other later, in another
 * order, twice or never, as a seeded generator decides. Two TAP devices, one of them in the network
 * namespace of the far host. Ends with SIGTERM and prints what it did.
 *
 * Usage: net_tun --names NEAR,FAR --far /run/netns/NAME [--delay MS] [--jitter MS] [--loss PERCENT]
 *                [--reorder PERCENT] [--duplicate PERCENT] [--seed N] */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/err.h"
#include "proto/base/text.h"

#define PACKET_BYTES 2048
#define QUEUE 8192 /* packets on their way; what comes on top is lost */

struct packet {
	int64_t due; /* microseconds */
	uint64_t order;
	int to;
	uint16_t n;
	uint8_t data[PACKET_BYTES];
};

struct line {
	uint64_t delay_ms, jitter_ms, loss, reorder, duplicate, state;
	int end[2];
	struct packet *heap[QUEUE]; /* the next one first */
	size_t n;
	uint64_t taken, lost, late, twice, full, order;
};

static volatile sig_atomic_t stopping;

static void on_term(int number)
{
	(void)number;
	stopping = 1;
}

static void fail(const char *what)
{
	fprintf(stderr, "net_tun: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled".
 */
static uint64_t dice(struct line *l, uint64_t sides)
{
	l->state ^= l->state >> 12;
	l->state ^= l->state << 25;
	l->state ^= l->state >> 27;
	return (l->state * UINT64_C(2685821657736338717) >> 33) % sides;
}

static bool falls(struct line *l, uint64_t percent)
{
	return dice(l, 100) < percent;
}

static bool before(const struct packet *a, const struct packet *b)
{
	return a->due < b->due || (a->due == b->due && a->order < b->order);
}

static void push(struct line *l, struct packet *p)
{
	size_t i = l->n++;
	for (; i > 0 && before(p, l->heap[(i - 1) / 2]); i = (i - 1) / 2)
		l->heap[i] = l->heap[(i - 1) / 2];
	l->heap[i] = p;
}

static struct packet *pop(struct line *l)
{
	struct packet *first = l->heap[0], *last = l->heap[--l->n];
	size_t i = 0;
	for (size_t child = 1; child < l->n; child = 2 * i + 1) {
		if (child + 1 < l->n && before(l->heap[child + 1], l->heap[child]))
			child++;
		if (!before(l->heap[child], last))
			break;
		l->heap[i] = l->heap[child];
		i = child;
	}
	l->heap[i] = last;
	return first;
}

/* A packet that is reordered waits as long again as the whole line is. */
static void take(struct line *l, int to, const uint8_t *data, size_t n)
{
	struct packet *p = l->n < QUEUE ? malloc(sizeof(*p)) : NULL;
	if (p == NULL) {
		l->full++;
		return;
	}
	uint64_t wait = l->delay_ms * 1000;
	if (l->jitter_ms > 0)
		wait += dice(l, l->jitter_ms * 1000);
	if (falls(l, l->reorder)) {
		wait += l->delay_ms * 1000;
		l->late++;
	}
	p->due = now_us() + (int64_t)wait;
	p->order = l->order++;
	p->to = to;
	p->n = (uint16_t)n;
	memcpy(p->data, data, n);
	push(l, p);
}

static void read_from(struct line *l, int side)
{
	uint8_t data[PACKET_BYTES];
	ssize_t n;
	while ((n = read(l->end[side], data, sizeof(data))) > 0) {
		l->taken++;
		if (falls(l, l->loss)) {
			l->lost++;
			continue;
		}
		take(l, l->end[!side], data, (size_t)n);
		if (falls(l, l->duplicate)) {
			l->twice++;
			take(l, l->end[!side], data, (size_t)n);
		}
	}
}

static void deliver(struct line *l)
{
	while (l->n > 0 && l->heap[0]->due <= now_us()) {
		struct packet *p = pop(l);
		/* A device that is down takes nothing: the packet is lost, as it would be. */
		if (write(p->to, p->data, p->n) < 0)
			l->full++;
		free(p);
	}
}

static int wait_ms(const struct line *l)
{
	if (l->n == 0)
		return 1000;
	int64_t us = l->heap[0]->due - now_us();
	return us <= 0 ? 0 : us < 1000000 ? (int)(us + 999) / 1000 : 1000;
}

static void run(struct line *l)
{
	while (!stopping) {
		struct pollfd fds[2] = {{l->end[0], POLLIN, 0}, {l->end[1], POLLIN, 0}};
		if (poll(fds, 2, wait_ms(l)) < 0 && errno != EINTR)
			fail("poll");
		for (int side = 0; side < 2; side++)
			if (fds[side].revents & POLLIN)
				read_from(l, side);
		deliver(l);
	}
	while (l->n > 0)
		free(pop(l));
}

static int open_tap(const char *name)
{
	struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		fail("/dev/net/tun");
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		fail(name);
	return fd;
}

static void enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		fail(path);
	close(fd);
}

static void parse(struct line *l, int argc, char **argv, char **names, const char **far)
{
	struct {
		const char *name;
		uint64_t *value, max;
	} numbers[] = {{"--delay", &l->delay_ms, 10000}, {"--jitter", &l->jitter_ms, 10000},
		{"--loss", &l->loss, 100}, {"--reorder", &l->reorder, 100},
		{"--duplicate", &l->duplicate, 100}, {"--seed", &l->state, UINT32_MAX}};
	for (int i = 1; i + 1 < argc; i += 2) {
		bool known = false;
		if (strcmp(argv[i], "--names") == 0)
			known = (*names = argv[i + 1]) != NULL;
		if (strcmp(argv[i], "--far") == 0)
			known = (*far = argv[i + 1]) != NULL;
		for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++)
			if (strcmp(argv[i], numbers[k].name) == 0)
				known = decimal_parse(
					bytes_str(argv[i + 1]), numbers[k].max, numbers[k].value);
		if (!known) {
			fprintf(stderr, "net_tun: %s %s is not understood\n", argv[i], argv[i + 1]);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	static struct line l = {.state = 1};
	struct sigaction action = {.sa_handler = on_term};
	char *names = NULL;
	const char *far = NULL;
	parse(&l, argc, argv, &names, &far);
	char *comma = names ? strchr(names, ',') : NULL;
	if (!comma || !far || l.state == 0) {
		fprintf(stderr, "usage: net_tun --names NEAR,FAR --far FILE [--delay MS]…\n");
		return 2;
	}
	*comma = '\0';
	sigaction(SIGTERM, &action, NULL);
	l.end[0] = open_tap(names);
	enter(far);
	l.end[1] = open_tap(comma + 1);
	puts("ready");
	fflush(stdout);
	run(&l);
	printf("%llu packets, %llu lost, %llu out of order, %llu twice, %llu over the queue\n",
		(unsigned long long)l.taken, (unsigned long long)l.lost, (unsigned long long)l.late,
		(unsigned long long)l.twice, (unsigned long long)l.full);
	return 0;
}
