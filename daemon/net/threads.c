#include "daemon/net/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/base/bytes.h"

#define THREADS_MIN 2
#define THREADS_MAX 4

/* Examining leaves uses the pool, and there is nothing to gain beyond the cores. */
static unsigned count_threads(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	return cores < THREADS_MIN    ? THREADS_MIN
		: cores > THREADS_MAX ? THREADS_MAX
				      : (unsigned)cores;
}

static void wait_for_go(void *go)
{
	uv_sem_wait(go);
}

/* All of them at once, as the pool has them; their stacks are kept for it by the C library. */
static bool can_have(unsigned n)
{
	uv_thread_t thread[THREADS_MAX];
	uv_sem_t go;
	unsigned made = 0;
	ENSURE(uv_sem_init(&go, 0) == 0);
	while (made < n && uv_thread_create(&thread[made], wait_for_go, &go) == 0)
		made++;
	for (unsigned i = 0; i < made; i++)
		uv_sem_post(&go);
	for (unsigned i = 0; i < made; i++)
		ENSURE(uv_thread_join(&thread[i]) == 0);
	uv_sem_destroy(&go);
	return made == n;
}

static void on_work(uv_work_t *work)
{
	(void)work;
}

static void on_worked(uv_work_t *work, int status)
{
	(void)status;
	free(work);
}

int threads_begin(uv_loop_t *loop, struct err *e)
{
	unsigned n = count_threads();
	char text[16];
	if (!can_have(n))
		return err_set(e, RC_NOMEM,
			"%u threads cannot be made: memory or tasks are limited too tightly", n);
	snprintf(text, sizeof(text), "%u", n);
	setenv("UV_THREADPOOL_SIZE", text, 1);
	ENSURE(uv_queue_work(loop, xalloc(sizeof(uv_work_t)), on_work, on_worked) == 0);
	return RC_OK;
}
