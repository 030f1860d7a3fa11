/* An official of a province who writes a lot: reports on every task that the province takes part
 * in, each superseding the one before, and notes between them. Made and signed here, as deltactl
 * would. Source: PROTOCOL 2, 6.4. */
#ifndef DELTAD_BENCH_WRITER_H
#define DELTAD_BENCH_WRITER_H

#include "proto/trust/sign.h"
#include "tests/bench/line.h"

#define WRITER_NOTE_EVERY 20 /* one change of so many is a note */

/* A task as its next report needs it. */
struct chain {
	char task[TASK_KEY_SIZE];
	struct hash plan; /* the TASK change to act under */
	struct hash last; /* the report to supersede, if any */
	bool has_last;
	uint32_t n; /* reports made here */
};

struct writer {
	char member[SLUG_SIZE];
	struct hash cluster_id;
	struct key key;
	struct chain *chain;
	size_t n;
	uint64_t made;
};

/* A signed change; s points into the rest. */
struct made {
	struct signed_body s;
	uint8_t signature[SIGNATURE_BYTES];
	struct buf body;
	struct hash id;
};

/* Member and cluster id, as the node behind l has them. */
void writer_identify(struct writer *w, struct line *l);
/* Asks the node behind l who it is, and what its plan and its own reports are. The key file must be
 * an operator's without a passphrase. */
void writer_open(struct writer *w, struct line *l, const char *key_file);
void writer_close(struct writer *w);

/* The next report on a task (number 0..n-1), or a note on it; made_release frees. */
void writer_report(struct writer *w, size_t task, struct made *out);
void writer_note(struct writer *w, size_t task, struct made *out);
/* One or the other, in the mix above. */
void writer_any(struct writer *w, size_t task, struct made *out);
void made_release(struct made *m);

/* The whole answer to a query, entry by entry. */
typedef void writer_entry_fn(void *arg, const struct ctl_entry *entry);
void line_query(struct line *l, const struct ctl_query *q, writer_entry_fn *fn, void *arg);

#endif
