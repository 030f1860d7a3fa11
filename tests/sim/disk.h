/* A disk in memory under the real SQLite: what was written and not synced may be lost, kept or torn
 * at 512 bytes when the power goes; calls fail on demand; it can be full. Each node has one. */
#ifndef DELTAD_TESTS_SIM_DISK_H
#define DELTAD_TESTS_SIM_DISK_H

#include "proto/base/bytes.h"
#include "tests/sim/dice.h"

#define DISK_VFS "sim"

struct disk;

/* Registers the VFS as the default one; again is a no-op. */
void disk_register(void);
/* One dice for what SQLite asks of chance. */
void disk_seed(uint64_t seed);
struct disk *disk_new(int number);
void disk_free(struct disk *d);
const char *disk_path(const struct disk *d);

/* Writes after this do nothing: the process is dying. */
void disk_set_dead(struct disk *d, bool dead);
/* The nth change of a file from now (1 = the next) and all after it do nothing; 0 = none. */
void disk_die_at(struct disk *d, unsigned nth);
bool disk_is_dead(const struct disk *d);
/* Of what was not synced, some of the sectors are there. */
void disk_lose_power(struct disk *d, struct dice *dice);

enum disk_op { DISK_READ, DISK_WRITE, DISK_SYNC, DISK_OPS };
/* The nth call from now (1 = the next) fails with this SQLite code, alone or with all after it. A
 * write that fails may have done half of its work, a sync any part of it. */
void disk_plan_fault(
	struct disk *d, enum disk_op op, unsigned nth, bool for_ever, int code, struct dice *dice);
/* Files cannot grow beyond what they have, plus this; negative = no limit. */
void disk_limit(struct disk *d, int64_t more);
void disk_heal(struct disk *d);
/* A call failed since the last heal, or a little earlier: whoever complains has a reason. */
bool disk_has_struck(const struct disk *d);

/* All files as they are; NULL-safe free. */
struct disk_copy;
struct disk_copy *disk_copy(const struct disk *d);
void disk_put_back(struct disk *d, const struct disk_copy *c);
void disk_copy_free(struct disk_copy *c);

#endif
