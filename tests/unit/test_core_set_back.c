/* A peer that lost what it had: it is told of it again, whatever it said it held before. */
#include "tests/lib/core_test.h"

/* The office's log comes to Zhejiang through Shanghai alone. */
struct chain {
	struct node office, relay, end;
	char origin[ORIGIN_SIZE];
	uint64_t size;
};

static void begin_chain(struct chain *t, const struct cluster *c)
{
	node_init(&t->office, c, OFFICE);
	node_init(&t->relay, c, SHANGHAI);
	node_init(&t->end, c, ZHEJIANG);
	memcpy(t->origin, node_origin(&t->office), ORIGIN_SIZE);
	assert_ok(&t->office, node_delegate(&t->office, &c->member[OFFICE].operator[0], NULL, 0));
	t->size = node_size(&t->office, t->origin);
	node_meet(&t->office, &t->relay);
	node_meet(&t->relay, &t->end);
	assert_int_equal(node_size(&t->end, t->origin), t->size);
	/* It says so. */
	assert_ok(&t->end, node_pass(&t->end, 1000));
	node_exchange(&t->relay, &t->end);
}

static void end_chain(struct chain *t)
{
	node_release(&t->office);
	node_release(&t->relay);
	node_release(&t->end);
}

static void peer_whose_disk_is_gone_is_given_all_again(void **state)
{
	struct chain t;
	begin_chain(&t, *state);
	node_release(&t.end);
	node_init(&t.end, *state, ZHEJIANG);
	node_meet(&t.relay, &t.end);
	assert_int_equal(node_size(&t.end, t.origin), t.size);
	end_chain(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peer_whose_disk_is_gone_is_given_all_again),
	};
	return cmocka_run_group_tests(tests, core_set_up, core_tear_down);
}
