#include "proto/model/value.h"

#include "proto/base/limits.h"
#include "proto/base/text.h"

static const char *const status_names[] = {
	[STATUS_NOT_STARTED] = "not_started",
	[STATUS_IN_PROGRESS] = "in_progress",
	[STATUS_DELAYED] = "delayed",
	[STATUS_SUSPENDED] = "suspended",
	[STATUS_DONE_HERE] = "done_here",
	[STATUS_PENDING_CLOSURE] = "pending_closure",
	[STATUS_CLOSED] = "closed",
	[STATUS_WITHDRAWN] = "withdrawn",
};

static const char *const source_names[] = {
	[SOURCE_SEED] = "seed",
	[SOURCE_PLACEHOLDER] = "placeholder",
	[SOURCE_AMENDMENT] = "amendment",
};

#define ROWS(table) ((uint32_t)(sizeof(table) / sizeof(table)[0]))

static const char *name_of(const char *const *table, uint32_t rows, uint32_t number)
{
	return number < rows ? table[number] : NULL;
}

static uint32_t number_of(const char *const *table, uint32_t rows, struct bytes name)
{
	for (uint32_t i = 0; i < rows; i++) {
		if (table[i] && bytes_equal(name, bytes_str(table[i])))
			return i;
	}
	return 0;
}

const char *status_name(uint32_t status)
{
	return name_of(status_names, ROWS(status_names), status);
}

uint32_t status_named(struct bytes name)
{
	return number_of(status_names, ROWS(status_names), name);
}

const char *task_source_name(uint32_t source)
{
	return name_of(source_names, ROWS(source_names), source);
}

uint32_t task_source_named(struct bytes name)
{
	return number_of(source_names, ROWS(source_names), name);
}

enum lines { ONE_LINE, LINES };

static int check_text(
	const char *field, struct bytes s, size_t max, enum lines lines, struct err *e)
{
	if (!text_is_clean(s, lines == LINES))
		return err_set(e, RC_REFUSED_VALUE,
			"%s holds characters that are not allowed (control, text direction, broken "
			"UTF-8%s): remove them",
			field, lines == LINES ? "" : ", line ends");
	size_t length = text_length(s);
	if (length > max)
		return err_set(e, RC_REFUSED_VALUE,
			"%s has %zu characters, allowed are %zu: shorten it", field, length, max);
	return RC_OK;
}

static int check_long(const char *field, struct bytes s, struct err *e)
{
	return check_text(field, s, LIMIT_NOTE_CHARS, LINES, e);
}

static int check_title(const char *field, struct bytes s, struct err *e)
{
	if (s.n == 0)
		return err_set(e, RC_REFUSED_VALUE, "%s is empty: give one", field);
	return check_text(field, s, LIMIT_TITLE_CHARS, ONE_LINE, e);
}

static int check_range(const char *field, uint32_t v, uint32_t min, uint32_t max, struct err *e)
{
	if (v < min || v > max)
		return err_set(e, RC_REFUSED_VALUE,
			"%s is %u, allowed are %u to %u: give a number in that range", field, v,
			min, max);
	return RC_OK;
}

static int check_date(const char *field, uint32_t v, struct err *e)
{
	if (v == 0 || date_is_valid(v))
		return RC_OK;
	return err_set(e, RC_REFUSED_VALUE,
		"%s is %u, which is no date: give year, month and day of 1900 to 2999", field, v);
}

/* Each item longer than nothing, in strictly ascending order, so that one set has one form. */
static int check_ascending(
	const char *field, const struct bytes *item, size_t n, size_t max, struct err *e)
{
	if (n > max)
		return err_set(e, RC_REFUSED_VALUE, "%s has %zu items, allowed are %zu: name fewer",
			field, n, max);
	for (size_t i = 1; i < n; i++) {
		if (bytes_compare(item[i - 1], item[i]) >= 0)
			return err_set(e, RC_REFUSED_VALUE,
				"%s must be in ascending order without repeats: sort the list",
				field);
	}
	return RC_OK;
}

static int check_area(const struct area_value *v, struct err *e)
{
	int rc = check_title("title", v->title, e);
	if (rc == RC_OK)
		rc = check_text("alias", v->alias, LIMIT_TITLE_CHARS, ONE_LINE, e);
	if (rc == RC_OK)
		rc = check_range("planned", v->planned, 1, 999, e);
	return rc;
}

static int check_slug(const char *field, struct bytes s, struct err *e)
{
	if (slug_is_valid(s))
		return RC_OK;
	return err_set(e, RC_REFUSED_VALUE,
		"%s is not the short name of an office: give one such as jiangsu", field);
}

static int check_offices(const struct task_value *v, struct err *e)
{
	int rc = v->lead.n ? check_slug("lead", v->lead, e) : RC_OK;
	for (size_t i = 0; rc == RC_OK && i < v->n_participants; i++)
		rc = check_slug("participants", v->participants[i], e);
	if (rc == RC_OK)
		rc = check_ascending(
			"participants", v->participants, v->n_participants, LIMIT_MEMBERS, e);
	return rc;
}

static int check_term(const struct task_value *v, struct err *e)
{
	int rc = check_date("start", v->start, e);
	if (rc == RC_OK)
		rc = check_date("due", v->due, e);
	if (rc == RC_OK && v->start && v->due && v->start > v->due)
		return err_set(e, RC_REFUSED_VALUE,
			"start %u is after due %u: exchange or correct them", v->start, v->due);
	return rc;
}

static int check_task(const struct task_value *v, struct err *e)
{
	int rc = check_title("title", v->title, e);
	if (rc == RC_OK)
		rc = check_long("full", v->full, e);
	if (rc == RC_OK && !task_source_name(v->source))
		rc = err_set(e, RC_REFUSED_VALUE,
			"source is %u: give seed, placeholder or amendment", v->source);
	if (rc == RC_OK)
		rc = check_offices(v, e);
	if (rc == RC_OK)
		rc = check_term(v, e);
	return rc;
}

static bool status_is_for(enum slot slot, uint32_t status)
{
	if (!status_name(status))
		return false;
	if (slot == SLOT_REPORT)
		return status <= STATUS_DONE_HERE;
	return status != STATUS_DONE_HERE;
}

static int check_status(enum slot slot, uint32_t status, const struct change *c, struct err *e)
{
	if (!status_is_for(slot, status))
		return err_set(e, RC_REFUSED_VALUE,
			"status %u (%s) is not one of %s: give not_started, in_progress, delayed, "
			"suspended%s",
			status, status_name(status) ? status_name(status) : "unknown",
			slot_find(slot)->name,
			slot == SLOT_REPORT ? " or done_here"
					    : ", pending_closure, closed or withdrawn");
	if (status == STATUS_SUSPENDED && c->reason.n == 0)
		return err_set(e, RC_REFUSED_VALUE,
			"reason is empty: status suspended needs one, say why");
	return RC_OK;
}

static int check_evidence(const struct report_value *v, struct err *e)
{
	for (size_t i = 0; i < v->n_evidence; i++) {
		if (v->evidence[i].n != HASH_BYTES)
			return err_set(e, RC_REFUSED_VALUE,
				"evidence %zu has %zu bytes, a SHA-256 has %d: give the file's "
				"SHA-256",
				i + 1, v->evidence[i].n, HASH_BYTES);
	}
	return check_ascending("evidence", v->evidence, v->n_evidence, LIMIT_EVIDENCE, e);
}

static int check_report_texts(const struct report_value *v, struct err *e)
{
	int rc = check_long("note", v->note, e);
	if (rc == RC_OK)
		rc = check_long("problem", v->problem, e);
	if (rc == RC_OK)
		rc = check_long("next", v->next, e);
	return rc;
}

/* What a status asks of the other fields. */
static int check_report_status(const struct report_value *v, const struct change *c, struct err *e)
{
	int rc = check_status(SLOT_REPORT, v->status, c, e);
	if (rc != RC_OK)
		return rc;
	if (v->status == STATUS_DONE_HERE && v->progress != PROGRESS_MAX)
		return err_set(e, RC_REFUSED_VALUE,
			"progress is %u: status done_here needs 100, give 100 or in_progress",
			v->progress);
	if (v->status == STATUS_DELAYED && v->problem.n == 0)
		return err_set(e, RC_REFUSED_VALUE,
			"problem is empty: status delayed needs it, say what holds the task up");
	if (v->status == STATUS_DELAYED && v->next.n == 0)
		return err_set(e, RC_REFUSED_VALUE,
			"next is empty: status delayed needs it, say what will be done next");
	return RC_OK;
}

static int check_report(const struct report_value *v, const struct change *c, struct err *e)
{
	int rc = check_report_texts(v, e);
	if (rc == RC_OK)
		rc = check_range("progress", v->progress, 0, PROGRESS_MAX, e);
	if (rc == RC_OK && v->as_of == 0)
		rc = err_set(e, RC_REFUSED_VALUE,
			"as_of is missing: give the date the report speaks of");
	if (rc == RC_OK)
		rc = check_date("as_of", v->as_of, e);
	if (rc == RC_OK)
		rc = check_report_status(v, c, e);
	if (rc == RC_OK)
		rc = check_evidence(v, e);
	return rc;
}

static int check_overall(const struct overall_value *v, const struct change *c, struct err *e)
{
	int rc = check_long("summary", v->summary, e);
	if (rc == RC_OK)
		rc = check_status(SLOT_OVERALL, v->status, c, e);
	return rc;
}

static int check_note(const struct note_value *v, struct err *e)
{
	if (v->struck && v->text.n)
		return err_set(e, RC_REFUSED_VALUE,
			"text of a strike-out must be empty: put the grounds into reason");
	if (!v->struck && v->text.n == 0)
		return err_set(e, RC_REFUSED_VALUE, "text is empty: a note needs one, write it");
	return check_long("text", v->text, e);
}

int value_check(const struct value *v, const struct change *c, struct err *e)
{
	int rc = check_long("reason", c->reason, e);
	if (rc != RC_OK)
		return rc;
	switch (v->slot) {
	case SLOT_AREA: return check_area(&v->area, e);
	case SLOT_TASK: return check_task(&v->task, e);
	case SLOT_REPORT: return check_report(&v->report, c, e);
	case SLOT_OVERALL: return check_overall(&v->overall, c, e);
	case SLOT_NOTE: return check_note(&v->note, e);
	case SLOT_NONE: break;
	}
	return err_set(e, RC_REFUSED_VALUE,
		"slot %u is not known to this version: install a newer one", (unsigned)v->slot);
}

int value_irregular(const struct value *v, const struct change *c, const struct value *old,
	size_t n, struct err *e)
{
	if (v->slot != SLOT_REPORT || c->reason.n)
		return RC_OK;
	for (size_t i = 0; i < n; i++) {
		if (old[i].slot != SLOT_REPORT || v->report.progress >= old[i].report.progress)
			continue;
		return err_set(e, RC_REFUSED_FALL,
			"progress falls from %u to %u: say why in reason", old[i].report.progress,
			v->report.progress);
	}
	return RC_OK;
}

bool task_has_participant(const struct task_value *t, struct bytes member, bool is_province)
{
	if (t->lead.n && bytes_equal(t->lead, member))
		return true;
	if (t->n_participants == 0)
		return is_province;
	for (size_t i = 0; i < t->n_participants; i++) {
		if (bytes_equal(t->participants[i], member))
			return true;
	}
	return false;
}
