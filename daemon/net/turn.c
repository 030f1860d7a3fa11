#include "daemon/net/turn.h"

#include <string.h>

#include "daemon/net/loop.h"
#include "proto/base/log.h"
#include "proto/base/text.h"

#define NOMEM_AGAIN_MS 60000

void turn_fail(struct shell *s, int exit_code, const char *text)
{
	log_error("event=failed exit=%d why=\"%s\"", exit_code, text);
	notify_status(s->config.notify, text);
	s->state = SHELL_FAILED;
	s->exit_code = exit_code;
	uv_stop(&s->uv);
}

void turn_set_degraded(struct shell *s, const char *text)
{
	if (strcmp(s->degraded, text) == 0)
		return;
	if (text[0])
		log_error("event=degraded why=\"%s\"", text);
	else
		log_info("event=well-again");
	text_print(s->degraded, sizeof(s->degraded), "%s", text);
	notify_status(s->config.notify, text[0] ? text : loop_state_name(s));
	ctl_wake(s);
}

/* The group is undone, and with it every session. */
static void roll_back(struct shell *s, int rc_for_posts, const char *text)
{
	struct err e = {0};
	s->in_group = false;
	ctl_posts_failed(s, rc_for_posts, text);
	peers_drop_all(s, text);
	int rc = replica_rollback(s->replica, loop_now(), &e);
	if (rc)
		turn_fail(s, TURN_EXIT_IO, e.text);
}

static void on_disk_full(struct shell *s, const struct err *e)
{
	space_failed(&s->space, loop_now().mono, s->config.chance);
	replica_set_full(s->replica, true);
	turn_set_degraded(s, "the disk is full: nothing new is accepted; free some space");
	log_warn("event=disk-full why=\"%s\"", e->text);
	roll_back(s, RC_DEGRADED, s->degraded);
}

static void on_nomem(struct shell *s, const struct err *e)
{
	struct mono_ms now = loop_now().mono;
	bool again = s->nomem_at.v != MONO_NEVER.v && now.v - s->nomem_at.v < NOMEM_AGAIN_MS;
	s->nomem_at = now;
	roll_back(s, RC_NOMEM, e->text);
	if (again && s->state != SHELL_FAILED)
		turn_fail(s, TURN_EXIT_OS, "out of memory twice within a minute");
}

static void on_corrupt(struct shell *s, const struct err *e)
{
	char text[ERR_TEXT_MAX];
	text_print(text, sizeof(text),
		"the database is damaged: keep its files elsewhere and start without them to "
		"rebuild it from the peers (%s)",
		e->text);
	ctl_posts_failed(s, RC_CORRUPT, text);
	turn_fail(s, TURN_EXIT_IO, text);
}

static void store_failed(struct shell *s, int rc, const struct err *e)
{
	if (s->state == SHELL_FAILED)
		return;
	if (rc == RC_DISK_FULL) {
		on_disk_full(s, e);
	} else if (rc == RC_NOMEM) {
		on_nomem(s, e);
	} else if (rc == RC_CORRUPT) {
		on_corrupt(s, e);
	} else {
		/* What was committed is unknown until the next start reads it. */
		ctl_posts_failed(s, RC_UNKNOWN_OUTCOME, e->text);
		turn_fail(s, TURN_EXIT_IO, e->text);
	}
}

static bool is_store_trouble(int rc)
{
	return rc == RC_DISK_FULL || rc == RC_UNKNOWN_OUTCOME || rc == RC_CORRUPT ||
		rc == RC_NOMEM || rc == RC_IO || rc == RC_INTERNAL || rc == RC_BUSY;
}

bool turn_survives(struct shell *s, int rc, const struct err *e)
{
	if (!is_store_trouble(rc))
		return true;
	store_failed(s, rc, e);
	return false;
}

bool turn_enter(struct shell *s)
{
	struct err e = {0};
	if (s->state == SHELL_FAILED)
		return false;
	if (s->in_group)
		return true;
	int rc = replica_begin(s->replica, &e);
	if (rc) {
		store_failed(s, rc, &e);
		return false;
	}
	s->in_group = true;
	return true;
}

static void commit(struct shell *s)
{
	struct err e = {0};
	if (!s->in_group || s->state == SHELL_FAILED)
		return;
	int rc = replica_commit(s->replica, loop_now(), &e);
	s->in_group = false;
	if (rc)
		store_failed(s, rc, &e);
	else
		ctl_posts_done(s);
}

/* What a peer causes is said so often a minute and no more. */
static bool may_say(struct shell *s, const struct event *ev, unsigned *withheld)
{
	return ev->peer < 0 || (size_t)ev->peer >= s->peers.n ||
		quota_take(&s->peers.peer[ev->peer].quota, loop_now().mono, withheld);
}

static void on_event(struct shell *s, const struct event *ev)
{
	const char *peer =
		ev->peer >= 0 && (size_t)ev->peer < s->peers.n ? s->peers.peer[ev->peer].slug : "-";
	unsigned withheld = 0;
	struct mark mark = {.present = true, .size = ev->size, .root = ev->root};
	switch (ev->kind) {
	case EVENT_MARK:
		memcpy(mark.origin, ev->origin, sizeof(mark.origin));
		marker_submit(&s->marker, &mark);
		break;
	case EVENT_COMMITTED:
		s->commits++;
		ctl_wake(s);
		break;
	case EVENT_FORK:
		log_error("event=fork log=%s size=%llu what=\"%s\"", ev->origin,
			(unsigned long long)ev->size, ev->text);
		break;
	case EVENT_EVIDENCE:
		log_error("event=evidence log=%s peer=%s what=\"%s\"", ev->origin, peer, ev->text);
		break;
	case EVENT_DIVERGED: log_error("event=diverged peer=%s what=\"%s\"", peer, ev->text); break;
	case EVENT_NEW_EPOCH:
		log_warn("event=new-epoch log=%s why=\"%s\"", ev->origin, ev->text);
		break;
	case EVENT_BAD_SIGNATURE:
		log_error("event=bad-signature log=%s what=\"%s\"", ev->origin, ev->text);
		break;
	case EVENT_CLONE: log_error("event=clone what=\"%s\"", ev->text); break;
	case EVENT_REFUSED:
		if (may_say(s, ev, &withheld))
			log_warn("event=refused peer=%s why=\"%s\"%s", peer, ev->text,
				withheld ? " more=withheld" : "");
		break;
	case EVENT_ROSTER: log_warn("event=roster what=\"%s\"", ev->text); break;
	case EVENT_INFO:
		if (may_say(s, ev, &withheld))
			log_info("event=info peer=%s what=\"%s\"%s", peer, ev->text,
				withheld ? " more=withheld" : "");
		break;
	}
}

static void drain_events(struct shell *s)
{
	struct event ev;
	while (s->state != SHELL_FAILED && replica_next_event(s->replica, &ev))
		on_event(s, &ev);
}

static void match_roster(struct shell *s)
{
	struct err e = {0};
	if (s->state != SHELL_FAILED && peers_match_roster(s, loop_now(), &e))
		turn_fail(s, TURN_EXIT_OS, e.text);
}

void turn_settle(struct shell *s)
{
	commit(s);
	drain_events(s);
	match_roster(s); /* from that commit on peers are named by places in another roster */
}

/* What all inputs of a turn lead to. Sending may end sessions, which is an input again. */
void turn_end(struct shell *s)
{
	if (s->state == SHELL_STARTING || s->state == SHELL_STOPPED)
		return;
	do {
		peers_report_lost(s, loop_now());
		turn_settle(s);
		if (s->state == SHELL_FAILED)
			return;
		peers_send(s);
		auditor_go_on(s);
	} while (s->in_group || peers_have_lost(s));
	if (s->state == SHELL_STOPPING && peers_are_gone(s) && ctl_is_gone(s))
		loop_close(s);
	else
		loop_arm(s);
}
