/* A log's signed head. Floor 2. Source: C2SP tlog-checkpoint, tlog-cosignature; PROTOCOL 3.2, 4. */
#ifndef DELTAD_TRUST_CHECKPOINT_H
#define DELTAD_TRUST_CHECKPOINT_H

#include "proto/trust/note.h"

struct checkpoint {
	struct bytes origin; /* borrowed from the note */
	uint64_t size;
	struct hash root;
};

/* Appends the text: origin LF size LF base64(root) LF; no extension lines. */
void checkpoint_print(const char *origin, uint64_t size, const struct hash *root, struct buf *out);
/* RC_NOTE if the text is anything else, if origin cannot name a key (note_name_is_valid) or size is
 * over LIMIT_LOG_SIZE. */
int checkpoint_parse(struct bytes text, struct checkpoint *out, struct err *e) MUST_CHECK;

/* Appends a whole note, signed by the log key under the name `origin`. */
void checkpoint_sign(const char *origin, uint64_t size, const struct hash *root,
	const struct key *log_key, struct buf *out);
/* Parses a note and checks that it is signed by pub under its own origin as name. RC_NOTE:
 * malformed; RC_VERIFY: no valid signature by this key. */
int checkpoint_verify(struct bytes note, const uint8_t pub[KEY_BYTES], struct checkpoint *out,
	struct err *e) MUST_CHECK;

#endif
