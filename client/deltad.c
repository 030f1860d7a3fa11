#include "client/deltad.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/text.h"

int deltad_become(
	const char *option, const char *file, const char *more, const char *value, struct err *e)
{
	char path[PATH_MAX];
	char *argv[] = {"deltad", (char *)(uintptr_t)option, (char *)(uintptr_t)file,
		(char *)(uintptr_t)more, (char *)(uintptr_t)value, NULL};
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("deltad"));
	if (n > 0) {
		path[n] = '\0';
		char *slash = strrchr(path, '/');
		if (slash != NULL) {
			memcpy(slash + 1, "deltad", sizeof("deltad"));
			(void)execv(path, argv);
		}
	}
	(void)execvp("deltad", argv);
	return err_set(e, RC_SETUP, "%s", tr("deltad is not installed on this machine"));
}
