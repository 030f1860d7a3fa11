/* The simulated cluster as scenarios see it: five members who do only what they are told, on lines
 * that fail only when they are told to. Built on tests/sim's world, so every invariant is checked
 * after every event. */
#ifndef DELTAD_TESTS_SCENARIOS_SIM_STAGE_H
#define DELTAD_TESTS_SCENARIOS_SIM_STAGE_H

#include "tests/sim/world.h"

#define STAGE_MEMBERS 5

struct disk_copy;

struct stage_backup {
	struct disk_copy *disk; /* NULL: none was made */
	struct mark mark;
};

struct stage {
	struct world w;
	uint64_t nonce; /* of the last change */
	struct stage_backup backup[STAGE_MEMBERS];
};

/* The roster is installed everywhere, each member has its operator, and nothing else is said. */
void stage_init(struct stage *s, uint64_t seed);
void stage_release(struct stage *s);

/* Between two events, and it stays down: the process ends, or the power goes and with it some of
 * what was not synced. */
void stage_crash(struct stage *s, int node);
void stage_power_off(struct stage *s, int node);
void stage_restart(struct stage *s, int node);
/* Everything that the node sends or is sent takes up to so long. */
void stage_slow(struct stage *s, int node, int64_t delay_ms);

/* ---- disks; all but stage_backup and stage_install of a node that is down ---- */
void stage_backup(struct stage *s, int node);
/* with_mark: the whole machine is put back. RC_NOT_FOUND: there is no backup. */
int stage_restore(struct stage *s, int node, bool with_mark, struct err *e) MUST_CHECK;
void stage_wipe(struct stage *s, int node);
int stage_install(struct stage *s, int node, struct err *e) MUST_CHECK;

/* A member with a valid key says what its node would not: noise, head (of a leaf that never was),
 * leaf (a changed one), fork (another history of its own log). RC_NOT_FOUND: there is nothing to
 * lie about. */
int stage_lie(struct stage *s, int liar, const char *kind, int to, struct err *e) MUST_CHECK;

/* A bundle made for `to`, carried there by disk and taken. */
int stage_carry(struct stage *s, int from, int to, struct err *e) MUST_CHECK;

/* What an official says. Words that do not apply are "". */
struct stage_post {
	const char *word; /* plan, report, overall, note */
	const char *task, *status, *text;
	uint32_t progress;
	const char *lead, *participants; /* slugs with commas between them */
};
/* Supersedes what the node shows there. RC_REFUSED_* and the like: the node's own answer. */
int stage_post(struct stage *s, int node, const struct stage_post *p, struct err *e) MUST_CHECK;
/* A second machine with everything of the node's starts, and an official posts a note there. */
int stage_clone(
	struct stage *s, int node, const char *task, const char *text, struct err *e) MUST_CHECK;
/* Puts the value of `taken` in place of all that stand in the register. RC_NOT_FOUND: it has none.
 */
int stage_resolve(struct stage *s, int node, const char *task, const char *slot, const char *holder,
	const char *taken, struct err *e) MUST_CHECK;

/* Rows for the player:
 *	view TAB root
 *	log TAB origin TAB member TAB size TAB seen TAB forked
 *	peer TAB member TAB connected TAB lacks TAB refused */
int stage_print_status(struct stage *s, int node, struct err *e) MUST_CHECK;
/*	value TAB field TAB member TAB signed TAB status TAB progress TAB text TAB lead */
int stage_print_values(struct stage *s, int node, const char *task, struct err *e) MUST_CHECK;

#endif
