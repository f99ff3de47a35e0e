/*
 * What the handshakes compute, against the examples of RFC 6455 and of
 * draft-hixie-thewebsocketprotocol-76.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sockjs/ws_handshake.h"

static void
test_accept_key(void **state)
{
	char *out = malloc(WS_ACCEPT_SIZE);

	(void)state;
	ws_accept_key("dGhlIHNhbXBsZSBub25jZQ==", out); /* RFC 6455 1.3 */
	assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	ws_accept_key("x3JJHMbDL1EzLkh9GBhXDw==", out);
	assert_string_equal(out, "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
	free(out);
}

static void
test_key_is_valid(void **state)
{
	static const char *const valid[] = {"dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAAAAAAAAAAAAAAA==",
	    "//////////////////////==", "++++++++++++++++++++++=="};
	static const char *const invalid[] = {"", "=", "dGhlIHNhbXBsZSBub25jZQ",
	    "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZQ==x",
	    "dGhlIHNhbXBsZSBub25j====", "dGhlIHNhbXBsZSBub25jZSE=", "dGhlIHNhbXBsZSBub25jZSEh",
	    " dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBs-SBub25jZQ==", "dGhlIHNhbXBs\xc3\xa4wwjZQ=="};

	(void)state;
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
		assert_true(ws_key_is_valid(valid[i]));
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		assert_false(ws_key_is_valid(invalid[i]));
}

/* Each of the 256 bytes at each place of a key: exactly the right ones are accepted. */
static void
test_key_characters(void **state)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *key = malloc(WS_KEY_LEN + 1);

	(void)state;
	for (size_t at = 0; at < WS_KEY_LEN; at++) {
		for (int c = 1; c < 256; c++) {
			const char *found = strchr(alphabet, c);
			bool valid = found != NULL;

			if (at >= 22)
				valid = c == '=';
			memcpy(key, "dGhlIHNhbXBsZSBub25jZQ==", WS_KEY_LEN + 1);
			key[at] = (char)c;
			assert_int_equal(ws_key_is_valid(key), valid);
		}
		/*
		 * A shorter string, in an allocation of its size: nothing behind its end is read.
		 */
		char *shorter = calloc(1, at + 1);
		memset(shorter, 'A', at);
		assert_false(ws_key_is_valid(shorter));
		free(shorter);
	}
	free(key);
}

static void
test_header_token(void **state)
{
	static const struct {
		const char *value, *token;
		bool has;
	} cases[] = {
	    {"Upgrade", "upgrade", true},
	    {"upgrade", "Upgrade", true},
	    {"keep-alive, Upgrade", "upgrade", true},
	    {"keep-alive,Upgrade,x", "upgrade", true},
	    {" \tUpgrade\t ", "upgrade", true},
	    {",, ,upgrade,", "upgrade", true},
	    {"keep-alive ,\tupgrade , TE", "upgrade", true},
	    {"", "upgrade", false},
	    {" ", "upgrade", false},
	    {",", "upgrade", false},
	    {"upgraded", "upgrade", false},
	    {"xupgrade", "upgrade", false},
	    {"up grade", "upgrade", false},
	    {"upgrade;q=1", "upgrade", false},
	    {"\"upgrade\"", "upgrade", false},
	    {"upgrad", "upgrade", false},
	    {"keep-alive upgrade", "upgrade", false},
	    {"websocket/13", "websocket", false},
	    {"h2c, WebSocket", "websocket", true},
	    {"upgrade", "", false},
	    {"", "", false},
	};

	(void)state;
	assert_false(http_header_has_token(NULL, "upgrade"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *exact = strdup(cases[i].value);

		assert_int_equal(http_header_has_token(exact, cases[i].token), cases[i].has);
		free(exact);
	}
}

static void
assert_chosen(const char *list, const char *offered, const char *expected)
{
	size_t len = 0;
	const char *chosen = ws_protocol_choose(list, offered, &len);

	if (expected == NULL) {
		assert_null(chosen);
		return;
	}
	assert_non_null(chosen);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(chosen, expected, len);
}

static void
test_protocol_choose(void **state)
{
	(void)state;
	assert_chosen("v12.stomp mqtt", "v10.stomp, v11.stomp, v12.stomp", "v12.stomp");
	assert_chosen("v12.stomp mqtt", "mqtt, v12.stomp", "v12.stomp"); /* ours is the order */
	assert_chosen(" v12.stomp,\tmqtt ", "mqtt", "mqtt");
	assert_chosen("a ab abc", "abc", "abc");
	assert_chosen("abc", "a, ab", NULL);
	assert_chosen("mqtt", "MQTT", NULL);
	assert_chosen("mqtt", "mqtt;q=1", NULL);
	assert_chosen("mqtt", "", NULL);
	assert_chosen("mqtt", ",,", NULL);
	assert_chosen("mqtt", NULL, NULL);
	assert_chosen(NULL, "mqtt", NULL);
}

static void
test_protocols_are_valid(void **state)
{
	static const char *const good[] = {
	    "mqtt", "v12.stomp mqtt", "a,b", " a , b\t", "!#$%&'*+-.^_`|~09azAZ"};
	static const char *const bad[] = {
	    "", " ", ",", "a/b", "a;b", "a\"b", "a\r\nb", "\xc3\xa4", "a (b)", "a=b"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(ws_protocols_are_valid(good[i]));
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(ws_protocols_are_valid(bad[i]));
}

static void
test_hixie76_examples(void **state)
{
	static const struct {
		const char *key1, *key2, *key3, *answer;
		uint32_t number1, number2;
	} cases[] = {
	    {"4 @1  46546xW%0l 1 5", "12998 5 Y3 1  .P00", "^n:ds[4U", "8jKS'y:G*Co,Wxa-",
		829309203, 259970620},
	    {"18x 6]8vM;54 *(5:  {   U1]8  z [  8", "1_ tx7X d  <  nw  334J702) 7]o}` 0",
		"Tm[K T2u", "fQJ,fN/4F4!~K~MH", 155712099, 173347027},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *answer = malloc(HIXIE76_ANSWER_LEN);
		uint32_t number1, number2;

		assert_int_equal(hixie76_key_number(cases[i].key1, &number1), 0);
		assert_int_equal(hixie76_key_number(cases[i].key2, &number2), 0);
		assert_int_equal(number1, cases[i].number1);
		assert_int_equal(number2, cases[i].number2);
		hixie76_answer(number1, number2, cases[i].key3, answer);
		assert_memory_equal(answer, cases[i].answer, HIXIE76_ANSWER_LEN);
		free(answer);
	}
}

static void
test_hixie76_key_number(void **state)
{
	uint32_t number = 77;

	(void)state;
	assert_int_equal(hixie76_key_number("", &number), -1);
	assert_int_equal(hixie76_key_number("123", &number), -1);   /* no space */
	assert_int_equal(hixie76_key_number("a b c", &number), -1); /* no digit */
	assert_int_equal(hixie76_key_number("1 2  3", &number), 0);
	assert_int_equal(number, 41);
	number = 77;
	assert_int_equal(hixie76_key_number("1 2  4", &number), -1);
	assert_int_equal(hixie76_key_number("4294967296 ", &number), -1);
	assert_int_equal(hixie76_key_number("99999999999999999999999999 ", &number), -1);
	assert_int_equal(number, 77);
	assert_int_equal(hixie76_key_number("4294967295 ", &number), 0);
	assert_int_equal(number, UINT32_MAX);
	assert_int_equal(hixie76_key_number(" 0", &number), 0);
	assert_int_equal(number, 0);
	assert_int_equal(hixie76_key_number("\t8 \xa0\xc2", &number), 0);
	assert_int_equal(number, 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_accept_key),
	    cmocka_unit_test(test_key_is_valid),
	    cmocka_unit_test(test_key_characters),
	    cmocka_unit_test(test_header_token),
	    cmocka_unit_test(test_protocol_choose),
	    cmocka_unit_test(test_protocols_are_valid),
	    cmocka_unit_test(test_hixie76_examples),
	    cmocka_unit_test(test_hixie76_key_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
