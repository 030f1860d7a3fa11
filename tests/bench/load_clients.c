/* Many officials at once, each waiting for the answer to one change before writing the next. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/load.h"

/* One connection, its requests encoded beforehand so that signing takes nothing from the node. */
struct client {
	struct line line;
	struct buf frames;
	size_t *start; /* of each frame, and the end */
	size_t n, sent, answered;
	double sent_at;
};

static void prepare(struct client *c, struct writer *w, size_t which, size_t clients, size_t n)
{
	c->n = n;
	c->start = xalloc((n + 1) * sizeof(*c->start));
	size_t tasks = w->n / clients; /* its own ones: task which, which + clients, … */
	for (size_t i = 0; i < n; i++) {
		struct made m;
		struct err e = {0};
		writer_any(w, which + clients * (i % tasks), &m);
		struct ctl_request r = {
			.id = (uint32_t)i + 1, .kind = CTL_POST, .changes = &m.s, .n_changes = 1};
		c->start[i] = c->frames.n;
		if (ctl_request_encode(&r, &c->frames, &e) != RC_OK)
			die("request: %s", e.text);
		made_release(&m);
	}
	c->start[n] = c->frames.n;
}

static void send_next(struct client *c)
{
	if (c->sent == c->n)
		return;
	size_t from = c->start[c->sent], to = c->start[c->sent + 1];
	line_queue_frame(&c->line, bytes_of(c->frames.p + from, to - from));
	c->sent++;
	c->sent_at = seconds_now();
	line_pump(&c->line);
}

/* Answers that are here: how long each took, and the next request. */
static size_t take_answers(struct client *c, double *took)
{
	struct ctl_reply reply;
	size_t n = 0;
	while (line_next(&c->line, &reply)) {
		if (reply.kind != CTL_REPLY_POST || reply.id != c->answered + 1)
			die("a post was answered by something else");
		c->answered++;
		took[n++] = seconds_now() - c->sent_at;
		send_next(c);
	}
	return n;
}

static double drive(struct client *c, size_t clients, size_t total, double *took)
{
	struct pollfd *fds = xalloc(clients * sizeof(*fds));
	size_t done = 0;
	double start = seconds_now();
	for (size_t i = 0; i < clients; i++)
		send_next(&c[i]);
	while (done < total) {
		for (size_t i = 0; i < clients; i++)
			fds[i] = line_pollfd(&c[i].line);
		if (poll(fds, (nfds_t)clients, 60000) == 0)
			die("no answer for a minute");
		for (size_t i = 0; i < clients; i++) {
			if (fds[i].revents == 0)
				continue;
			line_pump(&c[i].line);
			done += take_answers(&c[i], took + done);
		}
	}
	double seconds = seconds_now() - start;
	free(fds);
	return seconds;
}

int load_clients(char **arg)
{
	size_t clients = count_of(arg[2]), each = count_of(arg[3]) / clients;
	size_t total = clients * each;
	struct client *c = xalloc(clients * sizeof(*c));
	double *took = xalloc((total + 1) * sizeof(*took));
	struct writer w;
	for (size_t i = 0; i < clients; i++)
		line_open(&c[i].line, arg[0]);
	writer_open(&w, &c[0].line, arg[1]);
	if (w.n < clients || each == 0)
		die("%zu clients need a task and a post each", clients);
	for (size_t i = 0; i < clients; i++)
		prepare(&c[i], &w, i, clients, each);
	double seconds = drive(c, clients, total, took);
	sort_values(took, total);
	printf("{\"posts\": %zu, \"seconds\": %.6f, \"per_second\": %.1f, \"p50_ms\": %.3f,"
	       " \"p99_ms\": %.3f}\n",
		total, seconds, (double)total / seconds, at_share(took, total, 0.50),
		at_share(took, total, 0.99));
	for (size_t i = 0; i < clients; i++) {
		line_close(&c[i].line);
		buf_release(&c[i].frames);
		free(c[i].start);
	}
	writer_close(&w);
	free(c);
	free(took);
	return 0;
}
