#include "client/audit.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "client/text.h"
#include "proto/base/text.h"

static const struct {
	const char *id;
	bool fails;
	const char *text;
} ids[] = {
	[AUDIT_ROSTER] = {"A101", true,
		N_("a roster version that does not follow from the one before")},
	[AUDIT_NOBODY] = {"A102", true, N_("a log that no member of the roster owns")},
	[AUDIT_HEAD] = {"A103", true, N_("a head that its owner did not sign")},
	[AUDIT_ROOT] = {"A104", true,
		N_("leaves that do not give the root of their owner's signed head")},
	[AUDIT_MISSING] = {"A105", true, N_("leaves under a signed head are not here")},
	[AUDIT_PREVIOUS] = {"A106", true,
		N_("an epoch that builds on another history of the one before")},
	[AUDIT_RETIRED] = {"A107", true, N_("the roster ends the log on another history of it")},
	[AUDIT_COSIGNATURE] = {"A201", true, N_("a cosignature that does not verify")},
	[AUDIT_COSIGNED_OTHER] = {"A202", true, N_("a member cosigned another history of the log")},
	[AUDIT_FORK] = {"A301", true, N_("a log was forked by its owner")},
	[AUDIT_EVIDENCE] = {"A302", true, N_("evidence that proves nothing")},
	[AUDIT_SIGNATURE] = {"A401", true,
		N_("a leaf whose signature does not verify was let in by the log's owner")},
	[AUDIT_BROKEN] = {"A402", true, N_("a leaf that no honest node appends")},
	[AUDIT_VOID] = {"A403", false, N_("a leaf without effect")},
	[AUDIT_PENDING] = {"A404", false, N_("a change that waits for another")},
	[AUDIT_UNKNOWN] = {"A405", false, N_("a leaf that needs a newer version")},
	[AUDIT_VERDICT] = {"A501", true, N_("the node's verdict is another")},
	[AUDIT_CURRENT] = {"A502", true, N_("the node shows other values as current")},
	[AUDIT_VIEW] = {"A503", true, N_("the node's view root is another")},
	[AUDIT_MOVED] = {"A504", false,
		N_("the node went on meanwhile; its view was not compared")},
	[AUDIT_ANCHOR_HEAD] = {"A601", true,
		N_("an anchor that names a head its log does not have")},
	[AUDIT_ANCHOR_VIEW] = {"A602", true,
		N_("an anchor whose view root does not follow from its heads")},
	[AUDIT_ANCHOR_SKIPPED] = {"A603", false, N_("an anchor that was not compared")},
};

const char *audit_id_name(enum audit_id id)
{
	return ids[id].id;
}

const char *audit_id_text(enum audit_id id)
{
	return tr_word(ids[id].text);
}

bool audit_id_fails(enum audit_id id)
{
	return ids[id].fails;
}

void audit_init(struct audit *a, const struct hash *cluster_id)
{
	*a = (struct audit){.has_cluster = cluster_id != NULL};
	if (cluster_id)
		a->cluster_id = *cluster_id;
}

void audit_release(struct audit *a)
{
	for (size_t i = 0; i < a->n_logs; i++) {
		free(a->log[i]->leaf);
		free(a->log[i]);
	}
	free(a->roster);
	free(a->claim);
	free(a->anchor);
	free(a->finding);
	free(a->filed);
	operators_release(&a->operators);
	buf_release(&a->exporter);
	pool_release(&a->pool);
}

const struct roster *audit_roster(const struct audit *a)
{
	return &a->roster[a->n_rosters - 1];
}

void audit_find(struct audit *a, enum audit_id id, struct bytes origin, uint64_t index,
	const char *fmt, ...)
{
	a->failed = a->failed || audit_id_fails(id);
	a->forked = a->forked || id == AUDIT_FORK;
	if (a->n_findings == AUDIT_FINDINGS_MAX) {
		a->n_more++;
		return;
	}
	if (a->n_findings == a->cap_findings) {
		a->cap_findings = a->cap_findings == 0 ? 16 : 2 * a->cap_findings;
		a->finding = xrealloc(a->finding, a->cap_findings * sizeof *a->finding);
	}
	struct audit_finding *f = &a->finding[a->n_findings++];
	*f = (struct audit_finding){
		.id = id, .origin = pool_copy(&a->pool, origin), .index = index};
	va_list ap;
	va_start(ap, fmt);
	text_vprint(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
}

struct audit_log *audit_log_find(const struct audit *a, struct bytes origin)
{
	for (size_t i = 0; i < a->n_logs; i++)
		if (bytes_equal(bytes_str(a->log[i]->origin.text), origin))
			return a->log[i];
	return NULL;
}

void audit_claim(struct audit *a, const struct audit_claim *c)
{
	if (a->n_claims == a->cap_claims) {
		a->cap_claims = a->cap_claims == 0 ? 64 : 2 * a->cap_claims;
		a->claim = xrealloc(a->claim, a->cap_claims * sizeof *a->claim);
	}
	a->claim[a->n_claims++] = *c;
}
