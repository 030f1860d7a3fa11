/* What a node shows, for tests to look at. */
#include <stdlib.h>
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

/* ---- all of it ---- */

struct showing {
	struct node *n;
	struct buf *line; /* grows */
	size_t count;
};

static struct buf *new_line(struct showing *s)
{
	s->line = xrealloc(s->line, (s->count + 1) * sizeof(*s->line));
	s->line[s->count] = (struct buf){0};
	return &s->line[s->count++];
}

static void put_origin(const struct node *n, struct bytes text, struct buf *out)
{
	struct origin o;
	ENSURE(origin_parse(text, &o, NULL) == RC_OK);
	if (strcmp(o.member, n->c->member[n->self].slug) == 0)
		buf_printf(out, "own %u", o.epoch);
	else
		buf_put_bytes(out, text);
}

static void show_log(struct showing *s, const struct ctl_log *log)
{
	struct buf *out = new_line(s);
	put_origin(s->n, log->origin, out);
	buf_printf(out, ": size %llu seen %llu audited %llu final %llu%s%s, cosigned",
		(unsigned long long)log->size, (unsigned long long)log->seen_size,
		(unsigned long long)log->audited, (unsigned long long)log->final_size,
		log->forked ? " forked" : "", log->retired ? " retired" : "");
	for (size_t i = 0; i < log->n_cosigned; i++) {
		buf_put_u8(out, ' ');
		buf_put_bytes(out, log->cosigned[i].member);
		buf_printf(out, " %llu", (unsigned long long)log->cosigned[i].size);
	}
}

static int show_finding(void *arg, const struct ctl_entry *entry)
{
	struct showing *s = arg;
	struct buf *out = new_line(s);
	put_origin(s->n, entry->origin, out);
	buf_printf(out, " leaf %llu: verdict %u code %u", (unsigned long long)entry->index,
		entry->verdict, entry->void_code);
	return 0;
}

static int compare_lines(const void *a, const void *b)
{
	return bytes_compare(buf_bytes(a), buf_bytes(b));
}

void node_show(struct node *n, struct buf *out)
{
	struct showing s = {.n = n};
	struct ctl_status status;
	char hex[HASH_HEX_SIZE];
	struct hash view = node_view(n);
	ENSURE(replica_findings(n->replica, show_finding, &s, NULL) == RC_OK);
	ENSURE(replica_status(n->replica, n->now, &status, NULL) == RC_OK);
	hash_print(&view, hex);
	buf_printf(out, "view %s entries %llu conflicts %llu pending %llu evidence %llu roster %u",
		hex, (unsigned long long)status.entries, (unsigned long long)status.conflicts,
		(unsigned long long)status.pending, (unsigned long long)status.evidence,
		status.roster_version);
	hash_print(&replica_roster(n->replica)->id, hex);
	buf_printf(out, " %s ", hex);
	buf_put_bytes(out, status.roster_conflict);
	for (size_t i = 0; i < status.n_logs; i++)
		show_log(&s, &status.logs[i]);
	qsort(s.line, s.count, sizeof(*s.line), compare_lines);
	for (size_t i = 0; i < s.count; i++) {
		buf_put_u8(out, '\n');
		buf_put_bytes(out, buf_bytes(&s.line[i]));
		buf_release(&s.line[i]);
	}
	free(s.line);
}
