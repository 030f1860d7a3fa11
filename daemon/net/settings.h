/* What the shell is told by deltad.conf: names, addresses and the limits that an administrator may
 * move. Floor 5. Source: conf/deltad.conf.example, PROTOCOL 8. */
#ifndef DELTAD_NET_SETTINGS_H
#define DELTAD_NET_SETTINGS_H

#include "proto/base/limits.h"
#include "proto/model/ids.h"
#include "proto/trust/roster.h"

#define SETTINGS_PATH_SIZE 1024
#define SETTINGS_SOCKET_SIZE 108 /* sun_path with its NUL; libuv cuts longer ones silently */

struct net_limits {
	uint32_t handshake_ms; /* absolute, from accept or dial to an authenticated session */
	uint32_t frame_ms;     /* one frame, from its first byte to its last */
	uint32_t write_pause_kib;
	uint32_t write_close_kib;
	uint32_t write_stall_ms; /* a write queue that does not move for so long ends the session */
	uint32_t session_minutes; /* then a new handshake */
	uint32_t unauthenticated;
	uint32_t unauthenticated_per_address;
	uint32_t clients;
	uint32_t client_idle_s; /* a client that asks nothing and is not subscribed */
	uint32_t min_free_mib;	/* below: the node authors nothing; 0 = no such floor */
	uint32_t min_free_percent;
};

/* An address that overrides the roster's. */
struct net_peer {
	char slug[SLUG_SIZE];
	char addr[ADDR_SIZE];
};

struct net_settings {
	char member[SLUG_SIZE];
	struct hash cluster_id;
	char listen[ADDR_SIZE]; /* "" = dials only */
	char control[SETTINGS_SOCKET_SIZE];
	char data_dir[SETTINGS_PATH_SIZE]; /* where free space is measured */
	struct net_limits limits;
	struct net_peer peer[LIMIT_MEMBERS];
	size_t n_peers;
};

#endif
