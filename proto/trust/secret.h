/* Guarded memory for secrets. Floor 2, libsodium; for proto/trust only. */
#ifndef DELTAD_TRUST_SECRET_H
#define DELTAD_TRUST_SECRET_H

#include <stddef.h>

/* n bytes between guard pages, never swapped where the system allows it; never NULL, exits (71)
 * when memory is gone. The caller wipes and frees with sodium_free. */
void *secret_alloc(size_t n);

#endif
