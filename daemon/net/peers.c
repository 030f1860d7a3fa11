#include "daemon/net/peers.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "daemon/net/loop.h"
#include "proto/base/log.h"
#include "proto/base/text.h"

#define BACKLOG 64

static struct peer *peer_of(struct shell *s, const struct conn *c)
{
	return c->peer >= 0 ? &s->peers.peer[c->peer] : NULL;
}

static void log_peer(
	struct peer *p, enum log_level level, struct now now, const char *event, const char *detail)
{
	unsigned withheld;
	if (!quota_take(&p->quota, now.mono, &withheld))
		return;
	if (withheld > 0)
		log_warn("event=withheld peer=%s lines=%u", p->slug, withheld);
	log_line(level, "event=%s peer=%s %s", event, p->slug, detail);
}

static void count_stranger(struct shell *s, const struct conn *c, const char *text, struct now now)
{
	char from[ADDRESS_TEXT_SIZE];
	unsigned withheld;
	s->peers.strangers++;
	if (!quota_take(&s->peers.stranger_quota, now.mono, &withheld))
		return;
	if (withheld > 0)
		log_warn("event=withheld peer=strangers lines=%u", withheld);
	address_print(&c->addr, from);
	log_warn("event=stranger from=%s why=\"%s\"", from, text);
}

static const char *address_of(const struct shell *s, const struct member *m)
{
	for (size_t i = 0; i < s->settings.n_peers; i++)
		if (strcmp(s->settings.peer[i].slug, m->slug) == 0)
			return s->settings.peer[i].addr;
	return m->addr;
}

static void set_address(struct shell *s, struct peer *p, const struct member *m)
{
	const char *text = address_of(s, m);
	struct err e = {0};
	p->has_addr = text[0] != '\0' && address_parse(text, ADDRESS_DIAL, &p->addr, &e) == RC_OK;
	if (text[0] != '\0' && !p->has_addr)
		log_error("event=bad-address peer=%s why=\"%s\"", p->slug, e.text);
	text_print(p->addr_text, sizeof(p->addr_text), "%s", text);
}

static void warn_of_unknown(const struct shell *s, const struct roster *r)
{
	for (size_t i = 0; i < s->settings.n_peers; i++)
		if (roster_find(r, bytes_str(s->settings.peer[i].slug)) < 0)
			log_warn("event=unknown-peer peer=%s why=\"the roster has no such member\"",
				s->settings.peer[i].slug);
}

static void choose_key(struct shell *s, const struct member *self)
{
	const struct key *next = s->config.noise_key_next;
	bool is_next = next && memcmp(next->public, self->noise, KEY_BYTES) == 0;
	s->noise_key = is_next ? next : s->config.noise_key;
	if (memcmp(s->noise_key->public, self->noise, KEY_BYTES) != 0)
		log_error("event=wrong-key purpose=noise why=\"the roster names another key for "
			  "this node: no peer will know it\"");
}

static void take_roster(struct shell *s, const struct roster *r, struct now now)
{
	struct peers *ps = &s->peers;
	peers_drop_all(s, "the roster changed");
	ps->self = replica_self(s->replica);
	choose_key(s, &r->member[ps->self]);
	ps->roster_id = r->id;
	ps->n = r->n;
	for (size_t i = 0; i < r->n; i++) {
		struct peer *p = &ps->peer[i];
		*p = (struct peer){0};
		memcpy(p->slug, r->member[i].slug, sizeof(p->slug));
		memcpy(p->noise, r->member[i].noise, sizeof(p->noise));
		set_address(s, p, &r->member[i]);
		contact_init(&p->contact, now.mono, s->config.chance);
	}
	warn_of_unknown(s, r);
}

void peers_readdress(struct shell *s, struct now now)
{
	const struct roster *r = replica_roster(s->replica);
	for (size_t i = 0; i < s->peers.n; i++) {
		struct peer *p = &s->peers.peer[i];
		set_address(s, p, &r->member[i]);
		if (!p->session && !p->dialling)
			contact_init(&p->contact, now.mono, s->config.chance);
	}
	if (r)
		warn_of_unknown(s, r);
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct shell *s = handle->data;
	s->peers.listener_open = false;
}

static bool has_no_key_yet(const struct conn *c)
{
	return c->tenure.state == CONN_HANDSHAKE && !c->tenure.opened_by_self;
}

static bool is_from_a_member(const struct shell *s, const struct conn *c)
{
	for (size_t i = 0; i < s->peers.n; i++)
		if (s->peers.peer[i].has_addr &&
			address_same_host(&s->peers.peer[i].addr, &c->addr))
			return true;
	return false;
}

/* The oldest connection without a key, if there are more than the limit: of those from one address,
 * or (from NULL) of all that come from no member's address. The list begins with the newest. */
static struct conn *oldest_over_limit(
	const struct shell *s, const struct sockaddr_storage *from, size_t limit)
{
	struct conn *oldest = NULL;
	size_t n = 0;
	for (struct conn *c = s->peers.conns; c; c = c->next) {
		bool counts = from ? address_same_host(from, &c->addr) : !is_from_a_member(s, c);
		if (!has_no_key_yet(c) || !counts)
			continue;
		oldest = c;
		n++;
	}
	return n > limit ? oldest : NULL;
}

/* PROTOCOL 7.1: strangers can neither use up memory nor, by holding what they have, keep a member
 * out. */
static void accepted(struct shell *s, const struct conn *c)
{
	const struct net_limits *l = &s->settings.limits;
	struct conn *oldest = oldest_over_limit(s, &c->addr, l->unauthenticated_per_address);
	if (!oldest)
		oldest = oldest_over_limit(s, NULL, l->unauthenticated);
	if (oldest)
		conn_close(oldest, "too many connections without a key");
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct shell *s = listener->data;
	struct conn *c;
	struct err e = {0};
	int rc = status < 0 ? err_set(&e, RC_IO, "accept: %s", uv_strerror(status))
			    : conn_accept(s, listener, &c, &e);
	if (rc == RC_OK) {
		accepted(s, c);
		return;
	}
	unsigned withheld;
	s->peers.strangers++;
	if (quota_take(&s->peers.stranger_quota, loop_now().mono, &withheld))
		log_error("event=accept-failed why=\"%s\"", e.text);
}

/* An office whose line is down writes all the same: that no interface has the address yet (at boot,
 * or while its cable is out) keeps no node from starting. */
static int bind_absent(uv_tcp_t *listener, const struct sockaddr *addr)
{
	uv_os_fd_t fd;
	int on = 1, status = uv_fileno((uv_handle_t *)listener, &fd);
	if (status == 0 && setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) != 0)
		status = uv_translate_sys_error(errno);
	return status < 0 ? status : uv_tcp_bind(listener, addr, 0);
}

int peers_open(struct shell *s, struct err *e)
{
	struct peers *ps = &s->peers;
	struct sockaddr_storage addr;
	ps->self = -1;
	if (s->settings.listen[0] == '\0')
		return RC_OK;
	int rc = address_parse(s->settings.listen, ADDRESS_LISTEN, &addr, e);
	if (rc)
		return rc;
	int status = uv_tcp_init(&s->uv, &ps->listener);
	ps->listener.data = s;
	ps->listener_open = status == 0;
	if (status == 0)
		status = uv_tcp_bind(&ps->listener, (const struct sockaddr *)&addr, 0);
	if (status == UV_EADDRNOTAVAIL) {
		log_warn("event=no-such-address listen=%s why=\"no interface has it now\"",
			s->settings.listen);
		status = bind_absent(&ps->listener, (const struct sockaddr *)&addr);
	}
	if (status < 0)
		return err_set(
			e, RC_IO, "listen = \"%s\": %s", s->settings.listen, uv_strerror(status));
	return RC_OK;
}

static int start_listening(struct shell *s, struct err *e)
{
	struct peers *ps = &s->peers;
	if (!ps->listener_open || ps->listening)
		return RC_OK;
	int status = uv_listen((uv_stream_t *)&ps->listener, BACKLOG, on_connection);
	if (status < 0)
		return err_set(e, RC_IO, "listen = \"%s\": %s; free the address or change it",
			s->settings.listen, uv_strerror(status));
	ps->listening = true;
	log_info("event=listening address=%s", s->settings.listen);
	return RC_OK;
}

int peers_match_roster(struct shell *s, struct now now, struct err *e)
{
	const struct roster *r = replica_roster(s->replica);
	if (!r || s->state == SHELL_STOPPING)
		return RC_OK;
	if (s->peers.n == 0 || !hash_equal(&r->id, &s->peers.roster_id))
		take_roster(s, r, now);
	return start_listening(s, e);
}

void peers_add(struct shell *s, struct conn *c)
{
	c->next = s->peers.conns;
	s->peers.conns = c;
}

void peers_remove(struct shell *s, struct conn *c)
{
	struct conn **at = &s->peers.conns;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
}

/* The member with this key, or -1 with the reason in *why. */
static int find_member(struct shell *s, const uint8_t remote[KEY_BYTES], const char **why)
{
	*why = "its key is of no member";
	for (size_t i = 0; i < s->peers.n; i++) {
		if (memcmp(s->peers.peer[i].noise, remote, KEY_BYTES) != 0)
			continue;
		if ((int)i != s->peers.self)
			return (int)i;
		*why = "it has this node's own key";
	}
	return -1;
}

static void log_up(struct peer *p, const struct conn *c, struct now now)
{
	char detail[ADDRESS_TEXT_SIZE + 32], from[ADDRESS_TEXT_SIZE];
	address_print(&c->addr, from);
	text_print(detail, sizeof(detail), "address=%s by=%s", from,
		c->tenure.opened_by_self ? "us" : "them");
	log_peer(p, LOG_LEVEL_INFO, now, "peer-up", detail);
}

/* One key at two places at once: a line that has moved, or a copied machine. */
static void log_elsewhere(
	struct peer *p, const struct conn *old, const struct conn *c, struct now now)
{
	char detail[2 * ADDRESS_TEXT_SIZE + 32], from[ADDRESS_TEXT_SIZE], to[ADDRESS_TEXT_SIZE];
	if (address_same_host(&old->addr, &c->addr))
		return;
	address_print(&old->addr, from);
	address_print(&c->addr, to);
	text_print(detail, sizeof(detail), "was=%s is=%s", from, to);
	log_peer(p, LOG_LEVEL_WARN, now, "peer-elsewhere", detail);
}

/* Of two sessions of a pair both ends keep the same one. */
static bool wins(struct shell *s, const struct peer *p, const struct conn *c, struct mono_ms now)
{
	const char *self = s->peers.peer[s->peers.self].slug;
	return !p->session ||
		dial_new_wins(self, p->slug, p->session->tenure.opened_by_self,
			c->tenure.opened_by_self, now.v - p->session->tenure.since.v);
}

bool peers_join(struct shell *s, struct conn *c, const uint8_t remote[KEY_BYTES], struct now now)
{
	const char *why;
	int peer = find_member(s, remote, &why);
	if (peer < 0 || s->state != SHELL_RUNNING) {
		conn_close(c, why);
		return false;
	}
	struct peer *p = &s->peers.peer[peer];
	c->peer = peer;
	if (!wins(s, p, c, now.mono)) {
		conn_close(c, "another session of this pair stays");
		return false;
	}
	if (!turn_enter(s)) /* every connection was closed */
		return false;
	struct conn *old = p->session;
	p->session = c;
	p->lost = false;
	if (p->dialling == c)
		p->dialling = NULL;
	p->trouble[0] = '\0';
	p->silent = false;
	contact_up(&p->contact, now.mono);
	replica_link(s->replica, peer, LINK_UP, now);
	if (old) {
		log_elsewhere(p, old, c, now);
		conn_close(old, "replaced by a newer session");
	}
	log_up(p, c, now);
	return true;
}

static void session_ended(
	struct shell *s, struct peer *p, const struct conn *c, const char *text, struct now now)
{
	char detail[192];
	p->session = NULL;
	p->lost = true;
	contact_down(&p->contact, now.mono, s->config.chance);
	text_print(p->trouble, sizeof(p->trouble), "%s", text);
	text_print(detail, sizeof(detail), "why=\"%s\" seconds=%lld", text,
		(long long)(now.mono.v - c->tenure.opened.v) / 1000);
	log_peer(p, LOG_LEVEL_INFO, now, "peer-down", detail);
}

/* An office that is away for a month is said once, not every second. */
static bool was_said(struct peer *p, bool answered, const char *text)
{
	bool same = strncmp(p->trouble, text, sizeof(p->trouble) - 1) == 0;
	bool said = same || (p->silent && !answered);
	p->silent = !answered;
	return said;
}

static void dial_failed(
	struct shell *s, struct peer *p, bool answered, const char *text, struct now now)
{
	char detail[192];
	p->dialling = NULL;
	if (!contact_failed(&p->contact, p->session, answered, now.mono, s->config.chance) ||
		was_said(p, answered, text))
		return;
	text_print(p->trouble, sizeof(p->trouble), "%s", text);
	text_print(detail, sizeof(detail), "address=%s why=\"%s\"", p->addr_text, text);
	log_peer(p, LOG_LEVEL_WARN, now, "dial-failed", detail);
}

void peers_part(struct shell *s, struct conn *c, const char *text, struct now now)
{
	struct peer *p = peer_of(s, c);
	if (!p) {
		if (s->state == SHELL_RUNNING)
			count_stranger(s, c, text, now);
		return;
	}
	p->bytes_in += c->tenure.bytes_in;
	p->bytes_out += c->bytes_out;
	if (p->session == c)
		session_ended(s, p, c, text, now);
	else if (p->dialling == c)
		dial_failed(s, p, c->tenure.state != CONN_DIALLING, text, now);
}

bool peers_are_examining(const struct shell *s)
{
	for (const struct conn *c = s->peers.conns; c; c = c->next)
		if (c->tenure.state == CONN_SESSION && c->verifying > 0)
			return true;
	return false;
}

bool peers_have_lost(const struct shell *s)
{
	for (size_t i = 0; i < s->peers.n; i++)
		if (s->peers.peer[i].lost)
			return true;
	return false;
}

void peers_report_lost(struct shell *s, struct now now)
{
	for (size_t i = 0; i < s->peers.n; i++) {
		if (!s->peers.peer[i].lost)
			continue;
		if (!turn_enter(s)) /* all are down */
			return;
		s->peers.peer[i].lost = false;
		replica_link(s->replica, (int)i, LINK_DOWN, now);
	}
}

static bool may_send(const struct peer *p)
{
	const struct conn *c = p->session;
	return c && !c->bye_written &&
		(c->tenure.state == CONN_SESSION || c->tenure.state == CONN_LEAVING) &&
		conn_has_room(c);
}

void peers_send(struct shell *s)
{
	for (size_t i = 0; i < s->peers.n; i++) {
		struct outbound out;
		while (may_send(&s->peers.peer[i]) && replica_next_out(s->replica, (int)i, &out))
			conn_send(s->peers.peer[i].session, &out);
	}
}

static struct contact_line line_of(const struct shell *s, size_t i)
{
	const struct peer *p = &s->peers.peer[i];
	return (struct contact_line){.address = (int)i != s->peers.self && p->has_addr,
		.session = p->session,
		.dialling = p->dialling,
		.written = p->session ? p->session->bytes_out : 0};
}

static struct mono_ms earlier(struct mono_ms a, struct mono_ms b)
{
	return a.v < b.v ? a : b;
}

struct mono_ms peers_deadline(const struct shell *s)
{
	struct mono_ms at = MONO_NEVER;
	for (const struct conn *c = s->peers.conns; c; c = c->next)
		at = earlier(at, conn_deadline(c));
	for (size_t i = 0; i < s->peers.n && s->state == SHELL_RUNNING; i++) {
		struct contact_line line = line_of(s, i);
		at = earlier(at, contact_deadline(&s->peers.peer[i].contact, &line));
	}
	return at;
}

static void feel_pulse(struct shell *s, size_t i, struct now now)
{
	struct peer *p = &s->peers.peer[i];
	struct contact_line line = line_of(s, i);
	struct pulse_line kernel;
	struct err e = {0};
	uv_os_fd_t fd;
	if (!contact_feels(&p->contact, &line, now.mono))
		return;
	if (uv_fileno((uv_handle_t *)&p->session->tcp, &fd) < 0 || pulse_read(fd, &kernel, &e))
		kernel = (struct pulse_line){0};
	contact_feel(&p->contact, &line, &kernel, now.mono, s->config.chance);
}

static void dial(struct shell *s, size_t i, struct now now)
{
	struct peer *p = &s->peers.peer[i];
	struct err e = {0};
	dial_started(&p->contact.dial);
	/* p->dialling is set before the connection can fail, so peers_part knows whose it was. */
	if (conn_dial(s, (int)i, &p->addr, p->noise, &p->dialling, &e))
		dial_failed(s, p, true, e.text, now);
}

void peers_on_time(struct shell *s, struct now now)
{
	/* Closing one may end others of its peer, but frees none and takes none off the list. */
	for (struct conn *c = s->peers.conns; c; c = c->next)
		conn_on_time(c, now);
	for (size_t i = 0; i < s->peers.n && s->state == SHELL_RUNNING; i++) {
		feel_pulse(s, i, now);
		struct contact_line line = line_of(s, i);
		if (contact_is_due(&s->peers.peer[i].contact, &line, now.mono))
			dial(s, i, now);
	}
}

void peers_close_all(struct shell *s, const char *text)
{
	for (struct conn *c = s->peers.conns; c; c = c->next)
		conn_close(c, text);
}

void peers_drop_all(struct shell *s, const char *text)
{
	peers_close_all(s, text);
	for (size_t i = 0; i < s->peers.n; i++)
		s->peers.peer[i].lost = false;
}

void peers_stop(struct shell *s)
{
	if (s->peers.listener_open)
		uv_close((uv_handle_t *)&s->peers.listener, on_listener_closed);
	for (struct conn *c = s->peers.conns; c; c = c->next)
		conn_say_bye(c, "this node is shutting down");
}

bool peers_are_gone(const struct shell *s)
{
	return !s->peers.conns && !s->peers.listener_open;
}
