#include "daemon/net/quota.h"

#define WINDOW_MS 60000

bool quota_take(struct quota *q, struct mono_ms now, unsigned *withheld)
{
	*withheld = 0;
	if (!q->started || now.v - q->window.v >= WINDOW_MS) {
		*withheld = q->withheld;
		*q = (struct quota){.window = now, .started = true};
	}
	if (q->used >= QUOTA_PER_MINUTE) {
		q->withheld++;
		return false;
	}
	q->used++;
	return true;
}
