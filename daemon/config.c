#include "daemon/config.h"

#include <confuse.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_text.h"
#include "daemon/net/address.h"
#include "proto/base/text.h"

/* libConfuse hands no argument through to its callbacks. */
static struct {
	struct err *err;
	struct config *out;
	const char *name, *credentials;
} parsing;

struct limit {
	const char *name;
	size_t offset;
	uint32_t standard, min, max;
};

/* conf/deltad.conf.example says the same with a sentence each; a test compares them. */
static const struct limit limits[] = {
#define LIMIT(name, standard, min, max)                                                            \
	{                                                                                          \
#name, offsetof(struct net_limits, name), standard, min, max                       \
	}
	LIMIT(handshake_ms, LIMIT_HANDSHAKE_MS, 500, 60000),
	LIMIT(frame_ms, LIMIT_FRAME_MS, 1000, 600000),
	LIMIT(write_pause_kib, LIMIT_WRITE_PAUSE_BYTES / 1024, 16, 4096),
	LIMIT(write_close_kib, LIMIT_WRITE_CLOSE_BYTES / 1024, 2048, 65536),
	LIMIT(write_stall_ms, LIMIT_WRITE_STALL_MS, 1000, 600000),
	LIMIT(session_minutes, LIMIT_SESSION_MS / 60000, 1, 1440),
	LIMIT(unauthenticated, LIMIT_UNAUTH_CONNS, 1, 256),
	LIMIT(unauthenticated_per_address, LIMIT_UNAUTH_PER_ADDR, 1, 256),
	LIMIT(clients, LIMIT_CLIENTS, 1, 1024),
	LIMIT(client_idle_s, 300, 1, 86400),
	LIMIT(min_free_mib, 64, 0, 1048576),
	LIMIT(min_free_percent, 5, 0, 50),
#undef LIMIT
};
/* The message that goes over the pause, padded and encrypted, must not reach the close. */
#define CLOSE_MARGIN_KIB (LIMIT_ENVELOPE_BYTES / 1024 * 5 / 4)
#define N_LIMITS (sizeof(limits) / sizeof(limits[0]))

static int fail_at(cfg_t *cfg, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* libConfuse's line counter stands on the line just read. Returns -1, what its callbacks want. */
static int fail_at(cfg_t *cfg, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(parsing.err, RC_CONFIG, "%.100s:%d: %s", parsing.name, cfg->line, text);
	return -1;
}

static void on_library_error(cfg_t *cfg, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

/* What libConfuse itself finds: it says what; what to do is ours to add. */
static void on_library_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	static const struct {
		const char *part, *advice;
	} advice[] = {
		{"no such option", "look up its name in deltad.conf.example"},
		{"duplicate title", "keep one of the two"},
		{"missing equal sign", "write name = \"value\""},
		{"missing opening brace", "write { after the section's name"},
		{"missing title", "write peer \"slug\" { … }"},
		{"premature end", "close every { with }"},
		{"unexpected closing brace", "remove it"},
	};
	char text[160];
	if (parsing.err->rc)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	const char *what = "compare the line with deltad.conf.example";
	for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++)
		if (strstr(text, advice[i].part))
			what = advice[i].advice;
	fail_at(cfg, "%s; %s", text, what);
}

/* Marks an option as given; -1 if it was. libConfuse would let the last one win. */
static int given_once(cfg_t *cfg, cfg_opt_t *opt)
{
	if (cfg_opt_getcomment(opt))
		return fail_at(cfg, "\"%s\" is given twice; keep one", cfg_opt_name(opt));
	cfg_opt_setcomment(opt, (char *)"given");
	return 0;
}

static int copy_text(cfg_t *cfg, cfg_opt_t *opt, char *out, size_t size)
{
	const char *value = cfg_opt_getstr(opt);
	size_t n = strlen(value);
	if (n == 0 || n >= size)
		return fail_at(cfg, "%s has %zu bytes; it must have 1 to %zu", cfg_opt_name(opt), n,
			size - 1);
	memcpy(out, value, n + 1);
	return 0;
}

static int take_path(cfg_t *cfg, cfg_opt_t *opt, char *out, size_t size)
{
	if (copy_text(cfg, opt, out, size))
		return -1;
	if (out[0] != '/')
		return fail_at(cfg, "%s = \"%.60s\" is not absolute; begin it with /",
			cfg_opt_name(opt), out);
	return 0;
}

static int take_address(cfg_t *cfg, cfg_opt_t *opt, enum address_use use, char *out)
{
	struct err why = {0};
	if (copy_text(cfg, opt, out, ADDR_SIZE))
		return -1;
	if (address_check(out, use, &why))
		return fail_at(cfg, "%s: %s", cfg_opt_name(opt), why.text);
	return 0;
}

static int on_member(cfg_t *cfg, cfg_opt_t *opt)
{
	if (given_once(cfg, opt))
		return -1;
	const char *value = cfg_opt_getstr(opt);
	if (!slug_is_valid(bytes_str(value)))
		return fail_at(cfg,
			"member = \"%.40s\" is no slug; take the one of the roster, such as "
			"\"jiangsu\"",
			value);
	return copy_text(cfg, opt, parsing.out->net.member, SLUG_SIZE);
}

static int on_data_dir(cfg_t *cfg, cfg_opt_t *opt)
{
	return given_once(cfg, opt) ||
		take_path(cfg, opt, parsing.out->net.data_dir, SETTINGS_PATH_SIZE);
}

static int on_mark_file(cfg_t *cfg, cfg_opt_t *opt)
{
	return given_once(cfg, opt) ||
		take_path(cfg, opt, parsing.out->mark_file, SETTINGS_PATH_SIZE);
}

static int on_control(cfg_t *cfg, cfg_opt_t *opt)
{
	return given_once(cfg, opt) ||
		take_path(cfg, opt, parsing.out->net.control, SETTINGS_SOCKET_SIZE);
}

static int on_cluster_id(cfg_t *cfg, cfg_opt_t *opt)
{
	if (given_once(cfg, opt))
		return -1;
	const char *value = cfg_opt_getstr(opt);
	static const char prefix[] = "sha256:";
	if (strncmp(value, prefix, sizeof(prefix) - 1) != 0 ||
		!hash_parse(bytes_str(value + sizeof(prefix) - 1), &parsing.out->net.cluster_id))
		return fail_at(cfg,
			"cluster_id is not \"sha256:\" and 64 lower-case hex digits; "
			"copy it from the regional office's letter");
	return 0;
}

static int on_listen(cfg_t *cfg, cfg_opt_t *opt)
{
	return given_once(cfg, opt) ||
		take_address(cfg, opt, ADDRESS_LISTEN, parsing.out->net.listen);
}

/* "/path", or "credential:NAME" in the service manager's folder. */
static int take_key(cfg_t *cfg, cfg_opt_t *opt, char out[SETTINGS_PATH_SIZE])
{
	static const char prefix[] = "credential:";
	if (given_once(cfg, opt))
		return -1;
	const char *value = cfg_opt_getstr(opt);
	if (strncmp(value, prefix, sizeof(prefix) - 1) != 0)
		return take_path(cfg, opt, out, SETTINGS_PATH_SIZE);
	const char *name = value + sizeof(prefix) - 1;
	if (!*name || *name == '.' || strchr(name, '/'))
		return fail_at(cfg,
			"%s = \"%.60s\": a credential's name has no slash and no "
			"leading dot",
			cfg_opt_name(opt), value);
	if (!parsing.credentials)
		return fail_at(cfg,
			"%s = \"%.60s\": CREDENTIALS_DIRECTORY is not set; start deltad by its "
			"unit, or write a path",
			cfg_opt_name(opt), value);
	int n = snprintf(out, SETTINGS_PATH_SIZE, "%s/%s", parsing.credentials, name);
	if (n < 0 || n >= SETTINGS_PATH_SIZE)
		return fail_at(cfg, "%s: the path is too long", cfg_opt_name(opt));
	return 0;
}

static int on_key_log(cfg_t *cfg, cfg_opt_t *opt)
{
	return take_key(cfg, opt, parsing.out->key_log);
}

static int on_key_cosign(cfg_t *cfg, cfg_opt_t *opt)
{
	return take_key(cfg, opt, parsing.out->key_cosign);
}

static int on_key_noise(cfg_t *cfg, cfg_opt_t *opt)
{
	return take_key(cfg, opt, parsing.out->key_noise);
}

static int on_limit(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct limit *l = NULL;
	for (size_t i = 0; i < N_LIMITS; i++)
		if (strcmp(limits[i].name, cfg_opt_name(opt)) == 0)
			l = &limits[i];
	ENSURE(l);
	if (given_once(cfg, opt))
		return -1;
	const char *value = cfg_opt_getstr(opt);
	uint64_t number;
	if (!decimal_parse(bytes_str(value), l->max, &number) || number < l->min)
		return fail_at(cfg, "%s = %.40s; it must be a whole number from %u to %u", l->name,
			value, l->min, l->max);
	*(uint32_t *)(void *)((char *)&parsing.out->net.limits + l->offset) = (uint32_t)number;
	return 0;
}

static int on_level(cfg_t *cfg, cfg_opt_t *opt)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = {{"error", LOG_LEVEL_ERROR}, {"warn", LOG_LEVEL_WARN},
		{"info", LOG_LEVEL_INFO}, {"debug", LOG_LEVEL_DEBUG}};
	if (given_once(cfg, opt))
		return -1;
	const char *value = cfg_opt_getstr(opt);
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(value, levels[i].name) == 0) {
			parsing.out->log_level = levels[i].level;
			return 0;
		}
	}
	return fail_at(cfg, "level = \"%.40s\"; it must be error, warn, info or debug", value);
}

/* The address itself is copied with its peer; here only its form, so that the line is right. */
static int on_peer_address(cfg_t *cfg, cfg_opt_t *opt)
{
	char address[ADDR_SIZE];
	return given_once(cfg, opt) || take_address(cfg, opt, ADDRESS_DIAL, address);
}

static int on_peer(cfg_t *cfg, cfg_opt_t *opt)
{
	struct net_settings *net = &parsing.out->net;
	cfg_t *peer = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	const char *slug = cfg_title(peer);
	if (!slug_is_valid(bytes_str(slug)))
		return fail_at(cfg, "peer \"%.40s\" is no slug; take the one of the roster", slug);
	const char *address = cfg_getstr(peer, "address");
	if (!address)
		return fail_at(
			cfg, "peer \"%s\" has no address; write address = \"ip:port\"", slug);
	if (net->n_peers == LIMIT_MEMBERS)
		return fail_at(cfg, "more than %d peers; a roster has no more", LIMIT_MEMBERS);
	struct net_peer *p = &net->peer[net->n_peers++];
	snprintf(p->slug, sizeof(p->slug), "%s", slug);
	snprintf(p->addr, sizeof(p->addr), "%s", address);
	return 0;
}

static int on_section(cfg_t *cfg, cfg_opt_t *opt)
{
	return given_once(cfg, opt);
}

static int check_given(cfg_t *root, const char *section, const char *const *names, struct err *e)
{
	cfg_t *cfg = cfg_getsec(root, section);
	if (!cfg_opt_getcomment(cfg_getopt(root, section)))
		return err_set(e, RC_CONFIG, "%.100s:%d: there is no section %s; add one",
			parsing.name, root->line, section);
	for (; *names; names++)
		if (!cfg_getstr(cfg, *names))
			return err_set(e, RC_CONFIG,
				"%.100s:%d: section %s does not say \"%s\"; add it", parsing.name,
				cfg->line, section, *names);
	return RC_OK;
}

static int check_whole(cfg_t *root, const struct config *c, struct err *e)
{
	static const char *const node[] = {
		"member", "data_dir", "mark_file", "cluster_id", "control", NULL};
	static const char *const keys[] = {"log", "cosign", "noise", NULL};
	int rc = check_given(root, "node", node, e);
	if (!rc)
		rc = check_given(root, "keys", keys, e);
	if (rc)
		return rc;
	for (size_t i = 0; i < c->net.n_peers; i++)
		if (strcmp(c->net.peer[i].slug, c->net.member) == 0)
			return err_set(e, RC_CONFIG,
				"%.100s:%d: peer \"%s\" is this node itself; remove it",
				parsing.name, cfg_getnsec(root, "peer", (unsigned)i)->line,
				c->net.member);
	if (c->net.limits.write_close_kib < c->net.limits.write_pause_kib + CLOSE_MARGIN_KIB)
		return err_set(e, RC_CONFIG,
			"%.100s:%d: write_close_kib must be at least %d more than write_pause_kib",
			parsing.name, cfg_getsec(root, "limits")->line, CLOSE_MARGIN_KIB);
	return RC_OK;
}

static cfg_opt_t *limit_options(void)
{
	cfg_opt_t *opts = xalloc((N_LIMITS + 1) * sizeof(opts[0]));
	for (size_t i = 0; i < N_LIMITS; i++) {
		cfg_opt_t o = CFG_STR(limits[i].name, NULL, CFGF_NONE);
		o.validcb = on_limit;
		opts[i] = o;
	}
	cfg_opt_t end = CFG_END();
	opts[N_LIMITS] = end;
	return opts;
}

static int parse_with(cfg_t *cfg, struct bytes text)
{
	cfg_set_error_function(cfg, on_library_error);
	FILE *f = fmemopen((void *)(uintptr_t)text.p, text.n, "r");
	if (!f)
		return err_set(parsing.err, RC_IO, "%.100s: %s", parsing.name, strerror(errno));
	int result = cfg_parse_fp(cfg, f);
	fclose(f);
	if (result == CFG_SUCCESS)
		return check_whole(cfg, parsing.out, parsing.err);
	if (!parsing.err->rc)
		fail_at(cfg, "cannot be understood; compare it with deltad.conf.example");
	return parsing.err->rc;
}

#define VALUE(option, callback)                                                                    \
	{                                                                                          \
		.name = option, .type = CFGT_STR, .flags = CFGF_NONE, .validcb = callback          \
	}

static int parse_options(struct bytes text)
{
	cfg_opt_t node[] = {VALUE("member", on_member), VALUE("data_dir", on_data_dir),
		VALUE("mark_file", on_mark_file), VALUE("cluster_id", on_cluster_id),
		VALUE("listen", on_listen), VALUE("control", on_control), CFG_END()};
	cfg_opt_t keys[] = {VALUE("log", on_key_log), VALUE("cosign", on_key_cosign),
		VALUE("noise", on_key_noise), CFG_END()};
	cfg_opt_t peer[] = {VALUE("address", on_peer_address), CFG_END()};
	cfg_opt_t log[] = {VALUE("level", on_level), CFG_END()};
	cfg_opt_t *limit = limit_options();
	cfg_opt_t root[] = {CFG_SEC("node", node, CFGF_NONE), CFG_SEC("keys", keys, CFGF_NONE),
		CFG_SEC("peer", peer, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("limits", limit, CFGF_NONE), CFG_SEC("log", log, CFGF_NONE), CFG_END()};
	for (size_t i = 0; root[i].name; i++)
		root[i].validcb = root[i].flags & CFGF_MULTI ? on_peer : on_section;
	cfg_t *cfg = cfg_init(root, CFGF_NONE);
	int rc = cfg ? parse_with(cfg, text) : err_set(parsing.err, RC_NOMEM, "out of memory");
	cfg_free(cfg);
	free(limit);
	return rc;
}

int config_parse(struct bytes text, const char *name, const char *credentials, struct config *out,
	struct err *e)
{
	struct err why = {0};
	struct config c = {.log_level = LOG_LEVEL_INFO};
	for (size_t i = 0; i < N_LIMITS; i++)
		*(uint32_t *)(void *)((char *)&c.net.limits + limits[i].offset) =
			limits[i].standard;
	struct buf clean = {0};
	int rc = config_text_clean(text, name, &clean, &why);
	if (!rc) {
		parsing.err = &why;
		parsing.out = &c;
		parsing.name = name;
		parsing.credentials = credentials;
		rc = parse_options(buf_bytes(&clean));
	}
	buf_release(&clean);
	if (rc)
		return err_set(e, why.rc, "%s", why.text);
	*out = c;
	return RC_OK;
}

int config_load(const char *path, const char *credentials, struct config *out, struct err *e)
{
	struct buf text = {0};
	int rc = config_text_read(path, &text, e);
	if (!rc)
		rc = config_parse(buf_bytes(&text), path, credentials, out, e);
	buf_release(&text);
	return rc;
}

static void need(struct buf *out, bool differs, const char *name)
{
	if (differs)
		buf_printf(out, "%s%s", out->n ? ", " : "", name);
}

void config_restart_needs(const struct config *old, const struct config *new, struct buf *out)
{
	const struct net_settings *a = &old->net, *b = &new->net;
	need(out, strcmp(a->member, b->member) != 0, "node.member");
	need(out, strcmp(a->data_dir, b->data_dir) != 0, "node.data_dir");
	need(out, strcmp(old->mark_file, new->mark_file) != 0, "node.mark_file");
	need(out, !hash_equal(&a->cluster_id, &b->cluster_id), "node.cluster_id");
	need(out, strcmp(a->listen, b->listen) != 0, "node.listen");
	need(out, strcmp(a->control, b->control) != 0, "node.control");
	need(out, strcmp(old->key_log, new->key_log) != 0, "keys.log");
	need(out, strcmp(old->key_cosign, new->key_cosign) != 0, "keys.cosign");
	need(out, strcmp(old->key_noise, new->key_noise) != 0, "keys.noise");
}
