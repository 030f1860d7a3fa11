/* The high-water mark: what this node last said about its own log, in a file outside the database
 * and outside every backup, so that a restored or cloned database is noticed. Floor 5. Source:
 * PROTOCOL 3.3.
 *
 * The file is two slots of 512 bytes (one sector each, so that a torn write cannot reach both):
 *
 *	  0  magic "deltad-mark/1", zeros to 16
 *	 16  sequence u64be, 1..; the valid slot with the higher one counts
 *	 24  size u64be
 *	 32  root, 32 bytes
 *	 64  length of origin u16be
 *	 66  origin, zeros to 480
 *	480  SHA-256 of bytes 0..479
 *
 * Blocking calls: on the loop thread only before the loop runs. */
#ifndef DELTAD_NET_MARK_H
#define DELTAD_NET_MARK_H

#include "daemon/core/replica.h"

#define MARK_SLOT_BYTES 512
#define MARK_FILE_BYTES (2 * MARK_SLOT_BYTES)

struct mark_slot {
	uint64_t sequence;
	char origin[ORIGIN_SIZE];
	uint64_t size;
	struct hash root;
};

void mark_encode(const struct mark_slot *s, uint8_t out[MARK_SLOT_BYTES]);
/* RC_CORRUPT: not a slot as encode writes it. */
int mark_decode(const uint8_t in[MARK_SLOT_BYTES], struct mark_slot *out, struct err *e) MUST_CHECK;

struct mark_file;

/* Reads what the file says into *found (present = false: there is no file; the first write makes
 * it). RC_SETUP: the folder is missing or not ours to write, or the path is no regular file.
 * RC_CORRUPT: empty, torn in both slots, or of another member: a person must look; removing the
 * file makes the node open a new epoch, which is safe. RC_IO. */
int mark_file_open(const char *path, const char *member, struct mark_file **out, struct mark *found,
	struct err *e) MUST_CHECK;
/* Durable when it returns RC_OK. May run on a pool thread, one call at a time. RC_IO: what is on
 * disk is unknown; nothing may be sent that relies on it: leave the process. */
int mark_file_write(struct mark_file *m, const struct mark *mark, struct err *e) MUST_CHECK;
void mark_file_close(struct mark_file *m);

#endif
