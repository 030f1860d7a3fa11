#include "tests/scenarios/sim_stage.h"

#include <stdio.h>
#include <string.h>

#define DELAY_MS 20

void stage_init(struct stage *s, uint64_t seed)
{
	*s = (struct stage){0};
	world_init(&s->w, seed, STAGE_MEMBERS);
	s->w.calm = true;
	for (size_t a = 0; a < s->w.n; a++) {
		s->w.node[a].wall_offset = s->w.node[a].wall_drift_ppm = 0;
		stage_slow(s, (int)a, DELAY_MS);
	}
}

void stage_release(struct stage *s)
{
	for (int i = 0; i < STAGE_MEMBERS; i++)
		stage_forget_backup(s, i);
	world_release(&s->w);
}

void stage_slow(struct stage *s, int node, int64_t delay_ms)
{
	for (int p = 0; p < (int)s->w.n; p++)
		if (p != node)
			world_link(&s->w, node, p)->delay_max = delay_ms;
}

static void print_flag(bool flag)
{
	fputs(flag ? "\tyes" : "\tno", stdout);
}

static void print_text(struct bytes text)
{
	printf("\t%.*s", (int)text.n, (const char *)text.p);
}

int stage_print_status(struct stage *s, int node, struct err *e)
{
	struct sim_node *n = &s->w.node[node];
	struct ctl_status status;
	struct hash root;
	char hex[HASH_HEX_SIZE];
	int rc = replica_view_root(n->replica, &root, e);
	if (rc == RC_OK)
		rc = replica_status(n->replica, world_now(&s->w, n), &status, e);
	if (rc != RC_OK)
		return rc;
	hash_print(&root, hex);
	printf("view\t%s\n", hex);
	for (size_t i = 0; i < status.n_logs; i++) {
		const struct ctl_log *l = &status.logs[i];
		fputs("log", stdout);
		print_text(l->origin);
		print_text(l->member);
		printf("\t%llu\t%llu", (unsigned long long)l->size,
			(unsigned long long)l->seen_size);
		print_flag(l->forked);
		fputs("\n", stdout);
	}
	for (size_t i = 0; i < status.n_peers; i++) {
		const struct ctl_peer *p = &status.peers[i];
		fputs("peer", stdout);
		print_text(p->member);
		print_flag(p->connected);
		printf("\t%llu\t%llu\n", (unsigned long long)p->behind,
			(unsigned long long)p->refused);
	}
	return RC_OK;
}

/* The world means to start it again by itself: that event becomes a tick of a life that never was.
 */
static void keep_down(struct world *w, int node)
{
	for (size_t i = 0; i < w->n_queue; i++)
		if (w->queue[i].kind == SIM_RESTART && w->queue[i].a == node) {
			w->queue[i].kind = SIM_TICK;
			w->queue[i].life = UINT64_MAX;
		}
}

void stage_crash(struct stage *s, int node)
{
	world_crash(&s->w, node);
	keep_down(&s->w, node);
}

void stage_restart(struct stage *s, int node)
{
	world_schedule(&s->w, s->w.now, SIM_RESTART, node, 0, 0, (struct bytes){0});
	while (s->w.node[node].replica == NULL && world_step(&s->w, s->w.now))
		;
}
