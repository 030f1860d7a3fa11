/* sim: runs seeded clusters and holds them against the oracle.
 *
 *	sim [--seeds FIRST..LAST | --seed N] [--for SECONDS] [--jobs N] [--recorded] [--twice]
 *	    [--complete] [--steps M] [--members N] [--without CLASS,…] [--trace] [--shrink]
 *	    [--canary] [--two-liars]
 *
 * A run that fails prints what it saw and the command that repeats it, and the exit status is 1.
 * --for: seeds from FIRST on until the time is over. --recorded: the seeds of tests/sim/seeds.txt
 * first. --complete: the runs together must reach every row of the tables. --shrink: makes a
 *failing seed's run smaller. --canary, --two-liars: runs that must
 * fail. */
#include <stdio.h>
#include <string.h>

#include "proto/base/mutant.h"
#include "proto/base/text.h"
#include "tests/sim/disk.h"
#include "tests/sim/oracle.h"
#include "tests/sim/runs.h"
#include "tests/sim/sometimes.h"

#define STEPS_DEFAULT 4000
#define SEEDS_DEFAULT 200
#define JOBS_MOST 16

static int usage(void)
{
	fprintf(stderr,
		"usage: sim [--seeds A..B | --seed N] [--for SECONDS] [--jobs N] [--recorded] "
		"[--twice] [--complete] [--steps M] [--members 2..5] [--without CLASS,…] "
		"[--trace] [--shrink] [--canary] [--two-liars]\n");
	return 2;
}

static bool parse_seeds(const char *s, struct plan *p)
{
	const char *dots = strstr(s, "..");
	return dots != NULL &&
		decimal_parse(bytes_of(s, (size_t)(dots - s)), UINT64_MAX, &p->first) &&
		decimal_parse(bytes_str(dots + 2), UINT64_MAX, &p->last) && p->first <= p->last;
}

static bool parse_classes(const char *s, uint64_t *out)
{
	while (*s != '\0') {
		size_t n = strcspn(s, ",");
		enum fault_class c = fault_named(s, n);
		if (c == FAULT_CLASSES)
			return false;
		*out |= (uint64_t)1 << c;
		s += n + (s[n] == ',');
	}
	return true;
}

static bool parse_number(const char *name, uint64_t n, struct plan *p)
{
#ifdef DELTAD_MUTANTS
	if (strcmp(name, "--mutant") == 0) {
		mutant_plant((int)n);
		return true;
	}
#endif
	if (strcmp(name, "--seed") == 0)
		p->first = p->last = n;
	else if (strcmp(name, "--steps") == 0)
		p->run.steps = n;
	else if (strcmp(name, "--for") == 0 && n <= UINT32_MAX)
		p->seconds = (unsigned)n;
	else if (strcmp(name, "--jobs") == 0 && n > 0 && n <= JOBS_MOST)
		p->jobs = (unsigned)n;
	else if (strcmp(name, "--members") == 0 && n >= 2 && n <= SIM_MEMBERS)
		p->run.members = (size_t)n;
	else
		return false;
	return true;
}

static bool parse_pair(const char *name, const char *value, struct plan *p)
{
	uint64_t n = 0;
	if (strcmp(name, "--seeds") == 0)
		return parse_seeds(value, p);
	if (strcmp(name, "--without") == 0)
		return parse_classes(value, &p->run.without);
	return decimal_parse(bytes_str(value), UINT64_MAX, &n) && parse_number(name, n, p);
}

static bool parse(int argc, char **argv, struct plan *p, bool *shrinks)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--trace") == 0)
			p->run.trace = true;
		else if (strcmp(argv[i], "--twice") == 0)
			p->twice = true;
		else if (strcmp(argv[i], "--complete") == 0)
			p->complete = true;
		else if (strcmp(argv[i], "--recorded") == 0)
			p->recorded = true;
		else if (strcmp(argv[i], "--canary") == 0)
			p->run.canary = true;
		else if (strcmp(argv[i], "--two-liars") == 0)
			p->run.two_liars = true;
		else if (strcmp(argv[i], "--shrink") == 0)
			*shrinks = true;
		else if (i + 1 == argc || !parse_pair(argv[i], argv[i + 1], p))
			return false;
		else
			i++;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct plan p = {
		.first = 1, .last = SEEDS_DEFAULT, .jobs = 1, .run = {.steps = STEPS_DEFAULT}};
	bool shrinks = false;
	struct err e = {0};
	if (!parse(argc, argv, &p, &shrinks))
		return usage();
	if (trust_init(&e) != RC_OK) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	disk_register();
	oracle_init();
	sometimes_init();
	p.run.seed = p.first;
	return shrinks ? shrink(&p.run) : run_many(&p);
}
