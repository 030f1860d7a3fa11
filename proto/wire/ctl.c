#include "proto/wire/ctl.h"

#include "proto/wire/ctl_reply.h"
#include "proto/wire/fields.h"
#include "proto/wire/tables.h"

static int too_big(const struct scan_table *t, size_t n, size_t max, struct err *e)
{
	return err_set(e, RC_TOO_BIG, "%s: %zu bytes, over its limit of %zu", t->name, n, max);
}

int ctl_request_decode(struct bytes in, struct arena *a, struct ctl_request *out, struct err *e)
{
	if (in.n > LIMIT_CTL_REQUEST_BYTES)
		return too_big(&table_request, in.n, LIMIT_CTL_REQUEST_BYTES, e);
	int rc = fields_decode(&table_request, in, a, out, e);
	if (rc)
		return rc;
	bool event = out->event_kind == LEAF_DELEGATE || out->event_kind == LEAF_REVOKE;
	if (out->kind == CTL_POST_EVENT && !event)
		return err_set(e, RC_PEER_MESSAGE,
			"PostEvent: kind %u is neither delegate nor revoke", out->event_kind);
	return RC_OK;
}

int ctl_reply_decode(struct bytes in, struct arena *a, struct ctl_reply *out, struct err *e)
{
	if (in.n > LIMIT_CTL_REPLY_BYTES)
		return too_big(&table_reply, in.n, LIMIT_CTL_REPLY_BYTES, e);
	struct reply_wire w;
	int rc = fields_decode(&table_reply, in, a, &w, e);
	*out = w.reply;
	if (rc || w.error.n == 0)
		return rc;
	char id[LIMIT_CODE_BYTES + 1] = {0};
	for (size_t i = 0; i < w.error.n; i++)
		id[i] = (char)w.error.p[i];
	out->rc = rc_from_id(id);
	if (out->rc == RC_OK)
		out->rc = RC_INTERNAL; /* of a newer node; its text says what it was */
	return RC_OK;
}

static int encode_frame(
	const struct scan_table *t, const void *from, size_t max, struct buf *out, struct err *e)
{
	size_t before = out->n;
	buf_put_u32be(out, 0);
	int rc = fields_encode(t, from, max, CTL_ARENA, out, e);
	if (rc)
		out->n = before;
	else
		put_u32be(out->p + before, (uint32_t)(out->n - before - 4));
	return rc;
}

int ctl_request_encode(const struct ctl_request *r, struct buf *out, struct err *e)
{
	return encode_frame(&table_request, r, LIMIT_CTL_REQUEST_BYTES, out, e);
}

int ctl_reply_encode(const struct ctl_reply *r, struct buf *out, struct err *e)
{
	struct reply_wire w = {*r, {0}};
	if (r->rc)
		w.error = bytes_str(rc_id(r->rc));
	return encode_frame(&table_reply, &w, LIMIT_CTL_REPLY_BYTES, out, e);
}
