#include "client/field.h"

#include <string.h>

#include "client/text.h"

int field_parse_key(const char *s, struct bytes *key, struct err *e)
{
	*key = bytes_str(s);
	if (strcmp(s, "plan") == 0) {
		*key = bytes_of(NULL, 0);
		return RC_OK;
	}
	if (!task_key_is_valid(*key))
		return err_set(e, RC_USAGE,
			tr("\"%.40s\" is no task key; write area and number such as 3-05, or plan"),
			s);
	return RC_OK;
}

int field_parse(const char *s, struct bytes own, struct field *out, struct err *e)
{
	const char *colon = strchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) : strlen(s);
	const struct slot_rule *rule = slot_named(bytes_of(s, n));
	if (!rule)
		return err_set(e, RC_USAGE,
			tr("\"%.60s\" is no field; write task, overall, report:MEMBER, area:N or "
			   "note:ID"),
			s);
	out->slot = (uint32_t)rule->slot;
	out->holder = colon ? bytes_str(colon + 1) : bytes_of(NULL, 0);
	bool wanted = rule->holder != HOLDER_EMPTY;
	if (!colon && rule->holder == HOLDER_MEMBER)
		out->holder = own;
	if (wanted != (out->holder.n > 0))
		return err_set(e, RC_USAGE,
			wanted ? tr("field \"%.60s\" wants a holder, such as report:jiangsu")
			       : tr("field \"%.60s\" takes no holder"),
			s);
	return RC_OK;
}

bool field_matches(const struct field *f, const struct cell_register *r)
{
	if (f->slot != r->slot)
		return false;
	if (f->slot != SLOT_NOTE || f->holder.n < CHANGE_PREFIX_MIN)
		return bytes_equal(f->holder, r->holder);
	return f->holder.n <= r->holder.n && memcmp(f->holder.p, r->holder.p, f->holder.n) == 0;
}

int field_find_change(const struct entry *x, size_t n, const char *prefix, const struct entry **out,
	struct err *e)
{
	size_t digits = strlen(prefix);
	*out = NULL;
	if (digits < CHANGE_PREFIX_MIN || digits > 64 ||
		strspn(prefix, "0123456789abcdef") != digits)
		return err_set(e, RC_USAGE,
			tr("\"%.70s\" is no change id; write its first 4 to 64 hex digits"),
			prefix);
	for (size_t i = 0; i < n; i++) {
		char hex[HASH_HEX_SIZE];
		hash_print(&x[i].id, hex);
		if (memcmp(hex, prefix, digits) != 0)
			continue;
		if (*out && !hash_equal(&(*out)->id, &x[i].id))
			return err_set(e, RC_USAGE,
				tr("several changes begin with %.64s; write more"), prefix);
		*out = &x[i];
	}
	if (!*out)
		return err_set(e, RC_NOT_FOUND,
			tr("no change here begins with %.64s; deltactl why shows them"), prefix);
	return RC_OK;
}
