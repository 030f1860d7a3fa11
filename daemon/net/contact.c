#include "daemon/net/contact.h"

void contact_init(struct contact *c, struct mono_ms now, struct chance chance)
{
	*c = (struct contact){0};
	dial_init(&c->dial, now, chance);
}

void contact_up(struct contact *c, struct mono_ms now)
{
	pulse_init(&c->pulse, now);
	dial_up(&c->dial, now);
}

void contact_down(struct contact *c, struct mono_ms now, struct chance chance)
{
	dial_down(&c->dial, now, chance);
}

bool contact_failed(struct contact *c, bool has_session, bool answered, struct mono_ms now,
	struct chance chance)
{
	if (has_session && !c->pulse.lost)
		return false;
	if (answered && !has_session)
		dial_down(&c->dial, now, chance);
	else
		dial_unanswered(&c->dial, now, chance);
	return true;
}

static bool may_dial(const struct contact *c, const struct contact_line *l)
{
	return l->address && (!l->session || c->pulse.lost) && !l->dialling;
}

bool contact_is_due(const struct contact *c, const struct contact_line *l, struct mono_ms now)
{
	return may_dial(c, l) && dial_is_due(&c->dial, now);
}

struct mono_ms contact_deadline(const struct contact *c, const struct contact_line *l)
{
	struct mono_ms dial = may_dial(c, l) ? c->dial.at : MONO_NEVER;
	struct mono_ms pulse = l->session ? pulse_deadline(&c->pulse, l->written) : MONO_NEVER;
	return dial.v < pulse.v ? dial : pulse;
}

bool contact_feels(const struct contact *c, const struct contact_line *l, struct mono_ms now)
{
	return l->session && now.v >= pulse_deadline(&c->pulse, l->written).v;
}

void contact_feel(struct contact *c, const struct contact_line *l, const struct pulse_line *kernel,
	struct mono_ms now, struct chance chance)
{
	bool was_lost = c->pulse.lost;
	pulse_look(&c->pulse, l->written, kernel, now);
	/* For the waits it has ended: a line that lets no session live long is not dialled for
	 * ever.
	 */
	if (c->pulse.lost && !was_lost && !l->dialling)
		dial_down(&c->dial, now, chance);
	else if (was_lost && !c->pulse.lost)
		dial_up(&c->dial, now);
}
