#include "tests/scenarios/sim_stage.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/disk.h"

#define DELAY_MS 20

void stage_init(struct stage *s, uint64_t seed)
{
	const struct run run = {
		.seed = seed, .members = STAGE_MEMBERS, .without = UINT64_MAX, .stage = true};
	*s = (struct stage){0};
	disk_register();
	world_init(&s->w, &run);
	s->w.calm = true;
	for (size_t a = 0; a < s->w.n_members; a++)
		stage_slow(s, (int)a, DELAY_MS);
}

void stage_release(struct stage *s)
{
	for (size_t i = 0; i < STAGE_MEMBERS; i++)
		disk_copy_free(s->backup[i].disk);
	world_release(&s->w);
}

void stage_slow(struct stage *s, int node, int64_t delay_ms)
{
	for (size_t p = 0; p < s->w.n_members; p++)
		s->w.path[node][p].delay_max = s->w.path[p][node].delay_max = delay_ms;
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
		rc = replica_status(n->replica, node_now(&s->w, n), &status, e);
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

void stage_crash(struct stage *s, int node)
{
	s->w.down_to = SIM_NEVER;
	node_die(&s->w, &s->w.node[node], NODE_DEAD);
}

void stage_power_off(struct stage *s, int node)
{
	s->w.down_to = SIM_NEVER;
	node_die(&s->w, &s->w.node[node], NODE_OFF);
}

void stage_restart(struct stage *s, int node)
{
	if (!node_is_up(&s->w.node[node]))
		node_start(&s->w, &s->w.node[node]);
}
