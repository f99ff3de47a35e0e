/*
 * See uuid.h. Called for each new session.
 */
#include "sessiond/session/uuid.h"

#include "common/random.h"

#include <stdint.h>
#include <stdio.h>

void
uuid_make(char text[UUID_SIZE])
{
	uint8_t u[16];

	random_bytes(u, sizeof u);
	u[6] = (uint8_t)((u[6] & 0x0f) | 0x40);
	u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
	snprintf(text, UUID_SIZE,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
	    u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
	    u[15]);
}
