#include "tests/bench/writer.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/base/text.h"
#include "proto/trust/roster.h"
#include "proto/wire/codec.h"

static const char *const notes[] = {
	"",
	"按计划推进",
	"",
	"可研已批复",
	"",
	"首批试点园区已挂牌",
	"",
	"联席会议已召开",
};
#define N_NOTES (sizeof(notes) / sizeof(notes[0]))

void line_query(struct line *l, const struct ctl_query *q, writer_entry_fn *fn, void *arg)
{
	struct ctl_request r = {.kind = CTL_QUERY, .query = *q};
	struct ctl_reply reply;
	line_call(l, &r, &reply);
	for (;;) {
		for (size_t i = 0; reply.kind == CTL_REPLY_ENTRIES && i < reply.entries.n; i++)
			fn(arg, &reply.entries.entries[i]);
		if (!reply.more)
			return;
		line_wait(l, &reply);
	}
}

static void change_of(const struct ctl_entry *entry, struct arena *a, struct change *c)
{
	struct leaf leaf;
	struct err e = {0};
	if (leaf_decode(entry->leaf, a, &leaf, &e) != RC_OK ||
		change_decode(leaf.signed_body.body, a, c, &e) != RC_OK)
		die("a current change does not decode: %s", e.text);
}

static void take_plan(void *arg, const struct ctl_entry *entry)
{
	struct writer *w = arg;
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct change c;
	arena_init(&a, memory, sizeof(memory));
	struct value v;
	struct err e = {0};
	change_of(entry, &a, &c);
	if (value_decode(SLOT_TASK, c.value, &a, &v, &e) != RC_OK)
		die("a task does not decode: %s", e.text);
	if (!task_has_participant(&v.task, bytes_str(w->member), true))
		return;
	w->chain = xrealloc(w->chain, (w->n + 1) * sizeof(*w->chain));
	struct chain *k = &w->chain[w->n++];
	*k = (struct chain){0};
	memcpy(k->task, c.task.p, c.task.n);
	memcpy(k->plan.b, entry->change_id.p, HASH_BYTES);
}

static void take_report(void *arg, const struct ctl_entry *entry)
{
	struct writer *w = arg;
	uint8_t memory[CODEC_LEAF_ARENA];
	struct arena a;
	struct change c;
	arena_init(&a, memory, sizeof(memory));
	change_of(entry, &a, &c);
	for (size_t i = 0; i < w->n; i++)
		if (bytes_equal(c.task, bytes_str(w->chain[i].task))) {
			memcpy(w->chain[i].last.b, entry->change_id.p, HASH_BYTES);
			w->chain[i].has_last = true;
		}
}

static void take_cluster(struct writer *w, struct bytes note)
{
	struct roster *roster = xalloc(sizeof(*roster));
	struct err e = {0};
	if (roster_verify_first(note, NULL, roster, &e) != RC_OK)
		die("roster: %s", e.text);
	w->cluster_id = roster->cluster_id;
	free(roster);
}

void writer_identify(struct writer *w, struct line *l)
{
	struct ctl_request r = {.kind = CTL_INFO};
	struct ctl_reply reply;
	line_call(l, &r, &reply);
	if (reply.kind != CTL_REPLY_INFO || reply.info.roster.n == 0)
		die("the node has no roster");
	memcpy(w->member, reply.info.member.p, reply.info.member.n);
	take_cluster(w, reply.info.roster);
}

void writer_open(struct writer *w, struct line *l, const char *key_file)
{
	struct err e = {0};
	*w = (struct writer){0};
	if (key_load(&w->key, key_file, KEY_OPERATOR, NULL, NULL, &e) != RC_OK)
		die("%s: %s", key_file, e.text);
	writer_identify(w, l);
	struct ctl_query plan = {.any_task = true, .slot = SLOT_TASK, .any_holder = true};
	line_query(l, &plan, take_plan, w);
	if (w->n == 0)
		die("the plan has no task for %s", w->member);
	struct ctl_query mine = {
		.any_task = true, .slot = SLOT_REPORT, .holder = bytes_str(w->member)};
	line_query(l, &mine, take_report, w);
}

void writer_close(struct writer *w)
{
	key_release(&w->key);
	free(w->chain);
}

static void sign_change(struct writer *w, struct change *c, const struct value *v, struct made *out)
{
	struct buf value = {0};
	struct err e = {0};
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	if (value_encode(v, &value, &e) != RC_OK)
		die("value: %s", e.text);
	c->version = CHANGE_VERSION;
	c->member = bytes_str(w->member);
	c->claimed_ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	c->value = buf_bytes(&value);
	*out = (struct made){0};
	if (change_encode(c, &out->body, &e) != RC_OK)
		die("change: %s", e.text);
	buf_release(&value);
	body_sign(&w->key, BODY_CHANGE, &w->cluster_id, buf_bytes(&out->body), out->signature);
	change_id_of(BODY_CHANGE, &w->cluster_id, buf_bytes(&out->body), &out->id);
	out->s = (struct signed_body){.key = bytes_of(w->key.public, KEY_BYTES),
		.signature = bytes_of(out->signature, SIGNATURE_BYTES),
		.body = buf_bytes(&out->body)};
	w->made++;
}

void writer_report(struct writer *w, size_t task, struct made *out)
{
	struct chain *k = &w->chain[task];
	uint8_t nonce[NONCE_BYTES];
	struct bytes last = hash_bytes(&k->last);
	struct value v = {.slot = SLOT_REPORT};
	randombytes_buf(nonce, sizeof(nonce));
	v.report.status = STATUS_IN_PROGRESS;
	v.report.progress = k->n / 8 < 99 ? k->n / 8 : 99;
	v.report.as_of = 20240930;
	v.report.note = bytes_str(notes[(task + k->n) % N_NOTES]);
	struct change c = {.nonce = bytes_of(nonce, sizeof(nonce)),
		.task = bytes_str(k->task),
		.slot = SLOT_REPORT,
		.holder = bytes_str(w->member),
		.supersedes = &last,
		.n_supersedes = k->has_last,
		.under = hash_bytes(&k->plan)};
	if (k->has_last && k->n == 0)
		c.reason = bytes_str("重新开始");
	sign_change(w, &c, &v, out);
	k->last = out->id;
	k->has_last = true;
	k->n++;
}

void writer_note(struct writer *w, size_t task, struct made *out)
{
	uint8_t nonce[NONCE_BYTES];
	char holder[2 * NONCE_BYTES + 1];
	struct value v = {.slot = SLOT_NOTE};
	randombytes_buf(nonce, sizeof(nonce));
	hex_encode(nonce, sizeof(nonce), holder);
	v.note.text = bytes_str("请于季末前报送佐证材料");
	struct change c = {.nonce = bytes_of(nonce, sizeof(nonce)),
		.task = bytes_str(w->chain[task].task),
		.slot = SLOT_NOTE,
		.holder = bytes_str(holder)};
	sign_change(w, &c, &v, out);
}

void writer_any(struct writer *w, size_t task, struct made *out)
{
	if (w->made % WRITER_NOTE_EVERY == WRITER_NOTE_EVERY - 1)
		writer_note(w, task, out);
	else
		writer_report(w, task, out);
}

void made_release(struct made *m)
{
	buf_release(&m->body);
}
