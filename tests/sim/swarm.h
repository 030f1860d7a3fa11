/* What may go wrong in a run: each seed switches classes of faults on and off and draws their
 * rates, so that runs differ in kind and not only in detail (swarm testing). */
#ifndef DELTAD_TESTS_SIM_SWARM_H
#define DELTAD_TESTS_SIM_SWARM_H

#include "tests/sim/dice.h"

enum fault_class {
	FAULT_CRASH,	/* a process is killed */
	FAULT_POWER,	/* a host loses power */
	FAULT_PAUSE,	/* a process is stopped for a while */
	FAULT_NIGHT,	/* all hosts are off for a month */
	FAULT_CUT,	/* one pair cannot reach each other */
	FAULT_ISOLATE,	/* one node reaches nobody */
	FAULT_PARTIAL,	/* the cluster in two halves, with or without a bridge */
	FAULT_ONEWAY,	/* packets of one direction vanish */
	FAULT_RESET,	/* connections are reset at any byte */
	FAULT_REFUSE,	/* connections are refused */
	FAULT_CHUNKS,	/* bytes come in small pieces */
	FAULT_SLOW,	/* lines of little rate and long delay */
	FAULT_FLIP,	/* bits change on the way */
	FAULT_NOISE,	/* not a fault: connections are encrypted */
	FAULT_CLOCK,	/* wall clocks are years off, drift */
	FAULT_JUMP,	/* wall clocks jump, stand still, go back */
	FAULT_DISK,	/* not a fault: databases in files, on the disk that can lose power */
	FAULT_IO,	/* calls of the disk fail */
	FAULT_FULL,	/* a disk is full for a while */
	FAULT_RESTORE,	/* an older database comes back, without its mark */
	FAULT_ROLLBACK, /* an older database comes back, with an older mark or a newer one */
	FAULT_CLONE,	/* a second machine runs with a copy of database and keys */
	FAULT_HOSTILE,	/* one member's node does what it likes */
	FAULT_FUTURE,	/* one member runs a newer program */
	FAULT_OLD,	/* some nodes run an older program, and are upgraded */
	FAULT_REVOKE,	/* operators are revoked, into the past too */
	FAULT_BULK,	/* officials import hundreds of changes at once */
	FAULT_ROSTER,	/* not a fault: versions of the roster come into force */
	FAULT_BUNDLE,	/* not a fault: files go from node to node */
	FAULT_APART,	/* no line ever reaches one of the nodes, only files do */
	FAULT_SPLIT,	/* two versions of one number are signed */
	FAULT_RETIRE,	/* not a fault: versions of the roster end logs */
	FAULT_CRAFT,	/* one member's logs hold what is void, each leaf in a way of its own */
	FAULT_RESTART,	/* disks fail, and nodes die, where only the next start finds out */
	FAULT_DECEIT,	/* the hostile member lies to a purpose */
	FAULT_DOUBT,	/* officials ask again for what was answered */
	FAULT_DAYS,	/* not a fault: days pass when all is said */
	FAULT_BRIM,	/* a disk is full when there is still something to be done */
	FAULT_PRETEND,	/* the liar names other versions of the roster, and repeats them */
	FAULT_LOSS,	/* a disk is lost, and replaced by an empty one */
	FAULT_TCP,	/* bytes trickle, and after a cut TCP waits as long again */
	FAULT_TALK,	/* one member is asked for leaves and talks of other things */
	FAULT_PUSH,	/* not a fault: the newer program sends what it wrote, unasked */
	FAULT_CLASSES
};

const char *fault_name(enum fault_class c);
/* FAULT_CLASSES if there is none. */
enum fault_class fault_named(const char *name, size_t n);

struct swarm {
	uint64_t on;			/* bit by class */
	unsigned weight[FAULT_CLASSES]; /* of those that happen now and then; 0 = off */
	unsigned weight_sum;
	unsigned death_in;   /* a turn of so many ends in the process's death */
	int64_t pause_max;   /* between two acts of people, ms */
	int64_t weather_max; /* between two faults, ms */
	int64_t fault_max;   /* how long one lasts, ms */
};

/* What the command line asks for. */
struct run {
	uint64_t seed;
	uint64_t steps;	  /* of the safety phase */
	size_t members;	  /* 0 = the seed decides */
	uint64_t without; /* fault classes that do nothing, by bit */
	bool trace, canary;
	bool two_liars; /* one has another member's cosign key too: more than is promised for */
	bool stage;	/* nothing happens but what the caller does */
};

void swarm_init(struct swarm *s, const struct run *run, struct dice *d);
bool swarm_has(const struct swarm *s, enum fault_class c);

#endif
