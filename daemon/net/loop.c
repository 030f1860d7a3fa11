#include "daemon/net/loop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "daemon/net/conn.h"
#include "proto/base/log.h"

#define EXIT_OS 71
#define EXIT_IO 74
#define NOMEM_AGAIN_MS 60000
#define STOP_MS 3000 /* for goodbyes; the whole stop takes less than 5 s */
#define TIDY_MS 30000
#define TIDY_WAL_BYTES ((uint64_t)1024 * 1024)
#define ALARM_WAL_BYTES ((uint64_t)64 * 1024 * 1024)
#define MIB ((uint64_t)1024 * 1024)

struct now loop_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (struct now){.mono = {(int64_t)(uv_hrtime() / 1000000)},
		.wall = {(int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000}};
}

struct arena *loop_arena(struct shell *s)
{
	if (!s->arena_memory)
		s->arena_memory = xalloc(MESSAGE_ARENA);
	arena_init(&s->arena, s->arena_memory, MESSAGE_ARENA);
	return &s->arena;
}

void *loop_take_arena(struct shell *s)
{
	void *memory = s->arena_memory;
	s->arena_memory = NULL;
	return memory;
}

const char *loop_state_name(const struct shell *s)
{
	if (s->degraded[0])
		return "degraded";
	return replica_roster(s->replica) ? "running" : "waiting-roster";
}

/* ---- trouble with the store ---- */

static void fail(struct shell *s, int exit_code, const char *text)
{
	log_error("event=failed exit=%d why=\"%s\"", exit_code, text);
	notify_status(s->config.notify, text);
	s->state = SHELL_FAILED;
	s->exit_code = exit_code;
	uv_stop(&s->uv);
}

static void set_degraded(struct shell *s, const char *text)
{
	if (strcmp(s->degraded, text) == 0)
		return;
	if (text[0])
		log_error("event=degraded why=\"%s\"", text);
	else
		log_info("event=well-again");
	snprintf(s->degraded, sizeof(s->degraded), "%s", text);
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
		fail(s, EXIT_IO, e.text);
}

static void on_disk_full(struct shell *s, const struct err *e)
{
	space_failed(&s->space, loop_now().mono, s->config.chance);
	set_degraded(s, "the disk is full: nothing new is accepted; free some space");
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
		fail(s, EXIT_OS, "out of memory twice within a minute");
}

static void on_corrupt(struct shell *s, const struct err *e)
{
	char text[ERR_TEXT_MAX];
	snprintf(text, sizeof(text),
		"the database is damaged (%.150s); keep its files and rebuild: deltactl rebuild "
		"--from-peers",
		e->text);
	ctl_posts_failed(s, RC_CORRUPT, text);
	fail(s, EXIT_IO, text);
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
		fail(s, EXIT_IO, e->text);
	}
}

static bool is_store_trouble(int rc)
{
	return rc == RC_DISK_FULL || rc == RC_UNKNOWN_OUTCOME || rc == RC_CORRUPT ||
		rc == RC_NOMEM || rc == RC_IO || rc == RC_INTERNAL || rc == RC_BUSY;
}

bool loop_survives(struct shell *s, int rc, const struct err *e)
{
	if (!is_store_trouble(rc))
		return true;
	store_failed(s, rc, e);
	return false;
}

/* ---- turns ---- */

bool loop_enter(struct shell *s)
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
	case EVENT_DIVERGED: log_error("event=diverged peer=%s what=\"%s\"", peer, ev->text); break;
	case EVENT_NEW_EPOCH:
		log_warn("event=new-epoch log=%s why=\"%s\"", ev->origin, ev->text);
		break;
	case EVENT_REFUSED:
		if (ev->peer < 0 || (size_t)ev->peer >= s->peers.n ||
			quota_take(&s->peers.peer[ev->peer].quota, loop_now().mono, &withheld))
			log_warn("event=refused peer=%s why=\"%s\"%s", peer, ev->text,
				withheld ? " more=withheld" : "");
		break;
	case EVENT_INFO: log_info("event=info peer=%s what=\"%s\"", peer, ev->text); break;
	}
}

static void drain_events(struct shell *s)
{
	struct event ev;
	while (s->state != SHELL_FAILED && replica_next_event(s->replica, &ev))
		on_event(s, &ev);
}

void loop_settle(struct shell *s)
{
	commit(s);
	drain_events(s);
}

static void match_roster(struct shell *s)
{
	struct err e = {0};
	if (s->state != SHELL_FAILED && peers_match_roster(s, loop_now(), &e))
		fail(s, EXIT_OS, e.text);
}

static void arm(struct shell *s);
static void close_everything(struct shell *s);

/* What all inputs of a turn lead to. Sending may end sessions, which is an input again. */
static void end_turn(struct shell *s)
{
	if (s->state == SHELL_STARTING || s->state == SHELL_STOPPED)
		return;
	do {
		peers_report_lost(s, loop_now());
		loop_settle(s);
		match_roster(s);
		if (s->state == SHELL_FAILED)
			return;
		peers_send(s);
	} while (s->in_group || peers_have_lost(s));
	if (s->state == SHELL_STOPPING && peers_are_gone(s) && ctl_is_gone(s))
		close_everything(s);
	else
		arm(s);
}

/* Before the loop sleeps, for what timers brought, and after it woke, for what sockets brought. */
static void on_prepare(uv_prepare_t *handle)
{
	end_turn(handle->data);
}

static void on_check(uv_check_t *handle)
{
	end_turn(handle->data);
}

/* ---- free space ---- */

static void measure(struct shell *s, struct mono_ms now)
{
	struct statvfs v;
	char text[sizeof(s->degraded)];
	if (statvfs(s->settings.data_dir, &v) != 0)
		return;
	uint64_t free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	space_measured(&s->space, free_bytes, (uint64_t)v.f_blocks * v.f_frsize, now);
	if (s->space.state == SPACE_OK) {
		set_degraded(s, "");
	} else if (s->space.state == SPACE_LOW && s->degraded[0] == '\0') {
		snprintf(text, sizeof(text),
			"only %llu MiB are free in data_dir: nothing new is accepted from "
			"operators; free some space",
			(unsigned long long)(free_bytes / MIB));
		set_degraded(s, text);
	}
}

static void space_on_time(struct shell *s, struct now now)
{
	if (now.mono.v < space_deadline(&s->space).v)
		return;
	/* Announcements were passed over meanwhile: new sessions say them again. */
	if (space_retry(&s->space, now.mono))
		peers_drop_all(s, "there may be room on the disk again");
	measure(s, now.mono);
}

bool loop_may_author(struct shell *s, struct err *e)
{
	if (s->state != SHELL_RUNNING)
		return err_set(e, RC_UNREACHABLE, "the node is shutting down") == RC_OK;
	if (s->space.state == SPACE_OK)
		measure(s, loop_now().mono);
	if (s->space.state != SPACE_OK)
		return err_set(e, RC_DEGRADED, "%s", s->degraded) == RC_OK;
	if (!loop_enter(s))
		return err_set(e, RC_DEGRADED, "the database does not accept writes") == RC_OK;
	return true;
}

/* ---- time ---- */

static struct mono_ms earlier(struct mono_ms a, struct mono_ms b)
{
	return a.v < b.v ? a : b;
}

static void arm(struct shell *s)
{
	struct mono_ms at = earlier(peers_deadline(s), ctl_deadline(s));
	at = earlier(at, replica_deadline(s->replica));
	at = earlier(at, space_deadline(&s->space));
	at = earlier(at, earlier(s->watchdog_at, earlier(s->tidy_at, s->stop_at)));
	int64_t wait = at.v - loop_now().mono.v;
	uv_update_time(&s->uv);
	(void)uv_timer_start(&s->timer, s->timer.timer_cb, wait > 0 ? (uint64_t)wait : 0, 0);
}

static void tick(struct shell *s, struct now now)
{
	struct err e = {0};
	if (now.mono.v < replica_deadline(s->replica).v || !loop_enter(s))
		return;
	(void)loop_survives(s, replica_tick(s->replica, now, &e), &e);
}

/* A sign of life is given only by a turn in which the store answered. */
static void feed_watchdog(struct shell *s, struct now now)
{
	if (now.mono.v < s->watchdog_at.v)
		return;
	if (loop_enter(s))
		loop_settle(s);
	if (s->state == SHELL_FAILED)
		return;
	notify_watchdog(s->config.notify);
	s->watchdog_at.v = now.mono.v + s->config.notify->watchdog_ms / 3;
}

static void tidy(struct shell *s, struct now now)
{
	if (now.mono.v < s->tidy_at.v)
		return;
	s->tidy_at.v = now.mono.v + TIDY_MS;
	uint64_t wal = s->config.wal_bytes(s->config.arg);
	if (wal > TIDY_WAL_BYTES) {
		loop_settle(s);
		s->config.checkpoint(s->config.arg);
		wal = s->config.wal_bytes(s->config.arg);
	}
	if (wal > ALARM_WAL_BYTES && !s->wal_alarm)
		log_error("event=wal-large mib=%llu", (unsigned long long)(wal / MIB));
	s->wal_alarm = wal > ALARM_WAL_BYTES;
}

static void on_timer(uv_timer_t *handle)
{
	struct shell *s = handle->data;
	struct now now = loop_now();
	if (s->state == SHELL_STOPPED)
		return;
	tick(s, now);
	peers_on_time(s, now);
	ctl_on_time(s, now);
	space_on_time(s, now);
	if (s->state == SHELL_RUNNING)
		tidy(s, now);
	feed_watchdog(s, now);
	if (now.mono.v >= s->stop_at.v)
		close_everything(s);
}

/* ---- the mark ---- */

static void on_marked(void *arg, const struct mark *mark, int rc, const struct err *e)
{
	struct shell *s = arg;
	if (s->state == SHELL_FAILED)
		return;
	if (rc) {
		/* Like a failed commit: what the file says is unknown, so nothing may rely on it.
		 */
		fail(s, EXIT_IO, e->text);
		return;
	}
	replica_marked(s->replica, mark->origin, mark->size);
}

/* ---- signals ---- */

static void on_handle_closed(uv_handle_t *handle)
{
	(void)handle;
}

static void close_handle(void *handle)
{
	uv_handle_t *h = handle;
	if (h->loop && !uv_is_closing(h))
		uv_close(h, on_handle_closed);
}

static void close_handles(struct shell *s)
{
	s->state = SHELL_STOPPED;
	peers_drop_all(s, "this node is shutting down");
	ctl_drop_all(s);
	close_handle(&s->prepare);
	close_handle(&s->check);
	close_handle(&s->timer);
	for (size_t i = 0; i < 3; i++)
		close_handle(&s->signals[i]);
}

/* Ends the loop: it returns when the last handle and the last write of the mark are done. */
static void close_everything(struct shell *s)
{
	loop_settle(s);
	if (s->state == SHELL_FAILED)
		return;
	close_handles(s);
}

static void stop(struct shell *s, const char *why)
{
	if (s->state != SHELL_RUNNING)
		return;
	log_info("event=stopping why=%s", why);
	notify_stopping(s->config.notify);
	loop_settle(s);
	if (s->state == SHELL_FAILED)
		return;
	peers_send(s);
	s->state = SHELL_STOPPING;
	s->stop_at.v = loop_now().mono.v + STOP_MS;
	ctl_stop(s);
	peers_stop(s);
}

static void reload(struct shell *s)
{
	struct net_settings fresh;
	struct err e = {0};
	if (s->state != SHELL_RUNNING)
		return;
	notify_reloading(s->config.notify);
	if (s->config.reload(s->config.arg, &fresh, &e)) {
		log_error("event=reload-refused why=\"%s\"", e.text);
	} else {
		s->settings.limits = fresh.limits;
		memcpy(s->settings.peer, fresh.peer, sizeof(fresh.peer));
		s->settings.n_peers = fresh.n_peers;
		s->space.min_free = fresh.limits.min_free_mib * MIB;
		s->space.min_percent = fresh.limits.min_free_percent;
		measure(s, loop_now().mono);
		peers_readdress(s, loop_now());
		log_info("event=reloaded peers=%zu", fresh.n_peers);
	}
	notify_ready(s->config.notify, s->degraded[0] ? s->degraded : loop_state_name(s));
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct shell *s = handle->data;
	if (number == SIGHUP)
		reload(s);
	else
		stop(s, number == SIGTERM ? "SIGTERM" : "SIGINT");
}

/* ---- start and end ---- */

static int open_handles(struct shell *s, struct err *e)
{
	static const int numbers[3] = {SIGTERM, SIGINT, SIGHUP};
	int status = uv_prepare_init(&s->uv, &s->prepare);
	if (status == 0)
		status = uv_check_init(&s->uv, &s->check);
	if (status == 0)
		status = uv_timer_init(&s->uv, &s->timer);
	s->prepare.data = s->check.data = s->timer.data = s;
	if (status == 0)
		status = uv_prepare_start(&s->prepare, on_prepare);
	if (status == 0)
		status = uv_check_start(&s->check, on_check);
	if (status == 0)
		status = uv_timer_start(&s->timer, on_timer, 0, 0);
	for (size_t i = 0; i < 3 && status == 0; i++) {
		status = uv_signal_init(&s->uv, &s->signals[i]);
		s->signals[i].data = s;
		if (status == 0)
			status = uv_signal_start(&s->signals[i], on_signal, numbers[i]);
	}
	return status == 0 ? RC_OK : err_set(e, RC_IO, "the loop: %s", uv_strerror(status));
}

static void init(struct shell *s, const struct loop_config *config)
{
	s->config = *config;
	s->settings = *config->settings;
	s->replica = config->replica;
	s->started = loop_now();
	s->scratch = xalloc(LOOP_SCRATCH_BYTES);
	s->nomem_at = s->stop_at = MONO_NEVER;
	s->tidy_at.v = s->started.mono.v + TIDY_MS;
	s->watchdog_at = config->notify->watchdog_ms > 0 ? s->started.mono : MONO_NEVER;
	space_init(&s->space, s->settings.limits.min_free_mib * MIB,
		s->settings.limits.min_free_percent, s->started.mono);
	marker_init(&s->marker, &s->uv, config->mark, on_marked, s);
}

static int start(struct shell *s, struct err *e)
{
	int rc = open_handles(s, e);
	if (rc == RC_OK)
		rc = ctl_open(s, e);
	if (rc == RC_OK)
		rc = peers_open(s, e);
	if (rc == RC_OK)
		rc = peers_match_roster(s, s->started, e);
	if (rc)
		return rc;
	s->state = SHELL_RUNNING;
	log_info("event=started member=%s software=\"%s\" state=%s", s->settings.member,
		s->config.software, loop_state_name(s));
	notify_ready(s->config.notify, loop_state_name(s));
	return RC_OK;
}

static void close_after_failed_start(struct shell *s)
{
	close_handle(&s->peers.listener);
	close_handle(&s->ctl.listener);
	close_handles(s);
	uv_run(&s->uv, UV_RUN_DEFAULT);
}

static int exit_code_of(int rc)
{
	if (rc == RC_BUSY)
		return 75;
	return rc == RC_SETUP || rc == RC_INPUT ? 78 : EXIT_OS;
}

static void release(struct shell *s)
{
	/* Whatever is still open here was forgotten by somebody. */
	ENSURE(uv_loop_close(&s->uv) == 0);
	ctl_release(s);
	free(s->arena_memory);
	free(s->scratch);
	free(s);
}

int loop_run(const struct loop_config *config, struct err *e)
{
	struct shell *s = xalloc(sizeof(*s));
	int status = uv_loop_init(&s->uv);
	if (status < 0) {
		free(s);
		err_set(e, RC_IO, "the loop: %s", uv_strerror(status));
		return EXIT_OS;
	}
	init(s, config);
	int rc = start(s, e);
	if (rc) {
		close_after_failed_start(s);
		release(s);
		return exit_code_of(rc);
	}
	uv_run(&s->uv, UV_RUN_DEFAULT);
	if (s->state == SHELL_FAILED)
		return s->exit_code;
	log_info("event=stopped");
	release(s);
	return 0;
}
