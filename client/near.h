/* Which known word somebody may have meant. */
#ifndef DELTAD_CLIENT_NEAR_H
#define DELTAD_CLIENT_NEAR_H

/* A search: zero it, offer every known word, and read best. */
struct near {
	const char *best; /* borrowed; NULL: none is near */
	unsigned edits;	  /* that make the word of it */
};

/* Two letters more, less, other or exchanged are near, in short words one. */
void near_offer(struct near *n, const char *word, const char *known);

#endif
