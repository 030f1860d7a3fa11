#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/advice.h"
#include "client/command.h"
#include "client/near.h"
#include "client/said.h"
#include "client/text.h"
#include "client/width.h"
#include "proto/base/text.h"
#include "proto/trust/hash.h"

/* "deltactl: E6003: what: why; what to do". A text that says itself what to do has it after "; ".
 */
static int print_error(const struct err *e)
{
	struct buf line = {0};
	bool says = strstr(e->text, "; ") || strstr(e->text, "；");
	const char *advice = says ? "" : advice_for(e->rc);
	buf_printf(&line, "deltactl: %s: %s", rc_id(e->rc), tr_word(rc_text(e->rc)));
	if (e->text[0]) {
		buf_put_str(&line, text_lang() == LANG_ZH ? "：" : ": ");
		char *said = said_tr(e->text);
		escape_put(&line, bytes_str(said), ESCAPE_LINE);
		free(said);
	}
	if (*advice)
		buf_printf(&line, "%s%s", text_lang() == LANG_ZH ? "；" : "; ", advice);
	buf_put_u8(&line, '\n');
	fwrite(line.p, 1, line.n, stderr);
	buf_release(&line);
	return rc_exit(e->rc);
}

/* How many words of the line are the command's name; 0 if it is another. */
static size_t matches(const struct command *c, const struct args *a)
{
	const char *space = strchr(c->name, ' ');
	size_t first = space ? (size_t)(space - c->name) : strlen(c->name);
	if (a->n == 0 || strlen(a->word[0]) != first || memcmp(a->word[0], c->name, first) != 0)
		return 0;
	if (!space)
		return 1;
	return a->n > 1 && strcmp(a->word[1], space + 1) == 0 ? 2 : 0;
}

static const struct command *find_command(const struct args *a, size_t *words)
{
	for (const struct command *c = commands; c->name; c++) {
		*words = matches(c, a);
		if (*words > 0)
			return c;
	}
	return NULL;
}

/* The second word may be an operand: a command of one word is looked for too. */
static int unknown_command(const struct args *a, struct err *e)
{
	const char *second = a->n > 1 ? a->word[1] : "";
	struct near near = {0};
	char two[64];
	text_print(two, sizeof two, "%.30s%s%.30s", a->word[0], *second ? " " : "", second);
	for (const struct command *c = commands; c->name; c++) {
		near_offer(&near, two, c->name);
		if (!strchr(c->name, ' '))
			near_offer(&near, a->word[0], c->name);
	}
	if (near.best)
		return err_set(
			e, RC_USAGE, tr("no command \"%.60s\"; did you mean %s?"), two, near.best);
	return err_set(e, RC_USAGE, tr("no command \"%.60s\"; deltactl help lists them"), two);
}

/* `conflicts` alone lists them; any other first word needs its second. */
static int complete(struct args *a, struct err *e)
{
	if (a->n == 1 && strcmp(a->word[0], "conflicts") == 0) {
		a->word[a->n++] = "list";
		return RC_OK;
	}
	if (a->n == 0)
		return err_set(e, RC_USAGE, tr("no command; deltactl help lists them"));
	return unknown_command(a, e);
}

static int check_options(const struct command *c, const struct args *a, struct err *e)
{
	for (int o = OPT_GLOBAL_END; o < OPT_END; o++)
		if (a->value[o] && !(c->options & OPT_BIT(o)))
			return err_set(e, RC_USAGE, tr("%s does not go with deltactl %s"),
				args_name((enum opt)o), c->name);
	return RC_OK;
}

static int check_operands(const struct command *c, size_t n, struct err *e)
{
	if (n >= c->min && n <= c->max)
		return RC_OK;
	return err_set(e, RC_USAGE, tr("usage: deltactl %s %s"), c->name, c->usage);
}

static void ask_help(struct args *a)
{
	size_t n = a->n > 2 ? 2 : a->n;
	memmove(a->word + 1, a->word, n * sizeof *a->word);
	a->word[0] = "help";
	a->n = n + 1;
}

static int run(struct args *a, struct output *out, struct err *e)
{
	size_t words = 0;
	if (args_has(a, OPT_VERSION)) {
		a->word[0] = "version";
		a->n = 1;
	} else if (args_has(a, OPT_HELP) || a->n == 0) {
		ask_help(a);
	}
	const struct command *c = find_command(a, &words);
	if (!c) {
		int rc = complete(a, e);
		c = rc == RC_OK ? find_command(a, &words) : NULL;
		if (!c)
			return rc;
	}
	struct app app = {
		.args = a,
		.operand = a->word + words,
		.n_operands = a->n - words,
		.out = *out,
	};
	int rc = args_has(a, OPT_HELP) ? RC_OK : check_options(c, a, e);
	if (rc == RC_OK)
		rc = check_operands(c, app.n_operands, e);
	return rc == RC_OK ? c->run(&app, e) : rc;
}

/* A closed standard stream would be the next socket; what is written there must fail instead. */
static void hold_standard_streams(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
			_exit(71);
}

int app_main(int argc, char **argv)
{
	struct args args;
	struct output out = {.to = stdout};
	struct err e = {0};
	hold_standard_streams();
	sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
	int rc = text_choose(NULL, &e);
	if (rc == RC_OK)
		rc = args_parse(argc, argv, &args, &e);
	if (rc == RC_OK)
		rc = text_choose(args.value[OPT_LANG], &e);
	if (rc == RC_OK)
		rc = output_choose(&out, &args, &e);
	if (rc == RC_OK)
		rc = trust_init(&e);
	if (rc == RC_OK)
		rc = run(&args, &out, &e);
	struct err late = {0};
	if (output_finish(&out, &late) != RC_OK && rc == RC_OK) {
		rc = late.rc;
		e = late;
	}
	return rc == RC_OK ? 0 : print_error(&e);
}
