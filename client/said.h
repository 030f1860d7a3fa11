/* What the libraries and the node say is English, with its numbers and names filled in already: its
 * translation is found by the shape of the sentence. */
#ifndef DELTAD_CLIENT_SAID_H
#define DELTAD_CLIENT_SAID_H

#include "proto/base/bytes.h"

/* The sentence in the chosen language, for free(). Parts between ": " that are known are
 * translated, the others stay as they are. */
char *said_tr(const char *text);
/* The same for what is not ended by a zero. */
char *said_tr_bytes(struct bytes text);

#endif
