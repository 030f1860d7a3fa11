/* The control socket: this machine's people and tools, over a Unix socket. Floor 5. Source:
 * PROTOCOL 9. */
#ifndef DELTAD_NET_CTL_H
#define DELTAD_NET_CTL_H

#include <sys/types.h>
#include <uv.h>

#include "daemon/core/replica.h"
#include "daemon/net/drain.h"

struct shell;

enum ctl_role {
	CTL_ROLE_NONE,
	CTL_ROLE_OPERATOR, /* in the socket's group */
	CTL_ROLE_ADMIN,	   /* root, or the daemon's own user */
};
/* What the kernel says of the other end decides. groups: its primary and supplementary ones. */
enum ctl_role ctl_role_of(
	uid_t uid, const gid_t *groups, size_t n, uid_t own_uid, gid_t socket_gid);

enum client_state {
	CLIENT_OPEN,	/* asks and is answered */
	CLIENT_LEAVING, /* its last answer is being written */
	CLIENT_CLOSED,	/* waits for the handle */
};

/* An answer in several frames. Between two of them others are served, so the place is kept by the
 * entry last sent. */
struct ctl_walk {
	bool active, findings, resumed;
	uint32_t id;
	struct ctl_query query;
	char task[TASK_KEY_SIZE];
	struct buf holder;
	char origin[ORIGIN_SIZE];
	uint64_t index;
};

struct client {
	struct client *next;
	struct shell *shell;
	enum client_state state;
	enum ctl_role role;
	uv_pipe_t pipe;
	struct buf in;
	bool reading, subscribed, event_due;
	bool ended; /* it will ask nothing more, but waits for answers */
	uint32_t subscribe_id;
	struct buf held; /* answers that wait for the commit */
	uint32_t *held_id;
	size_t n_held, cap_held;
	struct ctl_walk walk;
	struct ctl_export_run *export; /* NULL: none */
	struct ctl_import_run *import;
	struct drain drain;
	struct mono_ms asked;	    /* when it last sent a whole request */
	struct mono_ms frame_since; /* MONO_NEVER while no request is half here */
	struct mono_ms left;
};

struct ctl {
	uv_pipe_t listener;
	bool listener_open;
	gid_t gid; /* of the socket */
	struct client *clients;
	size_t n, walking, transfers;
	struct ctl_import_run *imports;
	struct arena arena;
	uint64_t refused; /* connections without the right to be here */
};

/* Binds and listens, mode 0660. RC_BUSY: another daemon answers there; RC_SETUP: path too long,
 * folder missing, something else is at the path. */
int ctl_open(struct shell *s, struct err *e) MUST_CHECK;
/* After the commit: what was posted is on disk. */
void ctl_posts_done(struct shell *s);
/* The group was rolled back, or its outcome is unknown. */
void ctl_posts_failed(struct shell *s, int rc, const char *text);
/* Something visible changed. */
void ctl_wake(struct shell *s);
/* The mark file was written. */
void ctl_marked(struct shell *s);

struct mono_ms ctl_deadline(const struct shell *s);
void ctl_on_time(struct shell *s, struct now now);

/* Shutdown: no new clients, those here get what was answered. */
void ctl_stop(struct shell *s);
bool ctl_is_gone(const struct shell *s);
/* At once. */
void ctl_drop_all(struct shell *s);
void ctl_release(struct shell *s);

/* From here on: between ctl.c, ctl_listen.c and ctl_answer.c. */

/* Does what can be done for a client now: frames of an answer under way, an event, requests. */
void client_go_on(struct client *c);
/* At once; the memory goes when the handle is closed. */
void client_close(struct client *c);
/* One last answer to a client that cannot stay. */
void client_refuse(struct client *c, int rc, const char *text);
/* Encodes and writes. After `held` answers it queues behind them. */
void client_reply(struct client *c, const struct ctl_reply *r);
void client_error(struct client *c, uint32_t id, int rc, const char *text);
/* Written only after the commit. */
void client_hold(struct client *c, const struct ctl_reply *r);
/* Answers one request. */
void ctl_answer(struct client *c, const struct ctl_request *r);
/* Bundles (ctl_bundle.h): begins to send one; takes the next piece of one. */
void ctl_export_begin(struct client *c, const struct ctl_request *r);
void ctl_import_take(struct client *c, const struct ctl_request *r);
/* The next frames of an answer under way. */
void ctl_walk_on(struct client *c);
void ctl_walk_end(struct client *c);

#endif
