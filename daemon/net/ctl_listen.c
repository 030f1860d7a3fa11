/* The socket itself: who may come in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/net/loop.h"
#include "proto/base/log.h"

#define BACKLOG 64
#define GROUPS_MAX 256

enum ctl_role ctl_role_of(uid_t uid, const gid_t *groups, size_t n, uid_t own_uid, gid_t socket_gid)
{
	if (uid == 0 || uid == own_uid)
		return CTL_ROLE_ADMIN;
	for (size_t i = 0; i < n; i++)
		if (groups[i] == socket_gid)
			return CTL_ROLE_OPERATOR;
	return CTL_ROLE_NONE;
}

static enum ctl_role role_of_client(const struct client *c)
{
	struct ucred cred;
	gid_t groups[GROUPS_MAX + 1];
	socklen_t n_cred = sizeof(cred), n_groups = sizeof(groups) - sizeof(groups[0]);
	uv_os_fd_t fd;
	if (uv_fileno((const uv_handle_t *)&c->pipe, &fd) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n_cred) != 0)
		return CTL_ROLE_NONE;
	/* Somebody in more groups than fit is judged by the primary one. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n_groups) != 0)
		n_groups = 0;
	size_t n = n_groups / sizeof(groups[0]);
	groups[n++] = cred.gid;
	return ctl_role_of(cred.uid, groups, n, geteuid(), c->shell->ctl.gid);
}

static void welcome(struct client *c)
{
	struct shell *s = c->shell;
	c->role = role_of_client(c);
	if (c->role == CTL_ROLE_NONE) {
		s->ctl.refused++;
		client_refuse(c, RC_DENIED,
			"you are not in the group of the control socket; ask the administrator");
	} else if (s->ctl.n > s->settings.limits.clients) {
		client_refuse(c, RC_UNREACHABLE, "the node serves as many clients as it may");
	} else {
		client_go_on(c);
	}
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct shell *s = listener->data;
	if (status < 0) {
		log_error("event=accept-failed why=\"%s\"", uv_strerror(status));
		return;
	}
	struct client *c = xalloc(sizeof(*c));
	c->shell = s;
	c->asked = loop_now().mono;
	c->frame_since = MONO_NEVER;
	status = uv_pipe_init(&s->uv, &c->pipe, 0);
	if (status < 0) {
		free(c);
		return;
	}
	c->pipe.data = c;
	c->next = s->ctl.clients;
	s->ctl.clients = c;
	s->ctl.n++;
	if (uv_accept(listener, (uv_stream_t *)&c->pipe) < 0)
		client_close(c);
	else
		welcome(c);
}

/* Somebody answers at the path: RC_BUSY. A socket that nobody listens to any more is removed. */
static int clear_path(const char *path, struct err *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct stat st;
	if (lstat(path, &st) != 0)
		return errno == ENOENT
			? RC_OK
			: err_set(e, RC_SETUP, "control = \"%s\": %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, RC_SETUP, "control = \"%s\" exists and is no socket", path);
	memcpy(a.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(e, RC_IO, "socket: %s", strerror(errno));
	int failed = connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 ? errno : 0;
	close(fd);
	if (failed == 0 || failed == EAGAIN)
		return err_set(e, RC_BUSY,
			"control = \"%s\": another daemon answers there; stop it first", path);
	if (failed == ECONNREFUSED)
		failed = unlink(path) != 0 ? errno : 0;
	return failed ? err_set(e, RC_SETUP, "control = \"%s\": %s", path, strerror(failed))
		      : RC_OK;
}

static int bind_and_listen(struct shell *s, const char *path)
{
	struct ctl *ctl = &s->ctl;
	struct stat st;
	int status = uv_pipe_init(&s->uv, &ctl->listener, 0);
	if (status < 0)
		return status;
	ctl->listener.data = s;
	ctl->listener_open = true;
	/* The process's umask is 077: closed to others until the mode is set. */
	status = uv_pipe_bind(&ctl->listener, path);
	if (status == 0 && (chmod(path, 0660) != 0 || lstat(path, &st) != 0))
		status = uv_translate_sys_error(errno);
	if (status == 0) {
		ctl->gid = st.st_gid;
		status = uv_listen((uv_stream_t *)&ctl->listener, BACKLOG, on_connection);
	}
	return status;
}

int ctl_open(struct shell *s, struct err *e)
{
	const char *path = s->settings.control;
	struct sockaddr_un a;
	if (strlen(path) >= sizeof(a.sun_path))
		return err_set(e, RC_SETUP, "control: the path is longer than %zu bytes",
			sizeof(a.sun_path) - 1);
	int rc = clear_path(path, e);
	if (rc)
		return rc;
	arena_init(&s->ctl.arena, xalloc(CTL_ARENA), CTL_ARENA);
	int status = bind_and_listen(s, path);
	if (status < 0)
		return err_set(e, RC_SETUP, "control = \"%s\": %s; is there a folder for it?", path,
			uv_strerror(status));
	return RC_OK;
}
