/* Bundles over the control socket, both ways: piece by piece, so that others are served meanwhile
 * and a bundle of any size takes little memory. Floor 5. Source: PROTOCOL 9, 10. */
#ifndef DELTAD_NET_CTL_BUNDLE_H
#define DELTAD_NET_CTL_BUNDLE_H

#include "daemon/net/ctl.h"
#include "proto/trust/hash.h"
#include "proto/wire/bundle.h"

/* Sends on while there is room. */
void ctl_export_on(struct client *c);
void ctl_export_end(struct client *c);
/* When one that waits for the mark goes on without it. */
struct mono_ms ctl_export_deadline(const struct client *c);

/* The client hung up: what has not come as a whole is forgotten; what has, is taken. */
void ctl_import_leave(struct client *c);
/* Is its answer under way, so that nothing more is read from the client? */
bool ctl_import_is_busy(const struct client *c);
/* Work that was put off so that others come first. */
bool ctl_import_is_due(const struct shell *s);
void ctl_import_go_on(struct shell *s);
/* The group was rolled back: what was being taken is taken no further. */
void ctl_import_fail(struct shell *s, int rc, const char *text);
/* Shutdown: all are given up; false while the thread pool works on one. */
bool ctl_import_stop(struct shell *s);

#endif
