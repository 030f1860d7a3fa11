#include "daemon/net/conn_inbox.h"

#include <stdlib.h>

#include "daemon/net/loop.h"

struct conn_item {
	struct conn_item *next;
	struct conn *conn;
	struct buf envelope;
	void *memory; /* what msg was decoded into */
	struct message msg;
	struct verify *verify; /* NULL unless the message has leaves */
};

static void item_free(struct conn_item *item)
{
	verify_free(item->verify);
	buf_release(&item->envelope);
	free(item->memory);
	free(item);
}

bool conn_inbox_is_full(const struct conn *c)
{
	return c->verifying >= INBOX_VERIFYING_MAX || c->waiting >= INBOX_WAITING_MAX ||
		c->waiting_bytes >= INBOX_BYTES_MAX;
}

static bool item_is_ready(const struct conn_item *item)
{
	return !item->verify || verify_is_done(item->verify);
}

static struct conn_item *pop(struct conn *c)
{
	struct conn_item *item = c->first;
	c->first = item->next;
	if (!c->first)
		c->last = NULL;
	c->waiting--;
	c->waiting_bytes -= item->envelope.n;
	return item;
}

static void push(struct conn *c, struct conn_item *item)
{
	if (c->last)
		c->last->next = item;
	else
		c->first = item;
	c->last = item;
	c->waiting++;
	c->waiting_bytes += item->envelope.n;
}

static void on_verified(void *arg)
{
	struct conn_item *item = arg;
	struct conn *c = item->conn;
	c->verifying--;
	while (c->first && item_is_ready(c->first)) {
		struct conn_item *ready = pop(c);
		if (c->tenure.state == CONN_SESSION)
			conn_deliver(c, &ready->msg, ready->verify);
		item_free(ready);
	}
	conn_inbox_moved(c);
}

/* The message was decoded into the shell's memory; it leaves with the item. */
static void wait_in_line(struct conn *c, const struct message *m)
{
	struct conn_item *item = xalloc(sizeof(*item));
	item->conn = c;
	item->msg = *m;
	item->memory = loop_take_arena(c->shell);
	item->envelope = channel_take_envelope(&c->channel);
	push(c, item);
	if (m->kind != MESSAGE_LEAVES)
		return;
	bool bulk = replica_is_bulk(c->shell->replica, m->leaves.origin);
	if (bulk)
		auditor_put_off(c->shell);
	item->verify = verify_start(&c->shell->uv, &c->shell->settings.cluster_id,
		item->msg.leaves.leaves, item->msg.leaves.n, bulk, on_verified, item);
	if (!verify_is_done(item->verify))
		c->verifying++;
}

static void deliver_now(struct conn *c, const struct message *m)
{
	struct verify *v = NULL;
	if (m->kind == MESSAGE_LEAVES)
		v = verify_start(&c->shell->uv, &c->shell->settings.cluster_id, m->leaves.leaves,
			m->leaves.n, false, NULL, NULL);
	conn_deliver(c, m, v);
	verify_free(v);
}

int conn_inbox_take(struct conn *c, struct err *e)
{
	struct message m;
	struct arena *a = loop_arena(c->shell);
	int rc = message_decode(channel_envelope(&c->channel), a, &m, e);
	if (rc)
		return rc;
	bool large = m.kind == MESSAGE_LEAVES && m.leaves.n > VERIFY_INLINE_LEAVES;
	if (c->first || large)
		wait_in_line(c, &m);
	else
		deliver_now(c, &m);
	return RC_OK;
}

void conn_inbox_clear(struct conn *c)
{
	struct conn_item **at = &c->first;
	c->last = NULL;
	while (*at) {
		struct conn_item *item = *at;
		if (!item_is_ready(item)) {
			c->last = item;
			at = &item->next;
			continue;
		}
		*at = item->next;
		c->waiting--;
		c->waiting_bytes -= item->envelope.n;
		item_free(item);
	}
}
