/* Any bytes as deltad.conf: what is taken must hold every rule that the daemon relies on, and
 * whatever came before, a good file must still be read (the scanner behind it keeps state). */
#include <string.h>

#include "daemon/config.h"
#include "daemon/net/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char good[] =
	"node { member = \"jiangsu\" data_dir = \"/d\" mark_file = \"/m\" control = \"/c\"\n"
	"cluster_id = \"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\" "
	"}\n"
	"keys { log = \"/l\" cosign = \"/c\" noise = \"credential:n\" }\n";

static void ensure_sound(const struct config *c)
{
	const struct net_settings *n = &c->net;
	struct err e = {0};
	ENSURE(slug_is_valid(bytes_str(n->member)));
	ENSURE(n->data_dir[0] == '/' && c->mark_file[0] == '/' && n->control[0] == '/');
	ENSURE(c->key_log[0] == '/' && c->key_cosign[0] == '/' && c->key_noise[0] == '/');
	ENSURE(n->listen[0] == '\0' || address_check(n->listen, ADDRESS_LISTEN, &e) == RC_OK);
	ENSURE(n->n_peers <= LIMIT_MEMBERS);
	for (size_t i = 0; i < n->n_peers; i++) {
		ENSURE(strcmp(n->peer[i].slug, n->member) != 0);
		ENSURE(address_check(n->peer[i].addr, ADDRESS_DIAL, &e) == RC_OK);
		for (size_t j = 0; j < i; j++)
			ENSURE(strcmp(n->peer[i].slug, n->peer[j].slug) != 0);
	}
	ENSURE(n->limits.write_pause_kib < n->limits.write_close_kib);
	ENSURE(n->limits.clients >= 1 && n->limits.handshake_ms >= 500);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config c;
	struct err e = {0};
	int rc = config_parse(bytes_of(data, size), "f", "/credentials", &c, &e);
	if (rc == RC_OK) {
		ensure_sound(&c);
	} else {
		ENSURE(rc == RC_CONFIG && e.rc == RC_CONFIG);
		ENSURE(strncmp(e.text, "f:", 2) == 0);
	}
	ENSURE(config_parse(bytes_str(good), "g", "/credentials", &c, &e) == RC_OK);
	return 0;
}
