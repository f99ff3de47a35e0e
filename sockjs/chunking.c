/*
 * See chunking.h. Both programs send the probe.
 */
#include "sockjs/chunking.h"

enum {
	PADDING =
	    2048, /* spaces, once: some browsers show nothing before they have read this much */
	PADDED_STEP = 1,
};

unsigned
chunking_delay(unsigned step)
{
	static const unsigned delays[CHUNKING_STEPS] = {0, 1, 5, 25, 125, 625, 3125};

	return delays[step];
}

void
chunking_append(unsigned step, struct buffer *out)
{
	if (step == PADDED_STEP)
		buffer_printf(out, "%*s", PADDING, "");
	buffer_append_str(out, "h\n");
}
