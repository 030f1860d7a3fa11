/* What a node shows, for tests to look at. */
#include <string.h>

#include "tests/lib/node_fixture.h"

const struct ctl_log *node_log(struct node *n, const char *origin)
{
	struct ctl_status status;
	ENSURE(replica_status(n->replica, n->now, &status, NULL) == RC_OK);
	for (size_t i = 0; i < status.n_logs; i++)
		if (bytes_equal(status.logs[i].origin, bytes_str(origin)))
			return &status.logs[i];
	return NULL;
}

uint64_t node_size(struct node *n, const char *origin)
{
	const struct ctl_log *log = node_log(n, origin);
	return log != NULL ? log->size : 0;
}

const char *node_origin(struct node *n)
{
	struct buf name = {0};
	ENSURE(n->store->ops->meta_get(n->store, "own", &name, NULL) == RC_OK);
	const struct ctl_log *log = NULL;
	struct ctl_status status;
	ENSURE(replica_status(n->replica, n->now, &status, NULL) == RC_OK);
	for (size_t i = 0; i < status.n_logs; i++)
		if (bytes_equal(status.logs[i].origin, buf_bytes(&name)))
			log = &status.logs[i];
	buf_release(&name);
	ENSURE(log != NULL);
	/* The replica keeps origins as NUL-terminated text. */
	return (const char *)log->origin.p;
}

struct looking {
	struct bytes origin;
	uint64_t index;
	bool found;
	enum verdict verdict;
	enum void_code code;
	size_t n;
	const struct hash *id;
};

static int note_finding(void *arg, const struct ctl_entry *entry)
{
	struct looking *l = arg;
	l->n++;
	if (bytes_equal(entry->origin, l->origin) && entry->index == l->index) {
		l->verdict = (enum verdict)entry->verdict;
		l->code = (enum void_code)entry->void_code;
	}
	return 0;
}

enum verdict node_verdict(struct node *n, const char *origin, uint64_t index, enum void_code *code)
{
	struct looking l = {.origin = bytes_str(origin), .index = index};
	ENSURE(index < node_size(n, origin));
	ENSURE(replica_findings(n->replica, note_finding, &l, NULL) == RC_OK);
	if (code != NULL)
		*code = l.code;
	return l.verdict;
}

size_t node_findings(struct node *n)
{
	struct looking l = {0};
	ENSURE(replica_findings(n->replica, note_finding, &l, NULL) == RC_OK);
	return l.n;
}

static int note_current(void *arg, const struct ctl_entry *entry)
{
	struct looking *l = arg;
	l->found |= bytes_equal(entry->change_id, hash_bytes(l->id));
	return 0;
}

bool node_is_current(struct node *n, const struct hash *id)
{
	struct looking l = {.id = id};
	struct ctl_query q = {.any_task = true, .any_holder = true};
	ENSURE(replica_query(n->replica, &q, note_current, &l, NULL) == RC_OK);
	return l.found;
}

struct hash node_view(struct node *n)
{
	struct hash root;
	ENSURE(replica_view_root(n->replica, &root, NULL) == RC_OK);
	return root;
}
