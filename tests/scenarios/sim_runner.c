/* sim_runner: the simulator as a stage for scenarios. It does what it is told on standard input, a
 * command a line with tabs between its words, and answers each with rows and a last line:
 *
 *	ok  |  refused TAB id TAB text  |  broken TAB text
 *
 * Time passes only by `advance`; nothing goes wrong that the script does not ask for. An invariant
 * that breaks ends it with the oracle's words. README.md has the scenarios' own words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenarios/sim_stage.h"

#define WORDS_MAX 12
#define LINE_SIZE 4096

struct command {
	const char *word[WORDS_MAX];
	size_t n;
};

static void broken(const char *why)
{
	printf("broken\t%s\n", why);
}

static void done(void)
{
	puts("ok");
}

static void answer(int rc, const struct err *e)
{
	if (rc == RC_OK)
		done();
	else
		broken(e->text);
}

/* The member named by a word of the command. */
static int member_of(const struct stage *s, const char *slug)
{
	for (size_t i = 0; i < s->w.n_members; i++)
		if (strcmp(s->w.node[i].id->slug, slug) == 0)
			return (int)i;
	return -1;
}

static void answer_posted(int rc, const struct err *e)
{
	if (rc == RC_OK)
		puts("ok");
	else
		printf("refused\t%s\t%s\n", rc_id(rc), e->text);
}

/* ---- commands: node is the first word's member where the table says so ---- */

static void do_advance(struct stage *s, int node, const struct command *c)
{
	(void)node;
	int64_t until = s->w.now + strtoll(c->word[1], NULL, 10);
	while (world_step(&s->w, until))
		;
	s->w.now = until;
	done();
}

static void do_post(struct stage *s, int node, const struct command *c)
{
	struct err e = {0};
	struct stage_post p = {.word = c->word[2],
		.task = c->word[3],
		.status = c->word[4],
		.progress = (uint32_t)strtoul(c->word[5], NULL, 10),
		.text = c->word[6],
		.lead = c->word[7],
		.participants = c->word[8]};
	answer_posted(stage_post(s, node, &p, &e), &e);
}

static void do_clone(struct stage *s, int node, const struct command *c)
{
	struct err e = {0};
	answer(stage_clone(s, node, c->word[2], c->word[3], &e), &e);
}

static void do_resolve(struct stage *s, int node, const struct command *c)
{
	struct err e = {0};
	int rc = stage_resolve(s, node, c->word[2], c->word[3], c->word[4], c->word[5], &e);
	answer_posted(rc, &e);
}

typedef void line_fn(struct world *w, int a, int b);

static void do_line(struct stage *s, int node, const struct command *c, line_fn *fn)
{
	int other = member_of(s, c->word[2]);
	if (other < 0 || other == node) {
		broken("a line is between two members");
		return;
	}
	fn(&s->w, node, other);
	done();
}

static void do_cut(struct stage *s, int node, const struct command *c)
{
	do_line(s, node, c, weather_cut);
}

static void do_heal(struct stage *s, int node, const struct command *c)
{
	do_line(s, node, c, weather_mend);
}

static void do_crash(struct stage *s, int node, const struct command *c)
{
	(void)c;
	stage_crash(s, node);
	done();
}

static void do_power_off(struct stage *s, int node, const struct command *c)
{
	(void)c;
	stage_power_off(s, node);
	done();
}

static void do_restart(struct stage *s, int node, const struct command *c)
{
	(void)c;
	stage_restart(s, node);
	done();
}

static void do_backup(struct stage *s, int node, const struct command *c)
{
	(void)c;
	stage_backup(s, node);
	done();
}

static void do_restore(struct stage *s, int node, const struct command *c)
{
	struct err e = {0};
	answer(stage_restore(s, node, strcmp(c->word[2], "machine") == 0, &e), &e);
}

static void do_wipe(struct stage *s, int node, const struct command *c)
{
	(void)c;
	stage_wipe(s, node);
	done();
}

static void do_install(struct stage *s, int node, const struct command *c)
{
	struct err e = {0};
	(void)c;
	answer(stage_install(s, node, &e), &e);
}

static void do_lie(struct stage *s, int node, const struct command *c)
{
	struct err e = {0};
	int to = member_of(s, c->word[3]);
	if (to < 0 || s->w.node[to].replica == NULL)
		broken("who is lied to is down");
	else if (s->w.node[node].replica == NULL && strcmp(c->word[2], "noise") != 0)
		broken("the liar is down, and its log with it");
	else
		answer(stage_lie(s, node, c->word[2], to, &e), &e);
}

static void do_carry(struct stage *s, int node, const struct command *c)
{
	struct err e = {0};
	int to = member_of(s, c->word[2]);
	if (to < 0 || to == node || s->w.node[to].replica == NULL)
		broken("nobody is there to take the bundle");
	else
		answer(stage_carry(s, node, to, &e), &e);
}

static void do_clock(struct stage *s, int node, const struct command *c)
{
	s->w.node[node].wall_offset += strtoll(c->word[2], NULL, 10);
	s->w.node[node].wall_set = true;
	done();
}

static void do_slow(struct stage *s, int node, const struct command *c)
{
	stage_slow(s, node, strtoll(c->word[2], NULL, 10));
	done();
}

static void do_status(struct stage *s, int node, const struct command *c)
{
	(void)c;
	struct err e = {0};
	answer(stage_print_status(s, node, &e), &e);
}

static void do_values(struct stage *s, int node, const struct command *c)
{
	struct err e = {0};
	answer(stage_print_values(s, node, c->word[2], &e), &e);
}

static const struct {
	const char *word;
	size_t n; /* words, with itself */
	bool up, has_node;
	void (*run)(struct stage *s, int node, const struct command *c);
} commands[] = {
	{"advance", 2, false, false, do_advance},
	{"post", 9, true, true, do_post},
	{"clone", 4, true, true, do_clone},
	{"resolve", 6, true, true, do_resolve},
	{"cut", 3, false, true, do_cut},
	{"heal", 3, false, true, do_heal},
	{"crash", 2, true, true, do_crash},
	{"power-off", 2, true, true, do_power_off},
	{"restart", 2, false, true, do_restart},
	{"backup", 2, true, true, do_backup},
	{"restore", 3, false, true, do_restore},
	{"wipe", 2, false, true, do_wipe},
	{"install", 2, true, true, do_install},
	{"lie", 4, false, true, do_lie},
	{"carry", 3, true, true, do_carry},
	{"clock", 3, true, true, do_clock},
	{"slow", 3, false, true, do_slow},
	{"status", 2, true, true, do_status},
	{"values", 3, true, true, do_values},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void run(struct stage *s, const struct command *c)
{
	size_t i = 0;
	while (i < COMMANDS && strcmp(c->word[0], commands[i].word) != 0)
		i++;
	if (i == COMMANDS || c->n != commands[i].n) {
		broken("no such command with so many words");
		return;
	}
	int node = commands[i].has_node ? member_of(s, c->word[1]) : 0;
	if (node < 0)
		broken("no such member");
	else if (commands[i].up && s->w.node[node].replica == NULL)
		broken("that node is down");
	else
		commands[i].run(s, node, c);
}

static void split(char *line, struct command *c)
{
	line[strcspn(line, "\n")] = '\0';
	*c = (struct command){.n = 1};
	c->word[0] = line;
	for (char *p = line; (p = strchr(p, '\t')) != NULL && c->n < WORDS_MAX; p++) {
		*p = '\0';
		c->word[c->n++] = p + 1;
	}
}

int main(int argc, char **argv)
{
	struct err e = {0};
	unsigned long long seed = 1;
	if (argc > 2 || (argc == 2 && sscanf(argv[1], "%llu", &seed) != 1)) {
		fprintf(stderr, "usage: sim_runner [SEED]\n");
		return 2;
	}
	if (trust_init(&e) != RC_OK) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	struct stage *s = xalloc(sizeof(*s));
	stage_init(s, seed);
	char line[LINE_SIZE];
	struct command c;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		split(line, &c);
		run(s, &c);
		fflush(stdout);
	}
	stage_release(s);
	free(s);
	return 0;
}
