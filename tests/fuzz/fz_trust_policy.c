/* Any bytes as a policy, and the golden head judged by what is taken: no group counts more members
 * than it has. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/trust/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct buf note;

static void start(void)
{
	struct err e = {0};
	char text[4096];
	ENSURE(trust_init(&e) == 0);
	FILE *file = fopen("tests/vectors/golden.tlog-proof", "r");
	if (file == NULL)
		exit(1);
	size_t n = fread(text, 1, sizeof text, file), at = 0;
	fclose(file);
	while (at + 1 < n && !(text[at] == '\n' && text[at + 1] == '\n'))
		at++;
	buf_put(&note, text + at + 2, n - at - 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	if (note.n == 0)
		start();
	struct policy *p = xalloc(sizeof *p);
	struct policy_verdict *v = xalloc(sizeof *v);
	int rc = policy_parse(bytes_of(data, size), p, &e);
	ENSURE(rc == RC_OK || rc == RC_NOTE || rc == RC_TOO_BIG);
	if (rc == RC_OK) {
		ENSURE(p->quorum < (int)p->n_nodes && p->n_nodes <= POLICY_NODES);
		for (size_t i = 0; i < p->n_nodes; i++)
			ENSURE(p->node[i].group == POLICY_NOBODY || p->node[i].group > (int)i);
		rc = policy_judge(p, buf_bytes(&note), v, &e);
		ENSURE(rc == RC_OK || rc == RC_VERIFY);
		ENSURE(rc != RC_OK || v->log != NULL);
	}
	free(v);
	free(p);
	return 0;
}
