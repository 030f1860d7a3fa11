/* Bundles over the control socket. Source: PROTOCOL 9, 10. */
#include "daemon/net/ctl.h"

void ctl_bundle_answer(struct client *c, const struct ctl_request *r)
{
	client_error(c, r->id, RC_INTERNAL, "bundles are not served yet");
}
