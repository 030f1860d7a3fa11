/* sim: runs seeded clusters and holds them against the oracle.
 *
 *	sim [--seeds FIRST..LAST | --seed N] [--steps M] [--members N] [--without CLASS,…]
 *	    [--trace] [--twice]
 *
 * A run that fails prints what it saw and the command that repeats it, and ends the program with
 * status 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/mutant.h"
#include "proto/base/text.h"
#include "tests/sim/disk.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sometimes.h"

#define STEPS_DEFAULT 4000
#define SEEDS_DEFAULT 200
/* A set of so many seeds must reach every row. */
#define SEEDS_FOR_TABLES 400

struct options {
	struct run run;
	uint64_t first, last;
	bool twice;
};

struct totals {
	uint64_t seeds, steps;
	int64_t simulated_ms;
};

/* ---- one run ---- */

/* 45 s until silence is noticed, 60 s until the next dial, 60 s for the exchange, and as long as
 * the bytes take on the slowest line. */
#define BOUND_MS 165000

/* A source that sends bytes, but not those that were asked for, is left after five minutes. */
#define HELD_UP_MS 300000

static int64_t bound(const struct world *w)
{
	uint64_t bytes = 0;
	int64_t rate = INT64_MAX;
	for (size_t i = 0; i < w->n_members; i++) {
		uint64_t here = 0;
		for (size_t k = 0; k < w->node[i].held.n; k++)
			here += w->node[i].held.log[k].bytes;
		bytes = here > bytes ? here : bytes;
		for (size_t k = 0; k < w->n_members; k++)
			if (w->path[i][k].rate > 0 && w->path[i][k].rate < rate)
				rate = w->path[i][k].rate;
	}
	bool lied_to = swarm_has(&w->swarm, FAULT_HOSTILE);
	return BOUND_MS + 3 * (int64_t)bytes / rate + (lied_to ? HELD_UP_MS : 0);
}

static struct hash run_seed(const struct run *run, struct totals *t)
{
	struct world *w = xalloc(sizeof(*w));
	world_init(w, run);
	while (w->steps < run->steps && world_step(w, INT64_MAX))
		;
	world_calm(w);
	int64_t end = w->now + bound(w);
	while (!w->over && world_step(w, end))
		;
	(void)oracle_converged(w, true);
	oracle_end(w);
	t->seeds++;
	t->steps += w->steps;
	t->simulated_ms += w->now;
	struct hash h = w->trace_hash;
	world_release(w);
	free(w);
	return h;
}

static void run_all(const struct options *o, struct totals *t)
{
	struct run run = o->run;
	for (run.seed = o->first; run.seed <= o->last; run.seed++) {
		char hex[HASH_HEX_SIZE];
		struct hash h = run_seed(&run, t);
		hash_print(&h, hex);
		if (o->first == o->last)
			printf("trace %s\n", hex);
		if (!o->twice)
			continue;
		struct run again = run;
		again.trace = false;
		struct hash second = run_seed(&again, t);
		if (!hash_equal(&h, &second)) {
			printf("FAILED seed %llu: I24: the same seed gave two traces\n",
				(unsigned long long)run.seed);
			exit(1);
		}
		oracle_holds(24);
	}
}

static int report(const struct totals *t)
{
	printf("seeds %llu, steps %llu, simulated %.1f hours\n", (unsigned long long)t->seeds,
		(unsigned long long)t->steps, (double)t->simulated_ms / 3600000.0);
	if (t->seeds < 20)
		return 0;
	size_t never = oracle_print() + sometimes_print();
	if (t->seeds < SEEDS_FOR_TABLES || never == 0)
		return 0;
	printf("FAILED: %zu rows were never reached: the runs prove less than they claim\n", never);
	return 1;
}

/* ---- the command line ---- */

static int usage(void)
{
	fprintf(stderr,
		"usage: sim [--seeds A..B | --seed N] [--steps M] [--members 2..5] "
		"[--without CLASS,…] [--trace] [--twice]\n");
	return 2;
}

static bool parse_seeds(const char *s, struct options *o)
{
	const char *dots = strstr(s, "..");
	return dots != NULL &&
		decimal_parse(bytes_of(s, (size_t)(dots - s)), UINT64_MAX, &o->first) &&
		decimal_parse(bytes_str(dots + 2), UINT64_MAX, &o->last);
}

static bool parse_classes(const char *s, uint32_t *out)
{
	while (*s != '\0') {
		size_t n = strcspn(s, ",");
		enum fault_class c = fault_named(s, n);
		if (c == FAULT_CLASSES)
			return false;
		*out |= (uint32_t)1 << c;
		s += n + (s[n] == ',');
	}
	return true;
}

static bool parse_pair(const char *name, const char *value, struct options *o)
{
	uint64_t n = 0;
	if (strcmp(name, "--seeds") == 0)
		return parse_seeds(value, o);
	if (strcmp(name, "--without") == 0)
		return parse_classes(value, &o->run.without);
	if (!decimal_parse(bytes_str(value), UINT64_MAX, &n))
		return false;
#ifdef DELTAD_MUTANTS
	if (strcmp(name, "--mutant") == 0) {
		mutant_plant((int)n);
		return true;
	}
#endif
	if (strcmp(name, "--seed") == 0)
		o->first = o->last = n;
	else if (strcmp(name, "--steps") == 0)
		o->run.steps = n;
	else if (strcmp(name, "--members") == 0 && n >= 2 && n <= SIM_MEMBERS)
		o->run.members = (size_t)n;
	else
		return false;
	return true;
}

static bool parse(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--trace") == 0)
			o->run.trace = true;
		else if (strcmp(argv[i], "--twice") == 0)
			o->twice = true;
		else if (i + 1 == argc || !parse_pair(argv[i], argv[i + 1], o))
			return false;
		else
			i++;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options o = {.first = 1, .last = SEEDS_DEFAULT, .run = {.steps = STEPS_DEFAULT}};
	struct totals t = {0};
	struct err e = {0};
	if (!parse(argc, argv, &o))
		return usage();
	if (trust_init(&e) != RC_OK) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	disk_register();
	printf("seeds %llu..%llu\n", (unsigned long long)o.first, (unsigned long long)o.last);
	run_all(&o, &t);
	return report(&t);
}
