/*
 * See wire_home.h. The key is no secret: clients choose their ids, so who wants many sessions on
 * one daemon finds ids for that anyway. The limits of each daemon are what it meets.
 */
#include "wire/wire_home.h"

#include "common/hash.h"

#include <string.h>

unsigned
wire_home(const char *id, size_t len, unsigned daemons)
{
	static const uint64_t key[2] = {0, 0};
	const char *end = memchr(id, WIRE_HOME_END, len);

	if (end != NULL)
		len = (size_t)(end - id);
	return daemons == 1 ? 0 : (unsigned)(hash_bytes(id, len, key) % daemons);
}
