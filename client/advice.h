/* What to do about each error id, in one sentence. */
#ifndef DELTAD_CLIENT_ADVICE_H
#define DELTAD_CLIENT_ADVICE_H

/* A translated sentence for people; "" if there is nothing general to say. */
const char *advice_for(int rc);

#endif
