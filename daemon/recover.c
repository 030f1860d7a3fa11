#include "daemon/recover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/manifest.h"
#include "daemon/net/loop.h"
#include "daemon/store/store_sqlite.h"
#include "proto/base/mutant.h"
#include "proto/trust/note.h"
#include "proto/wire/codec.h"

#define GROUP_LEAVES 8192 /* one transaction */
#define ROSTERS_MAX 4096  /* notes of them in a file */

/* ---- one batch ---- */

struct filler {
	struct recovery *to;
	struct image_log log;
	uint64_t from;	/* leaves of the log that were seen */
	uint64_t taken; /* those that are in the new database: all, until it ends */
	bool ended, cut;
	uint64_t end;
	struct buf seal; /* the head at `end` */
	size_t n;
	struct buf leaves;
	size_t start[LIMIT_BATCH_LEAVES + 1];
	struct examined *examined;
	uint8_t *memory;
	uint64_t in_group;
	struct err *e;
};

#define BATCH_ARENA (CODEC_LEAF_ARENA + LIMIT_BATCH_LEAVES * CODEC_LEAF_KEPT)

static int refuse(struct filler *f, const char *why)
{
	return err_set(f->e, RC_VERIFY, "log \"%s\": %s", f->log.origin, why);
}

static int take_leaf(void *arg, uint64_t index, struct bytes leaf)
{
	struct filler *f = arg;
	if (index != f->from + f->n)
		return refuse(f, "a leaf is missing");
	if (leaf.n > LIMIT_LEAF_BYTES || f->leaves.n + leaf.n > LIMIT_BATCH_BYTES)
		return refuse(f, "leaves that no batch could hold");
	f->start[f->n++] = f->leaves.n;
	buf_put_bytes(&f->leaves, leaf);
	return RC_OK;
}

static void examine(struct filler *f)
{
	struct arena a;
	arena_init(&a, f->memory, BATCH_ARENA);
	f->start[f->n] = f->leaves.n;
	for (size_t i = 0; i < f->n; i++)
		examine_leaf(&f->to->cluster_id,
			bytes_of(f->leaves.p + f->start[i], f->start[i + 1] - f->start[i]), &a,
			&f->examined[i]);
}

static int commit(struct filler *f)
{
	f->in_group = 0;
	return replica_commit(f->to->replica, loop_now(), f->e);
}

static bool is_peer_fault(int rc)
{
	return rc <= RC_PEER_FRAME && rc >= RC_PEER_EVIDENCE;
}

/* What no peer would be believed is no backup either. */
static int judge(struct filler *f, int rc)
{
	f->in_group++;
	if (!is_peer_fault(rc))
		return rc;
	f->e->rc = RC_VERIFY;
	return RC_VERIFY;
}

static int put_batch(struct filler *f, struct bytes note)
{
	struct batch b = {f->examined, f->n};
	int rc = replica_begin(f->to->replica, f->e);
	bool passed = false;
	if (rc == RC_OK)
		rc = replica_fill(f->to->replica, note, f->from, &b, &passed, loop_now(), f->e);
	rc = judge(f, rc);
	f->in_group += f->n;
	f->cut |= passed;
	f->taken += passed ? 0 : f->n;
	if (rc == RC_OK && f->in_group >= GROUP_LEAVES)
		rc = commit(f);
	return rc;
}

static int take_leaves(struct filler *f, uint64_t size, struct bytes note)
{
	f->n = 0;
	buf_reset(&f->leaves);
	int rc = image_leaves(f->to->image, f->log.id, f->from, size, take_leaf, f, f->e);
	if (rc == RC_OK && f->n != size - f->from)
		rc = refuse(f, "leaves are missing");
	if (rc != RC_OK)
		return rc;
	examine(f);
	return put_batch(f, note);
}

/* What the roster has ended is taken up to there, under the head that the roster names; the rest
 * counts nowhere, and is passed by. */
static int take_head(void *arg, uint64_t size, struct bytes note)
{
	struct filler *f = arg;
	int rc = RC_OK;
	if (size <= f->from || size > f->log.size)
		return refuse(f, "a head that no leaves belong to");
	if (size - f->from > LIMIT_BATCH_LEAVES)
		return refuse(f, "heads that are too far apart");
	bool beyond = f->ended && size > f->end;
	if (!f->cut && !beyond)
		rc = take_leaves(f, size, note);
	else if (!f->cut && f->from < f->end)
		rc = take_leaves(f, f->end, buf_bytes(&f->seal));
	f->cut |= beyond;
	f->from = size;
	return rc;
}

static void note_cut(struct filler *f)
{
	struct recovery *r = f->to;
	r->cut = xrealloc(r->cut, (r->n_cut + 1) * sizeof(*r->cut));
	r->cut[r->n_cut].end = f->taken;
	memcpy(r->cut[r->n_cut++].origin, f->log.origin, sizeof(f->log.origin));
}

static void find_end(struct filler *f)
{
	struct bytes head;
	f->ended = replica_fill_end(f->to->replica, f->log.origin, &f->end, &head);
	buf_reset(&f->seal);
	if (f->ended)
		buf_put_bytes(&f->seal, head);
}

/* What the node has said binds it, also when it is restored. */
static int take_cosignature(void *arg, uint64_t size, struct bytes note)
{
	struct filler *f = arg;
	struct replica *r = f->to->replica;
	int rc = replica_begin(r, f->e);
	if (rc == RC_OK)
		rc = replica_fill_cosignature(r, f->log.origin, size, note, loop_now(), f->e);
	return judge(f, rc);
}

static int take_log(void *arg, const struct image_log *log)
{
	struct filler *f = arg;
	f->log = *log;
	f->from = f->taken = 0;
	f->cut = false;
	find_end(f);
	int rc = image_heads(f->to->image, log->id, take_head, f, f->e);
	if (rc == RC_OK && f->from != log->size)
		rc = refuse(f, "its last leaves have no head");
	if (f->cut)
		note_cut(f);
	else if (rc == RC_OK)
		rc = image_cosignatures(
			f->to->image, log->id, f->to->member, take_cosignature, f, f->e);
	f->to->entries += f->taken;
	f->to->passed += f->from - f->taken;
	return rc;
}

static int take_evidence(void *arg, struct bytes first, struct bytes second, struct bytes proof)
{
	struct filler *f = arg;
	int rc = replica_begin(f->to->replica, f->e);
	if (rc == RC_OK)
		rc = replica_fill_evidence(f->to->replica, first, second, proof, loop_now(), f->e);
	return judge(f, rc);
}

static int fill(struct recovery *r, struct err *e)
{
	struct filler f = {.to = r, .e = e};
	uint64_t leaves = 0;
	f.examined = xalloc(LIMIT_BATCH_LEAVES * sizeof(*f.examined));
	f.memory = xalloc(BATCH_ARENA);
	int rc = image_logs(r->image, take_log, &f, e);
	if (rc == RC_OK)
		rc = image_evidence(r->image, take_evidence, &f, e);
	if (rc == RC_OK && f.in_group > 0)
		rc = commit(&f);
	if (rc == RC_OK)
		rc = image_count(r->image, &leaves, e);
	if (rc == RC_OK && leaves != r->entries + r->passed)
		rc = err_set(e, RC_VERIFY, "the file has leaves that no head covers");
	buf_release(&f.leaves);
	buf_release(&f.seal);
	free(f.examined);
	free(f.memory);
	return rc;
}

/* ---- the roster, and whose node it was ---- */

struct rosters {
	struct recovery *to;
	const struct hash *pinned;
	const char *member;
	struct buf *note; /* by version */
	size_t n;
	struct err *e;
};

static int identify(struct rosters *s, const struct roster *roster)
{
	struct recovery *r = s->to;
	struct buf own = {0};
	struct origin origin;
	bool found;
	int rc = image_meta(r->image, "own", &own, &found, s->e);
	if (rc != RC_OK)
		return rc;
	/* One that was being rebuilt when it was copied has no log of its own yet. */
	const char *member = s->member != NULL ? s->member : roster->member[0].slug;
	if (found && own.n > 0 && origin_parse(buf_bytes(&own), &origin, s->e) == RC_OK) {
		if (s->member != NULL && strcmp(origin.member, s->member) != 0)
			rc = err_set(s->e, RC_ROSTER, "the file is of %s's node, not of %s's",
				origin.member, s->member);
		member = origin.member;
	}
	snprintf(r->member, sizeof(r->member), "%s", member);
	buf_release(&own);
	return rc;
}

static int open_replica(struct recovery *r, struct err *e)
{
	struct replica_config c = {.store = r->store,
		.member = r->member,
		.cluster_id = r->cluster_id,
		.software = "deltad " DELTAD_VERSION};
	return replica_open(&c, loop_now(), &r->replica, e);
}

static int begin_with(struct rosters *s, struct bytes note)
{
	struct roster *roster = xalloc(sizeof(*roster));
	int rc = roster_verify_first(note, s->pinned, roster, s->e);
	if (rc != RC_OK && s->pinned != NULL &&
		roster_verify_first(note, NULL, roster, NULL) == RC_OK)
		rc = err_set(
			s->e, RC_ROSTER, "the file is of another cluster, \"%s\"", roster->cluster);
	if (rc == RC_OK) {
		s->to->cluster_id = roster->cluster_id;
		rc = identify(s, roster);
	}
	if (rc == RC_OK)
		rc = open_replica(s->to, s->e);
	free(roster);
	return rc;
}

static int take_roster(void *arg, uint64_t version, struct bytes note)
{
	struct rosters *s = arg;
	struct roster *roster = xalloc(sizeof(*roster));
	struct note n;
	int rc = RC_OK;
	if (s->n == ROSTERS_MAX)
		rc = err_set(s->e, RC_VERIFY, "the file has too many rosters");
	else if (note_parse(note, &n, s->e) != RC_OK || roster_parse(n.text, roster, s->e) != RC_OK)
		rc = err_set(s->e, RC_VERIFY, "the file has a roster that is none");
	else if (roster->version != version)
		rc = err_set(s->e, RC_VERIFY, "the file has version %u of the roster for %llu",
			roster->version, (unsigned long long)version);
	else
		buf_put_bytes(&s->note[s->n++], note);
	free(roster);
	return rc;
}

static int install(struct rosters *s)
{
	struct bytes *note = xalloc(s->n * sizeof(*note));
	struct replica *r = s->to->replica;
	for (size_t i = 0; i < s->n; i++)
		note[i] = buf_bytes(&s->note[i]);
	int rc = replica_begin(r, s->e);
	if (rc == RC_OK)
		rc = replica_fill_rosters(r, note, s->n, loop_now(), s->e);
	free(note);
	return rc == RC_OK ? replica_commit(r, loop_now(), s->e) : rc;
}

/* All notes at once: whose node it was may be a member of the last version only, and which of two
 * is in force is for all of them to say. */
static int take_rosters(struct rosters *s)
{
	s->note = xalloc(ROSTERS_MAX * sizeof(*s->note));
	int rc = image_rosters(s->to->image, take_roster, s, s->e);
	if (rc == RC_OK && s->n == 0)
		rc = err_set(
			s->e, RC_VERIFY, "the file has no roster: there is nothing to restore");
	if (rc == RC_OK)
		rc = begin_with(s, buf_bytes(&s->note[0]));
	if (rc == RC_OK)
		rc = install(s);
	for (size_t i = 0; i < s->n; i++)
		buf_release(&s->note[i]);
	free(s->note);
	return rc;
}

/* ---- all of it ---- */

/* Closes it, and removes the new database. */
static void discard(struct recovery *r)
{
	char name[sizeof(r->path) + 8];
	static const char *const parts[] = {"", "-wal", "-shm", "-journal"};
	recover_release(r);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", r->path, parts[i]);
		(void)unlink(name);
	}
}

int recover_read(const char *file, const char *path, const struct hash *pinned, const char *member,
	struct recovery *out, struct err *e)
{
	struct rosters s = {.to = out, .pinned = pinned, .member = member, .e = e};
	*out = (struct recovery){0};
	snprintf(out->path, sizeof(out->path), "%s", path);
	int rc = image_open(file, &out->image, e);
	if (rc == RC_OK)
		rc = store_sqlite_open(path, NULL, &out->store, e);
	if (rc == RC_OK)
		rc = take_rosters(&s);
	if (rc == RC_OK)
		rc = fill(out, e);
	if (rc != RC_OK)
		discard(out);
	return rc;
}

void recover_release(struct recovery *r)
{
	if (r->replica != NULL)
		replica_close(r->replica);
	if (r->store != NULL)
		store_sqlite_close(r->store);
	image_close(r->image);
	free(r->cut);
	r->cut = NULL;
	r->n_cut = 0;
	r->replica = NULL;
	r->store = NULL;
	r->image = NULL;
}

static bool counts(void *arg, struct bytes origin, uint64_t index)
{
	const struct recovery *r = arg;
	for (size_t i = 0; i < r->n_cut; i++)
		if (bytes_equal(origin, bytes_str(r->cut[i].origin)))
			return index < r->cut[i].end;
	return true;
}

static int compare_derived(struct recovery *r, struct err *e)
{
	struct hash theirs, ours;
	struct image *made = NULL;
	bool releasing;
	int rc = image_is_releasing(r->image, &releasing, e);
	if (rc != RC_OK || releasing)
		return rc;
	rc = image_derived(r->image, counts, r, &theirs, e);
	recover_release(r);
	if (rc == RC_OK)
		rc = image_open(r->path, &made, e);
	if (rc == RC_OK)
		rc = image_derived(made, NULL, NULL, &ours, e);
	image_close(made);
	if (rc == RC_OK && !hash_equal(&theirs, &ours) && !MUTANT(DERIVED_BELIEVED))
		rc = err_set(e, RC_DIVERGED,
			"what the file shows is not what its entries give: its node's database is "
			"damaged; `rebuild --from-peers`");
	return rc;
}

static const char *scratch_base(void)
{
	const char *t = getenv("TMPDIR");
	return t != NULL && t[0] == '/' ? t : "/tmp";
}

int recover_describe(
	const struct recovery *r, const char *file, struct buf *text, bool *sealed, struct err *e)
{
	char taken[MANIFEST_TIME_SIZE];
	struct buf note = {0};
	manifest_now(taken);
	int rc = manifest_read(file, taken, &note, sealed, e);
	if (rc == RC_OK)
		rc = manifest_describe(r, file, taken, text, e);
	if (rc == RC_OK && *sealed)
		rc = manifest_check(r, buf_bytes(&note), buf_bytes(text), e);
	buf_release(&note);
	return rc;
}

int recover_verify(const char *file, const struct hash *pinned, const char *member,
	struct buf *text, bool *sealed, uint8_t signer[KEY_BYTES], struct err *e)
{
	char folder[512], path[600];
	struct recovery r;
	snprintf(folder, sizeof(folder), "%.400s/deltad-verify-XXXXXX", scratch_base());
	if (mkdtemp(folder) == NULL)
		return err_set(e, RC_SETUP, "a scratch folder in %.200s: %s", scratch_base(),
			strerror(errno));
	snprintf(path, sizeof(path), "%s/verified.db", folder);
	int rc = recover_read(file, path, pinned, member, &r, e);
	if (rc == RC_OK && signer != NULL)
		memcpy(signer, replica_roster(r.replica)->member[replica_self(r.replica)].log,
			KEY_BYTES);
	if (rc == RC_OK)
		rc = recover_describe(&r, file, text, sealed, e);
	if (rc == RC_OK)
		rc = compare_derived(&r, e);
	discard(&r);
	(void)rmdir(folder);
	return rc;
}
