/* Checks and conversions of small texts: UTF-8 without surprises, hex, base64, decimal numbers.
 * Floor 0, libc only. */
#ifndef DELTAD_BASE_TEXT_H
#define DELTAD_BASE_TEXT_H

#include "proto/base/bytes.h"

/* Well-formed UTF-8 (RFC 3629) without NUL, C0/C1 control or bidi control characters (U+061C,
 * U+200E, U+200F, U+202A..202E, U+2066..2069). LF is allowed only if multiline. At most 8 combining
 * marks (U+0300..036F, 1AB0..1AFF, 1DC0..1DFF, 20D0..20FF, FE20..FE2F) in a row. */
bool text_is_clean(struct bytes s, bool multiline);
/* Code points; the text must be clean. */
size_t text_length(struct bytes s);
/* Appends s with every byte that text_is_clean(s, false) would object to as \xNN: for the screen
 * and the log. */
void text_put_escaped(struct buf *b, struct bytes s);

/* Lower-case hex; out has 2*n+1 bytes. */
void hex_encode(const void *p, size_t n, char *out);
/* Exactly n bytes from 2*n lower-case digits. */
bool hex_decode(struct bytes s, void *out, size_t n) MUST_CHECK;

/* RFC 4648 base64 with padding, canonical only (no white space, zero trailing bits). */
#define BASE64_LEN(n) ((((n) + 2) / 3) * 4)
void base64_encode(struct buf *b, const void *p, size_t n);
/* Number of bytes written to out (cap bytes), or -1. */
int base64_decode(struct bytes s, void *out, size_t cap) MUST_CHECK;

/* Decimal digits only, no sign, no leading zero (but "0"), at most max. */
bool decimal_parse(struct bytes s, uint64_t max, uint64_t *out) MUST_CHECK;

/* printf into an array of size bytes, size > 0: always terminated; what does not fit is cut before
 * a character. */
void text_print(char *out, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
void text_vprint(char *out, size_t size, const char *fmt, va_list ap) PRINTF_LIKE(3, 0);

#endif
