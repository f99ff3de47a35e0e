/* See management.h. It answers what stands between requests, or among the records of one. */
#include "fcgi/webserver/management.h"

#include "fastcgi/fastcgi_framing.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { VALUES = 3 };

static void
answer_values(
    const unsigned char *content, const unsigned char *end, size_t limit, struct buffer *out)
{
	static const char *const names[VALUES] = {FCGI_MAX_CONNS, FCGI_MAX_REQS, FCGI_MPXS_CONNS};
	struct buffer values = BUFFER_INIT;
	bool is_told[VALUES] = {false};
	struct fastcgi_pair pair;
	char number[24];

	while (fastcgi_read_pair(&content, end, &pair) == 0)
		for (int i = 0; i < VALUES; i++) {
			if (is_told[i] || pair.name_len != strlen(names[i]) ||
			    memcmp(pair.name, names[i], pair.name_len) != 0)
				continue;
			is_told[i] = true;
			snprintf(number, sizeof number, "%zu", i == 2 ? 0 : limit);
			pair.value = number;
			pair.value_len = strlen(number);
			fastcgi_append_pair(&values, &pair);
		}
	fastcgi_append_header(out, FCGI_GET_VALUES_RESULT, FCGI_NULL_REQUEST_ID, values.len);
	buffer_append(out, values.data, values.len);
	buffer_free(&values);
}

void
management_answer(const unsigned char *record, size_t limit, struct buffer *out)
{
	const struct fastcgi_header header = fastcgi_read_header(record);
	const unsigned char *content = record + FCGI_HEADER_LEN;
	const FCGI_UnknownTypeBody unknown = {.type = record[1]};

	if (header.type == FCGI_GET_VALUES) {
		answer_values(content, content + header.content, limit, out);
		return;
	}
	fastcgi_append_header(out, FCGI_UNKNOWN_TYPE, FCGI_NULL_REQUEST_ID, sizeof unknown);
	buffer_append(out, &unknown, sizeof unknown);
}
