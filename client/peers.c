#include "client/peers.h"

#include <stdlib.h>

#include "client/said.h"
#include "client/show.h"
#include "client/text.h"

enum peer_column {
	PEER_MEMBER,
	PEER_CONNECTED,
	PEER_BEHIND,
	PEER_AHEAD,
	PEER_SYNC,
	PEER_ROOT,
	PEER_AGREE,
	PEER_ADDRESS,
	PEER_SOFTWARE,
	PEER_REFUSED,
	PEER_IN,
	PEER_OUT,
	PEER_DIFFERS,
	PEER_ERROR,
	PEER_COLUMNS
};

static const struct column full[PEER_COLUMNS] = {
	[PEER_MEMBER] = {.key = "member", .title = N_("peer")},
	[PEER_CONNECTED] = {.key = "connected", .title = N_("line")},
	[PEER_BEHIND] = {.key = "behind", .title = N_("lacks"), .right = true},
	[PEER_AHEAD] = {.key = "ahead", .title = N_("ahead"), .right = true},
	[PEER_SYNC] = {.key = "sync_ms", .title = N_("last word")},
	[PEER_ROOT] = {.key = "view_root", .title = N_("view root")},
	[PEER_AGREE] = {.key = "agree", .title = N_("agrees")},
	[PEER_ADDRESS] = {.key = "address", .title = N_("address")},
	[PEER_SOFTWARE] = {.key = "software", .title = N_("software"), .leave_out = 3},
	[PEER_REFUSED] = {.key = "refused", .title = N_("refused"), .right = true, .leave_out = 2},
	[PEER_IN] = {.key = "bytes_in", .title = N_("bytes in"), .right = true, .leave_out = 1},
	[PEER_OUT] = {.key = "bytes_out", .title = N_("bytes out"), .right = true, .leave_out = 1},
	[PEER_DIFFERS] = {.key = "differs_at",
		.title = N_("differs at"),
		.optional = true,
		.wrap = true},
	[PEER_ERROR] = {.key = "last_error",
		.title = N_("last error"),
		.optional = true,
		.wrap = true},
};

/* The same for machines; people see what says whether all is well. */
static const struct column brief[PEER_COLUMNS] = {
	[PEER_MEMBER] = {.key = "member", .title = N_("peer")},
	[PEER_CONNECTED] = {.key = "connected", .title = N_("line")},
	[PEER_BEHIND] = {.key = "behind", .title = N_("lacks"), .right = true},
	[PEER_AHEAD] = {.key = "ahead", .title = N_("ahead"), .right = true},
	[PEER_SYNC] = {.key = "sync_ms", .title = N_("last word")},
	[PEER_ROOT] = {.key = "view_root", .title = N_("view root")},
	[PEER_AGREE] = {.key = "agree", .title = N_("agrees")},
	[PEER_ADDRESS] = {.key = "address"},
	[PEER_SOFTWARE] = {.key = "software"},
	[PEER_REFUSED] = {.key = "refused"},
	[PEER_IN] = {.key = "bytes_in"},
	[PEER_OUT] = {.key = "bytes_out"},
	[PEER_DIFFERS] = {.key = "differs_at"},
	[PEER_ERROR] = {.key = "last_error",
		.title = N_("last error"),
		.optional = true,
		.wrap = true},
};

static void agree_cell(struct table *t, const struct ctl_peer *p)
{
	static const char *const words[] = {
		[AGREE_UNKNOWN] = N_("not comparable"),
		[AGREE_YES] = N_("yes"),
		[AGREE_NO] = N_("NO, DIFFERS"),
		[AGREE_DIFFERENT_LOGS] = N_("not yet"),
	};
	static const char *const keys[] = {
		[AGREE_UNKNOWN] = "unknown",
		[AGREE_YES] = "yes",
		[AGREE_NO] = "no",
		[AGREE_DIFFERENT_LOGS] = "different_logs",
	};
	uint32_t a = p->agree <= AGREE_DIFFERENT_LOGS ? p->agree : AGREE_UNKNOWN;
	table_cell(t,
		a == AGREE_NO		 ? TONE_BAD
			: a == AGREE_YES ? TONE_GOOD
					 : TONE_WARN,
		json_string(keys[a]), tr_word(words[a]));
}

static void error_cell(struct table *t, struct bytes text)
{
	char *said = said_tr_bytes(text);
	table_text(t, text.n ? TONE_WARN : TONE_NONE, text, said);
	free(said);
}

void peers_lacks_cell(struct table *t, const struct ctl_peer *p, uint64_t entries)
{
	bool known = p->connected || p->sync_ms != 0;
	table_cell(t, TONE_NONE, known ? json_number(entries) : json_null(), known ? NULL : "?");
}

static void add_peer(struct table *t, const struct ctl_peer *p, int64_t now_ms)
{
	char root[SHORT_ID_SIZE];
	char *ago = show_ago(p->sync_ms, now_ms);
	show_id(p->view_root, root);
	table_text(t, TONE_NONE, p->member, NULL);
	table_cell(t, p->connected ? TONE_GOOD : TONE_BAD, json_boolean(p->connected),
		p->connected ? tr("connected") : tr("down"));
	peers_lacks_cell(t, p, p->behind);
	peers_lacks_cell(t, p, p->ahead);
	table_cell(t, TONE_NONE, json_integer(p->sync_ms), ago);
	table_cell(t, TONE_NONE, json_hex(p->view_root), root);
	agree_cell(t, p);
	table_text(t, TONE_NONE, p->address, NULL);
	table_text(t, TONE_NONE, p->software, NULL);
	table_number(t, p->refused);
	table_number(t, p->bytes_in);
	table_number(t, p->bytes_out);
	table_text(t, p->differs_at.n ? TONE_BAD : TONE_NONE, p->differs_at, NULL);
	error_cell(t, p->last_error);
	free(ago);
}

static void add_peers(struct sheet *s, const struct column *columns, const struct ctl_status *st)
{
	struct table *t =
		sheet_table(s, "peers", columns, PEER_COLUMNS, NULL, tr("no peers in the roster"));
	for (size_t i = 0; i < st->n_peers; i++)
		add_peer(t, &st->peers[i], st->now_ms);
}

void peers_table_short(struct sheet *s, const struct ctl_status *st)
{
	add_peers(s, brief, st);
}

void peers_table_full(struct sheet *s, const struct ctl_status *st)
{
	add_peers(s, full, st);
}
