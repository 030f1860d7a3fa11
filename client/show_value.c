#include <stdlib.h>

#include "client/output.h"
#include "client/show.h"
#include "client/text.h"
#include "proto/base/text.h"

static const char *status_word(uint32_t status)
{
	const char *name = status_name(status);
	return name ? tr_word(name) : "?";
}

static void put_labelled(struct buf *b, const char *label, struct bytes text)
{
	if (text.n == 0)
		return;
	buf_printf(b, tr("; %s: "), label);
	buf_put_bytes(b, text);
}

static void put_demo(struct buf *b, bool demo)
{
	if (demo)
		buf_printf(b, " [%s]", tr("demonstration data"));
}

static void put_report(struct buf *b, const struct report_value *r)
{
	char date[DATE_TEXT_SIZE];
	show_date(r->as_of, date);
	buf_printf(b, tr("%s %u %%, as of %s"), status_word(r->status), r->progress, date);
	put_labelled(b, tr("progress made"), r->note);
	put_labelled(b, tr("problem"), r->problem);
	put_labelled(b, tr("next step"), r->next);
	put_demo(b, r->demo);
}

static void put_task(struct buf *b, const struct task_value *t)
{
	char start[DATE_TEXT_SIZE], due[DATE_TEXT_SIZE];
	show_date(t->start, start);
	show_date(t->due, due);
	buf_put_bytes(b, t->title);
	put_labelled(b, tr("lead"), t->lead);
	for (size_t i = 0; i < t->n_participants; i++) {
		if (i == 0)
			buf_printf(b, tr("; %s: "), tr("participants"));
		else
			buf_put_str(b, tr_word(", "));
		buf_put_bytes(b, t->participants[i]);
	}
	if (t->start || t->due)
		buf_printf(b, "%s%s … %s", tr_word("; "), start, due);
	if (t->withdrawn)
		buf_printf(b, "%s%s", tr_word("; "), tr("withdrawn"));
}

char *show_value(const struct value *v)
{
	struct buf b = {0};
	switch (v->slot) {
	case SLOT_AREA:
		buf_put_bytes(&b, v->area.title);
		buf_put_str(&b, tr_word("; "));
		buf_printf(&b, tr("%u tasks planned"), v->area.planned);
		break;
	case SLOT_TASK: put_task(&b, &v->task); break;
	case SLOT_REPORT: put_report(&b, &v->report); break;
	case SLOT_OVERALL:
		buf_put_str(&b, status_word(v->overall.status));
		put_labelled(&b, tr("summary"), v->overall.summary);
		put_demo(&b, v->overall.demo);
		break;
	case SLOT_NOTE:
		if (v->note.struck)
			buf_put_str(&b, tr("struck out"));
		buf_put_bytes(&b, v->note.text);
		put_demo(&b, v->note.demo);
		break;
	case SLOT_NONE: break;
	}
	buf_put_u8(&b, 0);
	return (char *)b.p;
}

static json_t *json_status(uint32_t status)
{
	const char *name = status_name(status);
	return name ? json_string(name) : json_null();
}

static json_t *json_list(const struct bytes *item, size_t n, json_t *(*print)(struct bytes))
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, print(item[i]));
	return list;
}

static json_t *task_json(const struct task_value *t)
{
	const char *source = task_source_name(t->source);
	return json_pack("{s:o, s:o, s:s*, s:o, s:o, s:o, s:o, s:b}", "title", json_text(t->title),
		"full", json_text(t->full), "source", source, "lead", json_text(t->lead),
		"participants", json_list(t->participants, t->n_participants, json_text), "start",
		json_date(t->start), "due", json_date(t->due), "withdrawn", t->withdrawn);
}

static json_t *report_json(const struct report_value *r)
{
	return json_pack("{s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:b}", "status",
		json_status(r->status), "progress", (int)r->progress, "as_of", json_date(r->as_of),
		"note", json_text(r->note), "problem", json_text(r->problem), "next",
		json_text(r->next), "evidence", json_list(r->evidence, r->n_evidence, json_hex),
		"demo", r->demo);
}

json_t *value_json(const struct value *v)
{
	switch (v->slot) {
	case SLOT_AREA:
		return json_pack("{s:o, s:o, s:i}", "title", json_text(v->area.title), "alias",
			json_text(v->area.alias), "planned", (int)v->area.planned);
	case SLOT_TASK: return task_json(&v->task);
	case SLOT_REPORT: return report_json(&v->report);
	case SLOT_OVERALL:
		return json_pack("{s:o, s:o, s:b}", "status", json_status(v->overall.status),
			"summary", json_text(v->overall.summary), "demo", v->overall.demo);
	case SLOT_NOTE:
		return json_pack("{s:o, s:b, s:b}", "text", json_text(v->note.text), "struck",
			v->note.struck, "demo", v->note.demo);
	case SLOT_NONE: break;
	}
	return json_null();
}
