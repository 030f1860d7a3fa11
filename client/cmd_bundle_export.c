#include <stdlib.h>
#include <string.h>

#include "client/bundle.h"
#include "client/command.h"
#include "client/show.h"
#include "client/text.h"
#include "proto/base/text.h"
#include "proto/trust/checkpoint.h"

/* Where each log is to begin. */
struct since {
	char origin[LIMIT_LOGS][ORIGIN_SIZE];
	struct log_size size[LIMIT_LOGS];
	size_t n;
};

static void add_size(struct since *s, struct bytes origin, uint64_t size)
{
	if (s->n == LIMIT_LOGS || origin.n >= ORIGIN_SIZE)
		return;
	memcpy(s->origin[s->n], origin.p, origin.n);
	s->origin[s->n][origin.n] = 0;
	s->size[s->n] = (struct log_size){bytes_str(s->origin[s->n]), size};
	s->n++;
}

/* ORIGIN:SIZE[,ORIGIN:SIZE...]; false: it is something else. */
static bool parse_sizes(struct bytes list, struct since *s)
{
	while (list.n > 0) {
		const uint8_t *comma = memchr(list.p, ',', list.n);
		struct bytes one = bytes_of(list.p, comma ? (size_t)(comma - list.p) : list.n);
		const uint8_t *colon = memrchr(one.p, ':', one.n);
		struct origin o;
		uint64_t size;
		if (!colon)
			return false;
		struct bytes origin = bytes_of(one.p, (size_t)(colon - one.p));
		if (origin_parse(origin, &o, NULL) != RC_OK ||
			!decimal_parse(
				bytes_of(colon + 1, one.n - origin.n - 1), LIMIT_LOG_SIZE, &size))
			return false;
		add_size(s, origin, size);
		size_t taken = comma ? one.n + 1 : one.n;
		list = bytes_of(list.p + taken, list.n - taken);
	}
	return true;
}

/* A receipt, or any bundle: what its maker said that it holds. */
static int take_hello(void *arg, const struct message *m, struct err *e)
{
	for (size_t i = 0; m->kind == MESSAGE_HELLO && i < m->hello.n_heads; i++) {
		struct note note;
		struct checkpoint cp;
		int rc = note_parse(m->hello.heads[i], &note, e);
		if (rc == RC_OK)
			rc = checkpoint_parse(note.text, &cp, e);
		if (rc != RC_OK)
			return rc;
		add_size(arg, cp.origin, cp.size);
	}
	return RC_OK;
}

static int choose_since(struct bytes value, struct since *s, struct err *e)
{
	if (parse_sizes(value, s))
		return RC_OK;
	s->n = 0;
	return bundle_each((const char *)value.p, take_hello, s, e);
}

static int choose(const struct args *a, struct since *s, struct ctl_export *what, struct err *e)
{
	static const enum opt kinds[] = {OPT_ALL, OPT_SINCE, OPT_FOR, OPT_RECEIPT};
	size_t given = 0;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (!args_has(a, kinds[i]))
			continue;
		given++;
		what->what = (uint32_t)(EXPORT_ALL + i);
	}
	if (given != 1)
		return err_set(e, RC_USAGE,
			tr("say what goes into it: --for MEMBER, --since FILE, --all or "
			   "--receipt"));
	what->member = args_bytes(a, OPT_FOR);
	int rc = what->what == EXPORT_SINCE ? choose_since(args_bytes(a, OPT_SINCE), s, e) : RC_OK;
	what->since = s->size;
	what->n_since = s->n;
	return rc;
}

static void tell(struct app *app, const char *path, const struct bundle_counts *c)
{
	struct sheet *s = sheet_new("bundle-export");
	sheet_line(s, TONE_GOOD, tr("written: %s: %llu entries of %zu logs, %llu bytes"), path,
		(unsigned long long)c->leaves, c->logs, (unsigned long long)c->bytes);
	sheet_fact(s, "file", json_text(bytes_str(path)));
	sheet_fact(s, "bytes", json_number(c->bytes));
	sheet_fact(s, "records", json_number(c->records));
	sheet_fact(s, "entries", json_number(c->leaves));
	sheet_fact(s, "logs", json_number(c->logs));
	sheet_print(s, &app->out);
	sheet_free(s);
}

int cmd_bundle_export(struct app *app, struct err *e)
{
	struct since *since = xalloc(sizeof *since);
	struct ctl_export what = {0};
	struct bundle_counts counts;
	struct node node = {.line.fd = -1};
	int rc = args_require(app->args, OPT_OUTPUT, e);
	if (rc == RC_OK)
		rc = choose(app->args, since, &what, e);
	if (rc == RC_OK)
		rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK)
		rc = bundle_save(&node, &what, app->args->value[OPT_OUTPUT], &counts, e);
	if (rc == RC_OK && !app->out.quiet)
		tell(app, app->args->value[OPT_OUTPUT], &counts);
	node_close(&node);
	free(since);
	return rc;
}
