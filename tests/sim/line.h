/* One end's bytes: the daemon's own channel (Noise), or the same packets in the clear, so that
 * runs are fast and what is refused without Noise is seen too. */
#ifndef DELTAD_TESTS_SIM_LINE_H
#define DELTAD_TESTS_SIM_LINE_H

#include "daemon/net/channel.h"

struct line {
	bool noise, open, clear_start;
	struct channel channel;
	struct buf in;
	size_t used;
	struct packet_joiner joiner;
	const struct key *self;
	uint8_t remote[KEY_BYTES];
	bool dialler;
};

/* As channel.h has it. */
void line_init(struct line *l, bool noise, const struct hash *cluster_id, const struct key *self,
	const uint8_t *remote, const uint8_t ephemeral[32]);
void line_release(struct line *l);
/* The dialler's first bytes. */
void line_start(struct line *l, struct buf *out);
void line_feed(struct line *l, struct bytes in);
/* enum channel_got, or an rc: close. */
int line_next(struct line *l, struct buf *out, struct err *e) MUST_CHECK;
struct bytes line_envelope(const struct line *l);
void line_send(struct line *l, struct bytes envelope, struct buf *out);
/* Part of an envelope, to which more belongs. Only in the clear. */
void line_send_part(struct line *l, struct bytes part, struct buf *out);
/* Of what was fed last. */
size_t line_used(const struct line *l);
bool line_is_midframe(const struct line *l);
bool line_is_midmessage(const struct line *l);
const uint8_t *line_remote(const struct line *l);

#endif
