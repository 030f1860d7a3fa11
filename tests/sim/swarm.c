#include "tests/sim/swarm.h"

#include <string.h>

/* percent: of the seeds that have it. weight: how often it is chosen when something goes wrong;
 * 0 = it is no event but a condition. Isolation of single nodes and partial partitions find most,
 * so they are in most runs. */
static const struct {
	const char *name;
	unsigned percent, weight;
} classes[FAULT_CLASSES] = {
	[FAULT_CRASH] = {"crash", 70, 10},
	[FAULT_POWER] = {"power", 50, 8},
	[FAULT_PAUSE] = {"pause", 25, 5},
	[FAULT_NIGHT] = {"night", 6, 1},
	[FAULT_CUT] = {"cut", 50, 8},
	[FAULT_ISOLATE] = {"isolate", 75, 24},
	[FAULT_PARTIAL] = {"partial", 65, 20},
	[FAULT_ONEWAY] = {"oneway", 35, 8},
	[FAULT_RESET] = {"reset", 40, 12},
	[FAULT_REFUSE] = {"refuse", 25, 5},
	[FAULT_CHUNKS] = {"chunks", 30, 0},
	[FAULT_SLOW] = {"slow", 30, 0},
	[FAULT_FLIP] = {"flip", 20, 0},
	[FAULT_NOISE] = {"noise", 35, 0},
	[FAULT_CLOCK] = {"clock", 40, 0},
	[FAULT_JUMP] = {"jump", 30, 5},
	[FAULT_DISK] = {"disk", 75, 0},
	[FAULT_IO] = {"io", 25, 10},
	[FAULT_FULL] = {"full", 25, 8},
	[FAULT_RESTORE] = {"restore", 35, 4},
	[FAULT_ROLLBACK] = {"rollback", 25, 4},
	[FAULT_CLONE] = {"clone", 16, 4},
	[FAULT_HOSTILE] = {"hostile", 25, 0},
	[FAULT_FUTURE] = {"future", 20, 0},
	[FAULT_OLD] = {"old", 15, 0},
	[FAULT_REVOKE] = {"revoke", 50, 0},
	[FAULT_BULK] = {"bulk", 12, 0},
	[FAULT_ROSTER] = {"roster", 40, 0},
	[FAULT_BUNDLE] = {"bundle", 40, 0},
	[FAULT_SPLIT] = {"split", 50, 0},
	[FAULT_RETIRE] = {"retire", 40, 0},
	[FAULT_APART] = {"apart", 30, 0},
	[FAULT_CRAFT] = {"craft", 30, 0},
	[FAULT_RESTART] = {"restart", 40, 14},
	[FAULT_DECEIT] = {"deceit", 90, 0},
	[FAULT_DOUBT] = {"doubt", 60, 0},
	[FAULT_DAYS] = {"days", 8, 0},
	[FAULT_BRIM] = {"brim", 30, 0},
	[FAULT_PRETEND] = {"pretend", 40, 0},
	[FAULT_LOSS] = {"loss", 40, 4},
	[FAULT_TCP] = {"tcp", 50, 0},
	[FAULT_TALK] = {"talk", 25, 0},
	[FAULT_PUSH] = {"push", 60, 0},
};

const char *fault_name(enum fault_class c)
{
	return classes[c].name;
}

enum fault_class fault_named(const char *name, size_t n)
{
	size_t i = 0;
	while (i < FAULT_CLASSES &&
		(strlen(classes[i].name) != n || memcmp(classes[i].name, name, n) != 0))
		i++;
	return (enum fault_class)i;
}

bool swarm_has(const struct swarm *s, enum fault_class c)
{
	return s->on >> c & 1;
}

static int64_t one_of(struct dice *d, const int64_t *choice, size_t n)
{
	return choice[dice_index(d, n)];
}

void swarm_init(struct swarm *s, const struct run *run, struct dice *d)
{
	static const int64_t pauses[] = {30, 300, 3000, 30000};
	static const int64_t weathers[] = {1000, 5000, 20000, 60000};
	static const int64_t faults[] = {500, 5000, 30000, 240000};
	*s = (struct swarm){0};
	struct dice later = {~run->seed}; /* of what was added: other draws stay as they were */
	for (size_t c = 0; c < FAULT_CLASSES; c++) {
		/* A quarter of the seeds of each kind: less is often more. */
		struct dice *from = c < FAULT_ROSTER ? d : &later;
		bool on = dice_percent(from, classes[c].percent);
		unsigned weight = classes[c].weight * (unsigned)dice_range(from, 1, 4);
		if (run->without >> c & 1)
			on = false;
		s->on |= (uint64_t)on << c;
		s->weight[c] = on ? weight : 0;
	}
	if (run->two_liars)
		s->on |= (uint64_t)1 << FAULT_HOSTILE;
	/* What a liar pretends is of versions that there are. */
	if (swarm_has(s, FAULT_HOSTILE) && swarm_has(s, FAULT_PRETEND) && !run->two_liars)
		s->on |= ~run->without & (uint64_t)1 << FAULT_ROSTER;
	/* The daemon's own channel is to hear most of the talk. */
	if (swarm_has(s, FAULT_TALK) && dice_percent(&later, 30) &&
		(run->without >> FAULT_NOISE & 1) == 0)
		s->on |= (uint64_t)1 << FAULT_NOISE;
	for (size_t c = 0; c < FAULT_CLASSES; c++)
		s->weight_sum += s->weight[c];
	s->death_in = (unsigned)dice_range(d, 300, 5000);
	s->pause_max = one_of(d, pauses, 4);
	s->weather_max = one_of(d, weathers, 4);
	s->fault_max = one_of(d, faults, 4);
}
