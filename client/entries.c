#include "client/entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/show.h"
#include "client/text.h"

static const struct column columns[] = {
	{.key = "change", .title = N_("change")},
	{.key = "field", .title = N_("field")},
	{.key = "state", .title = N_("state")},
	{.key = "operator", .title = N_("by"), .wrap = true},
	{.key = "member"},
	{.key = "key"},
	{.key = "claimed_ms", .title = N_("claimed at"), .wrap = true},
	{.key = "origin"},
	{.key = "index"},
	{.key = "supersedes"},
	{.key = "under"},
	{.key = "reason"},
	{.key = "signature_ok"},
	{.key = "irregular"},
	{.key = "final", .no_tsv = true},
	{.key = "value", .title = N_("value"), .wrap = true},
};
#define COLUMNS (sizeof columns / sizeof columns[0])

struct table *entries_table(
	struct sheet *s, const char *key, const char *heading, const char *empty)
{
	return sheet_table(s, key, columns, COLUMNS, heading, empty);
}

struct table *entries_table_silent(struct sheet *s, const char *key)
{
	static struct column silent[COLUMNS];
	memcpy(silent, columns, sizeof silent);
	for (size_t i = 0; i < COLUMNS; i++)
		silent[i].title = NULL;
	return sheet_table(s, key, silent, COLUMNS, NULL, NULL);
}

static const char *state_word(const struct cell_register *r, const struct entry *x)
{
	switch ((enum verdict)x->verdict) {
	case VERDICT_PENDING: return "pending";
	case VERDICT_VOID: return "void";
	case VERDICT_EFFECTIVE:
		return !x->current ? "superseded" : r->n_current > 1 ? "conflict" : "current";
	case VERDICT_UNKNOWN: break;
	}
	return "unknown";
}

/* "current", "conflict", "superseded", "pending", "void: writer", "needs a newer version". */
static char *state_of(const struct cell_register *r, const struct entry *x)
{
	const char *code = void_code_name((enum void_code)x->void_code);
	const char *word = tr_word(state_word(r, x));
	return x->verdict == VERDICT_VOID ? show_text("%s: %s", word, tr_word(code ? code : "?"))
					  : xstrdup(word);
}

static enum tone state_tone(const struct cell_register *r, const struct entry *x)
{
	if (x->verdict == VERDICT_VOID)
		return TONE_BAD;
	if (x->verdict != VERDICT_EFFECTIVE || (x->current && r->n_current > 1))
		return TONE_WARN;
	return x->current ? TONE_NONE : TONE_FAINT;
}

/* Does the entry break a rule that is no ground for a void? */
static bool is_irregular(const struct cell_register *r, const struct entry *x)
{
	struct value old[LIMIT_SUPERSEDES];
	size_t n = 0;
	if (!x->has_value)
		return false;
	for (size_t i = 0; i < r->n; i++)
		for (size_t j = 0; j < x->change.n_supersedes && n < LIMIT_SUPERSEDES; j++)
			if (r->entry[i].has_value &&
				bytes_equal(x->change.supersedes[j], hash_bytes(&r->entry[i].id)))
				old[n++] = r->entry[i].value;
	return value_irregular(&x->value, &x->change, old, n, NULL) != RC_OK;
}

static struct bytes operator_name(const struct entries_context *c, const struct entry *x)
{
	const struct ctl_operator *op = operator_list_find(
		c->operators, x->change.member, x->leaf.signed_body.key, x->origin, x->index);
	return op ? op->name : bytes_of(NULL, 0);
}

static void fingerprint_of(const struct entry *x, char out[KEY_FINGERPRINT_SIZE])
{
	if (x->leaf.signed_body.key.n == KEY_BYTES)
		key_fingerprint(x->leaf.signed_body.key.p, out);
	else
		snprintf(out, KEY_FINGERPRINT_SIZE, "-");
}

static json_t *ids_json(const struct bytes *id, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_hex(id[i]));
	return list;
}

/* A verdict's name and, for a void, the code: words that stay the same in every language. */
static json_t *state_json(const struct cell_register *r, const struct entry *x)
{
	const char *code = void_code_name((enum void_code)x->void_code);
	if (x->verdict == VERDICT_VOID)
		return json_sprintf("void:%s", code ? code : "?");
	return json_string(state_word(r, x));
}

static int64_t claimed_ms(const struct entry *x)
{
	return x->change.claimed_ms > INT64_MAX ? INT64_MAX : (int64_t)x->change.claimed_ms;
}

static char *who(const struct entries_context *c, const struct entry *x)
{
	struct bytes name = operator_name(c, x);
	char member[SLUG_SIZE];
	snprintf(member, sizeof member, "%.*s", (int)x->change.member.n,
		(const char *)x->change.member.p);
	return show_text("%.*s (%s)", name.n ? (int)name.n : 1, name.n ? (const char *)name.p : "?",
		show_member(&c->node->roster, member));
}

void entries_row(struct table *t, const struct entries_context *c, const struct cell_register *r,
	const struct entry *x)
{
	char id[SHORT_ID_SIZE], when[TIME_TEXT_SIZE], fingerprint[KEY_FINGERPRINT_SIZE];
	char *field = show_field(r->slot, r->holder), *state = state_of(r, x);
	char *by = who(c, x), *shown = x->has_value ? show_value(&x->value) : xstrdup("?");
	bool irregular = is_irregular(r, x);
	const char *and = tr_word(", ");
	char *marked = show_text("%s%s%s%s%s%s%s", state, irregular ? and : "",
		irregular ? tr_word("irregular") : "", x->unaudited ? and : "",
		x->unaudited ? tr("not audited yet") : "", x->final ? and : "",
		x->final ? tr_word("final") : "");
	show_id(hash_bytes(&x->id), id);
	show_time(claimed_ms(x), when);
	fingerprint_of(x, fingerprint);
	table_cell(t, TONE_NONE, json_hex(hash_bytes(&x->id)), id);
	char *brief = show_field_brief(r->slot, r->holder);
	table_text(t, TONE_NONE, bytes_str(field), brief);
	free(brief);
	table_cell(t, state_tone(r, x), state_json(r, x), marked);
	table_text(t, TONE_NONE, operator_name(c, x), by);
	table_text(t, TONE_NONE, x->change.member, NULL);
	table_text(t, TONE_NONE, bytes_str(fingerprint), NULL);
	table_cell(t, TONE_NONE, json_number(x->change.claimed_ms), when);
	table_text(t, TONE_NONE, x->origin, NULL);
	table_number(t, x->index);
	table_cell(t, TONE_NONE, ids_json(x->change.supersedes, x->change.n_supersedes), NULL);
	table_cell(t, TONE_NONE, json_hex(x->change.under), NULL);
	table_text(t, TONE_NONE, x->change.reason, NULL);
	table_cell(t, TONE_NONE, json_boolean(entry_verify(x, &c->node->roster.cluster_id)), NULL);
	table_cell(t, TONE_NONE, json_boolean(irregular), NULL);
	table_cell(t, TONE_NONE, json_boolean(x->final), NULL);
	table_cell(t, TONE_NONE, x->has_value ? value_json(&x->value) : json_null(), shown);
	free(field);
	free(state);
	free(by);
	free(shown);
	free(marked);
}

static void block_line(struct sheet *s, const char *label, struct bytes text)
{
	if (text.n > 0)
		sheet_pair(s, label, text);
}

static void block_ids(struct sheet *s, const char *label, const struct bytes *id, size_t n)
{
	struct buf b = {0};
	for (size_t i = 0; i < n; i++) {
		char hex[SHORT_ID_SIZE];
		show_id(id[i], hex);
		buf_printf(&b, "%s%s", i ? " " : "", hex);
	}
	block_line(s, label, buf_bytes(&b));
	buf_release(&b);
}

static void block_signature(struct sheet *s, const struct entries_context *c, const struct entry *x)
{
	char fingerprint[KEY_FINGERPRINT_SIZE];
	fingerprint_of(x, fingerprint);
	bool ok = entry_verify(x, &c->node->roster.cluster_id);
	char *text =
		show_text("%s%s%s %s", ok ? tr("signature ok") : tr("SIGNATURE DOES NOT VERIFY"),
			tr_word("; "), tr("key"), fingerprint);
	if (ok)
		block_line(s, tr("checked"), bytes_str(text));
	else
		sheet_line(s, TONE_BAD, "  %s", text);
	free(text);
}

void entries_block(struct sheet *s, const struct entries_context *c, const struct cell_register *r,
	const struct entry *x)
{
	char id[SHORT_ID_SIZE], when[TIME_TEXT_SIZE];
	char *state = state_of(r, x), *by = who(c, x);
	char *shown = x->has_value ? show_value(&x->value) : xstrdup("?");
	char *place = show_text("%.*s#%llu", (int)x->origin.n, (const char *)x->origin.p,
		(unsigned long long)x->index);
	bool irregular = is_irregular(r, x);
	show_id(hash_bytes(&x->id), id);
	show_time(claimed_ms(x), when);
	sheet_line(s, state_tone(r, x), "%s  %s%s%s", id, state, irregular ? tr_word(", ") : "",
		irregular ? tr_word("irregular") : "");
	block_line(s, tr("value"), bytes_str(shown));
	block_line(s, tr("by"), bytes_str(by));
	block_line(s, tr("claimed at"), bytes_str(when));
	block_line(s, tr("reason"), x->change.reason);
	block_line(s, tr("entry"), bytes_str(place));
	block_line(s, tr_word("final"),
		bytes_str(x->final ? tr("yes: cosigned by enough members") : tr("not yet")));
	block_ids(s, tr("supersedes"), x->change.supersedes, x->change.n_supersedes);
	block_ids(s, tr("under"), &x->change.under, x->change.under.n ? 1 : 0);
	block_signature(s, c, x);
	free(state);
	free(by);
	free(shown);
	free(place);
}

int entries_of_place(struct app *app, struct ctl_query what, entries_tell_fn *tell, struct err *e)
{
	struct node node;
	struct operator_list operators = {0};
	struct view view = {0};
	struct field field;
	bool one = app->n_operands > 1;
	int rc = field_parse_key(app->operand[0], &what.task, e);
	if (rc != RC_OK)
		return rc;
	rc = node_open_ready(&node, app->args, e);
	if (rc == RC_OK && one)
		rc = field_parse(app->operand[1], bytes_str(node.member), &field, e);
	if (rc == RC_OK)
		rc = operator_list_fetch(&operators, &node, e);
	if (rc == RC_OK)
		rc = view_fetch(&view, &node, &what, e);
	if (rc == RC_OK) {
		struct entries_context c = {&node, &operators};
		rc = tell(app, &view, &c, one ? &field : NULL, e);
	}
	view_release(&view);
	operator_list_release(&operators);
	node_close(&node);
	return rc;
}
