/*
 * See random.h. The one place which asks the kernel for randomness.
 */
#include "common/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>

#include "common/log.h"

void
random_bytes(void *to, size_t n)
{
	unsigned char *at = to;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			fatal(EX_OSERR, "getrandom: %s", strerror(errno));
		at += got;
		n -= (size_t)got;
	}
}
