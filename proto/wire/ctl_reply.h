/* A reply as it stands on the wire: the error is an id there and a number in struct ctl_reply.
 * Floor 2; only for the ctl files of this folder. */
#ifndef DELTAD_WIRE_CTL_REPLY_H
#define DELTAD_WIRE_CTL_REPLY_H

#include "proto/wire/ctl.h"

struct reply_wire {
	struct ctl_reply reply;
	struct bytes error; /* "" = done */
};

#endif
