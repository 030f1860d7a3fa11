/* The compiled catalogues, one .mo file each: client/po through msgfmt, embedded by the build. */
#ifndef DELTAD_CLIENT_CATALOGUE_H
#define DELTAD_CLIENT_CATALOGUE_H

extern const unsigned char catalogue_en[];
extern const unsigned char catalogue_zh[];

#endif
