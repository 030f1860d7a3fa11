/* What the load generator can do: one function a subcommand, each prints one line of JSON. */
#ifndef DELTAD_BENCH_LOAD_H
#define DELTAD_BENCH_LOAD_H

#include "tests/bench/writer.h"

/* SOCKET KEY CONNECTIONS COUNT: that many connections, each with one post of one change under way.
 */
int load_clients(char **arg);
/* SOCKET_A KEY SOCKET_B COUNT: from the acknowledgement at A until B answers a query with it. */
int load_latency(char **arg);
/* SOCKET_A KEY SOCKET_B COUNT GAP_MS: until B says that it is final; so much quiet before each. */
int load_final(char **arg);
/* ENTRIES SECONDS SOCKET...: until every node has so many entries and all the same view root. */
int load_watch(char **arg);

/* Milliseconds at a share of n sorted values. */
double at_share(const double *sorted, size_t n, double share);
void sort_values(double *values, size_t n);
/* A count or a number of seconds from the command line. */
size_t count_of(const char *text);

#endif
