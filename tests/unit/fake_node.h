/* A node for the client's tests: a thread that answers control frames from a script, on a socket of
 * its own. It keeps what is posted, verbatim, and puts nothing in order. */
#ifndef DELTAD_TESTS_FAKE_NODE_H
#define DELTAD_TESTS_FAKE_NODE_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/trust/roster.h"
#include "proto/trust/sign.h"
#include "proto/wire/codec.h"
#include "proto/wire/ctl.h"
#include "proto/wire/packet.h"

#define FAKE_CLUSTER "yrd-test"
#define FAKE_ENTRIES 64

enum fake_post {
	FAKE_OK,
	FAKE_HANG_UP, /* takes the post, appends it, and closes without an answer */
	FAKE_SILENT,  /* takes the post and says nothing */
	FAKE_UNKNOWN, /* answers that it does not know */
	FAKE_REFUSE,  /* answers RC_REFUSED_STALE */
	FAKE_CANNOT,  /* answers RC_DEGRADED, without a look at the post */
	FAKE_DEAF,    /* takes nothing after it has told who the operators are */
	FAKE_WRONG,   /* answers with the id of another change */
};

struct fake_entry {
	uint8_t leaf[LIMIT_LEAF_BYTES];
	size_t n;
	struct hash id;
	bool current;
};

struct fake_node {
	char folder[32], path[64], operator_path[64];
	int listener;
	pthread_t thread;
	/* The cluster: one province, jiangsu, whose node this is, and the office. */
	struct key key[2][3]; /* root, log, cosign */
	struct key operator;
	struct buf note;
	struct roster roster;
	/* The script. */
	enum fake_post post;
	struct ctl_status status;
	struct ctl_evidence evidence; /* no origin: there is none */
	bool no_roster, revoked;
	const char *scope; /* of the operator; NULL: all tasks */
	/* What it holds. */
	struct fake_entry entry[FAKE_ENTRIES];
	size_t n_entries;
	unsigned posts;
	struct buf last_post; /* the request as it came */
};

static const char *const fake_slug[2] = {"jiangsu", "office"};

static inline void fake_keys(struct fake_node *f, struct buf *text)
{
	static const enum key_purpose purposes[] = {KEY_ROOT, KEY_LOG, KEY_COSIGN};
	for (size_t i = 0; i < 2; i++) {
		struct member m = {.role = i == 0 ? ROLE_PROVINCE : ROLE_REGIONAL};
		struct key noise;
		char name[NOTE_NAME_SIZE];
		for (size_t k = 0; k < 3; k++)
			key_generate(&f->key[i][k], purposes[k], fake_slug[i], NULL);
		key_generate(&noise, KEY_NOISE, fake_slug[i], NULL);
		snprintf(m.slug, sizeof m.slug, "%s", fake_slug[i]);
		snprintf(m.name, sizeof m.name, "%s", i == 0 ? "江苏" : "办公室");
		snprintf(name, sizeof name, "%s/%s/root", FAKE_CLUSTER, fake_slug[i]);
		ENSURE(vkey_make(&m.root, name, NOTE_ED25519, f->key[i][0].public, NULL) == RC_OK);
		memcpy(m.log, f->key[i][1].public, KEY_BYTES);
		memcpy(m.cosign, f->key[i][2].public, KEY_BYTES);
		memcpy(m.noise, noise.public, KEY_BYTES);
		roster_put_member_line(text, &m);
		key_release(&noise);
	}
	key_generate(&f->operator, KEY_OPERATOR, "jiangsu", "张三");
}

static inline void fake_roster(struct fake_node *f)
{
	struct buf text = {0}, next = {0};
	buf_printf(&text, "deltad-roster\ncluster %s\nversion 1\nprev -\nnot-after 2099-12-31\n",
		FAKE_CLUSTER);
	fake_keys(f, &text);
	buf_put_str(&text, "final 1\nquorum office+1\n");
	for (size_t i = 0; i < 6; i++) {
		buf_reset(&next);
		ENSURE(roster_add_signature(buf_bytes(&text), &f->key[i / 3][i % 3], &next, NULL) ==
			RC_OK);
		buf_reset(&text);
		buf_put_bytes(&text, buf_bytes(&next));
	}
	buf_put_bytes(&f->note, buf_bytes(&text));
	ENSURE(roster_verify_first(buf_bytes(&f->note), NULL, &f->roster, NULL) == RC_OK);
	buf_release(&text);
	buf_release(&next);
}

/* A leaf around a signed body, as the node's log would hold it; the same body stands there once. */
static inline struct fake_entry *fake_append(struct fake_node *f, const struct signed_body *s)
{
	struct hash id;
	change_id_of(BODY_CHANGE, &f->roster.cluster_id, s->body, &id);
	for (size_t i = 0; i < f->n_entries; i++)
		if (hash_equal(&f->entry[i].id, &id))
			return &f->entry[i];
	struct fake_entry *x = &f->entry[f->n_entries];
	struct buf leaf = {0};
	struct leaf l = {
		.version = LEAF_VERSION,
		.index = f->n_entries + 1,
		.hlc = HLC_OF_MS(1000) + f->n_entries,
		.kind = LEAF_CHANGE,
		.signed_body = *s,
	};
	ENSURE(f->n_entries < FAKE_ENTRIES && leaf_encode(&l, &leaf, NULL) == RC_OK);
	memcpy(x->leaf, leaf.p, leaf.n);
	x->n = leaf.n;
	x->current = true;
	x->id = id;
	f->n_entries++;
	buf_release(&leaf);
	return x;
}

/* Signs and appends a change that was not posted by the client under test. */
static inline struct fake_entry *fake_write(
	struct fake_node *f, struct change c, const struct value *v, const struct key *k)
{
	struct buf value = {0}, body = {0};
	uint8_t nonce[NONCE_BYTES] = {(uint8_t)f->n_entries, 1}, signature[SIGNATURE_BYTES];
	ENSURE(value_encode(v, &value, NULL) == RC_OK);
	c.version = CHANGE_VERSION;
	c.nonce = bytes_of(nonce, sizeof nonce);
	c.claimed_ms = 1721865600000;
	c.slot = (uint32_t)v->slot;
	c.value = buf_bytes(&value);
	ENSURE(change_encode(&c, &body, NULL) == RC_OK);
	body_sign(k, BODY_CHANGE, &f->roster.cluster_id, buf_bytes(&body), signature);
	struct signed_body s = {
		.key = bytes_of(k->public, KEY_BYTES),
		.signature = bytes_of(signature, sizeof signature),
		.body = buf_bytes(&body),
	};
	struct fake_entry *x = fake_append(f, &s);
	buf_release(&value);
	buf_release(&body);
	return x;
}

/* A task in the plan, in which every province takes part. */
static inline struct fake_entry *fake_task(struct fake_node *f, const char *key, const char *lead)
{
	struct value v = {.slot = SLOT_TASK,
		.task = {.title = bytes_str("title"),
			.source = SOURCE_SEED,
			.lead = bytes_str(lead)}};
	struct change c = {.member = bytes_str("office"), .task = bytes_str(key)};
	return fake_write(f, c, &v, &f->key[1][0]);
}

static inline void fake_reply(int fd, struct ctl_reply *r, uint32_t id)
{
	struct buf out = {0};
	r->id = id;
	ENSURE(ctl_reply_encode(r, &out, NULL) == RC_OK);
	for (size_t at = 0; at < out.n;) {
		ssize_t n = send(fd, out.p + at, out.n - at, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	buf_release(&out);
}

static inline void fake_entries(struct fake_node *f, int fd, uint32_t id)
{
	struct ctl_entry entry[FAKE_ENTRIES];
	for (size_t i = 0; i < f->n_entries; i++)
		entry[i] = (struct ctl_entry){
			.origin = bytes_str(FAKE_CLUSTER "/jiangsu/1-00000001"),
			.index = i + 1,
			.change_id = hash_bytes(&f->entry[i].id),
			.current = f->entry[i].current,
			.leaf = bytes_of(f->entry[i].leaf, f->entry[i].n),
		};
	/* In two frames, as a large answer comes. */
	size_t half = f->n_entries / 2;
	struct ctl_reply first = {
		.kind = CTL_REPLY_ENTRIES, .more = true, .entries = {.entries = entry, .n = half}};
	struct ctl_reply second = {.kind = CTL_REPLY_ENTRIES,
		.entries = {.entries = entry + half, .n = f->n_entries - half}};
	fake_reply(fd, &first, id);
	fake_reply(fd, &second, id);
}

static inline void fake_operators(struct fake_node *f, int fd, uint32_t id)
{
	struct bytes scope = f->scope ? bytes_str(f->scope) : bytes_of(NULL, 0);
	struct ctl_operator op = {
		.member = bytes_str("jiangsu"),
		.key = bytes_of(f->operator.public, KEY_BYTES),
		.name = bytes_str("张三"),
		.scope = &scope,
		.n_scope = f->scope != NULL,
		.origin = bytes_str(FAKE_CLUSTER "/jiangsu/1-00000001"),
		.from = 0,
		.below = f->revoked ? 50 : 0,
	};
	struct ctl_reply r = {.kind = CTL_REPLY_OPERATORS, .operators = {.operators = &op, .n = 1}};
	fake_reply(fd, &r, id);
}

/* False: hang up. */
static inline bool fake_take(
	struct fake_node *f, int fd, const struct ctl_request *q, struct bytes raw)
{
	struct ctl_posted posted[8];
	struct ctl_reply r = {
		.kind = CTL_REPLY_POST, .post = {.posted = posted, .n = q->n_changes}};
	static const struct hash other;
	f->posts++;
	buf_reset(&f->last_post);
	buf_put_bytes(&f->last_post, raw);
	static const int said[] = {[FAKE_UNKNOWN] = RC_UNKNOWN_OUTCOME,
		[FAKE_REFUSE] = RC_REFUSED_STALE,
		[FAKE_CANNOT] = RC_DEGRADED};
	if (f->post == FAKE_UNKNOWN || f->post == FAKE_REFUSE || f->post == FAKE_CANNOT) {
		r = (struct ctl_reply){.rc = said[f->post], .text = bytes_str("so says the node")};
		fake_reply(fd, &r, q->id);
		return true;
	}
	ENSURE(q->n_changes <= 8);
	for (size_t i = 0; i < q->n_changes; i++) {
		struct fake_entry *x = fake_append(f, &q->changes[i]);
		posted[i] = (struct ctl_posted){
			.origin = bytes_str(FAKE_CLUSTER "/jiangsu/1-00000001"),
			.index = f->n_entries,
			.change_id =
				f->post == FAKE_WRONG ? hash_bytes(&other) : hash_bytes(&x->id),
		};
	}
	if (f->post == FAKE_OK || f->post == FAKE_WRONG)
		fake_reply(fd, &r, q->id);
	return f->post != FAKE_HANG_UP;
}

static inline bool fake_answer(struct fake_node *f, int fd, struct bytes raw)
{
	static uint8_t memory[CTL_ARENA];
	struct arena a;
	struct ctl_request q;
	arena_init(&a, memory, sizeof memory);
	ENSURE(ctl_request_decode(raw, &a, &q, NULL) == RC_OK);
	struct ctl_reply r = {.rc = RC_OK};
	switch (q.kind) {
	case CTL_INFO:
		r.kind = CTL_REPLY_INFO;
		r.info.member = bytes_str("jiangsu");
		r.info.software = bytes_str("fake");
		r.info.state = bytes_str("running");
		r.info.roster = f->no_roster ? bytes_of(NULL, 0) : buf_bytes(&f->note);
		fake_reply(fd, &r, q.id);
		return true;
	case CTL_STATUS:
		r.kind = CTL_REPLY_STATUS;
		r.status = f->status;
		fake_reply(fd, &r, q.id);
		return true;
	case CTL_QUERY: fake_entries(f, fd, q.id); return true;
	case CTL_OPERATORS:
		if (f->post == FAKE_DEAF)
			shutdown(fd, SHUT_RD);
		fake_operators(f, fd, q.id);
		return true;
	case CTL_POST: return fake_take(f, fd, &q, raw);
	case CTL_FINDINGS:
		r.kind = CTL_REPLY_ENTRIES;
		fake_reply(fd, &r, q.id);
		return true;
	case CTL_POST_EVENT:
	case CTL_INSTALL_ROSTER:
	case CTL_EXPORT_BUNDLE:
	case CTL_IMPORT_BUNDLE:
	case CTL_ANCHOR:
	case CTL_ROSTERS:
	case CTL_EVIDENCE:
		r.rc = f->evidence.origin.n > 0 && q.evidence_at == 0 ? RC_OK : RC_NOT_FOUND;
		r.kind = r.rc == RC_OK ? CTL_REPLY_EVIDENCE : CTL_REPLY_NONE;
		r.evidence = f->evidence;
		fake_reply(fd, &r, q.id);
		return true;
	case CTL_PROOF:
	case CTL_BACKUP:
	case CTL_SUBSCRIBE: break;
	}
	return false;
}

static inline void fake_serve(struct fake_node *f, int fd)
{
	struct buf in = {0};
	for (bool going = true; going;) {
		struct bytes payload;
		int n = frame_split_u32(buf_bytes(&in), LIMIT_CTL_REQUEST_BYTES, &payload, NULL);
		ENSURE(n >= 0);
		if (n > 0) {
			going = fake_answer(f, fd, payload);
			buf_consume(&in, (size_t)n);
			continue;
		}
		ssize_t got = recv(fd, buf_reserve(&in, 4096), 4096, 0);
		going = got > 0;
		in.n += got > 0 ? (size_t)got : 0;
	}
	buf_release(&in);
	close(fd);
}

/* One client after the other, as the tests need it. */
static inline void *fake_main(void *arg)
{
	struct fake_node *f = arg;
	for (;;) {
		int fd = accept(f->listener, NULL, NULL);
		if (fd < 0)
			return NULL;
		fake_serve(f, fd);
	}
}

static inline struct fake_node *fake_open(void)
{
	struct fake_node *f = xalloc(sizeof *f);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(f->folder, sizeof f->folder, "/tmp/deltactl-XXXXXX");
	ENSURE(mkdtemp(f->folder));
	snprintf(f->path, sizeof f->path, "%s/control", f->folder);
	snprintf(f->operator_path, sizeof f->operator_path, "%s/operator.key", f->folder);
	fake_roster(f);
	ENSURE(key_save(&f->operator, f->operator_path, NULL, NULL) == RC_OK);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(address.sun_path, f->path, strlen(f->path) + 1);
	ENSURE(bind(f->listener, (const struct sockaddr *)&address, sizeof address) == 0);
	ENSURE(listen(f->listener, 8) == 0);
	ENSURE(pthread_create(&f->thread, NULL, fake_main, f) == 0);
	return f;
}

/* With a task that its member leads, and named to the commands that run in this process. */
static inline struct fake_node *fake_begin(void)
{
	ENSURE(trust_init(NULL) == RC_OK);
	struct fake_node *f = fake_open();
	fake_task(f, "3-05", "jiangsu");
	setenv("DELTACTL_NODE", f->path, 1);
	setenv("DELTACTL_KEY", f->operator_path, 1);
	setenv("XDG_STATE_HOME", f->folder, 1);
	return f;
}

static inline void fake_close(struct fake_node *f)
{
	char command[96];
	shutdown(f->listener, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->listener);
	for (size_t i = 0; i < 6; i++)
		key_release(&f->key[i / 3][i % 3]);
	key_release(&f->operator);
	buf_release(&f->note);
	buf_release(&f->last_post);
	snprintf(command, sizeof command, "rm -rf %s", f->folder);
	ENSURE(system(command) == 0);
	free(f);
}

#endif
