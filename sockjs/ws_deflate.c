/*
 * See ws_deflate.h. Negotiation first, then the two contexts.
 */
#include "sockjs/ws_deflate.h"

#include "common/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "sockjs/ws_frame.h"

enum {
	TAIL_LEN = 4,	 /* of the empty block that ends a flush and is not sent (RFC 7692 7.2.1) */
	CHUNK_MIN = 256, /* output is produced in pieces of so many bytes */
	CHUNK_MAX = 65536,	 /* to so many */
	INPUT_MAX = 1 << 30,	 /* zlib counts in unsigned int */
	DEFLATE_LOOKAHEAD = 262, /* so many bytes of its window zlib does not use for distances */
	VALUE_SIZE = 4,		 /* holds any legal value of a parameter, and one character more */
};

static const char tail[TAIL_LEN] = {'\x00', '\x00', '\xff', '\xff'};

enum parameter {
	SERVER_NO_CONTEXT_TAKEOVER,
	CLIENT_NO_CONTEXT_TAKEOVER,
	SERVER_MAX_WINDOW_BITS,
	CLIENT_MAX_WINDOW_BITS,
	PARAMETERS
};

static const struct {
	const char *name;
	bool may_lack_value;
	bool may_have_value;
} parameters[PARAMETERS] = {
    [SERVER_NO_CONTEXT_TAKEOVER] = {"server_no_context_takeover", true, false},
    [CLIENT_NO_CONTEXT_TAKEOVER] = {"client_no_context_takeover", true, false},
    [SERVER_MAX_WINDOW_BITS] = {"server_max_window_bits", false, true},
    [CLIENT_MAX_WINDOW_BITS] = {"client_max_window_bits", true, true},
};

/* One element of the header, as far as permessage-deflate is concerned. */
struct offer {
	bool is_acceptable;
	bool has[PARAMETERS];
	unsigned bits[PARAMETERS]; /* the value; 0: none */
};

static bool
is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void
skip_space(const char **at)
{
	*at += strspn(*at, " \t");
}

/* True if the character c comes next; it and the white space after it are then consumed. */
static bool
next_is(const char **at, char c)
{
	if (**at != c)
		return false;
	++*at;
	skip_space(at);
	return true;
}

static bool
read_token(const char **at, const char **token, size_t *len)
{
	*token = *at;
	while (is_token_char(**at))
		++*at;
	*len = (size_t)(*at - *token);
	skip_space(at);
	return *len > 0;
}

/*
 * A quoted-string whose content is a token. Only the first characters are kept: longer ones are no
 * value of ours.
 */
static bool
read_quoted(const char **at, char value[VALUE_SIZE])
{
	size_t len = 0;

	for (;; ++*at, ++len) {
		if (**at == '"')
			break;
		if (**at == '\\')
			++*at;
		if (!is_token_char(**at))
			return false;
		if (len < VALUE_SIZE - 1)
			value[len] = **at;
	}
	value[len < VALUE_SIZE ? len : VALUE_SIZE - 1] = '\0';
	++*at;
	skip_space(at);
	return len > 0;
}

static bool
read_value(const char **at, char value[VALUE_SIZE])
{
	const char *token;
	size_t len;

	if (**at == '"') {
		++*at;
		return read_quoted(at, value);
	}
	if (!read_token(at, &token, &len))
		return false;
	len = len < VALUE_SIZE ? len : VALUE_SIZE - 1;
	memcpy(value, token, len);
	value[len] = '\0';
	return true;
}

/*
 * A decimal number from 8 to 15 without leading zeros (RFC 7692 7.1.2); 0 if it is something else.
 */
static unsigned
window_bits(const char *value)
{
	if ((value[0] == '8' || value[0] == '9') && value[1] == '\0')
		return (unsigned)(value[0] - '0');
	if (value[0] == '1' && value[1] >= '0' && value[1] <= '5' && value[2] == '\0')
		return 10 + (unsigned)(value[1] - '0');
	return 0;
}

/*
 * Enters a parameter into the offer, or marks the offer as one to decline. value: NULL if there was
 * none.
 */
static void
take_parameter(struct offer *offer, const char *name, size_t len, const char *value)
{
	enum parameter i;

	for (i = 0; i < PARAMETERS; i++)
		if (strlen(parameters[i].name) == len && memcmp(parameters[i].name, name, len) == 0)
			break;
	if (i == PARAMETERS || offer->has[i] ||
	    !(value == NULL ? parameters[i].may_lack_value : parameters[i].may_have_value)) {
		offer->is_acceptable = false;
		return;
	}
	offer->has[i] = true;
	if (value == NULL)
		return;
	offer->bits[i] = window_bits(value);
	if (offer->bits[i] == 0)
		offer->is_acceptable = false;
}

/* Reads one extension with its parameters. False if it breaks the grammar. */
static bool
read_offer(const char **at, struct offer *offer)
{
	static const char extension[] = "permessage-deflate";
	char value[VALUE_SIZE];
	const char *name;
	bool has_value;
	size_t len;

	memset(offer, 0, sizeof(*offer));
	if (!read_token(at, &name, &len))
		return false;
	offer->is_acceptable = len == strlen(extension) && memcmp(name, extension, len) == 0;
	while (next_is(at, ';')) {
		if (!read_token(at, &name, &len))
			return false;
		has_value = next_is(at, '=');
		if (has_value && !read_value(at, value))
			return false;
		if (offer->is_acceptable)
			take_parameter(offer, name, len, has_value ? value : NULL);
	}
	return **at == ',' || **at == '\0';
}

static unsigned char
smaller(unsigned a, unsigned b)
{
	return (unsigned char)(a < b ? a : b);
}

/*
 * What we agree to. False if the offer cannot be served: zlib has no window of 8 bits to deflate
 * with. A client that deflates with 8 bits is no trouble, we inflate with 9 (older zlibs say 8 and
 * do 9).
 */
static bool
agree(const struct offer *offer, const struct ws_deflate_policy *policy,
    struct ws_deflate_params *agreed)
{
	unsigned server = offer->bits[SERVER_MAX_WINDOW_BITS];
	unsigned client = offer->bits[CLIENT_MAX_WINDOW_BITS];

	if (!offer->is_acceptable || (server != 0 && server < WS_DEFLATE_BITS_MIN))
		return false;
	agreed->server_no_context_takeover =
	    policy->server_no_context_takeover || offer->has[SERVER_NO_CONTEXT_TAKEOVER];
	agreed->client_no_context_takeover =
	    policy->client_no_context_takeover || offer->has[CLIENT_NO_CONTEXT_TAKEOVER];
	agreed->server_window_bits =
	    smaller(policy->server_max_window_bits, server != 0 ? server : WS_DEFLATE_BITS_MAX);
	agreed->client_window_bits = WS_DEFLATE_BITS_MAX;
	if (offer->has[CLIENT_MAX_WINDOW_BITS])
		agreed->client_window_bits = smaller(
		    policy->client_max_window_bits, client != 0 ? client : WS_DEFLATE_BITS_MAX);
	if (agreed->client_window_bits < WS_DEFLATE_BITS_MIN)
		agreed->client_window_bits = WS_DEFLATE_BITS_MIN;
	return true;
}

static void
append_answer(const struct offer *offer, const struct ws_deflate_params *agreed, struct buffer *to)
{
	unsigned client = offer->bits[CLIENT_MAX_WINDOW_BITS];

	buffer_append_str(to, "permessage-deflate");
	if (agreed->server_no_context_takeover)
		buffer_append_str(to, "; server_no_context_takeover");
	if (agreed->client_no_context_takeover)
		buffer_append_str(to, "; client_no_context_takeover");
	/*
	 * An offer with server_max_window_bits needs an answer with it; of our own accord we may.
	 */
	if (offer->has[SERVER_MAX_WINDOW_BITS] || agreed->server_window_bits < WS_DEFLATE_BITS_MAX)
		buffer_printf(
		    to, "; server_max_window_bits=%u", (unsigned)agreed->server_window_bits);
	/*
	 * Only to a client that offered it, and not above its value: so not to one that said 8,
	 * which keeps to that without our answer (RFC 7692 7.1.2.2).
	 */
	if (agreed->client_window_bits < WS_DEFLATE_BITS_MAX &&
	    (client == 0 || agreed->client_window_bits <= client))
		buffer_printf(
		    to, "; client_max_window_bits=%u", (unsigned)agreed->client_window_bits);
}

int
ws_deflate_negotiate(const char *header, const struct ws_deflate_policy *policy,
    struct ws_deflate_params *agreed, struct buffer *answer)
{
	struct offer offer, chosen = {0};
	const char *at = header != NULL ? header : "";
	bool found = false;

	/* The whole header is read, as a bad one has to fail the handshake wherever it is bad. */
	skip_space(&at);
	while (*at != '\0') {
		if (next_is(&at, ','))
			continue; /* a list may have empty elements */
		if (!read_offer(&at, &offer))
			return -1;
		if (!found && agree(&offer, policy, agreed)) {
			found = true;
			chosen = offer;
		}
	}
	if (!found)
		return 0;
	append_answer(&chosen, agreed, answer);
	return 1;
}

struct ws_inflater {
	z_stream z;
	bool is_ready; /* z is initialised */
	bool keeps_context;
	bool has_input;	 /* the current message had at least one byte */
	bool is_between; /* blocks: what came so far ends one */
	int window_bits;
	int error;	    /* what every call returns from now on; 0: none */
	size_t message;	    /* bytes of the current message so far, inflated */
	bool is_last;	    /* the piece that is being inflated ends its message */
	struct buffer left; /* of that piece: what was not looked at yet */
};

struct ws_inflater *
ws_inflater_create(const struct ws_deflate_params *agreed)
{
	struct ws_inflater *inflater = xcalloc(1, sizeof(*inflater));

	inflater->keeps_context = !agreed->client_no_context_takeover;
	inflater->window_bits = agreed->client_window_bits;
	return inflater;
}

static void
inflater_free_context(struct ws_inflater *inflater)
{
	if (inflater->is_ready)
		inflateEnd(&inflater->z);
	inflater->is_ready = false;
}

void
ws_inflater_destroy(struct ws_inflater **p)
{
	if (*p == NULL)
		return;
	inflater_free_context(*p);
	buffer_free(&(*p)->left);
	free(*p);
	*p = NULL;
}

/* One call of inflate(), into at most `room` bytes. Returns 0 or -(close code). */
static int
inflate_step(struct ws_inflater *inflater, size_t room, size_t max_size, struct buffer *out)
{
	const int between_blocks = 128; /* a bit of z_stream.data_type, see zlib.h */
	z_stream *z = &inflater->z;
	char *to = buffer_reserve(out, room);
	int result;

	if (to == NULL)
		return -WS_CODE_INTERNAL;
	z->next_out = (Bytef *)to;
	z->avail_out = (uInt)room;
	result = inflate(z, Z_SYNC_FLUSH);
	buffer_added(out, room - z->avail_out);
	inflater->message += room - z->avail_out;
	if (inflater->message > max_size)
		return -WS_CODE_TOO_BIG;
	/* A call that finds nothing to do forgets where it is. */
	if (result != Z_BUF_ERROR)
		inflater->is_between =
		    result == Z_STREAM_END || (z->data_type & between_blocks) != 0;
	switch (result) {
	case Z_STREAM_END:
		/*
		 * A final block does not end the message (RFC 7692 7.2.3.4). What follows may refer
		 * to what was before.
		 */
		return inflateResetKeep(z) == Z_OK ? 0 : -WS_CODE_INTERNAL;
	case Z_OK:
	case Z_BUF_ERROR: /* no more can be done without more input */
		return 0;
	case Z_MEM_ERROR:
		return -WS_CODE_INTERNAL;
	default:
		return -WS_CODE_INVALID_DATA;
	}
}

/*
 * Inflates what z has as its input, until *most bytes have come out: they are counted down. Asks
 * for one byte more than allowed, to see whether there is one. Returns 1 if there is more to do.
 */
static int
inflate_input(struct ws_inflater *inflater, size_t max_size, size_t *most, struct buffer *out)
{
	z_stream *z = &inflater->z;
	size_t before, left, room = z->avail_in < CHUNK_MAX / 4 ? z->avail_in * 4 : CHUNK_MAX;
	int result;

	room = room > CHUNK_MIN ? room : CHUNK_MIN;
	do {
		if (*most == 0)
			return 1;
		before = out->len;
		left = max_size - inflater->message;
		if (room > *most)
			room = *most;
		result = inflate_step(inflater, room <= left ? room : left + 1, max_size, out);
		*most -= out->len - before < *most ? out->len - before : *most;
	} while (result == 0 && (z->avail_in > 0 || z->avail_out == 0));
	return result;
}

/* A piece is done, or the message is lost. */
static int
end_piece(struct ws_inflater *inflater, int result)
{
	inflater->error = result;
	buffer_free(&inflater->left);
	if (inflater->is_last) {
		inflater->has_input = false;
		inflater->message = 0;
	}
	if (result != 0 || (inflater->is_last && !inflater->keeps_context))
		inflater_free_context(inflater);
	return result;
}

/* Goes on with what is left. Returns 1 if `most` bytes have come out before its end. */
static int
inflate_left(struct ws_inflater *inflater, size_t max_size, size_t most, struct buffer *out)
{
	struct buffer *left = &inflater->left;
	int result;

	inflater->z.next_in = (Bytef *)left->data;
	inflater->z.avail_in = (uInt)left->len;
	result = inflate_input(inflater, max_size, &most, out);
	buffer_consume(left, left->len - inflater->z.avail_in);
	if (result == 1)
		return 1;
	/* The tail has ended a block: else the message was cut. */
	if (result == 0 && inflater->is_last && inflater->has_input && !inflater->is_between)
		result = -WS_CODE_INVALID_DATA;
	return end_piece(inflater, result);
}

static int
begin_context(struct ws_inflater *inflater)
{
	if (inflater->is_ready)
		return 0;
	memset(&inflater->z, 0, sizeof(inflater->z));
	if (inflateInit2(&inflater->z, -inflater->window_bits) != Z_OK)
		return -WS_CODE_INTERNAL;
	inflater->is_ready = true;
	return 0;
}

int
ws_inflate(struct ws_inflater *inflater, const char *data, size_t len, bool last, size_t max_size,
    size_t most, struct buffer *out)
{
	assert(len <= WS_INFLATE_INPUT_MAX);
	if (inflater->error != 0)
		return inflater->error;
	inflater->is_last = last;
	inflater->has_input = inflater->has_input || len > 0;
	buffer_append(&inflater->left, data, len);
	if (last && inflater->has_input)
		buffer_append(&inflater->left, tail, TAIL_LEN);
	if (buffer_failed(&inflater->left) || begin_context(inflater) != 0)
		return end_piece(inflater, -WS_CODE_INTERNAL);
	return inflate_left(inflater, max_size, most, out);
}

int
ws_inflate_more(struct ws_inflater *inflater, size_t max_size, size_t most, struct buffer *out)
{
	if (inflater->error != 0)
		return inflater->error;
	return inflate_left(inflater, max_size, most, out);
}

struct ws_deflater {
	z_stream z;
	bool is_ready; /* z is initialised */
	bool keeps_context;
	bool failed; /* the client's context and ours differ */
	unsigned window_bits;
	int level;
};

struct ws_deflater *
ws_deflater_create(const struct ws_deflate_params *agreed, int level)
{
	struct ws_deflater *deflater = xcalloc(1, sizeof(*deflater));

	deflater->keeps_context = !agreed->server_no_context_takeover;
	deflater->window_bits = agreed->server_window_bits;
	deflater->level = level;
	return deflater;
}

void
ws_deflater_destroy(struct ws_deflater **p)
{
	if (*p == NULL)
		return;
	if ((*p)->is_ready)
		deflateEnd(&(*p)->z);
	free(*p);
	*p = NULL;
}

static int
begin_deflate(z_stream *z, unsigned bits, int level)
{
	/*
	 * Room for as many symbols as the window has bytes: more would not be used, with less a
	 * block ends early.
	 */
	int memory = bits - 6 < 8 ? (int)bits - 6 : 8;

	memset(z, 0, sizeof(*z));
	return deflateInit2(z, level, Z_DEFLATED, -(int)bits, memory, Z_DEFAULT_STRATEGY) == Z_OK
	    ? 0
	    : -1;
}

/*
 * Deflates and appends; flush: Z_SYNC_FLUSH to end with the tail, or Z_NO_FLUSH. len <= INPUT_MAX.
 */
static int
deflate_bytes(z_stream *z, const char *data, size_t len, int flush, struct buffer *out)
{
	size_t room = deflateBound(z, len) + 16;
	char *to;

	room = room < CHUNK_MAX ? room : CHUNK_MAX;
	z->next_in = (Bytef *)(uintptr_t)data;
	z->avail_in = (uInt)len;
	do {
		to = buffer_reserve(out, room);
		if (to == NULL)
			return -1;
		z->next_out = (Bytef *)to;
		z->avail_out = (uInt)room;
		if (deflate(z, flush) == Z_STREAM_ERROR)
			return -1;
		buffer_added(out, room - z->avail_out);
	} while (z->avail_out == 0);
	return 0;
}

/* One message into *out; there, nothing is left of it when it fails. */
static int
deflate_message(z_stream *z, const char *data, size_t len, struct buffer *out)
{
	size_t before = out->len, n;
	int flush;

	if (len == 0) {
		/* zlib does not flush twice without input: the empty block of RFC 7692 7.2.3.6. */
		buffer_append_char(out, '\0');
		return buffer_failed(out) ? -1 : 0;
	}
	do {
		n = len < INPUT_MAX ? len : INPUT_MAX;
		flush = n == len ? Z_SYNC_FLUSH : Z_NO_FLUSH;
		if (deflate_bytes(z, data, n, flush, out) == -1) {
			out->len = before;
			return -1;
		}
		data += n;
		len -= n;
	} while (len > 0);
	out->len -= TAIL_LEN;
	return 0;
}

int
ws_deflate(struct ws_deflater *deflater, const char *data, size_t len, struct buffer *out)
{
	if (!deflater->keeps_context)
		return ws_deflate_shared(deflater->window_bits, deflater->level, data, len, out);
	if (deflater->failed)
		return -1;
	if (!deflater->is_ready) {
		if (begin_deflate(&deflater->z, deflater->window_bits, deflater->level) == -1)
			return -1;
		deflater->is_ready = true;
	}
	if (deflate_message(&deflater->z, data, len, out) == 0)
		return 0;
	deflater->failed = true;
	return -1;
}

int
ws_deflate_shared(unsigned window_bits, int level, const char *data, size_t len, struct buffer *out)
{
	unsigned bits = WS_DEFLATE_BITS_MIN;
	z_stream z;
	int result;

	/* Without a context nothing is farther away than the message is long. */
	while (bits < window_bits && ((size_t)1 << bits) - DEFLATE_LOOKAHEAD < len)
		bits++;
	if (begin_deflate(&z, bits, level) == -1)
		return -1;
	result = deflate_message(&z, data, len, out);
	deflateEnd(&z);
	return result;
}
