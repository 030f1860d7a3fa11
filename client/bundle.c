#include "client/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/files.h"
#include "client/text.h"

/* ---- files ---- */

static int check_kind(const struct bundle_file *f, struct err *e)
{
	if (!S_ISREG(f->found.st_mode))
		return err_set(e, RC_INPUT, tr("%.200s is not a regular file"), f->path);
	if (f->found.st_size > LIMIT_BUNDLE_BYTES)
		return err_set(e, RC_TOO_BIG, tr("%.200s is larger than %zu bytes"), f->path,
			(size_t)LIMIT_BUNDLE_BYTES);
	if (f->found.st_size == 0)
		return err_set(e, RC_BUNDLE, tr("%.200s is empty"), f->path);
	return RC_OK;
}

int bundle_open(struct bundle_file *f, const char *path, struct err *e)
{
	*f = (struct bundle_file){.path = path};
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
	if (f->fd < 0 && errno == ELOOP)
		return err_set(e, RC_INPUT, tr("%.200s is a link; name the file itself"), path);
	if (f->fd < 0)
		return file_error(path, errno, e);
	int rc = fstat(f->fd, &f->found) == 0 ? check_kind(f, e) : file_error(path, errno, e);
	f->left = (uint64_t)f->found.st_size;
	if (rc != RC_OK)
		bundle_close(f);
	return rc;
}

void bundle_close(struct bundle_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static bool is_as_it_was(const struct bundle_file *f)
{
	struct stat now;
	return fstat(f->fd, &now) == 0 && now.st_size == f->found.st_size &&
		now.st_mtim.tv_sec == f->found.st_mtim.tv_sec &&
		now.st_mtim.tv_nsec == f->found.st_mtim.tv_nsec &&
		now.st_ctim.tv_sec == f->found.st_ctim.tv_sec &&
		now.st_ctim.tv_nsec == f->found.st_ctim.tv_nsec;
}

int bundle_read(struct bundle_file *f, struct buf *out, struct err *e)
{
	size_t wanted = f->left < CTL_PIECE_BYTES ? (size_t)f->left : CTL_PIECE_BYTES;
	buf_reset(out);
	while (out->n < wanted) {
		ssize_t n = read(f->fd, buf_reserve(out, wanted - out->n), wanted - out->n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return file_error(f->path, errno, e);
		if (n == 0)
			break;
		out->n += (size_t)n;
	}
	f->left -= out->n;
	if (out->n < wanted || (f->left == 0 && !is_as_it_was(f)))
		return err_set(e, RC_BUNDLE, tr("%.200s changed while it was being read"), f->path);
	return RC_OK;
}

/* ---- records ---- */

struct walk {
	struct sha256_stream sha;
	struct bundle_reader reader;
	struct bundle_form form;
	uint8_t *memory;
	bundle_record_fn *fn;
	void *arg;
};

static void walk_begin(struct walk *w, bundle_record_fn *fn, void *arg)
{
	*w = (struct walk){.memory = xalloc(MESSAGE_ARENA), .fn = fn, .arg = arg};
	bundle_reader_init(&w->reader, sha256_sum(&w->sha));
}

static void walk_end(struct walk *w)
{
	bundle_reader_release(&w->reader);
	bundle_form_release(&w->form);
	free(w->memory);
}

/* The whole records of what came so far. */
static int walk_piece(struct walk *w, struct bytes piece, struct err *e)
{
	struct bytes envelope;
	int next;
	bundle_reader_put(&w->reader, piece);
	while ((next = bundle_reader_next(&w->reader, &envelope, e)) == BUNDLE_RECORD) {
		struct arena a;
		struct message m;
		arena_init(&a, w->memory, MESSAGE_ARENA);
		int rc = message_decode(envelope, &a, &m, e);
		if (rc == RC_OK)
			rc = bundle_form_take(&w->form, &m, e);
		if (rc == RC_OK)
			rc = w->fn(w->arg, &m, e);
		if (rc != RC_OK)
			return rc;
	}
	return next < 0 ? next : RC_OK;
}

/* Trouble with the file as a file has no place in it; any other has. */
static int walk_file(struct walk *w, struct bundle_file *f, struct buf *piece, struct err *e)
{
	do {
		int rc = bundle_read(f, piece, e);
		if (rc != RC_OK)
			return rc;
		rc = piece->n > 0 ? walk_piece(w, buf_bytes(piece), e)
				  : bundle_reader_finish(&w->reader, e);
		if (rc != RC_OK)
			return err_prefix(e, tr("record %llu at byte %llu"),
				(unsigned long long)w->reader.place.record,
				(unsigned long long)w->reader.place.offset);
	} while (piece->n > 0);
	return RC_OK;
}

int bundle_each(const char *path, bundle_record_fn *fn, void *arg, struct err *e)
{
	struct bundle_file f;
	struct walk w;
	struct buf piece = {0};
	int rc = bundle_open(&f, path, e);
	if (rc != RC_OK)
		return rc;
	walk_begin(&w, fn, arg);
	rc = walk_file(&w, &f, &piece, e);
	walk_end(&w);
	buf_release(&piece);
	bundle_close(&f);
	return rc;
}
