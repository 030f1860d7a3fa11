#include <stdlib.h>
#include <string.h>

#include "client/advice.h"
#include "client/command.h"
#include "client/options.h"
#include "client/show.h"
#include "client/table.h"
#include "client/text.h"

#define NAME_WIDTH 19
#define OPTION_WIDTH 24

static const char *const exit_words[] = {
	N_("0 done"),
	N_("1 failed"),
	N_("2 wrong usage"),
	N_("3 node not reachable"),
	N_("4 not permitted"),
	N_("5 not found"),
	N_("6 refused by a rule"),
	N_("7 verification failed, or views differ"),
	N_("8 not met in time"),
	N_("9 partly done"),
	N_("75 outcome unknown: run it again"),
	N_("130 interrupted"),
};

static void list_options(const struct output *out, uint64_t which)
{
	for (int o = 0; o < OPT_END; o++) {
		const struct option *x = &options[o];
		if (!(which & OPT_BIT(o)))
			continue;
		char brief[] = {'-', x->brief, ',', ' ', 0};
		char *label = show_text("%s%s%s%s", x->brief ? brief : "", x->name,
			x->value ? " " : "", x->value ? x->value : "");
		pair_print(out, TONE_NONE, 2, label, OPTION_WIDTH, tr_word(x->what), true);
		free(label);
	}
}

static void list_all(const struct output *out)
{
	FILE *to = out->to;
	fprintf(to, "%s\n\n", tr("usage: deltactl [OPTIONS] COMMAND [OPERANDS] [OPTIONS]"));
	for (const struct command *c = commands; c->name; c++)
		pair_print(out, TONE_NONE, 2, c->name, NAME_WIDTH, tr_word(c->what), true);
	fprintf(to, "\n%s\n", tr("options of every command:"));
	list_options(out, OPT_BIT(OPT_GLOBAL_END) - 1);
	fprintf(to, "\n%s\n", tr("exit codes:"));
	for (size_t i = 0; i < sizeof exit_words / sizeof exit_words[0]; i++)
		fprintf(to, "  %s\n", tr_word(exit_words[i]));
}

static int explain_error(const char *id, FILE *to, struct err *e)
{
	int rc = rc_from_id(id);
	if (rc == RC_OK)
		return err_set(e, RC_NOT_FOUND,
			tr("no error has the id \"%.40s\"; it stands at the beginning of an error, "
			   "like E6003"),
			id);
	fprintf(to, "%s: %s\n%s\n", id, tr_word(rc_text(rc)), advice_for(rc));
	fprintf(to, tr("deltactl exits with %d"), rc_exit(rc));
	fputc('\n', to);
	return RC_OK;
}

/* Commands that begin with these words. */
static size_t list_matching(const char *words, const struct output *out)
{
	size_t n = strlen(words), found = 0;
	for (const struct command *c = commands; c->name; c++) {
		if (strncmp(c->name, words, n) != 0 || (c->name[n] != 0 && c->name[n] != ' '))
			continue;
		char *usage = show_text("deltactl %s%s%s", c->name, *c->usage ? " " : "", c->usage);
		pair_print(out, TONE_NONE, 0, tr("usage:"), 0, usage, true);
		pair_print(out, TONE_NONE, 2, "", 0, tr_word(c->what), true);
		free(usage);
		list_options(out, c->options);
		found++;
	}
	if (found > 0)
		fprintf(out->to, "%s\n", tr("deltactl help lists the options of every command"));
	return found;
}

int cmd_help(struct app *app, struct err *e)
{
	FILE *to = app->out.to;
	if (app->n_operands == 0) {
		list_all(&app->out);
		return RC_OK;
	}
	const char *topic = app->operand[0];
	if (app->n_operands == 1 && strcmp(topic, "options") == 0) {
		list_options(&app->out, UINT64_MAX);
		return RC_OK;
	}
	if (app->n_operands == 1 && topic[0] == 'E' && topic[1] >= '0' && topic[1] <= '9')
		return explain_error(topic, to, e);
	char words[160];
	const char *second = app->n_operands > 1 ? app->operand[1] : NULL;
	snprintf(words, sizeof words, "%.60s%s%.60s", topic, second ? " " : "",
		second ? second : "");
	if (list_matching(words, &app->out) > 0 || (second && list_matching(topic, &app->out) > 0))
		return RC_OK;
	return err_set(
		e, RC_NOT_FOUND, tr("no command \"%.60s\"; deltactl help lists them"), words);
}
