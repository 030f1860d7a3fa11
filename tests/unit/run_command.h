/* deltactl for the client's tests: run as a user runs it, in a process of its own. */
#ifndef DELTAD_TESTS_RUN_COMMAND_H
#define DELTAD_TESTS_RUN_COMMAND_H

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/command.h"

/* What it printed, and its exit code. */
struct run {
	char out[64 * 1024], err[4096];
	int code;
};

static struct run done;

static inline void slurp(int fd, char *out, size_t size)
{
	size_t at = 0;
	for (ssize_t n; at + 1 < size && (n = read(fd, out + at, size - 1 - at)) > 0;)
		at += (size_t)n;
	out[at] = 0;
	close(fd);
}

/* to: where standard output goes; -1 = into done.out. */
static inline void run_to(int to, const char *const *word)
{
	char *argv[32] = {(char *)"deltactl", (char *)"--lang=en"};
	int argc = 2, out[2], err[2];
	for (; word[argc - 2]; argc++)
		argv[argc] = (char *)word[argc - 2];
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		dup2(to >= 0 ? to : out[1], 1);
		dup2(err[1], 2);
		/* Not exit(): the sanitizers of a forked copy of the test have nothing to say. */
		_exit(app_main(argc, argv));
	}
	close(out[1]);
	close(err[1]);
	slurp(out[0], done.out, sizeof done.out);
	slurp(err[0], done.err, sizeof done.err);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	done.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
#define RUN(...) run_to(-1, (const char *const[]){__VA_ARGS__, NULL})

static inline void assert_ended(int code, const char *id)
{
	if (done.code != code || (id && !strstr(done.err, id)))
		fail_msg("exit %d, \"%s\"", done.code, done.err);
}

#endif
