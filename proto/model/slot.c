#include "proto/model/slot.h"

static const struct slot_rule rules[] = {
	{SLOT_AREA, "AREA", TASK_NEVER, HOLDER_AREA, WRITER_REGIONAL, false},
	{SLOT_TASK, "TASK", TASK_ALWAYS, HOLDER_EMPTY, WRITER_REGIONAL, false},
	{SLOT_REPORT, "REPORT", TASK_ALWAYS, HOLDER_MEMBER, WRITER_HOLDER, true},
	{SLOT_OVERALL, "OVERALL", TASK_ALWAYS, HOLDER_EMPTY, WRITER_LEAD, true},
	{SLOT_NOTE, "NOTE", TASK_MAYBE, HOLDER_NONCE, WRITER_AUTHOR, false},
};

#define RULES (sizeof rules / sizeof rules[0])

const struct slot_rule *slot_find(uint32_t slot)
{
	for (size_t i = 0; i < RULES; i++) {
		if ((uint32_t)rules[i].slot == slot)
			return &rules[i];
	}
	return NULL;
}

static uint8_t upper(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

const struct slot_rule *slot_named(struct bytes name)
{
	for (size_t i = 0; i < RULES; i++) {
		struct bytes want = bytes_str(rules[i].name);
		size_t k = 0;
		while (k < name.n && k < want.n && upper(name.p[k]) == want.p[k])
			k++;
		if (k == name.n && k == want.n)
			return &rules[i];
	}
	return NULL;
}
