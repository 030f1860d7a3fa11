#include "daemon/net/pulse.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>

#include "proto/base/mutant.h"

void pulse_init(struct pulse *p, struct mono_ms now)
{
	*p = (struct pulse){.look_at = {now.v + PULSE_LOOK_MS}};
}

struct mono_ms pulse_deadline(const struct pulse *p, uint64_t written)
{
	return written == p->settled ? MONO_NEVER : p->look_at;
}

int pulse_read(int fd, struct pulse_line *out, struct err *e)
{
	struct tcp_info info = {0};
	socklen_t n = sizeof(info);
	int queued;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0 ||
		ioctl(fd, SIOCOUTQ, &queued) != 0)
		return err_set(e, RC_IO, "the state of a connection: %s", strerror(errno));
	*out = (struct pulse_line){.unacknowledged = queued > 0, .retries = info.tcpi_retransmits};
	return RC_OK;
}

void pulse_look(
	struct pulse *p, uint64_t written, const struct pulse_line *line, struct mono_ms now)
{
	if (!line->unacknowledged)
		p->settled = written;
	p->lost = line->unacknowledged && line->retries >= PULSE_LOST_RETRIES &&
		!MUTANT(WAIT_WITH_TCP);
	p->look_at.v = now.v + PULSE_LOOK_MS;
}
