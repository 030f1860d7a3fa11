/* Load generator for tests/bench/run: speaks the control protocol to nodes on this machine. */
#include "tests/bench/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/text.h"
#include "proto/wire/codec.h"

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

void sort_values(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
}

double at_share(const double *sorted, size_t n, double share)
{
	size_t i = (size_t)((double)(n - 1) * share + 0.5);
	return sorted[i] * 1000;
}

size_t count_of(const char *text)
{
	uint64_t n;
	if (!decimal_parse(bytes_str(text), 1000000000, &n) || n == 0)
		die("\"%s\" is no count", text);
	return (size_t)n;
}

/* ---- fill: many changes in few requests ---- */

/* A register may change once a request: the node holds a change against what it has. */
static size_t fill_request(struct writer *w, size_t want, struct line *l)
{
	struct made made[LIMIT_POST_CHANGES];
	struct signed_body body[LIMIT_POST_CHANGES];
	size_t n = want < w->n ? want : w->n;
	if (n > LIMIT_POST_CHANGES)
		n = LIMIT_POST_CHANGES;
	for (size_t i = 0; i < n; i++) {
		writer_any(w, i, &made[i]);
		body[i] = made[i].s;
	}
	struct ctl_request r = {.kind = CTL_POST, .changes = body, .n_changes = n};
	line_queue(l, &r);
	line_pump(l);
	for (size_t i = 0; i < n; i++)
		made_release(&made[i]);
	return n;
}

/* SOCKET KEY COUNT. The next request is signed while the node works on the one before. */
static int load_fill(char **arg)
{
	struct line l;
	struct writer w;
	struct ctl_reply reply;
	line_open(&l, arg[0]);
	writer_open(&w, &l, arg[1]);
	size_t count = count_of(arg[2]), sent = 0, answered = 0;
	double start = seconds_now();
	sent += fill_request(&w, count, &l);
	while (answered < count) {
		if (sent < count)
			sent += fill_request(&w, count - sent, &l);
		line_wait(&l, &reply);
		if (reply.kind != CTL_REPLY_POST || reply.post.n == 0)
			die("a post was not answered as one");
		answered += reply.post.n;
	}
	printf("{\"changes\": %zu, \"seconds\": %.6f}\n", count, seconds_now() - start);
	writer_close(&w);
	line_close(&l);
	return 0;
}

/* ---- dump: what the floor program works on ---- */

struct dump {
	FILE *file;
	struct hash cluster_id;
	struct buf record;
	size_t changes, bytes;
};

/* u32be n, leaf, u32be n, PAE, key, signature */
static void dump_entry(void *arg, const struct ctl_entry *entry)
{
	struct dump *d = arg;
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct leaf leaf;
	arena_init(&a, memory, sizeof(memory));
	if (leaf_decode(entry->leaf, &a, &leaf, NULL) != RC_OK)
		die("a leaf does not decode");
	buf_reset(&d->record);
	buf_put_u32be(&d->record, (uint32_t)entry->leaf.n);
	buf_put_bytes(&d->record, entry->leaf);
	size_t at = d->record.n;
	buf_put_u32be(&d->record, 0);
	pae_encode(BODY_CHANGE, &d->cluster_id, leaf.signed_body.body, &d->record);
	put_u32be(d->record.p + at, (uint32_t)(d->record.n - at - 4));
	buf_put_bytes(&d->record, leaf.signed_body.key);
	buf_put_bytes(&d->record, leaf.signed_body.signature);
	if (fwrite(d->record.p, d->record.n, 1, d->file) != 1)
		die("dump: %s", strerror(errno));
	d->changes++;
	d->bytes += entry->leaf.n;
}

/* SOCKET FILE */
static int load_dump(char **arg)
{
	struct line l;
	struct writer w = {0};
	line_open(&l, arg[0]);
	writer_identify(&w, &l);
	struct dump d = {.file = fopen(arg[1], "wb"), .cluster_id = w.cluster_id};
	if (d.file == NULL)
		die("%s: %s", arg[1], strerror(errno));
	struct ctl_query all = {.any_task = true, .any_holder = true, .history = true};
	line_query(&l, &all, dump_entry, &d);
	if (fclose(d.file) != 0)
		die("%s: %s", arg[1], strerror(errno));
	printf("{\"changes\": %zu, \"leaf_bytes\": %zu}\n", d.changes, d.bytes);
	buf_release(&d.record);
	line_close(&l);
	return 0;
}

/* ---- subcommands ---- */

static const struct {
	const char *name;
	int (*run)(char **arg);
	int args; /* at least */
	const char *usage;
} commands[] = {
	{"fill", load_fill, 3, "SOCKET KEY COUNT"},
	{"dump", load_dump, 2, "SOCKET FILE"},
	{"clients", load_clients, 4, "SOCKET KEY CONNECTIONS COUNT"},
	{"latency", load_latency, 4, "SOCKET_A KEY SOCKET_B COUNT"},
	{"final", load_final, 5, "SOCKET_A KEY SOCKET_B COUNT GAP_MS"},
	{"watch", load_watch, 3, "ENTRIES SECONDS SOCKET..."},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

int main(int argc, char **argv)
{
	struct err e = {0};
	if (trust_init(&e) != RC_OK)
		die("%s", e.text);
	for (size_t i = 0; argc > 1 && i < N_COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0 && argc >= 2 + commands[i].args)
			return commands[i].run(argv + 2);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(stderr, "usage: bench_load %s %s\n", commands[i].name, commands[i].usage);
	return 2;
}
