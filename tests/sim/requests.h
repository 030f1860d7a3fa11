/* What clients ask of their node, until the answer is known: OK, REJECTED, or UNKNOWN and asked
 * again with the same bytes. */
#ifndef DELTAD_TESTS_SIM_REQUESTS_H
#define DELTAD_TESTS_SIM_REQUESTS_H

#include "tests/sim/world.h"

struct request {
	int node;
	size_t n, cap;
	struct buf *body;
	struct signed_body *s;
	uint8_t (*signature)[SIGNATURE_BYTES];
	struct hash *id;
	struct posted *posted;
	unsigned tries;
	uint64_t lineage; /* of the node at the first try */
	bool in_group, done;
	bool answered; /* before: somebody asks again all the same */
};

struct request *request_new(int node);
/* Signs; the body's bytes are taken. */
void request_add(struct world *w, struct request *r, const struct key *k, struct buf body);
/* Up to n changes, all like the first. */
void request_repeat(struct request *r, size_t n);
void request_free(struct request *r);
/* Posts it and ends the turn. Takes the request: it is freed, or kept to be asked again. RC_OK,
 * what it was refused with, RC_DEGRADED (nothing happened), RC_UNKNOWN_OUTCOME. */
int request_run(struct world *w, struct request *r);
/* Asks again what nobody answered at this node. False: there is nothing. */
bool requests_retry(struct world *w, struct sim_node *n);
/* Somebody at this node may ask again for what was answered. */
void requests_doubt(struct world *w, struct sim_node *n);
/* When all is mended, once: everybody asks again. False: there was nothing to ask. */
bool requests_doubt_all(struct world *w);

#endif
