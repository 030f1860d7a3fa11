/* Bundles in files: a node writes one, it travels, is looked at as a whole and then taken, as
 * daemon/net/ctl_export.c and ctl_import.c do it. Some get lost, come twice or late, are cut off,
 * or are changed by whoever carries them. Source: PROTOCOL 10. */
#ifndef DELTAD_TESTS_SIM_BUNDLES_H
#define DELTAD_TESTS_SIM_BUNDLES_H

#include "daemon/core/transfer.h"
#include "proto/wire/bundle.h"
#include "tests/sim/world.h"

#define PARCELS 64
#define PARCEL_EVERY_MS 1500 /* where files are the only way */

enum tamper {
	TAMPER_NONE,
	TAMPER_FLIP, /* one bit; all others give the file a new sum if it needs one */
	TAMPER_CUT,
	TAMPER_TAIL,
	TAMPER_ORDER,	/* two records change places */
	TAMPER_TWICE,	/* the leaves of a log stand in two places */
	TAMPER_CLUSTER, /* it is of another cluster */
	TAMPER_LEAF,	/* a leaf is not what its owner signed */
	TAMPER_HEAD,	/* nor is a head */
	TAMPERS
};

/* What somebody does who carries the file; what he could not do, for there is no such record, is a
 * flipped bit. */
enum tamper tamper_with(struct world *w, struct buf *file);

enum parcel_state { PARCEL_UNDER_WAY, PARCEL_LOOKING, PARCEL_TAKING };

struct parcel {
	uint64_t id;
	int from, to; /* nodes */
	enum tamper tamper;
	struct buf file;
	/* at its receiver */
	enum parcel_state state;
	uint64_t life;	/* of the node that is at work on it */
	uint64_t taken; /* records */
	size_t put;	/* bytes that were read */
	struct transfer_import *target;
	struct sha256_stream sha;
	struct bundle_reader reader;
	bool has_record; /* which is not done with */
	struct fed record;
};

struct bundles {
	struct dice dice;
	unsigned percent; /* of what people do */
	uint64_t serial;
	struct parcel *parcel[PARCELS]; /* by id */
	int apart;			/* the member that no line reaches; -1 = none */
	bool alone;			/* a file has told it, or of it, when nothing else could */
};

/* Writes one and sends it off, by nobody who changes it if `well`. */
void bundles_send(struct world *w, struct sim_node *from, struct sim_node *to,
	const struct ctl_export *what, bool well);

/* Sends off one that somebody made by hand. */
void bundles_post(struct world *w, const struct sim_node *from, const struct sim_node *to,
	const struct buf *file);

/* ---- imports.c ---- */
void imports_begin(struct world *w, struct parcel *p);
/* Goes on with it; false: it is over. */
bool imports_go_on(struct world *w, struct parcel *p);
/* What was begun is let go. */
void imports_drop(struct world *w, struct parcel *p);

#endif
