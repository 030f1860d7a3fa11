#include "daemon/net/marker.h"

void marker_init(
	struct marker *m, uv_loop_t *loop, struct mark_file *file, marker_done_fn *done, void *arg)
{
	*m = (struct marker){.loop = loop, .file = file, .done = done, .arg = arg};
	m->work.data = m;
}

static void on_work(uv_work_t *work)
{
	struct marker *m = work->data;
	m->err = (struct err){0};
	m->rc = mark_file_write(m->file, &m->current, &m->err);
}

static void start(struct marker *m, const struct mark *mark);

static void on_worked(uv_work_t *work, int status)
{
	struct marker *m = work->data;
	struct mark written = m->current;
	struct err e = m->err;
	int rc = m->rc;
	ENSURE(status == 0); /* we never cancel */
	m->writing = false;
	/* After a failure the outcome on disk is unknown; another write would hide that. */
	if (m->waiting && rc == RC_OK) {
		m->waiting = false;
		start(m, &m->next);
	}
	m->done(m->arg, &written, rc, &e);
}

static void start(struct marker *m, const struct mark *mark)
{
	m->current = *mark;
	m->writing = true;
	ENSURE(uv_queue_work(m->loop, &m->work, on_work, on_worked) == 0);
}

void marker_submit(struct marker *m, const struct mark *mark)
{
	if (!m->writing) {
		start(m, mark);
		return;
	}
	m->next = *mark;
	m->waiting = true;
}
