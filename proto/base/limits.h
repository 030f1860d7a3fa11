/* Every limit with its unit in one place (PROTOCOL 8). Each is tested at limit-1, limit, limit+1.
 * Floor 0. */
#ifndef DELTAD_BASE_LIMITS_H
#define DELTAD_BASE_LIMITS_H

#define LIMIT_LEAF_BYTES (16 * 1024)
#define LIMIT_BODY_BYTES (12 * 1024)
#define LIMIT_NOTE_CHARS 2000	   /* code points of any long text in a value */
#define LIMIT_TITLE_CHARS 400	   /* code points of a title or name */
#define LIMIT_SUPERSEDES 64	   /* change ids a change may supersede */
#define LIMIT_EVIDENCE 16	   /* files a report may name */
#define LIMIT_SCOPE 256		   /* task keys of one delegation */
#define LIMIT_OPERATOR_EVENTS 2048 /* delegations and revocations in one log */
#define LIMIT_HOLDER_BYTES 64	   /* of a register; longer than any holder known today */
#define LIMIT_SOFTWARE_BYTES 64
#define LIMIT_CODE_BYTES 15 /* an error's id, such as E1103 */
#define LIMIT_ENVELOPE_BYTES (1024 * 1024)
#define LIMIT_BATCH_LEAVES 512
#define LIMIT_BATCH_BYTES (512 * 1024)
/* A node signs a head at least every so many leaves or bytes, and keeps one for each such stretch,
 * so that any batch a peer asks for can end at a signed head (PROTOCOL 3.3). Half of the batch
 * limits. */
#define LIMIT_HEAD_STRIDE_LEAVES 256
#define LIMIT_HEAD_STRIDE_BYTES (256 * 1024)
#define LIMIT_SIGNED_NOTE_BYTES (64 * 1024)
#define LIMIT_HELLO_HEADS 256
#define LIMIT_LOG_SIZE ((uint64_t)1 << 40)
#define LIMIT_MEMBERS 16
#define LIMIT_FORMER 16	  /* members that were removed; a roster keeps them for ever */
#define LIMIT_RETIRED 128 /* logs that a roster retires; it keeps them for ever */
#define LIMIT_LOGS 256	  /* epochs of all members */
#define LIMIT_EPOCHS_PER_MEMBER 64
#define LIMIT_POST_CHANGES 512 /* changes in one post request */
#define LIMIT_RELEASED 512     /* pending changes that one step decides */

#define LIMIT_UNAUTH_CONNS 16
#define LIMIT_UNAUTH_PER_ADDR 4
#define LIMIT_HANDSHAKE_MS 5000
#define LIMIT_FRAME_MS 30000
#define LIMIT_WRITE_PAUSE_BYTES (256 * 1024)
#define LIMIT_WRITE_CLOSE_BYTES (4 * 1024 * 1024)
#define LIMIT_WRITE_STALL_MS 60000
#define LIMIT_PING_MS 15000
#define LIMIT_DEAD_MS 45000
#define LIMIT_DIAL_MIN_MS 1000
#define LIMIT_DIAL_MAX_MS 60000
#define LIMIT_DIAL_SILENT_MS 1000 /* ceiling of the wait after a dial that nobody answered */
#define LIMIT_DIAL_HEALTHY_MS 60000
#define LIMIT_SESSION_MS (24 * 3600 * 1000)
#define LIMIT_CLIENTS 64
#define LIMIT_CTL_REQUEST_BYTES (1024 * 1024)
#define LIMIT_CTL_REPLY_BYTES (1024 * 1024) /* larger answers come as several frames */
#define LIMIT_BUNDLE_BYTES (1024 * 1024 * 1024)
#define LIMIT_TRANSFERS 4 /* bundles on their way through one node */

#endif
