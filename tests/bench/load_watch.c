/* Waits for nodes to hold the same, and says when; asks seldom while much is missing, because a
 * node that answers does not catch up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load.h"

#define SELDOM_MS 1000
#define OFTEN_MS 8
#define DIALLING_MS 1
#define AUDIT_MS 50

struct watched {
	struct line line;
	uint64_t entries, bytes_in, bytes_out;
	uint64_t before; /* entries at the look before, passed_ms ago */
	double at, passed_ms;
	bool connected, has_root, provisional;
	struct hash root;
};

static void look(struct watched *w)
{
	struct ctl_request r = {.kind = CTL_STATUS};
	struct ctl_reply reply;
	line_call(&w->line, &r, &reply);
	if (reply.kind != CTL_REPLY_STATUS)
		die("status was answered by something else");
	const struct ctl_status *s = &reply.status;
	double now = seconds_now();
	w->before = w->at == 0 ? s->entries : w->entries;
	w->passed_ms = (now - w->at) * 1000;
	w->at = now;
	w->entries = s->entries;
	w->bytes_in = w->bytes_out = 0;
	w->connected = false;
	w->provisional = s->provisional;
	for (size_t i = 0; i < s->n_peers; i++) {
		w->bytes_in += s->peers[i].bytes_in;
		w->bytes_out += s->peers[i].bytes_out;
		w->connected = w->connected || s->peers[i].connected;
	}
	w->has_root = s->view_root.n == HASH_BYTES;
	if (w->has_root)
		memcpy(w->root.b, s->view_root.p, HASH_BYTES);
}

static bool all_same(const struct watched *w, size_t n, uint64_t entries)
{
	for (size_t i = 0; i < n; i++)
		if (w[i].entries < entries || w[i].entries != w[0].entries || !w[i].has_root ||
			!hash_equal(&w[i].root, &w[0].root))
			return false;
	return true;
}

/* What was taken in bulk is audited later. */
static double wait_audited(struct watched *w, size_t n, double end)
{
	for (;;) {
		bool provisional = false;
		for (size_t i = 0; i < n; i++)
			provisional |= w[i].provisional;
		if (!provisional)
			return seconds_now();
		if (seconds_now() > end)
			die("not audited in time");
		poll(NULL, 0, AUDIT_MS);
		for (size_t i = 0; i < n; i++)
			look(&w[i]);
	}
}

/* Half of the time that the rest will take at the pace since the last look. */
static int pause_ms(const struct watched *w, size_t n, uint64_t entries)
{
	double longest = OFTEN_MS;
	for (size_t i = 0; i < n; i++) {
		double got = (double)(w[i].entries - w[i].before);
		double rest = (double)entries - (double)w[i].entries;
		double ms = got > 0 && rest > 0 ? w[i].passed_ms * rest / got / 2 : 0;
		if (ms > longest)
			longest = ms;
	}
	return longest < SELDOM_MS ? (int)longest : SELDOM_MS;
}

int load_watch(char **arg)
{
	uint64_t entries = count_of(arg[0]);
	double end = seconds_now() + (double)count_of(arg[1]), connected_at = 0;
	size_t n = 0;
	while (arg[2 + n] != NULL)
		n++;
	struct watched *w = xalloc(n * sizeof(*w));
	for (size_t i = 0; i < n; i++)
		line_open(&w[i].line, arg[2 + i]);
	do {
		if (seconds_now() > end)
			die("not the same within %s s: the first has %llu entries of %s", arg[1],
				(unsigned long long)w[0].entries, arg[0]);
		if (w[0].at > 0)
			poll(NULL, 0, connected_at > 0 ? pause_ms(w, n, entries) : DIALLING_MS);
		double before = seconds_now();
		for (size_t i = 0; i < n; i++)
			look(&w[i]);
		if (connected_at == 0 && w[0].connected)
			connected_at = before;
	} while (!all_same(w, n, entries));
	double same_at = seconds_now(), audited_at = wait_audited(w, n, end);
	printf("{\"connected_at\": %.6f, \"same_at\": %.6f, \"audited_at\": %.6f, \"entries\": "
	       "%llu,"
	       " \"bytes_in\": %llu, \"bytes_out\": %llu}\n",
		connected_at, same_at, audited_at, (unsigned long long)w[0].entries,
		(unsigned long long)w[0].bytes_in, (unsigned long long)w[0].bytes_out);
	for (size_t i = 0; i < n; i++)
		line_close(&w[i].line);
	free(w);
	return 0;
}
