/* The shell around the replica: one thread that waits for sockets, timers and signals, and groups
 * what they bring into turns: all inputs of a turn are one transaction, and what they justify is
 * sent after its commit. Floor 5. Source: daemon/core/replica.h, PROTOCOL 3.3. */
#ifndef DELTAD_NET_LOOP_H
#define DELTAD_NET_LOOP_H

#include "daemon/net/auditor.h"
#include "daemon/net/backup.h"
#include "daemon/net/ctl.h"
#include "daemon/net/marker.h"
#include "daemon/net/notify.h"
#include "daemon/net/peers.h"
#include "daemon/net/settings.h"
#include "daemon/net/space.h"
#include "daemon/net/turn.h"

/* What the shell is given; all borrowed until loop_run returns. */
struct loop_config {
	const struct net_settings *settings;
	struct replica *replica;
	/* This node's identity on the wire, and the one after it (NULL: none): the roster says
	 * which of them it is. */
	const struct key *noise_key, *noise_key_next;
	struct mark_file *mark;
	struct notify *notify;
	struct chance chance;
	const char *software;
	/* The store, without its name: bytes in the write-ahead log, and a checkpoint of it. */
	uint64_t (*wal_bytes)(void *arg);
	void (*checkpoint)(void *arg);
	/* A copy of it in a new file; errors as of the store. */
	int (*backup)(void *arg, const char *path, struct err *e);
	/* What verifies such a file and writes its manifest, as a process of its own; the path is
	 * the last argument. */
	const char *verifier[5];
	/* SIGHUP: reads the configuration anew. On an error the old one stays. */
	int (*reload)(void *arg, struct net_settings *out, struct err *e);
	void *arg;
};

enum shell_state {
	SHELL_STARTING,
	SHELL_RUNNING,
	SHELL_STOPPING, /* saying goodbye */
	SHELL_STOPPED,	/* handles are closing */
	SHELL_FAILED,	/* leaves the process as it stands */
};

struct shell {
	uv_loop_t uv;
	struct loop_config config;
	struct net_settings settings;
	struct replica *replica;
	const struct key *noise_key; /* of the two */
	enum shell_state state;
	bool in_group;
	int exit_code;
	struct peers peers;
	struct ctl ctl;
	struct marker marker;
	struct auditor auditor;
	struct backup backup;
	struct space space;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_timer_t timer;
	uv_signal_t signals[3];
	struct now started;
	uint64_t commits;
	struct mono_ms nomem_at, stop_at, watchdog_at, tidy_at;
	bool wal_alarm;
	char degraded[200]; /* why nothing is written, "" while all is well */
	uint8_t *scratch;   /* what sockets read into */
	void *arena_memory;
	struct arena arena;
};

#define LOOP_SCRATCH_BYTES 65536

/* Runs until a signal or a failure ends it; returns the exit code of the process. 0: stopped in
 * order, everything closed. 71, 74: leave at once, without touching the store again (exit, no
 * clean-up): what is on disk is then whole or unknown, and the next start reads it. 71, 75, 78 with
 * *e: it could not start. */
int loop_run(const struct loop_config *config, struct err *e);

/* From here on: for the parts of the shell. */

struct now loop_now(void);
/* May this node author or store? Fills the answer for a client if not. */
bool loop_may_author(struct shell *s, struct err *e);
/* Sets the one timer to the earliest of all deadlines. */
void loop_arm(struct shell *s);
/* Ends the loop: it returns when the last handle and the last write of the mark are done. */
void loop_close(struct shell *s);
/* "running", "waiting-roster", "rebuilding", "degraded". */
const char *loop_state_name(const struct shell *s);
/* An empty arena for one message; it is the same one each time until it is taken. */
struct arena *loop_arena(struct shell *s);
/* Its memory is the caller's to free. */
void *loop_take_arena(struct shell *s);

#endif
