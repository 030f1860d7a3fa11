/* The tables of all outermost messages: PROTOCOL's limits in the form the gate works by. A test
 * holds them to the schema. Floor 2. */
#ifndef DELTAD_WIRE_TABLES_H
#define DELTAD_WIRE_TABLES_H

#include "proto/wire/prescan.h"

extern const struct scan_table table_leaf, table_anchor_leaf, table_change, table_delegate,
	table_revoke;
extern const struct scan_table table_area, table_task, table_report, table_overall, table_note;
extern const struct scan_table table_envelope;
extern const struct scan_table table_request, table_reply;

/* Sub-tables that several tables share. */
extern const struct scan_table table_signed;

#endif
