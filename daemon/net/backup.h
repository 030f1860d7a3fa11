/* A backup on request: a copy of the database, verified by a process of its own, then named. Floor
 * 5. Source: PROTOCOL 3.6.
 *
 *	copy (the loop stands still) -> verify (the loop goes on) -> name it, answer
 *
 * One at a time. Until it is verified the file has a name that begins with a dot and ends in .new;
 * what a crash leaves of such goes with the next backup into the folder. */
#ifndef DELTAD_NET_BACKUP_H
#define DELTAD_NET_BACKUP_H

#include <uv.h>

#include "proto/wire/ctl.h"

#define BACKUP_PATH_BYTES (CTL_PATH_BYTES + 128)

struct shell;
struct client;

struct backup {
	bool busy;
	struct client *client; /* who is answered; NULL: it went away */
	uint32_t id;
	uv_process_t child;
	uv_pipe_t said; /* its standard error */
	unsigned open;	/* of the two handles */
	int64_t status;
	char folder[CTL_PATH_BYTES + 1];
	char fresh[BACKUP_PATH_BYTES], name[BACKUP_PATH_BYTES];
	uint64_t bytes, stall_ms;
	char text[512];
	size_t n_text;
};

void backup_answer(struct client *c, const struct ctl_request *r);
/* Does this client wait for a backup? */
bool backup_is_for(const struct client *c);
void backup_forget_client(struct client *c);
/* The node stops: what is under way is given up. */
void backup_drop(struct shell *s);

#endif
