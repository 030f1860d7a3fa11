/* Preloaded into a daemon, it makes what goes out on sockets fail: FAIL_SEND=N resets the N-th
 * send, FAIL_SEND=-N takes no more than N bytes of each, FAIL_SEND=0 only counts. Says on standard
 * error, at the orderly end, how many sends there were and how many it failed or cut. Sends are
 * made by one thread, the loop's. */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

typedef ssize_t write_fn(int fd, const void *p, size_t n);
typedef ssize_t writev_fn(int fd, const struct iovec *v, int n);

static write_fn *next_write;
static writev_fn *next_writev;
static long wanted, sends, failed;

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("FAIL_SEND");
	wanted = text != NULL ? strtol(text, NULL, 10) : 0;
	/* POSIX wants this cast to work, ISO C does not know it. */
	*(void **)&next_write = dlsym(RTLD_NEXT, "write");
	*(void **)&next_writev = dlsym(RTLD_NEXT, "writev");
}

__attribute__((destructor)) static void end(void)
{
	fprintf(stderr, "fail_send: %ld sends, %ld failed\n", sends, failed);
}

static bool is_socket(int fd)
{
	struct stat st;
	int kept = errno;
	bool yes = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
	errno = kept;
	return yes;
}

static bool fails_now(void)
{
	if (++sends != wanted)
		return false;
	failed++;
	errno = ECONNRESET;
	return true;
}

ssize_t write(int fd, const void *p, size_t n)
{
	if (!is_socket(fd))
		return next_write(fd, p, n);
	if (fails_now())
		return -1;
	if (wanted >= 0 || n <= (size_t)-wanted)
		return next_write(fd, p, n);
	failed++;
	return next_write(fd, p, (size_t)-wanted);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	if (!is_socket(fd))
		return next_writev(fd, v, n);
	if (wanted < 0 && n > 0)
		return write(fd, v[0].iov_base, v[0].iov_len);
	return fails_now() ? -1 : next_writev(fd, v, n);
}
