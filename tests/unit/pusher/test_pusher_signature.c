/*
 * The signatures are node's (crypto.createHmac) over texts that were put together there; the first
 * is also the example of the API's documentation.
 */
#include "sessiond/pusher/pusher_signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KEY    "278d425bdf160c739803"
#define SECRET "7ad3773142a6692b25b8"
#define THEN   1353088179
#define BODY                                                                                       \
	"{\"name\":\"foo\",\"channels\":[\"project-3\"],\"data\":\"{\\\"some\\\":\\\"data\\\"}\"}"
#define K	"auth_key=" KEY
#define T	"&auth_timestamp=1353088179"
#define V	"&auth_version=1.0"
#define M	"&body_md5=ec365a775a4cd0599faeb73354201b6f"
#define SIGNED	"&auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"
#define NO_BODY "&body_md5=d41d8cd98f00b204e9800998ecf8427e"

static struct error err;

static int
check_at(int64_t now, const char *method, const char *path, const char *query, const char *body)
{
	const struct pusher_signed request = {method, path, query, body, strlen(body)};

	error_clear(&err);
	return pusher_signature_check(&request, KEY, SECRET, now, &err);
}

static int
check(const char *method, const char *path, const char *query, const char *body)
{
	return check_at(THEN, method, path, query, body);
}

static void
expect_wrong(const char *query, const char *body, const char *text, int line)
{
	_assert_int_equal(check("POST", "/apps/3/events", query, body), -1, __FILE__, line);
	_assert_int_equal(err.code, 401, __FILE__, line);
	_assert_string_equal(err.text, text, __FILE__, line);
}

#define assert_wrong(query, body, text) expect_wrong(query, body, text, __LINE__)

static void
test_right(void **state)
{
	(void)state;
	assert_int_equal(check("POST", "/apps/3/events", K T V M SIGNED, BODY), 0);
	/* In any order, also with what says nothing. */
	assert_int_equal(check("POST", "/apps/3/events", "&&" SIGNED M V T "&" K "&", BODY), 0);
	/* Names count in lower case. */
	assert_int_equal(
	    check("POST", "/apps/3/events", "Auth_Key=" KEY "&AUTH_VERSION=1%2E0" T M SIGNED, BODY),
	    0);
}

static void
test_decoded(void **state)
{
	(void)state;
	assert_int_equal(
	    check("GET", "/apps/3/channels",
		K T V "&filter_by_prefix=presence-&info=user_count%2Csubscription_count"
		      "&auth_signature=ff97d40ab3fbbd15394386a29c12998c33635305357b2e2a"
		      "bd18dc67efe3f87d",
		""),
	    0);
	assert_int_equal(
	    check("GET", "/apps/3/channels",
		"info=user_count,subscription_count&filter_by_prefix=presence%2D&" K T V
		"&auth_signature=ff97d40ab3fbbd15394386a29c12998c33635305357b2e2a"
		"bd18dc67efe3f87d",
		""),
	    0);
	/* A path that was signed before it was encoded, and one as it is. */
	assert_int_equal(
	    check("GET", "/apps/3/channels/a%20b",
		K T V "&info=%C3%BC%20%26+%3D"
		      "&auth_signature=31046f7629b493f6fd912b20cec2180ad27970178571b7506c30ed3a6cb"
		      "52bf3",
		""),
	    0);
	assert_int_equal(
	    check("GET", "/apps/3/channels/a b",
		K T V "&info=%C3%BC%20%26+%3D"
		      "&auth_signature=31046f7629b493f6fd912b20cec2180ad27970178571b7506c30ed3a6cb"
		      "52bf3",
		""),
	    0);
}

/* Some libraries say of no body what MD5 it has. */
static void
test_no_body(void **state)
{
	static const char query[] = K T V NO_BODY
	    "&auth_signature=5c3cd75022c4f62c35ad22f6a9cce366c860477a3b7092ca790ecfc17e6af302";

	(void)state;
	assert_int_equal(check("GET", "/apps/3/channels", query, ""), 0);
	assert_int_equal(check("GET", "/apps/3/channels", query, "x"), -1);
	assert_non_null(strstr(err.text, "body_md5 differs"));
}

static void
test_missing(void **state)
{
	(void)state;
	assert_int_equal(check("GET", "/apps/3/channels", NULL, ""), -1);
	assert_string_equal(err.text, "auth_version is missing");
	assert_wrong(T V M SIGNED, BODY, "auth_key is missing");
	assert_wrong(K V M SIGNED, BODY, "auth_timestamp is missing");
	assert_wrong(K T V SIGNED, BODY, "body_md5 is missing");
	assert_wrong(K T V M, BODY, "auth_signature is missing");
	assert_wrong(K T V V M SIGNED, BODY, "auth_version is there twice");
	assert_wrong(K T V M SIGNED SIGNED, BODY, "auth_signature is there twice");
	assert_wrong(K T V M SIGNED "&a=%00", BODY, "a parameter has a NUL in it");
}

static void
test_wrong(void **state)
{
	(void)state;
	assert_wrong(
	    K T "&auth_version=2.0" M SIGNED, BODY, "auth_version is 2.0, and has to be 1.0");
	assert_wrong("auth_key=x" T V M SIGNED, BODY, "auth_key x is not the key of this app");
	assert_wrong(K "&auth_timestamp=-1" V M SIGNED, BODY,
	    "auth_timestamp is no number of seconds since 1970");
	assert_wrong(K "&auth_timestamp=9999999999999999999" V M SIGNED, BODY,
	    "auth_timestamp is no number of seconds since 1970");
	assert_wrong(K T V M SIGNED, "{}",
	    "body_md5 differs: the body has 2 bytes, whose MD5 is "
	    "99914b932bd37a50b983c5e7c90ae93b");
	assert_wrong(K T V M SIGNED "&a=1", BODY,
	    "auth_signature is wrong: it has to be the HMAC-SHA256, by this app's secret, of "
	    "POST\\n/apps/3/events\\na=1&" K T V M);
	assert_null(strstr(err.text, SECRET));
}

static void
test_timestamp(void **state)
{
	static const char path[] = "/apps/3/events", query[] = K T V M SIGNED;

	(void)state;
	assert_int_equal(check_at(THEN + 600, "POST", path, query, BODY), 0);
	assert_int_equal(check_at(THEN - 600, "POST", path, query, BODY), 0);
	assert_int_equal(check_at(THEN + 601, "POST", path, query, BODY), -1);
	assert_string_equal(err.text,
	    "auth_timestamp is 601 seconds old, 600 are allowed: the clock here says 1353088780");
	assert_int_equal(check_at(THEN - 601, "POST", path, query, BODY), -1);
	assert_string_equal(err.text,
	    "auth_timestamp is 601 seconds ahead, 600 are allowed: the clock here says 1353087578");
}

/* What is signed is signed whole. */
static void
test_of_other(void **state)
{
	static const char query[] = K T V M SIGNED;
	const struct pusher_signed request = {"POST", "/apps/3/events", query, BODY, strlen(BODY)};

	(void)state;
	assert_int_equal(check("PUT", "/apps/3/events", query, BODY), -1);
	assert_int_equal(check("POST", "/apps/4/events", query, BODY), -1);
	assert_int_equal(check("POST", "/apps/3/events%20", query, BODY), -1);
	error_clear(&err);
	assert_int_equal(pusher_signature_check(&request, KEY, "other", THEN, &err), -1);
	assert_int_equal(err.code, 401);
}

static void
test_many(void **state)
{
	char query[4096] = "";
	int i;

	(void)state;
	for (i = 0; i < PUSHER_PARAMETERS_MAX + 1; i++)
		snprintf(query + strlen(query), sizeof query - strlen(query), "&a=%0100d", i);
	assert_wrong(query, BODY, "there are more than 32 parameters");
	/* The text is cut. */
	snprintf(query, sizeof query, K T V M SIGNED "&x=%01000d", 0);
	assert_int_equal(check("POST", "/apps/3/events", query, BODY), -1);
	assert_int_equal(strlen(err.text), ERROR_TEXT_SIZE - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_right),
	    cmocka_unit_test(test_decoded),
	    cmocka_unit_test(test_no_body),
	    cmocka_unit_test(test_missing),
	    cmocka_unit_test(test_wrong),
	    cmocka_unit_test(test_timestamp),
	    cmocka_unit_test(test_of_other),
	    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
