#include "client/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/near.h"
#include "client/options.h"
#include "client/text.h"
#include "proto/base/text.h"
#include "proto/model/ids.h"

const char *args_name(enum opt o)
{
	return options[o].name;
}

static int find_option(const char *arg, size_t n)
{
	for (int i = 0; i < OPT_END; i++) {
		const struct option *o = &options[i];
		if (strlen(o->name) == n && memcmp(o->name, arg, n) == 0)
			return i;
		if (n == 2 && arg[0] == '-' && o->brief != 0 && arg[1] == o->brief)
			return i;
	}
	return -1;
}

static int store_value(struct args *a, enum opt o, const char *value, struct err *e)
{
	if (o == OPT_KEY) {
		if (a->n_key == ARGS_WORDS_MAX)
			return err_set(e, RC_USAGE, tr("too many %s options"), options[o].name);
		a->key[a->n_key++] = value;
		a->value[o] = value;
		return RC_OK;
	}
	if (a->value[o])
		return err_set(e, RC_USAGE, tr("%s is given twice; give it once"), options[o].name);
	a->value[o] = value;
	return RC_OK;
}

static int check_argument(int i, const char *arg, struct err *e)
{
	if (strlen(arg) > ARGS_BYTES_MAX)
		return err_set(e, RC_TOO_BIG, tr("argument %d is longer than %d bytes"), i,
			ARGS_BYTES_MAX);
	if (!text_is_clean(bytes_str(arg), true))
		return err_set(e, RC_USAGE,
			tr("argument %d is not clean UTF-8 text; remove control characters"), i);
	return RC_OK;
}

static int unknown_option(const char *arg, size_t n, struct err *e)
{
	struct near near = {0};
	char *name = xstrdup(arg);
	name[n] = 0;
	for (int o = 0; o < OPT_END; o++)
		near_offer(&near, name, options[o].name);
	free(name);
	if (near.best)
		return err_set(
			e, RC_USAGE, tr("unknown option %.60s; did you mean %s?"), arg, near.best);
	return err_set(e, RC_USAGE,
		tr("unknown option %.60s; see deltactl help; options are not abbreviated"), arg);
}

/* One option at argv[*i], "--name value" or "--name=value"; moves *i past its value. */
static int parse_option(int argc, char **argv, int *i, struct args *a, struct err *e)
{
	const char *arg = argv[*i];
	const char *equals = arg[1] == '-' ? strchr(arg, '=') : NULL;
	size_t n = equals ? (size_t)(equals - arg) : strlen(arg);
	int o = find_option(arg, n);
	if (o < 0)
		return unknown_option(arg, n, e);
	if (!options[o].value) {
		if (equals)
			return err_set(e, RC_USAGE, tr("%s takes no value"), options[o].name);
		return store_value(a, (enum opt)o, "", e);
	}
	if (equals)
		return store_value(a, (enum opt)o, equals + 1, e);
	if (*i + 1 >= argc)
		return err_set(e, RC_USAGE, tr("%s wants a value"), options[o].name);
	++*i;
	int rc = check_argument(*i, argv[*i], e);
	return rc == RC_OK ? store_value(a, (enum opt)o, argv[*i], e) : rc;
}

int args_parse(int argc, char **argv, struct args *out, struct err *e)
{
	*out = (struct args){0};
	bool only_words = false;
	for (int i = 1; i < argc; i++) {
		int rc = check_argument(i, argv[i], e);
		if (rc != RC_OK)
			return rc;
		if (!only_words && strcmp(argv[i], "--") == 0) {
			only_words = true;
			continue;
		}
		if (!only_words && argv[i][0] == '-' && argv[i][1] != 0) {
			rc = parse_option(argc, argv, &i, out, e);
			if (rc != RC_OK)
				return rc;
			continue;
		}
		if (out->n == ARGS_WORDS_MAX)
			return err_set(e, RC_USAGE, tr("more than %d words"), ARGS_WORDS_MAX);
		out->word[out->n++] = argv[i];
	}
	return RC_OK;
}

bool args_has(const struct args *a, enum opt o)
{
	return a->value[o] != NULL;
}

struct bytes args_bytes(const struct args *a, enum opt o)
{
	return a->value[o] ? bytes_str(a->value[o]) : bytes_of(NULL, 0);
}

int args_number(
	const struct args *a, enum opt o, uint64_t min, uint64_t max, uint64_t *out, struct err *e)
{
	if (!a->value[o])
		return RC_OK;
	uint64_t v = 0;
	if (!decimal_parse(bytes_str(a->value[o]), max, &v) || v < min)
		return err_set(e, RC_USAGE,
			tr("%s wants a whole number from %llu to %llu, digits only, not \"%.40s\""),
			options[o].name, (unsigned long long)min, (unsigned long long)max,
			a->value[o]);
	*out = v;
	return RC_OK;
}

static bool digits_parse(struct bytes s, size_t from, size_t n, uint32_t *out)
{
	*out = 0;
	for (size_t i = from; i < from + n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		*out = *out * 10 + (uint32_t)(s.p[i] - '0');
	}
	return true;
}

bool date_parse(struct bytes s, uint32_t *yyyymmdd)
{
	uint32_t y, m, d;
	if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-')
		return false;
	if (!digits_parse(s, 0, 4, &y) || !digits_parse(s, 5, 2, &m) || !digits_parse(s, 8, 2, &d))
		return false;
	*yyyymmdd = y * 10000 + m * 100 + d;
	return date_is_valid(*yyyymmdd);
}

int args_date(const struct args *a, enum opt o, uint32_t *out, struct err *e)
{
	if (!a->value[o])
		return RC_OK;
	uint32_t v;
	if (!date_parse(bytes_str(a->value[o]), &v))
		return err_set(e, RC_USAGE,
			tr("%s wants a date that exists, as YYYY-MM-DD, not \"%.40s\""),
			options[o].name, a->value[o]);
	*out = v;
	return RC_OK;
}

#define DURATION_MAX_MS (24 * 3600 * 1000)

int args_duration(const struct args *a, enum opt o, int64_t *out, struct err *e)
{
	static const struct {
		const char *suffix;
		uint64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"", 1000}};
	if (!a->value[o])
		return RC_OK;
	const char *s = a->value[o];
	size_t digits = strspn(s, "0123456789");
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		uint64_t v;
		if (strcmp(s + digits, units[i].suffix) != 0)
			continue;
		if (!decimal_parse(bytes_of(s, digits), DURATION_MAX_MS / units[i].ms, &v))
			break;
		*out = (int64_t)(v * units[i].ms);
		return RC_OK;
	}
	return err_set(e, RC_USAGE,
		tr("%s wants a time such as 500ms, 10s or 2m, at most 24h, not \"%.40s\""),
		options[o].name, s);
}

int args_exclude(const struct args *a, enum opt x, enum opt y, struct err *e)
{
	if (a->value[x] && a->value[y])
		return err_set(e, RC_USAGE, tr("%s and %s exclude each other"), options[x].name,
			options[y].name);
	return RC_OK;
}

int args_require(const struct args *a, enum opt o, struct err *e)
{
	if (a->value[o])
		return RC_OK;
	return err_set(e, RC_USAGE, tr("%s is missing"), options[o].name);
}
