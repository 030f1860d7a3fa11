/* Turns: all inputs of one round of the loop are one transaction, and what they justify leaves
 * after its commit. And what happens when the store cannot commit. Floor 5. Source:
 * daemon/core/replica.h, daemon/core/store.h; the rules of trouble: PROTOCOL 3.3, store.h. */
#ifndef DELTAD_NET_TURN_H
#define DELTAD_NET_TURN_H

#include "proto/base/err.h"

/* Exit codes of the process (README, "Exit codes"). */
#define TURN_EXIT_OS 71
#define TURN_EXIT_IO 74

struct shell;

/* Begins the group of this turn. False: the store failed, which was dealt with; drop the input. */
bool turn_enter(struct shell *s);
/* After each call of the replica that can fail. False: the store failed, the group and every
 * session are gone, and *e was dealt with; touch nothing that a session owns. */
bool turn_survives(struct shell *s, int rc, const struct err *e);
/* Ends the group so that reads of the replica are allowed: commits, answers those who posted, and
 * deals with the core's events. */
void turn_settle(struct shell *s);
/* The same, and then sends: before the loop sleeps, and after it woke. */
void turn_end(struct shell *s);

/* The process ends with this code as soon as the loop is back in control; nothing more is read,
 * committed or sent. */
void turn_fail(struct shell *s, int exit_code, const char *text);
/* Says why nothing is written, "" for all is well. */
void turn_set_degraded(struct shell *s, const char *text);

#endif
