/* Numeric addresses "1.2.3.4:7420" and "[2001:db8::5]:7420": no names, because looking one up would
 * block and would make an office's configuration depend on a resolver. Floor 5. */
#ifndef DELTAD_NET_ADDRESS_H
#define DELTAD_NET_ADDRESS_H

#include <sys/socket.h>

#include "proto/base/err.h"

enum address_use {
	ADDRESS_LISTEN, /* 0.0.0.0 and [::] allowed */
	ADDRESS_DIAL,
};

/* Says whether address_parse would accept it and why not. RC_INPUT. */
int address_check(const char *text, enum address_use use, struct err *e) MUST_CHECK;
/* RC_INPUT: a host name, a zone, no port or port 0, or an unspecified address to dial. */
int address_parse(const char *text, enum address_use use, struct sockaddr_storage *out,
	struct err *e) MUST_CHECK;

#define ADDRESS_TEXT_SIZE 64
/* "?" for a family that is neither IPv4 nor IPv6. */
void address_print(const struct sockaddr_storage *a, char out[ADDRESS_TEXT_SIZE]);

/* Do both come from one place? IPv4: the address (also when mapped into IPv6); IPv6: its /64, since
 * one machine owns all of that. Ports do not count. */
bool address_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

#endif
