/*
 * See transport.h. Both programs send frames through this table, so that a transport's bytes are
 * made in one place.
 */
#include "sockjs/transport.h"

#include "sockjs/json_string.h"

#include <assert.h>
#include <string.h>

enum { HTMLFILE_PRELUDE = 1024 }; /* as TRANSPORT_XHR_PRELUDE, for Internet Explorer's htmlfile */

void
frame_append_close(struct buffer *out, int code, const char *reason, size_t len)
{
	buffer_printf(out, "c[%d,", code);
	json_string_append(out, reason, len, 0);
	buffer_append_char(out, ']');
}

static void
append_repeated(struct buffer *out, char c, size_t n)
{
	char *to = buffer_reserve(out, n);

	if (to == NULL)
		return;
	memset(to, c, n);
	buffer_added(out, n);
}

static void
newline_wrap(const char *callback, const char *frame, size_t len, struct buffer *out)
{
	(void)callback;
	buffer_append(out, frame, len);
	buffer_append_char(out, '\n');
}

static void
plain_wrap(const char *callback, const char *frame, size_t len, struct buffer *out)
{
	(void)callback;
	buffer_append(out, frame, len);
}

static void
xhr_streaming_prelude(const char *callback, struct buffer *out)
{
	(void)callback;
	append_repeated(out, 'h', TRANSPORT_XHR_PRELUDE);
	buffer_append_char(out, '\n');
}

static void
eventsource_prelude(const char *callback, struct buffer *out)
{
	(void)callback;
	buffer_append_str(out, "\r\n");
}

/*
 * An event ends at a line end, and sockjs-client unescapes `%XX`, so these four are what has to be
 * escaped.
 */
static const char *
eventsource_escape(char c)
{
	switch (c) {
	case '%':
		return "%25";
	case '\r':
		return "%0D";
	case '\n':
		return "%0A";
	case '\0':
		return "%00";
	default:
		return NULL;
	}
}

static void
eventsource_wrap(const char *callback, const char *frame, size_t len, struct buffer *out)
{
	size_t i, start = 0;

	(void)callback;
	buffer_append_str(out, "data: ");
	for (i = 0; i < len; i++) {
		const char *escape = eventsource_escape(frame[i]);

		if (escape == NULL)
			continue;
		buffer_append(out, frame + start, i - start);
		buffer_append_str(out, escape);
		start = i + 1;
	}
	buffer_append(out, frame + start, len - start);
	buffer_append_str(out, "\r\n\r\n");
}

static void
htmlfile_prelude(const char *callback, struct buffer *out)
{
	size_t start = out->len, written;

	buffer_printf(out,
	    "<!doctype html>\n"
	    "<html><head>\n"
	    "  <meta http-equiv=\"X-UA-Compatible\" content=\"IE=edge\" />\n"
	    "  <meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\" />\n"
	    "</head><body><h2>Don't panic!</h2>\n"
	    "  <script>\n"
	    "    document.domain = document.domain;\n"
	    "    var c = parent.%s;\n"
	    "    c.start();\n"
	    "    function p(d) {c.message(d);};\n"
	    "    window.onload = function() {c.stop();};\n"
	    "  </script>",
	    callback);
	written = out->len - start;
	if (written < HTMLFILE_PRELUDE)
		append_repeated(out, ' ', HTMLFILE_PRELUDE - written);
	buffer_append_str(out, "\r\n\r\n");
}

static void
htmlfile_wrap(const char *callback, const char *frame, size_t len, struct buffer *out)
{
	(void)callback;
	buffer_append_str(out, "<script>\np(");
	json_string_append(out, frame, len, JSON_STRING_IN_HTML);
	buffer_append_str(out, ");\n</script>\r\n");
}

/* The comment keeps a Flash file from being smuggled in as the callback's name. */
static void
jsonp_wrap(const char *callback, const char *frame, size_t len, struct buffer *out)
{
	buffer_append_str(out, "/**/");
	buffer_append_str(out, callback);
	buffer_append_char(out, '(');
	json_string_append(out, frame, len, 0);
	buffer_append_str(out, ");\r\n");
}

static const struct transport transports[TRANSPORT_COUNT] = {
    [TRANSPORT_EVENTSOURCE] =
	{
	    .id = TRANSPORT_EVENTSOURCE,
	    .name = "eventsource",
	    .streaming = true,
	    .prelude = eventsource_prelude,
	    .wrap = eventsource_wrap,
	},
    [TRANSPORT_HTMLFILE] =
	{
	    .id = TRANSPORT_HTMLFILE,
	    .name = "htmlfile",
	    .streaming = true,
	    .callback = true,
	    .prelude = htmlfile_prelude,
	    .wrap = htmlfile_wrap,
	},
    [TRANSPORT_JSONP_POLLING] =
	{
	    .id = TRANSPORT_JSONP_POLLING,
	    .name = "jsonp-polling",
	    .callback = true,
	    .wrap = jsonp_wrap,
	},
    [TRANSPORT_WEBSOCKET] =
	{
	    .id = TRANSPORT_WEBSOCKET,
	    .name = "websocket",
	    .streaming = true,
	    .plain_end = "",
	    .wrap = plain_wrap,
	},
    [TRANSPORT_WEBSOCKET_RAW] =
	{
	    .id = TRANSPORT_WEBSOCKET_RAW,
	    .name = "websocket-raw",
	    .streaming = true,
	    .plain_end = "",
	    .wrap = plain_wrap,
	},
    [TRANSPORT_XHR_POLLING] =
	{
	    .id = TRANSPORT_XHR_POLLING,
	    .name = "xhr-polling",
	    .plain_end = "\n",
	    .wrap = newline_wrap,
	},
    [TRANSPORT_XHR_STREAMING] =
	{
	    .id = TRANSPORT_XHR_STREAMING,
	    .name = "xhr-streaming",
	    .streaming = true,
	    .prelude = xhr_streaming_prelude,
	    .plain_end = "\n",
	    .wrap = newline_wrap,
	},
};

const char *const transport_names[TRANSPORT_COUNT + 1] = {
    "eventsource",
    "htmlfile",
    "jsonp-polling",
    "websocket",
    "websocket-raw",
    "xhr-polling",
    "xhr-streaming",
    NULL,
};

const struct transport *
transport_get(enum transport_id id)
{
	assert(id < TRANSPORT_COUNT);
	return &transports[id];
}

bool
transport_callback_is_valid(const char *callback, size_t len)
{
	size_t i;

	if (len == 0 || len > TRANSPORT_CALLBACK_MAX)
		return false;
	for (i = 0; i < len; i++) {
		char c = callback[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			c == '-' || c == '_' || c == '.'))
			return false;
	}
	return true;
}
