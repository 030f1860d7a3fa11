/* One row for each command; app.c has the table, cmd_<name>.c the function. */
#ifndef DELTAD_CLIENT_COMMAND_H
#define DELTAD_CLIENT_COMMAND_H

#include "client/output.h"

struct app {
	const struct args *args;
	const char *const *operand; /* the words after the command's own */
	size_t n_operands;
	struct output out;
};

/* RC_OK or what becomes the error line and the exit code. */
typedef int command_fn(struct app *app, struct err *e);

struct command {
	const char *name;  /* "task list" */
	const char *usage; /* operands and options, as printed by help */
	const char *what;  /* a msgid */
	uint64_t options;  /* OPT_BIT of those it takes beside the global ones */
	size_t min, max;   /* operands */
	command_fn *run;
};

/* Ended by a row without a name. */
extern const struct command commands[];

/* Finds, checks and runs the command that argv names; prints the error if there is one. The exit
 * code. */
int app_main(int argc, char **argv);

command_fn cmd_anchor, cmd_audit, cmd_backup_create, cmd_backup_prune, cmd_backup_verify,
	cmd_bundle_check, cmd_bundle_export, cmd_bundle_import, cmd_bundle_show, cmd_conflicts_list,
	cmd_conflicts_resolve, cmd_conflicts_show, cmd_evidence_list, cmd_evidence_show, cmd_help,
	cmd_key_init, cmd_key_rotate, cmd_key_show, cmd_missing, cmd_note, cmd_operator_add,
	cmd_operator_endorse, cmd_operator_list, cmd_operator_revoke, cmd_overall, cmd_peers,
	cmd_plan_load, cmd_plan_show, cmd_policy, cmd_proof, cmd_rebuild, cmd_report, cmd_restore,
	cmd_roster_draft, cmd_roster_export, cmd_roster_install, cmd_roster_next, cmd_roster_show,
	cmd_roster_sign, cmd_status, cmd_task_list, cmd_task_show, cmd_verify, cmd_version,
	cmd_wait, cmd_wait_final, cmd_why;

#endif
