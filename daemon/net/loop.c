#include "daemon/net/loop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "daemon/net/conn.h"
#include "daemon/net/threads.h"
#include "proto/base/log.h"

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
	if (!replica_roster(s->replica))
		return "waiting-roster";
	return replica_is_rebuilding(s->replica) ? "rebuilding" : "running";
}

/* Before the loop sleeps, for what timers brought, and after it woke, for what sockets brought. */
static void on_prepare(uv_prepare_t *handle)
{
	turn_end(handle->data);
}

static void on_check(uv_check_t *handle)
{
	turn_end(handle->data);
}

static void measure(struct shell *s, struct mono_ms now)
{
	struct statvfs v;
	char text[sizeof(s->degraded)];
	if (statvfs(s->settings.data_dir, &v) != 0)
		return;
	uint64_t free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	space_measured(&s->space, free_bytes, (uint64_t)v.f_blocks * v.f_frsize, now);
	if (s->space.state == SPACE_OK) {
		turn_set_degraded(s, "");
	} else if (s->space.state == SPACE_LOW && s->degraded[0] == '\0') {
		snprintf(text, sizeof(text),
			"only %llu MiB are free in data_dir: nothing new is accepted from "
			"operators; free some space",
			(unsigned long long)(free_bytes / MIB));
		turn_set_degraded(s, text);
	}
}

static void space_on_time(struct shell *s, struct now now)
{
	if (now.mono.v < space_deadline(&s->space).v)
		return;
	/* Announcements were passed over meanwhile: new sessions say them again. */
	if (space_retry(&s->space, now.mono)) {
		replica_set_full(s->replica, false);
		peers_close_all(s, "there may be room on the disk again");
	}
	measure(s, now.mono);
}

bool loop_may_author(struct shell *s, struct err *e)
{
	if (s->state != SHELL_RUNNING)
		return err_set(e, RC_UNREACHABLE, "the node is shutting down") == RC_OK;
	measure(s, loop_now().mono);
	if (s->space.state != SPACE_OK)
		return err_set(e, RC_DEGRADED, "%s", s->degraded) == RC_OK;
	if (!turn_enter(s))
		return err_set(e, RC_DEGRADED, "the database does not accept writes") == RC_OK;
	return true;
}

static struct mono_ms earlier(struct mono_ms a, struct mono_ms b)
{
	return a.v < b.v ? a : b;
}

void loop_arm(struct shell *s)
{
	struct mono_ms at = earlier(peers_deadline(s), ctl_deadline(s));
	at = earlier(at, earlier(replica_deadline(s->replica), auditor_deadline(s)));
	at = earlier(at, space_deadline(&s->space));
	at = earlier(at, earlier(s->watchdog_at, earlier(s->tidy_at, s->stop_at)));
	int64_t wait = at.v - loop_now().mono.v;
	uv_update_time(&s->uv);
	(void)uv_timer_start(&s->timer, s->timer.timer_cb, wait > 0 ? (uint64_t)wait : 0, 0);
}

static void tick(struct shell *s, struct now now)
{
	struct err e = {0};
	if (now.mono.v < replica_deadline(s->replica).v || !turn_enter(s))
		return;
	(void)turn_survives(s, replica_tick(s->replica, now, &e), &e);
}

static const char *status_of(const struct shell *s)
{
	return s->degraded[0] ? s->degraded : loop_state_name(s);
}

/* A sign of life is given only by a turn in which the store answered. */
static void feed_watchdog(struct shell *s, struct now now)
{
	if (now.mono.v < s->watchdog_at.v)
		return;
	if (turn_enter(s))
		turn_settle(s);
	if (s->state == SHELL_FAILED)
		return;
	notify_watchdog(s->config.notify, status_of(s));
	s->watchdog_at.v = now.mono.v + s->config.notify->watchdog_ms / 3;
}

static void tidy(struct shell *s, struct now now)
{
	if (now.mono.v < s->tidy_at.v)
		return;
	s->tidy_at.v = now.mono.v + TIDY_MS;
	uint64_t wal = s->config.wal_bytes(s->config.arg);
	if (wal > TIDY_WAL_BYTES) {
		turn_settle(s);
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
		loop_close(s);
}

static void on_marked(void *arg, const struct mark *mark, int rc, const struct err *e)
{
	struct shell *s = arg;
	if (s->state == SHELL_FAILED)
		return;
	if (rc) {
		/* Like a failed commit: what the file says is unknown, so nothing may rely on it.
		 */
		turn_fail(s, TURN_EXIT_IO, e->text);
		return;
	}
	replica_marked(s->replica, mark->origin, mark->size);
	ctl_marked(s);
}

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
	backup_drop(s);
	close_handle(&s->prepare);
	close_handle(&s->check);
	close_handle(&s->timer);
	for (size_t i = 0; i < 3; i++)
		close_handle(&s->signals[i]);
}

/* Ends the loop: it returns when the last handle and the last write of the mark are done. */
void loop_close(struct shell *s)
{
	turn_settle(s);
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
	turn_settle(s);
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
	notify_ready(s->config.notify, status_of(s));
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct shell *s = handle->data;
	if (number == SIGHUP)
		reload(s);
	else
		stop(s, number == SIGTERM ? "SIGTERM" : "SIGINT");
}

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
	s->noise_key = config->noise_key;
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
	int rc = threads_begin(&s->uv, e);
	if (rc == RC_OK)
		rc = open_handles(s, e);
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
	return rc == RC_SETUP || rc == RC_INPUT ? 78 : TURN_EXIT_OS;
}

static void release(struct shell *s)
{
	/* Whatever is still open here was forgotten by somebody. */
	ENSURE(uv_loop_close(&s->uv) == 0);
	ctl_release(s);
	free(s->arena_memory);
	auditor_release(&s->auditor);
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
		return TURN_EXIT_OS;
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
