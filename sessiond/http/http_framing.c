/*
 * See http_framing.h.
 */
#include "sessiond/http/http_framing.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* What all lines of Content-Length and Transfer-Encoding say. */
struct framing {
	const char *length, *encoding;
	bool is_ambiguous; /* two lengths differ, or there are two encodings */
};

static void
note(struct framing *framing, const char **first, const char *value)
{
	if (*first == NULL)
		*first = value;
	else if (strcmp(*first, value) != 0)
		framing->is_ambiguous = true;
}

static enum MHD_Result
look_at_framing(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct framing *framing = cls;

	(void)kind;
	if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0)
		note(framing, &framing->length, value);
	else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
		/* Two Transfer-Encoding lines are refused: proxies disagree about them. */
		framing->is_ambiguous = framing->is_ambiguous || framing->encoding != NULL;
		framing->encoding = value;
	}
	return MHD_YES;
}

int
http_framing_refusal(struct MHD_Connection *mhd, const char **length)
{
	struct framing framing = {NULL, NULL, false};

	MHD_get_connection_values(mhd, MHD_HEADER_KIND, look_at_framing, &framing);
	*length = framing.length;
	if (framing.is_ambiguous || (framing.encoding != NULL && framing.length != NULL))
		return MHD_HTTP_BAD_REQUEST;
	if (framing.encoding != NULL && strcasecmp(framing.encoding, "chunked") != 0)
		return MHD_HTTP_NOT_IMPLEMENTED;
	return 0;
}
