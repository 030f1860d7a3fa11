#include "client/deltad.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/text.h"

#define WORDS_MAX 8
#define PIECE 4096
#define BEFORE_TEXT 15 /* "deltad: E7001: " */

static int start(char *const *argv, int to, int errors, pid_t *pid)
{
	extern char **environ;
	char path[PATH_MAX];
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
	int failed = ENOENT;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("deltad"));
	path[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(path, '/');
	if (slash != NULL) {
		memcpy(slash + 1, "deltad", sizeof("deltad"));
		failed = posix_spawn(pid, path, &actions, NULL, argv, environ);
	}
	if (failed)
		failed = posix_spawnp(pid, "deltad", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return failed;
}

static void read_all(int fd, struct buf *out)
{
	ssize_t n = 0;
	off_t at = 0;
	while ((n = pread(fd, buf_reserve(out, PIECE), PIECE, at)) > 0) {
		out->n += (size_t)n;
		at += n;
	}
}

/* "deltad: E7001: the sentence" is its error; other lines are passed on. */
static int take_errors(struct bytes said, struct err *e)
{
	int rc = RC_OK;
	struct reader r = reader_of(said);
	for (struct bytes line = reader_line(&r); reader_ok(&r); line = reader_line(&r)) {
		char id[6] = {0};
		if (line.n > BEFORE_TEXT && memcmp(line.p, "deltad: ", 8) == 0)
			memcpy(id, line.p + 8, 5);
		int code = rc_from_id(id);
		if (code != RC_OK)
			rc = err_set(e, code, "%.*s", (int)(line.n - BEFORE_TEXT),
				(const char *)line.p + BEFORE_TEXT);
		else
			fprintf(stderr, "%.*s\n", (int)line.n, (const char *)line.p);
	}
	return rc;
}

static int finish(pid_t pid, int to, int errors, struct buf *out, struct err *e)
{
	struct buf said = {0};
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	read_all(to, out);
	read_all(errors, &said);
	int rc = take_errors(buf_bytes(&said), e);
	if (rc == RC_OK && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		rc = err_set(e, RC_SETUP, "%s", tr("deltad did not say what went wrong"));
	buf_release(&said);
	return rc;
}

int deltad_run(const char *const *words, struct buf *out, struct err *e)
{
	char *argv[WORDS_MAX + 2] = {(char *)(uintptr_t) "deltad"};
	pid_t pid;
	for (size_t i = 0; words[i] != NULL; i++) {
		ENSURE(i < WORDS_MAX);
		argv[i + 1] = (char *)(uintptr_t)words[i];
	}
	/* Files in memory: neither stops when nobody reads it. */
	int to = memfd_create("deltad-out", MFD_CLOEXEC);
	int errors = memfd_create("deltad-errors", MFD_CLOEXEC);
	int rc = RC_OK;
	if (to < 0 || errors < 0)
		rc = err_set(e, RC_NOMEM, "%s", strerror(errno));
	else if (start(argv, to, errors, &pid) != 0)
		rc = err_set(e, RC_SETUP, "%s", tr("deltad is not installed on this machine"));
	else
		rc = finish(pid, to, errors, out, e);
	if (to >= 0)
		close(to);
	if (errors >= 0)
		close(errors);
	return rc;
}

bool deltad_value(const struct buf *out, const char *word, struct bytes *value)
{
	struct reader r = reader_of(buf_bytes(out));
	size_t n = strlen(word);
	for (struct bytes line = reader_line(&r); reader_ok(&r); line = reader_line(&r))
		if (line.n > n && memcmp(line.p, word, n) == 0 && line.p[n] == ' ') {
			*value = bytes_of(line.p + n + 1, line.n - n - 1);
			return true;
		}
	*value = (struct bytes){0};
	return false;
}
