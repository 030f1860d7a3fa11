/* How long what was acknowledged at one node takes to be readable at another, or to be final: the
 * other node's subscribers are told of a commit, ask for the register, and look for the change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/model/slot.h"
#include "tests/bench/load.h"

#define GAP_MS 5
#define PATIENCE_S 10.0

struct sample {
	struct line a, told, asked; /* posts at A; subscription and queries at B */
	struct writer w;
	struct ctl_query query;
	const struct hash *wanted;
	bool asking, again, seen;
	bool until_final;
	int gap_ms; /* of quiet before each sample */
	double acked_at, seen_at;
};

static void ask(struct sample *s)
{
	struct ctl_request r = {.kind = CTL_QUERY, .query = s->query};
	s->again = s->asking;
	if (s->asking)
		return;
	s->asking = true;
	line_queue(&s->asked, &r);
	line_pump(&s->asked);
}

static void take_reply(struct sample *s, const struct ctl_reply *r)
{
	for (size_t i = 0; r->kind == CTL_REPLY_ENTRIES && i < r->entries.n; i++)
		if (s->wanted &&
			bytes_equal(r->entries.entries[i].change_id, hash_bytes(s->wanted)) &&
			(r->entries.entries[i].final || !s->until_final))
			s->seen = true;
	if (r->more)
		return;
	s->asking = false;
	if (s->seen && s->seen_at == 0)
		s->seen_at = seconds_now();
	else if (s->again)
		ask(s);
}

static void turn(struct sample *s, int wait_ms)
{
	struct pollfd fds[] = {line_pollfd(&s->a), line_pollfd(&s->told), line_pollfd(&s->asked)};
	struct ctl_reply r;
	if (poll(fds, 3, wait_ms) <= 0)
		return;
	if (fds[0].revents)
		line_pump(&s->a);
	if (fds[1].revents)
		line_pump(&s->told);
	if (fds[2].revents)
		line_pump(&s->asked);
	while (line_next(&s->a, &r))
		s->acked_at = seconds_now();
	while (line_next(&s->told, &r))
		if (r.kind == CTL_REPLY_EVENT && s->wanted)
			ask(s);
	while (line_next(&s->asked, &r))
		take_reply(s, &r);
}

/* What is still under way from the sample before is taken in first. */
static void settle(struct sample *s)
{
	double end = seconds_now() + s->gap_ms / 1000.0;
	s->wanted = NULL;
	while (s->asking || seconds_now() < end)
		turn(s, GAP_MS);
}

/* Seconds from acknowledgement to readable; 0 if the reader was first. */
static double take_sample(struct sample *s, size_t task, double *from_post)
{
	struct made m;
	settle(s);
	writer_report(&s->w, task, &m);
	s->wanted = &m.id;
	s->seen = s->again = false;
	s->acked_at = s->seen_at = 0;
	s->query = (struct ctl_query){.task = bytes_str(s->w.chain[task].task),
		.slot = SLOT_REPORT,
		.holder = bytes_str(s->w.member)};
	struct ctl_request r = {.kind = CTL_POST, .changes = &m.s, .n_changes = 1};
	double posted_at = seconds_now();
	line_queue(&s->a, &r);
	line_pump(&s->a);
	while (s->acked_at == 0 || s->seen_at == 0) {
		if (seconds_now() > posted_at + PATIENCE_S)
			die("not readable at the other node within %g s", PATIENCE_S);
		turn(s, 100);
	}
	*from_post = s->seen_at - posted_at;
	s->wanted = NULL;
	made_release(&m);
	return s->seen_at > s->acked_at ? s->seen_at - s->acked_at : 0;
}

static int measure(char **arg, struct sample s)
{
	size_t n = count_of(arg[3]);
	double *took = xalloc(n * sizeof(*took)), *all = xalloc(n * sizeof(*all));
	line_open(&s.a, arg[0]);
	line_open(&s.told, arg[2]);
	line_open(&s.asked, arg[2]);
	writer_open(&s.w, &s.a, arg[1]);
	struct ctl_request r = {.kind = CTL_SUBSCRIBE};
	line_queue(&s.told, &r);
	line_pump(&s.told);
	for (size_t i = 0; i < n; i++)
		took[i] = take_sample(&s, i % s.w.n, &all[i]);
	sort_values(took, n);
	sort_values(all, n);
	printf("{\"samples\": %zu, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f,"
	       " \"from_post_p50_ms\": %.3f, \"from_post_p99_ms\": %.3f}\n",
		n, at_share(took, n, 0.50), at_share(took, n, 0.99), at_share(took, n, 1),
		at_share(all, n, 0.50), at_share(all, n, 0.99));
	line_close(&s.a);
	line_close(&s.told);
	line_close(&s.asked);
	writer_close(&s.w);
	free(took);
	free(all);
	return 0;
}

int load_latency(char **arg)
{
	return measure(arg, (struct sample){.gap_ms = GAP_MS});
}

int load_final(char **arg)
{
	return measure(arg, (struct sample){.until_final = true, .gap_ms = (int)count_of(arg[4])});
}
