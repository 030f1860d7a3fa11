/* Who is in the cluster: keys from the seed, and the roster they all sign. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/oracle.h"

static const char *const slugs[SIM_MEMBERS] = {
	"office", "shanghai", "jiangsu", "zhejiang", "anhui"};

static void make_keys(struct world *w, struct identity *id)
{
	struct key *keys[] = {
		&id->root, &id->log, &id->cosign, &id->noise, &id->operator[0], &id->operator[1] };
	enum key_purpose purpose[] = {
		KEY_ROOT, KEY_LOG, KEY_COSIGN, KEY_NOISE, KEY_OPERATOR, KEY_OPERATOR};
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		uint8_t seed[32];
		dice_fill(&w->people, seed, sizeof(seed));
		key_from_seed(keys[i], purpose[i], id->slug, purpose[i] == KEY_OPERATOR ? "op" : "",
			seed);
	}
}

static void member_line(const struct identity *id, struct buf *out)
{
	struct member m = {.role = strcmp(id->slug, "office") == 0 ? ROLE_REGIONAL : ROLE_PROVINCE};
	char name[NOTE_NAME_SIZE];
	snprintf(m.slug, sizeof(m.slug), "%s", id->slug);
	snprintf(m.name, sizeof(m.name), "%s", id->slug);
	snprintf(name, sizeof(name), "sim/%s/root", id->slug);
	ENSURE(vkey_make(&m.root, name, NOTE_ED25519, id->root.public, NULL) == RC_OK);
	memcpy(m.log, id->log.public, KEY_BYTES);
	memcpy(m.cosign, id->cosign.public, KEY_BYTES);
	memcpy(m.noise, id->noise.public, KEY_BYTES);
	roster_put_member_line(out, &m);
}

static void make_roster(struct world *w)
{
	struct buf text = {0};
	buf_put_str(&text, "deltad-roster\ncluster sim\nversion 1\nprev -\nnot-after 2099-12-31\n");
	for (size_t i = 0; i < w->n_members; i++)
		member_line(&w->identity[i], &text);
	static const int final[SIM_MEMBERS + 1] = {[2] = 1, [3] = 2, [4] = 2, [5] = 3};
	buf_printf(&text, "final %d\nquorum office+%d\n", final[w->n_members],
		w->n_members > 3 ? 3 : (int)w->n_members - 1);
	sha256(buf_bytes(&text), &w->cluster_id);
	for (size_t i = 0; i < w->n_members; i++) {
		const struct identity *id = &w->identity[i];
		const struct key *keys[] = {&id->root, &id->log, &id->cosign};
		for (size_t k = 0; k < 3; k++) {
			struct buf next = {0};
			struct err e = {0};
			if (roster_add_signature(buf_bytes(&text), keys[k], &next, &e) != RC_OK)
				oracle_fail(w, 2, "roster: %s", e.text);
			buf_release(&text);
			text = next;
		}
	}
	w->roster = text;
}

void identity_make_all(struct world *w)
{
	for (size_t i = 0; i < w->n_members; i++) {
		memcpy(w->identity[i].slug, slugs[i], strlen(slugs[i]) + 1);
		make_keys(w, &w->identity[i]);
	}
	make_roster(w);
}

void identity_release_all(struct world *w)
{
	for (size_t i = 0; i < w->n_members; i++) {
		struct identity *id = &w->identity[i];
		key_release(&id->root);
		key_release(&id->log);
		key_release(&id->log_next);
		key_release(&id->cosign);
		key_release(&id->noise);
		for (size_t k = 0; k < SIM_OPERATORS; k++)
			key_release(&id->operator[k]);
	}
	buf_release(&w->roster);
}
