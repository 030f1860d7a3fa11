/* One run from its seed to its end, and many of them in several processes. */
#ifndef DELTAD_TESTS_SIM_RUNS_H
#define DELTAD_TESTS_SIM_RUNS_H

#include "tests/sim/world.h"

struct outcome {
	struct hash trace;
	uint64_t steps, images;
	int64_t simulated_ms;
	int64_t converged_ms; /* after everything was mended */
};

/* A safety phase with faults, then a liveness phase without. */
void run_once(const struct run *run, struct outcome *out);

struct plan {
	struct run run;
	uint64_t first, last;
	unsigned jobs;
	unsigned seconds; /* 0 = until the last seed */
	bool twice;	  /* every run, and compare the traces; else one in some */
	bool recorded;	  /* the seeds that found something come first */
	bool complete;	  /* a row of a table that no run reached is a failure */
};

/* Prints the tables. The exit status. */
int run_many(const struct plan *plan);
/* Makes a failing run smaller: prints the command of the smallest that still fails. The exit
 * status. */
int shrink(const struct run *run);
/* Runs it in a process of its own, without a word; true if it failed. */
bool run_fails(const struct run *run);

#endif
