/* The oracle: what must hold, checked after every commit, on every message that leaves, and at the
 * end. A check that fails prints what it saw, and the command that repeats it, and ends the program
 * with status 1. */
#ifndef DELTAD_TESTS_SIM_ORACLE_H
#define DELTAD_TESTS_SIM_ORACLE_H

#include "tests/sim/world.h"

/* number: of an invariant in invariants.def. */
_Noreturn void oracle_fail(const struct world *w, int number, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* It was checked, and holds. */
void oracle_holds(int number);
/* Every invariant, its sentence, and how often it was checked; the number of those never checked.
 */
size_t oracle_print(void);
/* Before processes are forked, so that they count together. */
void oracle_init(void);
void oracle_print_replay(const struct run *run);
/* How to repeat the run that is under way, for oracle_fail. */
void oracle_set_replay(const struct run *run);

/* A node started, or committed something. */
void oracle_started(struct world *w, struct sim_node *n);
void oracle_committed(struct world *w, struct sim_node *n);
/* A message is about to leave. */
void oracle_message(struct world *w, struct sim_node *n, const struct message *m, uint64_t conn);
void oracle_event(struct world *w, struct sim_node *n, const struct event *ev);
/* A message of the other end was refused. */
void oracle_refusal(struct world *w, struct sim_node *n, struct sim_conn *c, int end, int rc,
	const struct err *e);
/* The node's database was put back to an older state; with the mark of that time it goes on in the
 * log that this names, and nobody notices until it speaks to the others. */
void oracle_put_back(struct world *w, struct sim_node *n, const struct mark *with);
/* A leaf that a member wrote without a replica. */
void oracle_wrote(struct world *w, const char *origin, int member, struct bytes leaf);
/* And what must become of it. */
void oracle_made(struct world *w, const char *origin, uint64_t index, enum made how);
void oracle_taint(struct world *w, const char *origin, int member);
/* A second machine goes on in this log. */
void oracle_cloned(struct world *w, const char *origin, int member);

/* ---- end.c ---- */
/* Do all honest nodes hold the same? If `must`, what is missing is a failure. */
bool oracle_converged(struct world *w, bool must);
/* After it: acknowledgements, verdicts, rebuilt views, nonces. */
void oracle_end(struct world *w);
/* Canonical text of all verdicts a node gives, hashed. */
void oracle_dump(struct world *w, struct sim_node *n, struct hash *out);
void oracle_print_view(struct sim_node *n);

/* The root of the first leaves of a log that a node stores; false: it has fewer. */
bool oracle_root_at(struct sim_node *n, const char *origin, uint64_t size, struct hash *root);

/* ---- witness.c ---- */
/* A peer's message was taken. */
void witness_heard(struct world *w, struct sim_node *n, int peer, enum message_kind kind);
/* The node finds out that it may have forgotten what it said. */
void witness_set_back(struct world *w, struct sim_node *n);
/* A head leaves a node. */
void witness_said(struct world *w, struct sim_node *n, struct bytes note);
/* What a node keeps as final. */
void witness_look(struct world *w, struct sim_node *n);
/* After everything was mended. */
void witness_end(struct world *w);

/* ---- view.c ---- */
/* What a node shows follows from its history. */
void oracle_fold(struct world *w, struct sim_node *n);
/* What honest members wrote is sound. */
void oracle_findings(struct world *w, struct sim_node *n);

/* ---- shown.c ---- */
/* What a node shows of leaves made by hand, and in which order; and what it counts. */
void oracle_shown(struct world *w, struct sim_node *n);

/* ---- claims.c ---- */
/* I36, of all that the node shows at the moment. */
void oracle_values(struct world *w, struct sim_node *n);
/* I37, and I6: it says that a peer with the same leaves sees another view. */
void oracle_diverged(struct world *w, struct sim_node *n, const struct event *ev);
/* I38 */
void oracle_twins(struct world *w, struct sim_node *n);

/* ---- meet.c ---- */
/* A node is about to hear this from a peer. */
void meet_message(struct world *w, struct sim_node *n, int peer, const struct message *m);
/* It took this from a file, whose leaves are held against those that are here. */
void meet_record(struct world *w, struct sim_node *n, const struct message *m);
/* It refused it, wholly or from somewhere on. */
void meet_refused(struct world *w, struct sim_node *n, const struct message *m);
/* For this head it read a log from its beginning. */
void meet_looked_back(struct world *w, struct sim_node *n, int peer, struct bytes head);
/* What was heard is on its disk, with what follows from it. */
void meet_committed(struct world *w, struct sim_node *n);
/* The node has forgotten what it heard: its process began, or its store was read anew. */
void meet_started(struct sim_node *n);
void meet_forget(struct sim_node *n);

/* ---- loss.c ---- */
/* I27: a node that got its log back from its peers opens the next one. */
void loss_over(struct world *w, const struct sim_node *n);

/* ---- rebuild.c ---- */
/* A new node that is given all leaves of this one in another order sees the same view. */
void oracle_rebuild(struct world *w, struct sim_node *source);

#endif
