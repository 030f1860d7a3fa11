#include "daemon/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/text.h"

#define HOST_SIZE 48

static int split(const char *text, char host[HOST_SIZE], bool *v6, uint16_t *port, struct err *e)
{
	const char *colon = strrchr(text, ':');
	if (!colon)
		return err_set(e, RC_INPUT, "address \"%.60s\" has no port: write ip:port", text);
	uint64_t number;
	if (!decimal_parse(bytes_str(colon + 1), 65535, &number) || number == 0)
		return err_set(e, RC_INPUT, "address \"%.60s\": the port must be 1 to 65535", text);
	const char *from = text, *to = colon;
	*v6 = *text == '[';
	if (*v6) {
		from++;
		if (to <= from || *--to != ']')
			return err_set(e, RC_INPUT,
				"address \"%.60s\": write IPv6 as [address]:port", text);
	}
	size_t n = (size_t)(to - from);
	if (n == 0 || n >= HOST_SIZE)
		return err_set(e, RC_INPUT, "address \"%.60s\" is not a numeric address", text);
	memcpy(host, from, n);
	host[n] = '\0';
	*port = (uint16_t)number;
	return RC_OK;
}

static int parse_v6(const char *host, uint16_t port, struct sockaddr_storage *out, struct err *e)
{
	if (strchr(host, '%'))
		return err_set(e, RC_INPUT,
			"address \"%s\" has a zone: use an address that is valid without one",
			host);
	struct sockaddr_in6 *a = (struct sockaddr_in6 *)out;
	a->sin6_family = AF_INET6;
	a->sin6_port = htons(port);
	if (inet_pton(AF_INET6, host, &a->sin6_addr) != 1)
		return err_set(e, RC_INPUT, "\"%s\" is not a numeric IPv6 address", host);
	return RC_OK;
}

static int parse_v4(const char *host, uint16_t port, struct sockaddr_storage *out, struct err *e)
{
	struct sockaddr_in *a = (struct sockaddr_in *)out;
	a->sin_family = AF_INET;
	a->sin_port = htons(port);
	if (inet_pton(AF_INET, host, &a->sin_addr) != 1)
		return err_set(e, RC_INPUT,
			"\"%s\" is not a numeric address: host names are not looked up", host);
	return RC_OK;
}

static bool is_unspecified(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

int address_parse(
	const char *text, enum address_use use, struct sockaddr_storage *out, struct err *e)
{
	char host[HOST_SIZE];
	bool v6 = false;
	uint16_t port = 0;
	memset(out, 0, sizeof(*out));
	int rc = split(text, host, &v6, &port, e);
	if (rc)
		return rc;
	rc = v6 ? parse_v6(host, port, out, e) : parse_v4(host, port, out, e);
	if (rc)
		return rc;
	if (use == ADDRESS_DIAL && is_unspecified(out))
		return err_set(e, RC_INPUT,
			"\"%.60s\" names no machine: write the peer's own address", text);
	return RC_OK;
}

int address_check(const char *text, enum address_use use, struct err *e)
{
	struct sockaddr_storage unused;
	return address_parse(text, use, &unused, e);
}

void address_print(const struct sockaddr_storage *a, char out[ADDRESS_TEXT_SIZE])
{
	char host[INET6_ADDRSTRLEN] = "?";
	if (a->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)a;
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(out, ADDRESS_TEXT_SIZE, "%s:%u", host, ntohs(in->sin_port));
	} else if (a->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)a;
		inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
		snprintf(out, ADDRESS_TEXT_SIZE, "[%s]:%u", host, ntohs(in->sin6_port));
	} else {
		snprintf(out, ADDRESS_TEXT_SIZE, "%s", host);
	}
}

/* What counts as one place, as bytes: 4 of IPv4 or 8 of IPv6. */
static size_t place(const struct sockaddr_storage *a, uint8_t out[8])
{
	if (a->ss_family == AF_INET) {
		memcpy(out, &((const struct sockaddr_in *)a)->sin_addr, 4);
		return 4;
	}
	if (a->ss_family != AF_INET6)
		return 0;
	const uint8_t *b = ((const struct sockaddr_in6 *)a)->sin6_addr.s6_addr;
	if (IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)a)->sin6_addr)) {
		memcpy(out, b + 12, 4);
		return 4;
	}
	memcpy(out, b, 8);
	return 8;
}

bool address_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	uint8_t pa[8], pb[8];
	size_t na = place(a, pa), nb = place(b, pb);
	return bytes_equal(bytes_of(pa, na), bytes_of(pb, nb));
}
