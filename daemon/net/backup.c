#include "daemon/net/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/net/loop.h"
#include "proto/base/log.h"
#include "proto/base/text.h"

#define MANIFEST ".manifest"

/* ---- names ---- */

static int check_folder(const struct shell *s, const char *folder, struct err *e)
{
	struct stat st, data;
	if (folder[0] != '/')
		return err_set(e, RC_INPUT, "\"%s\" is no absolute path", folder);
	if (stat(folder, &st) != 0)
		return err_set(e, RC_INPUT, "\"%s\": %s", folder, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(e, RC_INPUT, "\"%s\" is no folder", folder);
	if (access(folder, W_OK | X_OK) != 0)
		return err_set(e, RC_DENIED, "\"%s\": %s; give it to the daemon's user", folder,
			strerror(errno));
	if (stat(s->settings.data_dir, &data) == 0 && data.st_dev == st.st_dev &&
		data.st_ino == st.st_ino)
		return err_set(e, RC_INPUT, "a backup belongs elsewhere than into data_dir");
	return RC_OK;
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);
	return n > m && strcmp(name + n - m, end) == 0;
}

static bool is_fresh(const char *name)
{
	static const char *const ends[] = {
		".db.new", ".db.new-journal", ".db.new" MANIFEST, ".db.new" MANIFEST ".new"};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends_in(name, ends[i]))
			return true;
	return false;
}

/* What a crash of this node left: others may be at work in the same folder. */
static void sweep(const struct shell *s, const char *folder)
{
	char path[BACKUP_PATH_BYTES + 256], begin[SLUG_SIZE + 2];
	DIR *d = opendir(folder);
	snprintf(begin, sizeof(begin), ".%s-", s->settings.member);
	for (struct dirent *f; d != NULL && (f = readdir(d)) != NULL;) {
		snprintf(path, sizeof(path), "%s/%s", folder, f->d_name);
		if (strncmp(f->d_name, begin, strlen(begin)) == 0 && is_fresh(f->d_name))
			(void)unlink(path);
	}
	if (d != NULL)
		closedir(d);
}

static void name_files(const struct shell *s, struct backup *b)
{
	char stamp[32];
	struct tm tm;
	time_t now = (time_t)(loop_now().wall.v / 1000);
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(b->name, sizeof(b->name), "%s/%s-%s.db", b->folder, s->settings.member, stamp);
	snprintf(b->fresh, sizeof(b->fresh), "%s/.%s-%s.db.new", b->folder, s->settings.member,
		stamp);
}

static void remove_fresh(const struct backup *b)
{
	char path[BACKUP_PATH_BYTES + 32];
	(void)unlink(b->fresh);
	snprintf(path, sizeof(path), "%s" MANIFEST, b->fresh);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s" MANIFEST ".new", b->fresh);
	(void)unlink(path);
}

static int sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int failed = fd < 0 || fsync(fd) != 0;
	if (fd >= 0)
		close(fd);
	return failed;
}

/* The manifest comes last: with it, the backup is good. */
static int give_name(struct backup *b, struct err *e)
{
	char from[BACKUP_PATH_BYTES + 32], to[BACKUP_PATH_BYTES + 32];
	snprintf(from, sizeof(from), "%s" MANIFEST, b->fresh);
	snprintf(to, sizeof(to), "%s" MANIFEST, b->name);
	if (rename(b->fresh, b->name) != 0 || rename(from, to) != 0 || sync_folder(b->folder))
		return err_set(e, RC_IO, "\"%.200s\": %s", b->name, strerror(errno));
	return RC_OK;
}

/* ---- the answer ---- */

static void finish(struct shell *s, int rc, const struct err *e)
{
	struct backup *b = &s->backup;
	struct client *c = b->client;
	b->busy = false;
	b->client = NULL;
	if (rc != RC_OK) {
		remove_fresh(b);
		log_error("event=backup-failed folder=\"%s\" why=\"%s %s\"", b->folder, rc_id(rc),
			e->text);
		if (c != NULL)
			client_error(c, b->id, rc, e->text);
	} else {
		log_info("event=backup file=\"%s\" bytes=%llu stall_ms=%llu", b->name,
			(unsigned long long)b->bytes, (unsigned long long)b->stall_ms);
		struct ctl_reply r = {.id = b->id, .kind = CTL_REPLY_BACKUP};
		r.backup.path = bytes_str(b->name);
		r.backup.bytes = b->bytes;
		r.backup.stall_ms = b->stall_ms;
		if (c != NULL)
			client_reply(c, &r);
	}
	if (c != NULL)
		c->asked = loop_now().mono;
}

/* "deltad: E7001: why" */
static int read_complaint(struct backup *b, struct err *e)
{
	static const char form[] = "deltad: E7001: ";
	char id[6] = {0};
	const char *why = b->text;
	b->text[b->n_text] = '\0';
	b->text[strcspn(b->text, "\n")] = '\0';
	if (strlen(b->text) > sizeof(form) && strncmp(b->text, form, strlen("deltad: ")) == 0) {
		memcpy(id, b->text + strlen("deltad: "), sizeof(id) - 1);
		why = b->text + strlen(form);
	}
	int rc = rc_from_id(id);
	return err_set(e, rc != 0 ? rc : RC_VERIFY, "the copy does not verify: %s",
		*why ? why : "its verifier was killed");
}

static void look_whether_done(struct shell *s)
{
	struct backup *b = &s->backup;
	struct client *c = b->client;
	struct err e = {0};
	if (b->open > 0 || !b->busy)
		return;
	int rc = b->status == 0 ? give_name(b, &e) : read_complaint(b, &e);
	finish(s, rc, &e);
	if (c != NULL)
		client_go_on(c);
}

/* ---- the verifier ---- */

static void on_handle_closed(uv_handle_t *handle)
{
	struct shell *s = handle->data;
	s->backup.open--;
	look_whether_done(s);
}

static void on_exit_child(uv_process_t *child, int64_t status, int signal_number)
{
	struct shell *s = child->data;
	s->backup.status = status != 0 ? status : signal_number;
	uv_close((uv_handle_t *)child, on_handle_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct shell *s = handle->data;
	(void)suggested;
	*out = uv_buf_init((char *)s->scratch, LOOP_SCRATCH_BYTES);
}

static void on_said(uv_stream_t *stream, ssize_t n, const uv_buf_t *from)
{
	struct shell *s = stream->data;
	struct backup *b = &s->backup;
	if (n < 0) {
		uv_close((uv_handle_t *)stream, on_handle_closed);
		return;
	}
	size_t room = sizeof(b->text) - 1 - b->n_text;
	size_t take = (size_t)n < room ? (size_t)n : room;
	memcpy(b->text + b->n_text, from->base, take);
	b->n_text += take;
}

static void start_verifier(struct shell *s)
{
	struct backup *b = &s->backup;
	char *argv[sizeof(s->config.verifier) / sizeof(s->config.verifier[0]) + 2] = {0};
	size_t n = 0;
	for (; n < sizeof(s->config.verifier) / sizeof(s->config.verifier[0]) &&
		s->config.verifier[n] != NULL;
		n++)
		argv[n] = (char *)(uintptr_t)s->config.verifier[n];
	argv[n] = b->fresh;
	uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}, {.flags = UV_IGNORE},
		{.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
			.data.stream = (uv_stream_t *)&b->said}};
	uv_process_options_t options = {.file = argv[0],
		.args = argv,
		.exit_cb = on_exit_child,
		.stdio = stdio,
		.stdio_count = 3};
	ENSURE(uv_pipe_init(&s->uv, &b->said, 0) == 0);
	b->said.data = b->child.data = s;
	b->open = 2;
	b->n_text = 0;
	int status = uv_spawn(&s->uv, &b->child, &options);
	if (status < 0) {
		b->status = -1;
		uv_close((uv_handle_t *)&b->child, on_handle_closed);
		uv_close((uv_handle_t *)&b->said, on_handle_closed);
		text_print(b->text, sizeof(b->text), "%s", uv_strerror(status));
		b->n_text = strlen(b->text);
		return;
	}
	ENSURE(uv_read_start((uv_stream_t *)&b->said, on_alloc, on_said) == 0);
}

/* ---- from the outside ---- */

static int copy(struct shell *s, struct err *e)
{
	struct backup *b = &s->backup;
	struct stat st;
	int64_t before = loop_now().mono.v;
	name_files(s, b);
	if (lstat(b->name, &st) == 0)
		return err_set(e, RC_INPUT, "\"%.200s\" is there already", b->name);
	int rc = s->config.backup(s->config.arg, b->fresh, e);
	b->stall_ms = (uint64_t)(loop_now().mono.v - before);
	if (rc == RC_OK)
		b->bytes = stat(b->fresh, &st) == 0 ? (uint64_t)st.st_size : 0;
	return rc;
}

static int begin(struct client *c, const struct ctl_request *r, struct err *e)
{
	struct shell *s = c->shell;
	struct backup *b = &s->backup;
	if (c->role != CTL_ROLE_ADMIN)
		return err_set(
			e, RC_DENIED, "only root or the daemon's own user may make a backup");
	if (b->busy)
		return err_set(e, RC_BUSY, "a backup is being made; wait for it");
	if (!replica_roster(s->replica))
		return err_set(e, RC_NO_ROSTER, "there is nothing to keep yet");
	memcpy(b->folder, r->folder.p, r->folder.n);
	b->folder[r->folder.n] = '\0';
	return check_folder(s, b->folder, e);
}

void backup_answer(struct client *c, const struct ctl_request *r)
{
	struct shell *s = c->shell;
	struct backup *b = &s->backup;
	struct err e = {0};
	turn_settle(s);
	if (s->state != SHELL_RUNNING) {
		client_error(c, r->id, RC_UNREACHABLE, "the node is shutting down");
		return;
	}
	int rc = begin(c, r, &e);
	if (rc != RC_OK) {
		client_error(c, r->id, rc, e.text);
		return;
	}
	b->busy = true;
	b->client = c;
	b->id = r->id;
	sweep(s, b->folder);
	rc = copy(s, &e);
	if (rc == RC_OK) {
		start_verifier(s);
		return;
	}
	finish(s, rc, &e);
	/* Of the copy's disk only the copy is lost; a damaged database ends the node. */
	if (rc == RC_CORRUPT)
		(void)turn_survives(s, rc, &e);
}

bool backup_is_for(const struct client *c)
{
	return c->shell->backup.busy && c->shell->backup.client == c;
}

void backup_forget_client(struct client *c)
{
	if (backup_is_for(c))
		c->shell->backup.client = NULL;
}

void backup_drop(struct shell *s)
{
	struct backup *b = &s->backup;
	if (!b->busy)
		return;
	b->busy = false;
	b->client = NULL;
	if (!uv_is_closing((uv_handle_t *)&b->child)) {
		(void)uv_process_kill(&b->child, SIGKILL);
		uv_close((uv_handle_t *)&b->child, on_handle_closed);
	}
	if (!uv_is_closing((uv_handle_t *)&b->said))
		uv_close((uv_handle_t *)&b->said, on_handle_closed);
	remove_fresh(b);
}
