/* The oracle's books: what was written, promised and seen, kept apart from the nodes. */
#ifndef DELTAD_TESTS_SIM_BOOKS_H
#define DELTAD_TESTS_SIM_BOOKS_H

#include "proto/trust/key.h"
#include "proto/trust/merkle.h"

/* What must become of a leaf by the way it was made. */
enum made { MADE_GOOD, MADE_VOID, MADE_WAITING };
#define BOOK_MADE_MAX 128

/* A log as its owner wrote it. */
struct book_log {
	char origin[ORIGIN_SIZE];
	int member;
	struct hash *leaf, *root; /* root[i]: of the first i + 1 leaves */
	struct frontier frontier;
	size_t n, cap;
	uint64_t safe; /* leaves from here on may be gone: a database that held them was put back */
	uint32_t closed;	     /* bit by node: it may not go on in this log */
	bool by_hand;		     /* its owner's own replica need not hold it */
	bool crafted;		     /* by hand, and not all of it counts: */
	uint8_t made[BOOK_MADE_MAX]; /* enum made, by leaf */
	bool cloned;		     /* two machines wrote it */
	uint8_t key[KEY_BYTES];	     /* its member's log key when it was opened */
	bool tainted;		     /* its owner was cloned, rolled back unnoticed, or hostile */
};

/* A change that a client was told is on disk. */
struct book_ack {
	char origin[ORIGIN_SIZE];
	uint64_t index;
	struct hash id;
};

/* A head that a member cosigned, or that somebody calls final. */
struct book_head {
	char origin[ORIGIN_SIZE];
	int by;
	uint64_t size, time; /* time: that the cosigner states */
	struct hash root;
};
struct book_heads {
	struct book_head *head;
	size_t n, cap;
};

struct books {
	struct book_heads cosigned, final;
	struct book_log *log;
	size_t n_logs;
	struct book_ack *ack;
	size_t n_acks, cap_acks;
	struct hash *rejected; /* change ids */
	size_t n_rejected, cap_rejected;
};

/* NULL if there is none and it is not to be made. */
struct book_log *books_log(struct books *b, const char *origin, bool create);
void books_leaf(struct book_log *l, const struct hash *leaf_hash);
/* Forgets leaves from n on. */
void books_cut(struct book_log *l, uint64_t n);
void books_ack(struct books *b, const char *origin, uint64_t index, const struct hash *id);
void books_reject(struct books *b, const struct hash *id);
void books_release(struct books *b);

/* What one node held when the oracle last looked. */
struct held_log {
	char origin[ORIGIN_SIZE];
	uint64_t size, bytes;
	struct hash root;
	uint64_t final; /* leaves that are */
	unsigned alarms;
	bool forked;
};
struct held {
	struct held_log *log; /* by origin */
	size_t n, cap;
	struct hash entries; /* over all of them */
	struct hash view;
	bool provisional;     /* the view may be another one when ticks and audit are done */
	uint64_t pending;     /* changes that waited */
	bool unknown_outcome; /* the last life ended with a commit nobody knows of */
};

/* Made if it is new. */
struct held_log *held_find(struct held *h, const char *origin);
/* NULL if there is none. */
const struct held_log *held_look(const struct held *h, const char *origin);
/* 0 if it is not held. */
uint64_t held_size(const struct held *h, const char *origin);
void held_sum(struct held *h);
void held_release(struct held *h);

#endif
