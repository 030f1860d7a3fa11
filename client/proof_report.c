#include "client/proof_report.h"

#include <stdlib.h>

#include "client/text.h"

#define SAY(b) (int)(b).n, (const char *)(b).p

static void say_change(struct sheet *s, const struct proof *p, const struct proof_check *c)
{
	const struct change *x = &c->change;
	char *field = show_field(x->slot, x->holder);
	char *value = c->has_value ? show_value(&c->value) : xstrdup("?");
	char id[SHORT_ID_SIZE], when[TIME_TEXT_SIZE], key[KEY_FINGERPRINT_SIZE];
	show_id(hash_bytes(&c->id), id);
	show_time((int64_t)x->claimed_ms, when);
	key_fingerprint(c->leaf.signed_body.key.p, key);
	sheet_line(s, TONE_NONE, "%.*s %s: %s", SAY(x->task), field, value);
	sheet_line(s, TONE_NONE, tr("change %s, at index %llu of the log %.*s"), id,
		(unsigned long long)p->index, SAY(c->head.head.origin));
	sheet_line(s, TONE_NONE, tr("signed by %.*s for %.*s, key %s; claimed at %s"),
		SAY(c->delegate.name), SAY(x->member), key, when);
	sheet_line(s, TONE_NONE, tr("who was delegated by the member's root key in %.*s"),
		SAY(c->delegated.origin));
	free(field);
	free(value);
}

static void fact_change(struct sheet *s, const struct proof *p, const struct proof_check *c)
{
	const struct change *x = &c->change;
	char *field = show_field(x->slot, x->holder);
	sheet_fact(s, "change", json_hex(hash_bytes(&c->id)));
	sheet_fact(s, "origin", json_text(c->head.head.origin));
	sheet_fact(s, "index", json_number(p->index));
	sheet_fact(s, "size", json_number(c->head.head.size));
	sheet_fact(s, "member", json_text(x->member));
	sheet_fact(s, "task", json_text(x->task));
	sheet_fact(s, "field", json_text(bytes_str(field)));
	sheet_fact(s, "value", c->has_value ? value_json(&c->value) : json_null());
	sheet_fact(s, "claimed_ms", json_number(x->claimed_ms));
	sheet_fact(s, "operator", json_text(c->delegate.name));
	sheet_fact(s, "operator_key", json_hex(c->leaf.signed_body.key));
	sheet_fact(s, "final", json_boolean(c->head.enough));
	free(field);
}

static size_t list_witnesses(struct sheet *s, const struct policy *p, const struct proof_check *c)
{
	static const struct column columns[] = {
		{.key = "witness", .title = N_("cosigned by")},
		{.key = "time_s", .title = N_("at"), .right = true},
	};
	struct table *t = sheet_table(s, "cosignatures", columns, 2, NULL, NULL);
	for (size_t i = 0; i < p->n_nodes; i++) {
		if (p->node[i].is_group || !c->head.cosigned[i])
			continue;
		char when[TIME_TEXT_SIZE];
		uint64_t at = c->head.time[i];
		show_time(at > INT64_MAX / 1000 ? 0 : (int64_t)at * 1000, when);
		table_text(t, TONE_NONE, bytes_str(p->node[i].key.name), NULL);
		table_cell(t, TONE_NONE, json_number(at), when);
	}
	return table_rows(t);
}

void proof_report(const struct output *out, const char *schema, const struct policy *p,
	const struct proof *change, const struct proof_check *c, const char *file)
{
	struct sheet *s = sheet_new(schema);
	if (file)
		sheet_line(s, TONE_NONE, tr("written: %s and %s.operator"), file, file);
	say_change(s, change, c);
	fact_change(s, change, c);
	size_t n = list_witnesses(s, p, c);
	if (p->quorum == POLICY_NOBODY)
		sheet_line(
			s, TONE_WARN, tr("the policy asks for no cosignatures; there are %zu"), n);
	else if (c->head.enough)
		sheet_line(s, TONE_GOOD, tr("final: cosigned by %zu, enough for the policy"), n);
	else
		sheet_line(s, TONE_BAD, tr("NOT FINAL: cosigned by %zu, not enough for the policy"),
			n);
	sheet_line(s, TONE_FAINT,
		tr("it does not show that no later change supersedes this one, nor that the key "
		   "was not revoked"));
	if (!out->quiet)
		sheet_print(s, out);
	sheet_free(s);
}
