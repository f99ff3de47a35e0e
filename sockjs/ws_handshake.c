/*
 * See ws_handshake.h. Header values are as the peer sent them: any bytes but NUL.
 */
#include "sockjs/ws_handshake.h"

#include <nettle/base64.h>
#include <nettle/md5.h>
#include <nettle/sha1.h>
#include <string.h>
#include <strings.h>

/* Appended to the key before hashing (RFC 6455 1.3). */
#define ACCEPT_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static bool
is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    c == '+' || c == '/';
}

bool
ws_key_is_valid(const char *key)
{
	size_t i;

	for (i = 0; i < WS_KEY_LEN - 2; i++)
		if (!is_base64(key[i]))
			return false;
	/*
	 * The 4 bits that the last character has to spare are not looked at: not every client
	 * leaves them 0.
	 */
	return strcmp(key + i, "==") == 0;
}

void
ws_accept_key(const char *key, char out[WS_ACCEPT_SIZE])
{
	struct sha1_ctx sha1;
	uint8_t digest[SHA1_DIGEST_SIZE];

	_Static_assert(BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE) == WS_ACCEPT_SIZE - 1, "size");
	sha1_init(&sha1);
	sha1_update(&sha1, strlen(key), (const uint8_t *)key);
	sha1_update(&sha1, strlen(ACCEPT_GUID), (const uint8_t *)ACCEPT_GUID);
	sha1_digest(&sha1, sizeof(digest), digest);
	base64_encode_raw(out, sizeof(digest), digest);
	out[WS_ACCEPT_SIZE - 1] = '\0';
}

/* True if one element of the list is the token, by that comparison. */
static bool
has_element(const char *value, const char *token, size_t token_len,
    int (*compare)(const char *, const char *, size_t))
{
	size_t len, i;

	for (;;) {
		value += strspn(value, " \t");
		len = i = strcspn(value, ",");
		while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
			len--;
		if (len == token_len && compare(value, token, len) == 0)
			return true;
		if (value[i] == '\0')
			return false;
		value += i + 1;
	}
}

bool
http_header_has_token(const char *value, const char *token)
{
	return value != NULL && token[0] != '\0' &&
	    has_element(value, token, strlen(token), strncasecmp);
}

/* --- subprotocols ----------------------------------------------------------------------------- */

#define SEPARATORS " \t,"
#define TOKEN_CHARS                                                                                \
	"!#$%&'*+-.^_`|~0123456789"                                                                \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool
ws_protocols_are_valid(const char *list)
{
	return list[strspn(list, SEPARATORS)] != '\0' &&
	    list[strspn(list, TOKEN_CHARS SEPARATORS)] == '\0';
}

const char *
ws_protocol_choose(const char *list, const char *offered, size_t *len)
{
	if (list == NULL || offered == NULL)
		return NULL;
	for (list += strspn(list, SEPARATORS); *list != '\0'; list += strspn(list, SEPARATORS)) {
		*len = strcspn(list, SEPARATORS);
		if (has_element(offered, list, *len, strncmp))
			return list;
		list += *len;
	}
	return NULL;
}

/* --- hixie-76 --------------------------------------------------------------------------------- */

int
hixie76_key_number(const char *key, uint32_t *number)
{
	uint64_t value = 0;
	unsigned digits = 0;
	uint32_t spaces = 0;

	for (; *key != '\0'; key++) {
		if (*key == ' ')
			spaces++;
		if (*key < '0' || *key > '9')
			continue;
		digits++;
		value = value * 10 + (unsigned)(*key - '0');
		if (value > UINT32_MAX)
			return -1;
	}
	if (digits == 0 || spaces == 0 || value % spaces != 0)
		return -1;
	*number = (uint32_t)(value / spaces);
	return 0;
}

static void
write_big_endian(uint8_t out[4], uint32_t number)
{
	out[0] = (uint8_t)(number >> 24);
	out[1] = (uint8_t)(number >> 16);
	out[2] = (uint8_t)(number >> 8);
	out[3] = (uint8_t)number;
}

void
hixie76_answer(uint32_t number1, uint32_t number2, const char key3[HIXIE76_KEY3_LEN],
    char out[HIXIE76_ANSWER_LEN])
{
	uint8_t challenge[4 + 4 + HIXIE76_KEY3_LEN];
	uint8_t digest[MD5_DIGEST_SIZE];
	struct md5_ctx md5;

	_Static_assert(MD5_DIGEST_SIZE == HIXIE76_ANSWER_LEN, "size");
	write_big_endian(challenge, number1);
	write_big_endian(challenge + 4, number2);
	memcpy(challenge + 8, key3, HIXIE76_KEY3_LEN);
	md5_init(&md5);
	md5_update(&md5, sizeof(challenge), challenge);
	md5_digest(&md5, sizeof(digest), digest);
	memcpy(out, digest, sizeof(digest));
}
