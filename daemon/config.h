/* deltad.conf: reads it, checks every value, and says what is wrong with file and line. Source:
 * conf/deltad.conf.example, README "Configuration". */
#ifndef DELTAD_CONFIG_H
#define DELTAD_CONFIG_H

#include "daemon/net/settings.h"
#include "proto/base/log.h"

/* Plain data: copy it freely. */
struct config {
	struct net_settings net;
	char mark_file[SETTINGS_PATH_SIZE];
	char key_log[SETTINGS_PATH_SIZE]; /* credentials are resolved to paths */
	char key_cosign[SETTINGS_PATH_SIZE];
	char key_noise[SETTINGS_PATH_SIZE];
	enum log_level log_level;
};

/* credentials: the folder that "credential:NAME" means ($CREDENTIALS_DIRECTORY), NULL if there is
 * none. RC_CONFIG with "file:line: what, why, what to do"; *out is then untouched. Not reentrant:
 * libConfuse's scanner is one per process. */
int config_load(
	const char *path, const char *credentials, struct config *out, struct err *e) MUST_CHECK;
/* The same on text; name is what errors call the file. */
int config_parse(struct bytes text, const char *name, const char *credentials, struct config *out,
	struct err *e) MUST_CHECK;

/* What differs between two configurations and needs a restart ("node.listen, keys.log"), "" if
 * nothing does: peers, limits and the log level can change in a running daemon. */
void config_restart_needs(const struct config *old, const struct config *new, struct buf *out);

#endif
