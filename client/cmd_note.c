#include "client/field.h"
#include "client/post.h"
#include "client/text.h"
#include "proto/base/text.h"

/* A note opens a register of its own, named by its nonce. */
static int write_note(struct post *p, struct app *app, struct draft *d, struct err *e)
{
	char holder[2 * NONCE_BYTES + 1];
	hex_encode(d->nonce, NONCE_BYTES, holder);
	d->holder = bytes_str(holder);
	d->value.note.text = bytes_str(app->operand[1]);
	d->value.note.demo = args_has(app->args, OPT_DEMO);
	return post_finish(p, app, d, e);
}

static int strike_note(struct post *p, struct app *app, struct draft *d, struct err *e)
{
	const struct entry *note;
	int rc =
		field_find_change(p->view.entry, p->view.n, app->args->value[OPT_STRIKE], &note, e);
	if (rc != RC_OK)
		return rc;
	if (note->change.slot != SLOT_NOTE)
		return err_set(
			e, RC_USAGE, tr("change %.64s is no note"), app->args->value[OPT_STRIKE]);
	d->holder = note->change.holder;
	d->under = note;
	d->replaces = view_find(&p->view, p->task, SLOT_NOTE, d->holder);
	d->value.note.struck = true;
	return post_finish(p, app, d, e);
}

int cmd_note(struct app *app, struct err *e)
{
	struct post p;
	struct draft d;
	bool strike = args_has(app->args, OPT_STRIKE);
	if (strike == (app->n_operands > 1))
		return err_set(e, RC_USAGE, tr("give the text of a note, or --strike CHANGE"));
	draft_init(&d);
	int rc = post_begin(&p, app, e);
	if (rc == RC_OK && !p.resumed) {
		d.task = p.task;
		d.value.slot = SLOT_NOTE;
		d.reason = args_bytes(app->args, OPT_REASON);
		rc = strike ? strike_note(&p, app, &d, e) : write_note(&p, app, &d, e);
	}
	post_end(&p);
	return rc;
}
