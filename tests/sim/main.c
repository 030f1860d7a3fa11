/* sim: runs seeded clusters and holds them against the oracle.
 *
 *	sim [--seeds FIRST..LAST] [--seed N] [--steps M] [--nodes N] [--trace] [--twice] [--mutant
 *N]
 *
 * Prints the seed of a failing run first, with the command that repeats it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/mutant.h"
#include "tests/sim/world.h"

#define STEPS_DEFAULT 3000
#define LIVENESS_MS 60000

struct totals {
	uint64_t seeds, steps, posts, refused, crashes, cuts, packets, conflicts, epochs, flips;
	int64_t simulated_ms;
};

static void heal_everything(struct world *w)
{
	w->calm = true;
	for (size_t a = 0; a < w->n; a++) {
		if (w->node[a].replica == NULL)
			world_schedule(w, w->now, SIM_RESTART, (int)a, 0, 0, (struct bytes){0});
		for (size_t b = a + 1; b < w->n; b++)
			world_schedule(
				w, w->now + 1, SIM_HEAL, (int)a, (int)b, 0, (struct bytes){0});
	}
}

/* Safety phase with faults, then liveness phase without: everybody agrees within 60 simulated
 * seconds (I8). */
static struct hash run_seed(
	uint64_t seed, size_t nodes, uint64_t steps, bool trace, struct totals *t)
{
	struct world *w = xalloc(sizeof(*w));
	struct dice d = {seed};
	world_init(w, seed, nodes != 0 ? nodes : (size_t)dice_range(&d, 2, SIM_NODES_MAX));
	w->trace = trace;
	while (w->steps < steps && world_step(w, INT64_MAX))
		;
	heal_everything(w);
	int64_t end = w->now + LIVENESS_MS;
	while (world_step(w, end))
		;
	oracle_converged(w);
	oracle_rebuild(w);
	t->seeds++;
	t->steps += w->steps;
	t->posts += w->posts;
	t->refused += w->refused;
	t->crashes += w->crashes;
	t->cuts += w->cuts;
	t->packets += w->packets;
	t->conflicts += w->conflicts_seen;
	t->epochs += w->epochs;
	t->flips += w->flips;
	t->simulated_ms += w->now;
	struct hash h = w->trace_hash;
	world_release(w);
	free(w);
	return h;
}

static void must_have_happened(const char *what, uint64_t n)
{
	printf("%-44s %llu\n", what, (unsigned long long)n);
	if (n == 0) {
		printf("FAILED: this never happened: the runs prove less than they claim\n");
		exit(1);
	}
}

static void report(const struct totals *t)
{
	printf("seeds %llu, steps %llu, simulated %.1f hours\n", (unsigned long long)t->seeds,
		(unsigned long long)t->steps, (double)t->simulated_ms / 3600000.0);
	if (t->seeds < 20)
		return;
	must_have_happened("changes acknowledged", t->posts);
	must_have_happened("posts refused by a rule", t->refused);
	must_have_happened("crashes", t->crashes);
	must_have_happened("links cut", t->cuts);
	must_have_happened("messages", t->packets);
	must_have_happened("conflicts seen and resolved", t->conflicts);
	must_have_happened("epochs opened after a lost mark", t->epochs);
	must_have_happened("revocations reaching into the past", t->flips);
}

int main(int argc, char **argv)
{
	unsigned long long first = 1, last = 200, steps = STEPS_DEFAULT, nodes = 0;
	bool trace = false, twice = false;
	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;
		if (strcmp(argv[i], "--seeds") == 0 && more &&
			sscanf(argv[++i], "%llu..%llu", &first, &last) == 2)
			continue;
		if (strcmp(argv[i], "--seed") == 0 && more &&
			sscanf(argv[++i], "%llu", &first) == 1) {
			last = first;
			continue;
		}
		if (strcmp(argv[i], "--steps") == 0 && more &&
			sscanf(argv[++i], "%llu", &steps) == 1)
			continue;
		if (strcmp(argv[i], "--nodes") == 0 && more &&
			sscanf(argv[++i], "%llu", &nodes) == 1 && nodes >= 2 &&
			nodes <= SIM_NODES_MAX)
			continue;
#ifdef DELTAD_MUTANTS
		unsigned mutant;
		if (strcmp(argv[i], "--mutant") == 0 && more &&
			sscanf(argv[++i], "%u", &mutant) == 1) {
			mutant_plant((int)mutant);
			continue;
		}
#endif
		if (strcmp(argv[i], "--trace") == 0) {
			trace = true;
			continue;
		}
		if (strcmp(argv[i], "--twice") == 0) {
			twice = true;
			continue;
		}
		fprintf(stderr,
			"usage: sim [--seeds A..B] [--seed N] [--steps M] [--nodes 2..5] [--trace] "
			"[--twice]\n");
		return 2;
	}
	struct err e = {0};
	if (trust_init(&e) != RC_OK) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	struct totals t = {0};
	printf("seeds %llu..%llu\n", first, last);
	for (uint64_t seed = first; seed <= last; seed++) {
		struct hash h = run_seed(seed, (size_t)nodes, steps, trace, &t);
		char hex[HASH_HEX_SIZE];
		hash_print(&h, hex);
		if (first == last)
			printf("trace %s\n", hex);
		if (!twice)
			continue;
		struct hash again = run_seed(seed, (size_t)nodes, steps, false, &t);
		if (!hash_equal(&h, &again)) {
			printf("FAILED seed %llu: I24: the same seed gave two traces\n",
				(unsigned long long)seed);
			return 1;
		}
	}
	report(&t);
	return 0;
}
