#include "proto/trust/roster.h"

#include <arpa/inet.h>
#include <string.h>

#include "proto/base/mutant.h"
#include "proto/base/text.h"
#include "proto/trust/roster_parts.h"
#include "proto/trust/words.h"

static const struct {
	const char *word;
	enum role role;
} roles[] = {{"province", ROLE_PROVINCE}, {"regional", ROLE_REGIONAL}};
#define N_ROLES (sizeof roles / sizeof roles[0])

static int take_slug(struct member *m, struct bytes slug, struct err *e)
{
	if (!slug_is_valid(slug))
		return err_set(e, RC_ROSTER,
			"a member's slug must have 2 to %d characters of a-z, 0-9 and -, the "
			"first a letter",
			SLUG_SIZE - 1);
	words_copy(m->slug, slug);
	return RC_OK;
}

static int take_role(struct member *m, struct bytes word, struct err *e)
{
	for (size_t i = 0; i < N_ROLES; i++) {
		if (bytes_equal(word, bytes_str(roles[i].word))) {
			m->role = roles[i].role;
			return RC_OK;
		}
	}
	return err_set(e, RC_ROSTER, "the role of %s must be province or regional", m->slug);
}

static int check_enrollable(
	const struct member *m, enum key_purpose p, const uint8_t pub[KEY_BYTES], struct err *e)
{
	if (key_is_enrollable(p, pub))
		return RC_OK;
	return err_set(e, RC_ROSTER,
		"the %s key of %s cannot be enrolled: it is no point of the curve's main group",
		key_purpose_name(p), m->slug);
}

static int take_key(const struct member *m, enum key_purpose p, struct bytes b64,
	uint8_t pub[KEY_BYTES], struct err *e)
{
	if (base64_decode(b64, pub, KEY_BYTES) != KEY_BYTES)
		return err_set(e, RC_ROSTER, "the %s key of %s must be the base64 form of %d bytes",
			key_purpose_name(p), m->slug, KEY_BYTES);
	return check_enrollable(m, p, pub, e);
}

/* The name must read cluster/slug/root; which cluster, only a whole roster can tell. */
static bool root_name_fits(const struct member *m)
{
	struct buf tail = {0};
	buf_printf(&tail, "/%s/root", m->slug);
	struct bytes name = bytes_str(m->root.name);
	size_t n = name.n > tail.n ? name.n - tail.n : 0;
	bool fits = cluster_name_is_valid(bytes_of(name.p, n)) &&
		bytes_equal(bytes_of(name.p + n, name.n - n), buf_bytes(&tail));
	buf_release(&tail);
	return fits;
}

static int take_root(struct member *m, struct bytes s, struct err *e)
{
	struct err why = {0};
	if (vkey_parse(s, &m->root, &why) != RC_OK)
		return err_set(e, RC_ROSTER, "the root key of %s: %s", m->slug, why.text);
	if (m->root.algorithm != NOTE_ED25519)
		return err_set(e, RC_ROSTER, "the root key of %s must be of algorithm 01", m->slug);
	if (!root_name_fits(m))
		return err_set(e, RC_ROSTER, "the root key of %s must be named <cluster>/%s/root",
			m->slug, m->slug);
	return check_enrollable(m, KEY_ROOT, m->root.public, e);
}

static bool port_is_valid(struct bytes s)
{
	uint64_t port;
	return decimal_parse(s, 65535, &port) && port > 0;
}

/* One spelling an address, so that two lines that look different are different. */
static bool host_is_valid(int family, struct bytes host)
{
	char text[INET6_ADDRSTRLEN], again[INET6_ADDRSTRLEN];
	uint8_t raw[16];
	if (host.n >= sizeof text)
		return false;
	words_copy(text, host);
	return inet_pton(family, text, raw) == 1 && inet_ntop(family, raw, again, sizeof again) &&
		strcmp(text, again) == 0;
}

static bool addr_is_valid(struct bytes s)
{
	const uint8_t *colon = memrchr(s.p, ':', s.n);
	if (!colon || s.n >= ADDR_SIZE)
		return false;
	struct bytes host = bytes_of(s.p, (size_t)(colon - s.p));
	if (!port_is_valid(bytes_of(colon + 1, s.n - host.n - 1)))
		return false;
	if (!words_skip(&host, "["))
		return host_is_valid(AF_INET, host);
	return host.n > 0 && host.p[host.n - 1] == ']' &&
		host_is_valid(AF_INET6, bytes_of(host.p, host.n - 1));
}

static int take_addr(struct member *m, struct bytes s, struct err *e)
{
	if (bytes_equal(s, bytes_str("-")))
		return RC_OK;
	if (!addr_is_valid(s))
		return err_set(e, RC_ROSTER,
			"the address of %s must be numeric, a.b.c.d:port or [v6]:port in its "
			"shortest form with a port of 1 to 65535, or - for none",
			m->slug);
	words_copy(m->addr, s);
	return RC_OK;
}

/* One rule for all names that stand between spaces. */
static int take_name(struct member *m, struct bytes s, struct err *e)
{
	_Static_assert(MEMBER_NAME_SIZE == NOTE_NAME_SIZE, "names");
	if (MUTANT(NAME_WITH_SPACE) ? s.n >= MEMBER_NAME_SIZE : !note_name_is_valid(s))
		return err_set(e, RC_ROSTER,
			"the name of %s must be UTF-8 of at most %d bytes without white space, "
			"control characters or +",
			m->slug, MEMBER_NAME_SIZE - 1);
	words_copy(m->name, s);
	return RC_OK;
}

static int member_take(struct member *m, struct bytes line, struct err *e)
{
	struct bytes word, slug, role, name, root, log, cosign, noise, addr;
	if (!words_take(&line, &word) || !bytes_equal(word, bytes_str("member")) ||
		!words_take(&line, &slug) || !words_take(&line, &role) ||
		!words_take_field(&line, "name=", &name) ||
		!words_take_field(&line, "root=", &root) ||
		!words_take_field(&line, "log=", &log) ||
		!words_take_field(&line, "cosign=", &cosign) ||
		!words_take_field(&line, "noise=", &noise) ||
		!words_take_field(&line, "addr=", &addr) || line.n > 0)
		return err_set(e, RC_ROSTER,
			"a member's line must read: member <slug> <role> name= root= log= cosign= "
			"noise= addr=, with single spaces and no more");
	int rc = take_slug(m, slug, e);
	rc = rc ? rc : take_role(m, role, e);
	rc = rc ? rc : take_name(m, name, e);
	rc = rc ? rc : take_root(m, root, e);
	rc = rc ? rc : take_key(m, KEY_LOG, log, m->log, e);
	rc = rc ? rc : take_key(m, KEY_COSIGN, cosign, m->cosign, e);
	rc = rc ? rc : take_key(m, KEY_NOISE, noise, m->noise, e);
	return rc ? rc : take_addr(m, addr, e);
}

int roster_parse_member_line(struct bytes line, struct member *out, struct err *e)
{
	struct member m = {0};
	if (line.n > 0 && line.p[line.n - 1] == '\n')
		line.n--;
	/* An address with a NUL would be checked up to there and kept whole. */
	if (!text_is_clean(line, false) && !MUTANT(MEMBER_LINE_UNCLEAN))
		return err_set(e, RC_ROSTER,
			"a member's line must be UTF-8 text without control characters");
	int rc = member_take(&m, line, e);
	if (rc == RC_OK)
		*out = m;
	return rc;
}

int former_line_parse(struct bytes line, struct member *out, struct err *e)
{
	struct bytes word, slug, role, name;
	struct member m = {.former = true};
	if (!words_take(&line, &word) || !bytes_equal(word, bytes_str("former")) ||
		!words_take(&line, &slug) || !words_take(&line, &role) ||
		!words_take_field(&line, "name=", &name) || line.n > 0)
		return err_set(e, RC_ROSTER,
			"a former member's line must read: former <slug> <role> name=, with single "
			"spaces and no more");
	int rc = take_slug(&m, slug, e);
	rc = rc ? rc : take_role(&m, role, e);
	rc = rc ? rc : take_name(&m, name, e);
	if (rc == RC_OK)
		*out = m;
	return rc;
}

static const char *role_word(const struct member *m)
{
	return m->role == ROLE_REGIONAL ? "regional" : "province";
}

void roster_put_former_line(struct buf *out, const struct member *m)
{
	buf_printf(out, "former %s %s name=%s\n", m->slug, role_word(m), m->name);
}

void roster_put_member_line(struct buf *out, const struct member *m)
{
	buf_printf(out, "member %s %s name=%s root=", m->slug, role_word(m), m->name);
	vkey_print(&m->root, out);
	buf_put_str(out, " log=");
	base64_encode(out, m->log, KEY_BYTES);
	buf_put_str(out, " cosign=");
	base64_encode(out, m->cosign, KEY_BYTES);
	buf_put_str(out, " noise=");
	base64_encode(out, m->noise, KEY_BYTES);
	buf_printf(out, " addr=%s\n", m->addr[0] ? m->addr : "-");
}
