#include "daemon/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/text.h"
#include "proto/trust/note.h"

#define FIRST_LINE "deltad-backup\n"
#define PATH_BYTES 1100
#define PIECE 65536

void manifest_now(char out[MANIFEST_TIME_SIZE])
{
	struct tm tm;
	time_t now = time(NULL);
	gmtime_r(&now, &tm);
	strftime(out, MANIFEST_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static int hash_file(const char *path, struct hash *out, uint64_t *size, struct err *e)
{
	uint8_t *piece = xalloc(PIECE);
	struct sha256_stream s;
	FILE *f = fopen(path, "rbe");
	int rc = f != NULL ? RC_OK : err_set(e, RC_IO, "\"%.150s\": %s", path, strerror(errno));
	*size = 0;
	sha256_begin(&s);
	for (size_t n = 1; rc == RC_OK && n > 0; *size += n) {
		n = fread(piece, 1, PIECE, f);
		sha256_add(&s, bytes_of(piece, n));
		if (ferror(f))
			rc = err_set(e, RC_IO, "\"%.150s\" cannot be read", path);
	}
	sha256_end(&s, out);
	if (f != NULL)
		(void)fclose(f);
	free(piece);
	return rc;
}

/* ---- the text ---- */

static void put_hash(struct buf *out, const char *name, const struct hash *h)
{
	char hex[HASH_HEX_SIZE];
	hash_print(h, hex);
	buf_printf(out, "%s %s\n", name, hex);
}

static void put_logs(struct buf *out, const struct ctl_status *s)
{
	for (size_t i = 0; i < s->n_logs; i++) {
		const struct ctl_log *l = &s->logs[i];
		buf_printf(out, "log %.*s %llu ", (int)l->origin.n, (const char *)l->origin.p,
			(unsigned long long)l->size);
		base64_encode(out, l->root.p, l->root.n);
		buf_put_u8(out, '\n');
	}
}

static int put_roster(struct buf *out, struct replica *r, struct err *e)
{
	struct buf note = {0};
	struct note parsed;
	struct hash id;
	int rc = replica_roster_note(r, &note, e);
	if (rc == RC_OK)
		rc = note_parse(buf_bytes(&note), &parsed, e);
	if (rc == RC_OK) {
		sha256(parsed.text, &id);
		buf_printf(out, "roster %u", replica_roster(r)->version);
		put_hash(out, "", &id);
	}
	buf_release(&note);
	return rc;
}

int manifest_describe(const struct recovery *r, const char *file, const char *taken,
	struct buf *out, struct err *e)
{
	struct ctl_status status;
	struct hash sum, view;
	uint64_t size;
	int rc = hash_file(file, &sum, &size, e);
	if (rc == RC_OK)
		rc = replica_status(r->replica, (struct now){{0}, {0}}, &status, e);
	if (rc != RC_OK)
		return rc;
	memcpy(view.b, status.view_root.p, HASH_BYTES);
	buf_printf(out, FIRST_LINE "cluster %s\n", replica_roster(r->replica)->cluster);
	put_hash(out, "cluster-id", &r->cluster_id);
	buf_printf(out, "member %s\ntaken %s\nschema %d\nbytes %llu\n", r->member, taken,
		image_schema(r->image), (unsigned long long)size);
	put_hash(out, "sha256", &sum);
	rc = put_roster(out, r->replica, e);
	buf_printf(out, "entries %llu\n", (unsigned long long)r->entries);
	put_hash(out, "view", &view);
	put_logs(out, &status);
	return rc;
}

/* The value of the line that begins with this word; lines end in LF. */
static bool find_value(struct bytes text, const char *word, char *out, size_t size)
{
	char key[32];
	snprintf(key, sizeof(key), "\n%s ", word);
	size_t n = strlen(key);
	const uint8_t *at = memmem(text.p, text.n, key, n);
	const uint8_t *end =
		at == NULL ? NULL : memchr(at + n, '\n', (size_t)(text.p + text.n - at) - n);
	if (end == NULL || (size_t)(end - at) - n >= size)
		return false;
	snprintf(out, size, "%.*s", (int)(end - at - (ptrdiff_t)n), (const char *)at + n);
	return true;
}

/* ---- the signature ---- */

static int make_vkey(const char *cluster, const char *member, const uint8_t public[KEY_BYTES],
	struct vkey *out, struct err *e)
{
	char name[NOTE_NAME_SIZE];
	snprintf(name, sizeof(name), "%s/%s/backup", cluster, member);
	return vkey_make(out, name, NOTE_ED25519, public, e);
}

static int path_of(const char *file, const char *more, char out[PATH_BYTES], struct err *e)
{
	if ((size_t)snprintf(out, PATH_BYTES, "%s" MANIFEST_SUFFIX "%s", file, more) >= PATH_BYTES)
		return err_set(e, RC_INPUT, "the path is too long");
	return RC_OK;
}

static int write_new(const char *path, struct bytes b, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, RC_SETUP, "\"%.150s\": %s", path, strerror(errno));
	ssize_t n = write(fd, b.p, b.n);
	if (n >= 0 && (size_t)n != b.n)
		errno = ENOSPC;
	int rc = RC_OK;
	if (n < 0 || (size_t)n != b.n || fsync(fd) != 0)
		rc = err_set(e, errno == ENOSPC ? RC_DISK_FULL : RC_IO, "\"%.150s\": %s", path,
			strerror(errno));
	close(fd);
	if (rc != RC_OK)
		(void)unlink(path);
	return rc;
}

int manifest_write(const char *file, struct bytes text, const struct key *log_key, struct err *e)
{
	char path[PATH_BYTES], fresh[PATH_BYTES], cluster[CLUSTER_SIZE];
	struct vkey vkey;
	struct buf note = {0};
	int rc = path_of(file, "", path, e);
	if (rc == RC_OK)
		rc = path_of(file, ".new", fresh, e);
	ENSURE(find_value(text, "cluster", cluster, sizeof(cluster)));
	if (rc == RC_OK)
		rc = make_vkey(cluster, log_key->member, log_key->public, &vkey, e);
	if (rc == RC_OK && access(path, F_OK) == 0)
		rc = err_set(e, RC_SETUP, "\"%.150s\" is there already", path);
	if (rc != RC_OK)
		return rc;
	buf_put_bytes(&note, text);
	buf_put_u8(&note, '\n');
	note_put_signature(&note, &vkey, log_key, text);
	rc = write_new(fresh, buf_bytes(&note), e);
	if (rc == RC_OK && rename(fresh, path) != 0)
		rc = err_set(e, RC_IO, "\"%.150s\": %s", path, strerror(errno));
	if (rc != RC_OK)
		(void)unlink(fresh);
	buf_release(&note);
	return rc;
}

/* ---- reading ---- */

static int load(const char *path, struct buf *out, bool *found, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	*found = fd >= 0;
	if (fd < 0)
		return errno == ENOENT
			? RC_OK
			: err_set(e, RC_SETUP, "\"%.150s\": %s", path, strerror(errno));
	int rc = RC_OK;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > LIMIT_SIGNED_NOTE_BYTES)
		rc = err_set(e, RC_VERIFY, "\"%.150s\" is no manifest", path);
	ssize_t n = 0;
	if (rc == RC_OK)
		n = read(fd, buf_reserve(out, (size_t)st.st_size + 1), (size_t)st.st_size);
	if (rc == RC_OK && n != st.st_size)
		rc = err_set(e, RC_IO, "\"%.150s\" cannot be read", path);
	if (n > 0)
		out->n += (size_t)n;
	close(fd);
	return rc;
}

int manifest_read(const char *file, char taken[MANIFEST_TIME_SIZE], struct buf *note, bool *found,
	struct err *e)
{
	char path[PATH_BYTES];
	struct note parsed;
	int rc = path_of(file, "", path, e);
	if (rc == RC_OK)
		rc = load(path, note, found, e);
	if (rc != RC_OK || !*found)
		return rc;
	if (note_parse(buf_bytes(note), &parsed, e) != RC_OK ||
		!find_value(parsed.text, "taken", taken, MANIFEST_TIME_SIZE))
		return err_set(e, RC_VERIFY, "\"%.150s\" is no manifest", path);
	return RC_OK;
}

int manifest_check(const struct recovery *r, struct bytes note, struct bytes text, struct err *e)
{
	const struct roster *roster = replica_roster(r->replica);
	const struct member *m = &roster->member[replica_self(r->replica)];
	struct note parsed;
	struct vkey vkey;
	int rc = note_parse(note, &parsed, e);
	if (rc == RC_OK)
		rc = make_vkey(roster->cluster, m->slug, m->log, &vkey, e);
	if (rc != RC_OK)
		return rc;
	if (!note_is_signed_by(&parsed, &vkey, NULL))
		return err_set(
			e, RC_VERIFY, "the manifest is not signed by the log key of %s", m->slug);
	if (!bytes_equal(parsed.text, text))
		return err_set(e, RC_VERIFY, "the file is not the one that its manifest describes");
	return RC_OK;
}
