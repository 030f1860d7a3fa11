/* A line to one node: the control socket, frames of a big-endian length and a message. Source:
 * PROTOCOL 9; proto/wire/ctl.h. */
#ifndef DELTAD_CLIENT_CONNECTION_H
#define DELTAD_CLIENT_CONNECTION_H

#include "proto/wire/ctl.h"

#define CONTROL_SOCKET "/run/deltad/control"

struct connection {
	int fd; /* -1: closed */
	char path[108];
	int64_t timeout_ms; /* for one answer */
	uint32_t last_id;
	struct buf in;
	size_t taken;	 /* bytes of `in` that the last reply occupied */
	uint8_t *memory; /* of the arena replies are decoded in */
};

/* RC_UNREACHABLE with the path tried and why; RC_DENIED if the socket may not be opened; RC_USAGE
 * for a path that no unix socket can have. */
int connection_open(
	struct connection *c, const char *path, int64_t timeout_ms, struct err *e) MUST_CHECK;
/* A closed or zero one is fine. */
void connection_close(struct connection *c);

/* Sends; gives the request its id. RC_UNREACHABLE: not all of it left, so the node cannot have
 * acted on it; RC_TOO_BIG. */
int connection_send(struct connection *c, struct ctl_request *r, struct err *e) MUST_CHECK;
/* The next frame of the answer to the last request; ranges borrowed until the next call. Answers to
 * earlier ones are passed over. RC_UNREACHABLE: the line was lost; RC_TIMEOUT: no answer within
 * wait_ms; RC_PEER_MESSAGE: it is not what a node would say. What the node refused is in out->rc,
 * and is no error here; that it will not serve this client at all is one, with the node's code. */
int connection_next(
	struct connection *c, int64_t wait_ms, struct ctl_reply *out, struct err *e) MUST_CHECK;

/* Send and read every frame of the answer; fn (may be NULL) gets each, and returns 0 or an rc. A
 * refusal by the node becomes the result, with its text. RC_UNREACHABLE if an answer does not come
 * in time. */
typedef int connection_reply_fn(void *arg, const struct ctl_reply *r, struct err *e);
int connection_call(struct connection *c, struct ctl_request *r, connection_reply_fn *fn, void *arg,
	struct err *e) MUST_CHECK;
/* *e from a reply with an error in it. */
int connection_refusal(const struct ctl_reply *r, struct err *e);

/* A clock that never goes back, for deadlines. */
int64_t mono_now_ms(void);

#endif
