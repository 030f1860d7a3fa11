#include "client/command.h"
#include "client/deltad.h"
#include "client/node.h"

int cmd_backup_verify(struct app *app, struct err *e)
{
	struct hash id;
	char hex[HASH_HEX_SIZE];
	bool given;
	int rc = node_cluster_id(app->args, &id, &given, e);
	if (rc != RC_OK)
		return rc;
	if (given)
		hash_print(&id, hex);
	return deltad_become("--verify-backup", app->operand[0], given ? "--cluster-id" : NULL,
		given ? hex : NULL, e);
}
