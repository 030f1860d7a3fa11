#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/text.h"
#include "tests/sim/oracle.h"
#include "tests/sim/runs.h"
#include "tests/sim/shared.h"
#include "tests/sim/sometimes.h"

#define JOBS_MAX 16
#define RECORDED "tests/sim/seeds.txt"
#define RECORDED_MAX 256
/* A run that takes so long hangs. */
#define RUN_LIMIT_S 240
#define SEEDS_FOR_PRINT 20
#define TWICE_IN 64
#define SECONDS_MAX 4096

struct totals {
	uint64_t next, stop; /* the next seed's place; no more seeds */
	uint64_t seeds, steps, simulated_ms, images;
	uint64_t converged[SECONDS_MAX]; /* runs by seconds until they had */
	uint64_t running[JOBS_MAX];
};

static struct totals *t;
static uint64_t recorded[RECORDED_MAX];
static size_t n_recorded;

static void read_recorded(void)
{
	char line[256];
	FILE *f = fopen(RECORDED, "re");
	while (f != NULL && n_recorded < RECORDED_MAX && fgets(line, sizeof(line), f) != NULL) {
		size_t digits = strspn(line, "0123456789");
		if (digits > 0 &&
			decimal_parse(bytes_of(line, digits), UINT64_MAX, &recorded[n_recorded]))
			n_recorded++;
	}
	if (f != NULL)
		fclose(f);
}

static bool next_seed(const struct plan *p, int64_t deadline, uint64_t *seed)
{
	if (__atomic_load_n(&t->stop, __ATOMIC_RELAXED) != 0)
		return false;
	uint64_t i = shared_add(&t->next, 1);
	if (i < n_recorded) {
		*seed = recorded[i];
		return true;
	}
	*seed = p->first + (i - n_recorded);
	return *seed <= p->last && *seed >= p->first && (p->seconds == 0 || time(NULL) < deadline);
}

/* ---- in a worker ---- */

static void count(const struct outcome *o)
{
	int64_t s = o->converged_ms / 1000;
	shared_add(&t->seeds, 1);
	shared_add(&t->steps, o->steps);
	shared_add(&t->images, o->images);
	shared_add(&t->simulated_ms, (uint64_t)o->simulated_ms);
	shared_add(&t->converged[s < SECONDS_MAX ? s : SECONDS_MAX - 1], 1);
}

static void run_again(const struct run *run, const struct outcome *first)
{
	struct run again = *run;
	struct outcome second;
	again.trace = false;
	run_once(&again, &second);
	if (!hash_equal(&first->trace, &second.trace)) {
		printf("FAILED seed %llu: I24: the same seed gave two traces\n",
			(unsigned long long)run->seed);
		exit(1);
	}
	oracle_holds(24);
}

static void work(const struct plan *p, unsigned job, int64_t deadline)
{
	struct run run = p->run;
	struct outcome o;
	while (next_seed(p, deadline, &run.seed)) {
		t->running[job] = run.seed;
		alarm(RUN_LIMIT_S);
		run_once(&run, &o);
		count(&o);
		if (p->first == p->last) {
			char hex[HASH_HEX_SIZE];
			hash_print(&o.trace, hex);
			printf("trace %s\n", hex);
		}
		if (p->twice || (p->first != p->last && run.seed % TWICE_IN == 0))
			run_again(&run, &o);
	}
	alarm(0);
}

/* ---- around the workers ---- */

static bool has_ended_well(const struct plan *p, unsigned job, int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == 0;
	printf("FAILED seed %llu: %s\nreplay: tests/sim/run --seed %llu --steps %llu --trace\n",
		(unsigned long long)t->running[job],
		WTERMSIG(status) == SIGALRM ? "it hangs" : "it was stopped by a bug",
		(unsigned long long)t->running[job], (unsigned long long)p->run.steps);
	return false;
}

static bool run_workers(const struct plan *p, int64_t deadline)
{
	pid_t worker[JOBS_MAX];
	bool well = true;
	fflush(stdout);
	for (unsigned i = 0; i < p->jobs; i++) {
		worker[i] = fork();
		ENSURE(worker[i] >= 0);
		if (worker[i] == 0) {
			work(p, i, deadline);
			exit(0);
		}
	}
	for (unsigned left = p->jobs; left > 0;) {
		int status;
		pid_t who = waitpid(-1, &status, 0);
		for (unsigned i = 0; i < p->jobs; i++) {
			if (worker[i] != who)
				continue;
			left--;
			well &= has_ended_well(p, i, status);
		}
		if (!well)
			__atomic_store_n(&t->stop, 1, __ATOMIC_RELAXED);
	}
	return well;
}

/* ---- the tables ---- */

static unsigned converged_percentile(unsigned percent)
{
	uint64_t sum = 0;
	for (unsigned s = 0; s < SECONDS_MAX; s++) {
		sum += t->converged[s];
		if (sum * 100 >= t->seeds * percent)
			return s;
	}
	return SECONDS_MAX;
}

static void report_totals(double real_s)
{
	struct rusage r;
	getrusage(RUSAGE_CHILDREN, &r);
	double hours = (double)t->simulated_ms / 3600000.0;
	printf("seeds %llu, steps %llu, simulated %.1f hours in %.0f s (%.0f times as fast)\n",
		(unsigned long long)t->seeds, (unsigned long long)t->steps, hours, real_s,
		real_s > 0 ? hours * 3600 / real_s : 0.0);
	printf("converged after the healing: half within %u s, 99%% within %u s; memory %ld MiB\n",
		converged_percentile(50), converged_percentile(99), r.ru_maxrss / 1024);
	/* For the table at the end of tests/run. */
	printf("ledger seeds=%llu sim_s=%llu sim_real_s=%.0f images_sim=%llu heal_p50_s=%u "
	       "heal_p99_s=%u "
	       "heap_sim_mib=%ld\n",
		(unsigned long long)t->seeds, (unsigned long long)t->simulated_ms / 1000, real_s,
		(unsigned long long)t->images, converged_percentile(50), converged_percentile(99),
		r.ru_maxrss / 1024);
}

static int report(const struct plan *p, double real_s)
{
	report_totals(real_s);
	if (t->seeds < SEEDS_FOR_PRINT && !p->complete)
		return 0;
	size_t never = oracle_print() + sometimes_print();
	if (!p->complete || never == 0)
		return 0;
	printf("FAILED: %zu rows were never reached: the runs prove less than they claim\n", never);
	return 1;
}

static double now_s(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int run_many(const struct plan *p)
{
	double from = now_s();
	int64_t deadline = time(NULL) + (int64_t)p->seconds;
	t = shared_alloc(sizeof(*t));
	if (p->recorded)
		read_recorded();
	if (p->first == p->last) {
		work(p, 0, deadline);
		return report(p, now_s() - from);
	}
	printf("seeds %llu.., %zu recorded ones first\n", (unsigned long long)p->first, n_recorded);
	if (!run_workers(p, deadline)) {
		report_totals(now_s() - from);
		return 1;
	}
	return report(p, now_s() - from);
}
