#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/oracle.h"
#include "tests/sim/runs.h"

#define RUN_LIMIT_S 240

bool run_fails(const struct run *run)
{
	int status;
	fflush(stdout);
	pid_t child = fork();
	ENSURE(child >= 0);
	if (child == 0) {
		struct outcome o;
		int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (dup2(nowhere, STDOUT_FILENO) < 0 || dup2(nowhere, STDERR_FILENO) < 0)
			exit(0);
		alarm(RUN_LIMIT_S);
		run_once(run, &o);
		exit(0);
	}
	ENSURE(waitpid(child, &status, 0) == child);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static bool keep_if_it_fails(struct run *best, const struct run *candidate, const char *what)
{
	if (!run_fails(candidate))
		return false;
	*best = *candidate;
	printf("still fails %s\n", what);
	return true;
}

/* Fewer steps: halves, then smaller parts. */
static void fewer_steps(struct run *best)
{
	for (uint64_t part = best->steps / 2; part > 0;) {
		struct run c = *best;
		char what[64];
		c.steps -= part < c.steps ? part : c.steps;
		snprintf(what, sizeof(what), "with %llu steps", (unsigned long long)c.steps);
		if (c.steps == best->steps || !keep_if_it_fails(best, &c, what))
			part /= 2;
	}
}

static void fewer_faults(struct run *best)
{
	for (size_t f = 0; f < FAULT_CLASSES; f++) {
		struct run c = *best;
		char what[64];
		c.without |= (uint64_t)1 << f;
		snprintf(what, sizeof(what), "without %s", fault_name((enum fault_class)f));
		if (c.without != best->without)
			(void)keep_if_it_fails(best, &c, what);
	}
}

static void fewer_members(struct run *best)
{
	for (size_t n = 2; n < SIM_MEMBERS; n++) {
		struct run c = *best;
		char what[64];
		c.members = n;
		snprintf(what, sizeof(what), "with %zu members", n);
		if (keep_if_it_fails(best, &c, what))
			return;
	}
}

int shrink(const struct run *run)
{
	struct run best = *run;
	best.trace = false;
	if (!run_fails(&best)) {
		printf("seed %llu does not fail\n", (unsigned long long)run->seed);
		return 0;
	}
	fewer_steps(&best);
	fewer_members(&best);
	fewer_faults(&best);
	fewer_steps(&best);
	oracle_print_replay(&best);
	return 1;
}
