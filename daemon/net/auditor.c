#include "daemon/net/auditor.h"

#include "daemon/net/loop.h"

/* After leaves in bulk, and after a failure of the store. */
#define AUDIT_QUIET_MS 100
#define AUDIT_AGAIN_MS 5000

static bool may_start(const struct shell *s)
{
	return s->state == SHELL_RUNNING && !s->in_group && !s->auditor.verify &&
		s->space.state != SPACE_FULL && replica_audit_is_due(s->replica) &&
		!peers_are_examining(s);
}

struct mono_ms auditor_deadline(const struct shell *s)
{
	/* What is being examined brings the loop back. */
	return may_start(s) ? s->auditor.not_before : MONO_NEVER;
}

void auditor_put_off(struct shell *s)
{
	s->auditor.not_before.v = loop_now().mono.v + AUDIT_QUIET_MS;
}

static void try_again_later(struct shell *s)
{
	s->auditor.not_before.v = loop_now().mono.v + AUDIT_AGAIN_MS;
}

static void finish(struct shell *s)
{
	struct auditor *a = &s->auditor;
	struct err e = {0};
	if (s->state == SHELL_RUNNING && turn_enter(s)) {
		int rc = replica_audit_done(s->replica, &a->piece, verify_leaves(a->verify), &e);
		if (!turn_survives(s, rc, &e))
			try_again_later(s);
	}
	verify_free(a->verify);
	a->verify = NULL;
}

static void on_verified(void *arg)
{
	finish(arg);
}

void auditor_go_on(struct shell *s)
{
	struct auditor *a = &s->auditor;
	struct err e = {0};
	if (!may_start(s) || loop_now().mono.v < a->not_before.v)
		return;
	int rc = replica_audit_next(s->replica, &a->piece, &e);
	if (rc == RC_CORRUPT)
		(void)turn_survives(s, rc, &e);
	if (rc != RC_OK) {
		try_again_later(s);
		return;
	}
	a->verify = verify_start(
		&s->uv, &s->settings.cluster_id, a->piece.leaf, a->piece.n, false, on_verified, s);
	if (verify_is_done(a->verify))
		finish(s);
}

void auditor_release(struct auditor *a)
{
	audit_piece_release(&a->piece);
}
