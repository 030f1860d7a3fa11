#include "proto/trust/proof.h"

#include <inttypes.h>
#include <string.h>

#include "proto/base/text.h"
#include "proto/trust/words.h"

#define FIRST_LINE "c2sp.org/tlog-proof@v1"

static int malformed(const char *what, struct err *e)
{
	return err_set(e, RC_NOTE, "not a proof: %s", what);
}

static int parse_extra(struct bytes base64, struct proof *out, struct err *e)
{
	int n = base64_decode(base64, out->extra, sizeof out->extra);
	if (n <= 0)
		return malformed("the extra line holds no base64 of at most 16 KiB", e);
	out->n_extra = (size_t)n;
	return RC_OK;
}

static int parse_path(struct reader *r, struct proof *out, struct err *e)
{
	for (;;) {
		struct bytes line = reader_line(r);
		if (!reader_ok(r))
			return malformed("no empty line after the path", e);
		if (line.n == 0)
			return RC_OK;
		if (out->n_path == MERKLE_PROOF_MAX)
			return malformed("the path is longer than that of any log", e);
		if (base64_decode(line, out->path[out->n_path].b, HASH_BYTES) != HASH_BYTES)
			return malformed("a line of the path is not the base64 of 32 bytes", e);
		out->n_path++;
	}
}

static int parse_head(struct bytes in, struct proof *out, struct err *e)
{
	struct note n;
	int rc = note_parse(in, &n, e);
	if (rc == RC_OK)
		rc = checkpoint_parse(n.text, &out->head, e);
	if (rc == RC_OK && out->index >= out->head.size)
		rc = malformed("the index is not below the size of the head", e);
	out->note = in;
	return rc;
}

int proof_parse(struct bytes in, struct proof *out, struct err *e)
{
	if (in.n > PROOF_BYTES_MAX)
		return err_set(e, RC_TOO_BIG, "a proof has at most %d bytes", PROOF_BYTES_MAX);
	struct reader r = reader_of(in);
	struct bytes line = reader_line(&r);
	if (!reader_ok(&r) || !bytes_equal(line, bytes_str(FIRST_LINE)))
		return malformed("its first line is not " FIRST_LINE, e);
	out->n_path = out->n_extra = 0;
	line = reader_line(&r);
	int rc = RC_OK;
	if (words_skip(&line, "extra ")) {
		rc = parse_extra(line, out, e);
		line = reader_line(&r);
	}
	if (rc == RC_OK &&
		(!words_skip(&line, "index ") || !decimal_parse(line, LIMIT_LOG_SIZE, &out->index)))
		rc = malformed("no line \"index N\" where it must stand", e);
	if (rc == RC_OK)
		rc = parse_path(&r, out, e);
	return rc == RC_OK ? parse_head(r.rest, out, e) : rc;
}

void proof_print(const struct proof *p, struct buf *out)
{
	buf_put_str(out, FIRST_LINE "\n");
	if (p->n_extra > 0) {
		buf_put_str(out, "extra ");
		base64_encode(out, p->extra, p->n_extra);
		buf_put_str(out, "\n");
	}
	buf_printf(out, "index %" PRIu64 "\n", p->index);
	for (size_t i = 0; i < p->n_path; i++) {
		base64_encode(out, p->path[i].b, HASH_BYTES);
		buf_put_str(out, "\n");
	}
	buf_put_str(out, "\n");
	buf_put_bytes(out, p->note);
}

bool proof_holds(const struct proof *p, const struct hash *leaf_hash)
{
	return merkle_verify_inclusion(
		leaf_hash, p->index, p->head.size, p->path, p->n_path, &p->head.root);
}

static uint64_t split_of(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

static void find_span(struct proof_path *p)
{
	for (p->at = 0; p->at < p->n && p->span[p->at].from != p->next; p->at++)
		;
	p->frontier.size = 0;
}

void proof_path_begin(struct proof_path *p, uint64_t index, uint64_t size)
{
	ENSURE(index < size && size <= LIMIT_LOG_SIZE);
	memset(p, 0, sizeof *p);
	p->index = index;
	p->size = size;
	uint64_t low = 0, high = size;
	while (high - low > 1) {
		uint64_t middle = low + split_of(high - low);
		bool left = index < middle;
		p->span[p->n].from = left ? middle : low;
		p->span[p->n++].to = left ? high : middle;
		*(left ? &high : &low) = middle;
	}
	find_span(p);
}

void proof_path_add(struct proof_path *p, const struct hash *leaf_hash)
{
	ENSURE(p->next < p->size);
	uint64_t at = p->next++;
	if (at != p->index) {
		ENSURE(p->at < p->n);
		frontier_append(&p->frontier, leaf_hash);
		if (p->next != p->span[p->at].to)
			return;
		frontier_root(&p->frontier, &p->node[p->at]);
	}
	find_span(p);
}

void proof_path_end(const struct proof_path *p, struct hash *path, size_t *n)
{
	ENSURE(p->next == p->size);
	for (size_t i = 0; i < p->n; i++)
		path[i] = p->node[p->n - 1 - i];
	*n = p->n;
}
