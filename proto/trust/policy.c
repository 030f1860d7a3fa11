#include "proto/trust/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/text.h"
#include "proto/trust/words.h"

#define FACTS "#deltad "

struct parsing {
	struct policy *out;
	size_t line;
	bool has_quorum;
	struct err *e;
};

static int bad_line(const struct parsing *p, const char *what)
{
	return err_set(p->e, RC_NOTE, "policy, line %zu: %s", p->line, what);
}

static int too_many(const struct parsing *p, const char *of_what)
{
	return err_set(p->e, RC_TOO_BIG, "policy, line %zu: too many %s", p->line, of_what);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* The next item of a line; empty at its end. */
static struct bytes take_item(struct bytes *line)
{
	size_t from = 0, to;
	while (from < line->n && is_blank(line->p[from]))
		from++;
	for (to = from; to < line->n && !is_blank(line->p[to]);)
		to++;
	if (from == line->n)
		return bytes_of(NULL, 0);
	struct bytes item = bytes_of(line->p + from, to - from);
	*line = bytes_of(line->p + to, line->n - to);
	return item;
}

static bool is(struct bytes item, const char *word)
{
	return bytes_equal(item, bytes_str(word));
}

/* The rest of the line is at most a URL, which means nothing here. */
static bool ends(struct bytes line)
{
	(void)take_item(&line);
	return take_item(&line).n == 0;
}

static int find_node(const struct policy *p, struct bytes name)
{
	for (size_t i = 0; i < p->n_nodes; i++)
		if (bytes_equal(p->node[i].name, name))
			return (int)i;
	return POLICY_NOBODY;
}

static bool has_key(const struct vkey *list, size_t n, const struct vkey *v)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(list[i].public, v->public, KEY_BYTES) == 0)
			return true;
	return false;
}

static int parse_log(struct parsing *p, struct bytes line)
{
	struct vkey v;
	struct err why = {0};
	if (p->out->n_logs == POLICY_LOGS)
		return too_many(p, "logs");
	if (vkey_parse(take_item(&line), &v, &why) != RC_OK || !ends(line))
		return bad_line(p, why.text[0] ? why.text : "a log is a verifier key and a URL");
	if (v.algorithm != NOTE_ED25519)
		return bad_line(p, "a log's key is of type 0x01");
	if (has_key(p->out->log, p->out->n_logs, &v))
		return bad_line(p, "this log's key stands there already");
	p->out->log[p->out->n_logs++] = v;
	return RC_OK;
}

static int add_node(struct parsing *p, struct bytes name, struct policy_node **out)
{
	if (name.n == 0 || is(name, "none"))
		return bad_line(p, "a name is missing, or is \"none\"");
	if (find_node(p->out, name) != POLICY_NOBODY)
		return bad_line(p, "this name stands there already");
	if (p->out->n_nodes == POLICY_NODES)
		return too_many(p, "witnesses and groups");
	*out = &p->out->node[p->out->n_nodes];
	**out = (struct policy_node){.name = name, .group = POLICY_NOBODY};
	return RC_OK;
}

static int parse_witness(struct parsing *p, struct bytes line)
{
	struct policy_node *w;
	struct err why = {0};
	int rc = add_node(p, take_item(&line), &w);
	if (rc != RC_OK)
		return rc;
	if (vkey_parse(take_item(&line), &w->key, &why) != RC_OK || !ends(line))
		return bad_line(p,
			why.text[0] ? why.text : "a witness is a name, a verifier key and a URL");
	if (w->key.algorithm != NOTE_COSIGNATURE)
		return bad_line(p, "a witness's key is of type 0x04");
	for (size_t i = 0; i < p->out->n_nodes; i++)
		if (!p->out->node[i].is_group && has_key(&p->out->node[i].key, 1, &w->key))
			return bad_line(p, "this witness's key stands there already");
	p->out->n_nodes++;
	return RC_OK;
}

static int parse_group(struct parsing *p, struct bytes line)
{
	struct policy_node *g;
	size_t n = 0;
	int rc = add_node(p, take_item(&line), &g);
	if (rc != RC_OK)
		return rc;
	struct bytes need = take_item(&line);
	for (struct bytes name = take_item(&line); name.n > 0; name = take_item(&line), n++) {
		int member = find_node(p->out, name);
		if (member == POLICY_NOBODY)
			return bad_line(p, "a group names nobody of the lines before it");
		if (p->out->node[member].group != POLICY_NOBODY)
			return bad_line(p, "a member of this group counts already in one");
		p->out->node[member].group = (int)p->out->n_nodes;
	}
	uint64_t k = is(need, "any") ? 1 : n;
	if (!is(need, "any") && !is(need, "all") && !decimal_parse(need, POLICY_NODES, &k))
		return bad_line(p, "a group needs all, any or a number of its members");
	if (k < 1 || k > n)
		return bad_line(p, "a group needs at least one and at most all of its members");
	g->is_group = true;
	g->need = (size_t)k;
	p->out->n_nodes++;
	return RC_OK;
}

static int parse_quorum(struct parsing *p, struct bytes line)
{
	struct bytes name = take_item(&line);
	if (p->has_quorum)
		return bad_line(p, "a second quorum");
	if (take_item(&line).n > 0)
		return bad_line(p, "a quorum is one name");
	p->out->quorum = find_node(p->out, name);
	if (p->out->quorum == POLICY_NOBODY && !is(name, "none"))
		return bad_line(p, "the quorum names nobody of the lines before it");
	p->has_quorum = true;
	return RC_OK;
}

static int parse_fact(struct parsing *p, struct bytes line)
{
	struct err why = {0};
	struct bytes what = take_item(&line), value = take_item(&line);
	if (is(what, "cluster")) {
		if (p->out->has_cluster || !hash_parse(value, &p->out->cluster_id))
			return bad_line(p, "a cluster is named once, by 64 hex digits");
		p->out->has_cluster = true;
		return RC_OK;
	}
	bool is_root = is(what, "root");
	if (!is_root && !is(what, "log"))
		return RC_OK;
	if (is_root ? p->out->n_roots == LIMIT_MEMBERS : p->out->n_ended == LIMIT_RETIRED)
		return too_many(p, is_root ? "root keys" : "earlier logs");
	struct vkey *v = is_root ? &p->out->root[p->out->n_roots] : &p->out->ended[p->out->n_ended];
	if (vkey_parse(value, v, &why) != RC_OK)
		return bad_line(p, why.text);
	if (v->algorithm != NOTE_ED25519)
		return bad_line(p, "a root key or a log's is of type 0x01");
	*(is_root ? &p->out->n_roots : &p->out->n_ended) += 1;
	return RC_OK;
}

static int parse_line(struct parsing *p, struct bytes line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] == 0x7f || (line.p[i] < 0x20 && line.p[i] != '\t'))
			return bad_line(p, "a control character");
	if (words_skip(&line, FACTS))
		return parse_fact(p, line);
	struct bytes what = take_item(&line);
	if (what.n == 0 || what.p[0] == '#')
		return RC_OK;
	if (is(what, "log"))
		return parse_log(p, line);
	if (is(what, "witness"))
		return parse_witness(p, line);
	if (is(what, "group"))
		return parse_group(p, line);
	if (is(what, "quorum"))
		return parse_quorum(p, line);
	return bad_line(p, "it says none of log, witness, group, quorum");
}

int policy_parse(struct bytes in, struct policy *out, struct err *e)
{
	if (in.n > POLICY_BYTES_MAX)
		return err_set(e, RC_TOO_BIG, "a policy has at most %d bytes", POLICY_BYTES_MAX);
	struct parsing p = {.out = out, .e = e};
	struct reader r = reader_of(in);
	*out = (struct policy){.quorum = POLICY_NOBODY};
	while (r.rest.n > 0) {
		struct bytes line = reader_line(&r);
		p.line++;
		int rc = reader_ok(&r) ? parse_line(&p, line) : bad_line(&p, "it has no end");
		if (rc != RC_OK)
			return rc;
	}
	return p.has_quorum ? RC_OK : err_set(e, RC_NOTE, "policy: it has no quorum line");
}

static void print_key(struct buf *out, const char *before, const char *name, uint8_t algorithm,
	const uint8_t pub[KEY_BYTES])
{
	struct vkey v;
	ENSURE(vkey_make(&v, name, algorithm, pub, NULL) == RC_OK);
	buf_put_str(out, before);
	if (algorithm == NOTE_COSIGNATURE)
		buf_printf(out, "%s ", name);
	vkey_print(&v, out);
	buf_put_str(out, "\n");
}

static void print_witnesses(const struct roster *r, int owner, unsigned quorum, struct buf *out)
{
	char name[NOTE_NAME_SIZE];
	struct buf others = {0};
	for (int i = 0; i < (int)r->n; i++) {
		const struct member *m = &r->member[i];
		if (i == owner)
			continue;
		snprintf(name, sizeof name, "%s/%s/cosign", r->cluster, m->slug);
		print_key(out, "witness ", name, NOTE_COSIGNATURE, m->cosign);
		buf_printf(&others, " %s", name);
	}
	if (quorum == 0)
		buf_put_str(out, "quorum none\n");
	else
		buf_printf(out, "group others %u%.*s\nquorum others\n", quorum, (int)others.n,
			(const char *)others.p);
	buf_release(&others);
}

/* The member's logs that ended under another key: where its operators may have been delegated. */
static void print_ended(
	const struct roster *r, int owner, const uint8_t log[KEY_BYTES], struct buf *out)
{
	for (size_t i = 0; i < r->n_retired; i++) {
		const struct retirement *t = &r->retired[i];
		struct origin o;
		if (origin_parse(bytes_str(t->origin), &o, NULL) == RC_OK &&
			strcmp(o.member, r->member[owner].slug) == 0 &&
			memcmp(t->log, log, KEY_BYTES) != 0)
			print_key(out, FACTS "log ", t->origin, NOTE_ED25519, t->log);
	}
}

int policy_print(const struct roster *r, int owner, const char *origin, unsigned quorum,
	struct buf *out, struct err *e)
{
	char cluster_id[HASH_HEX_SIZE], root[NOTE_NAME_SIZE];
	const uint8_t *log = roster_log_key(r, bytes_str(origin), owner);
	const uint8_t *authority = roster_authority(r, bytes_str(origin), owner);
	if (!log || !authority)
		return err_set(e, RC_ROSTER, "nobody's key signs the log %s any more", origin);
	ENSURE(quorum < r->n);
	hash_print(&r->cluster_id, cluster_id);
	snprintf(root, sizeof root, "%s/%s/root", r->cluster, r->member[owner].slug);
	buf_printf(out, "# heads of the log %s, roster version %" PRIu32 "\n", origin, r->version);
	buf_printf(out, FACTS "cluster %s\n", cluster_id);
	print_key(out, FACTS "root ", root, NOTE_ED25519, authority);
	print_ended(r, owner, log, out);
	print_key(out, "log ", origin, NOTE_ED25519, log);
	print_witnesses(r, owner, quorum, out);
	return RC_OK;
}

/* RC_OK whether or not it signed; *found says which. */
static int judge_key(
	const struct note *n, const struct vkey *v, bool *found, uint64_t *time, struct err *e)
{
	*found = note_is_signed_by(n, v, time);
	for (size_t i = 0; !*found && i < n->n; i++)
		if (n->sig[i].id == v->id && bytes_equal(n->sig[i].name, bytes_str(v->name)))
			return err_set(
				e, RC_VERIFY, "the signature of \"%s\" does not verify", v->name);
	return RC_OK;
}

static int judge_log(
	const struct policy *p, const struct note *n, struct policy_verdict *out, struct err *e)
{
	int rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && out->log == NULL && i < p->n_logs; i++) {
		bool found = false;
		uint64_t unused;
		if (!bytes_equal(out->head.origin, bytes_str(p->log[i].name)))
			continue;
		rc = judge_key(n, &p->log[i], &found, &unused, e);
		if (found)
			out->log = &p->log[i];
	}
	if (rc == RC_OK && out->log == NULL)
		return err_set(e, RC_VERIFY, "no log of the policy signed the head of \"%.*s\"",
			(int)out->head.origin.n, (const char *)out->head.origin.p);
	return rc;
}

int policy_judge(
	const struct policy *p, struct bytes note, struct policy_verdict *out, struct err *e)
{
	struct note n;
	size_t count[POLICY_NODES] = {0};
	*out = (struct policy_verdict){0};
	int rc = note_parse(note, &n, e);
	if (rc == RC_OK)
		rc = checkpoint_parse(n.text, &out->head, e);
	if (rc == RC_OK)
		rc = judge_log(p, &n, out, e);
	for (size_t i = 0; rc == RC_OK && i < p->n_nodes; i++) {
		const struct policy_node *node = &p->node[i];
		if (node->is_group)
			out->cosigned[i] = count[i] >= node->need;
		else
			rc = judge_key(&n, &node->key, &out->cosigned[i], &out->time[i], e);
		if (out->cosigned[i] && node->group != POLICY_NOBODY)
			count[node->group]++;
	}
	out->enough = p->quorum == POLICY_NOBODY || out->cosigned[p->quorum];
	return rc;
}

const struct vkey *policy_root(const struct policy *p, struct bytes origin)
{
	size_t end = origin.n;
	while (end > 0 && origin.p[end - 1] != '/')
		end--;
	for (size_t i = 0; i < p->n_roots; i++) {
		struct bytes name = bytes_str(p->root[i].name);
		if (end > 0 && name.n > end && memcmp(name.p, origin.p, end) == 0 &&
			is(bytes_of(name.p + end, name.n - end), "root"))
			return &p->root[i];
	}
	return NULL;
}
