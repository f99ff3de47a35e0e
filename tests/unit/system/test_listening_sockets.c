/*
 * sessiond/system/listening_sockets.h: what the options name, together with what is inherited.
 */
#include "tests/unit/system/sockets_fixture.h"

static void
test_ipv6(void **state)
{
	char expected[32];
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	const struct sockaddr_in6 loopback = {
	    .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

	(void)state;
	if (fd == -1 || bind(fd, (const struct sockaddr *)&loopback, sizeof loopback) == -1) {
		/* cmocka's skip() is a failure in TAP. */
		print_message("# there is no IPv6 here: not looked at\n");
		close(fd);
		return;
	}
	close(fd);
	snprintf(expected, sizeof expected, "[::1]:%d", put_tcp(0, "::1"));
	say(NULL, "1", NULL);
	assert_int_equal(open_sockets(&set, expected, NULL, &everybody), 0);
	assert_int_equal(set.count, 1);
	assert_string_equal(set.sockets[0].name, expected);
	assert_true(set.sockets[0].is_inherited);
}

static void
test_an_option_uses_the_inherited_one(void **state)
{
	char addresses[64];

	(void)state;
	snprintf(addresses, sizeof addresses, "127.0.0.1:%d,127.0.0.2:%d", put_tcp(0, "127.0.0.1"),
	    put_tcp(1, "127.0.0.2"));
	put_unix(2, path_in_folder("socket"));
	say(NULL, "3", NULL);
	opens(addresses, path_in_folder("socket"), 3);
}

static void
test_others_are_used_and_opened_too(void **state)
{
	int port = put_tcp(0, "127.0.0.1");

	(void)state;
	say(NULL, "1", NULL);
	opens("127.0.0.2:0", path_in_folder("socket"), 3);
	assert_true(set.sockets[0].is_inherited);
	assert_non_null(strchr(set.sockets[0].name, ':'));
	assert_int_equal(atoi(strchr(set.sockets[0].name, ':') + 1), port);
	assert_false(set.sockets[1].is_inherited);
	assert_int_equal(strncmp(set.sockets[1].name, "127.0.0.2:", 10), 0);
	assert_true(set.sockets[2].is_unix);
}

static void
test_any_port_takes_what_no_other_option_names(void **state)
{
	char addresses[64];

	(void)state;
	put_tcp(0, "127.0.0.1");
	snprintf(addresses, sizeof addresses, "127.0.0.1:0 127.0.0.1:%d", put_tcp(1, "127.0.0.1"));
	say(NULL, "2", NULL);
	opens(addresses, NULL, 2);
}

static void
test_every_address(void **state)
{
	char any[16];

	(void)state;
	snprintf(any, sizeof any, "*:%d", put_tcp(0, "0.0.0.0"));
	say(NULL, "1", NULL);
	opens(any, NULL, 1);
}

static bool
has_ipv6(void)
{
	return access("/proc/net/if_inet6", F_OK) == 0;
}

/* Returns whether a client finds somebody at the port. */
static bool
is_open(const char *host, int port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	bool is_v6 = strchr(host, ':') != NULL;
	int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	bool is_there;

	if (is_v6)
		inet_pton(AF_INET6, host, &v6.sin6_addr);
	else
		inet_pton(AF_INET, host, &v4.sin_addr);
	is_there = connect(fd, is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
		       is_v6 ? sizeof v6 : sizeof v4) == 0;
	close(fd);
	return is_there;
}

static int
port_of_first(void)
{
	return atoi(strrchr(set.sockets[0].name, ':') + 1);
}

static void
test_both_families(void **state)
{
	char text[64];
	int port;

	(void)state;
	if (!has_ipv6())
		return;
	opens("*:0", NULL, 1);
	port = port_of_first();
	assert_true(is_open("127.0.0.1", port) && is_open("::1", port));
	listening_sockets_close(&set);
	/* One for each, in either order, with blanks or commas. */
	snprintf(text, sizeof text, "0.0.0.0:%d [::]:%d", port, port);
	opens(text, NULL, 2);
	assert_true(is_open("127.0.0.1", port) && is_open("::1", port));
	listening_sockets_close(&set);
	snprintf(text, sizeof text, "[::]:%d,0.0.0.0:%d", port, port);
	opens(text, NULL, 2);
	listening_sockets_close(&set);
	snprintf(text, sizeof text, "[::]:%d", port);
	opens(text, NULL, 1);
	assert_true(!is_open("127.0.0.1", port) && is_open("::1", port));
}

/* Not one of them alone, if the other is taken. */
static void
test_every_address_or_none(void **state)
{
	static struct listening_sockets other;
	char text[16];

	(void)state;
	if (!has_ipv6())
		return;
	assert_int_equal(open_sockets(&other, "0.0.0.0:0", NULL, &everybody), 0);
	snprintf(text, sizeof text, "*%s", strchr(other.sockets[0].name, ':'));
	assert_int_equal(open_sockets(&set, text, NULL, &everybody), -1);
	assert_int_equal(err.code, EX_UNAVAILABLE);
	listening_sockets_close(&other);
}

/* Of systemd: `ListenStream=8080`. */
static void
test_a_socket_for_both_families_is_inherited(void **state)
{
	char text[64];
	int port;

	(void)state;
	if (!has_ipv6())
		return;
	port = put_tcp(0, "::");
	snprintf(text, sizeof text, "0.0.0.0:%d [::]:%d 127.0.0.1:%d", port, port, port);
	say(NULL, "1", NULL);
	opens(text, NULL, 1);
}

/* All of them are opened only if they are asked for. */
static void
test_port_alone(void **state)
{
	static const char *const ports[] = {"0", "8080", ":0", ":8080", "127.0.0.1:0 8080"};
	static const char *const any[][2] = {{"0.0.0.0:0", "0.0.0.0:"}, {"[::]:0", "[::]:"}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof ports / sizeof ports[0]; i++) {
		assert_int_equal(open_sockets(&set, ports[i], NULL, &everybody), -1);
		assert_int_equal(err.code, EX_CONFIG);
		assert_non_null(strstr(err.text, "is a port without an address: 127.0.0.1:"));
		error_clear(&err);
	}
	for (i = 0; i < sizeof any / sizeof any[0]; i++) {
		if (i == 1 && access("/proc/net/if_inet6", F_OK) == -1)
			continue;
		opens(any[i][0], NULL, 1);
		assert_memory_equal(set.sockets[0].name, any[i][1], strlen(any[i][1]));
		listening_sockets_close(&set);
	}
	opens("*:0", NULL, 1);
	assert_true(strncmp(set.sockets[0].name, "[::]:", 5) == 0 ||
	    strncmp(set.sockets[0].name, "0.0.0.0:", 8) == 0);
}

static void
test_another_address_of_the_port_is_another_socket(void **state)
{
	char address[32];

	(void)state;
	snprintf(address, sizeof address, "127.0.0.3:%d", put_tcp(0, "127.0.0.1"));
	say(NULL, "1", NULL);
	opens(address, NULL, 2);
	assert_string_equal(set.sockets[1].name, address);
}

static void
test_inherited_alone_is_enough(void **state)
{
	(void)state;
	put_tcp(0, "127.0.0.1");
	say(NULL, "1", NULL);
	opens(NULL, NULL, 1);
	listening_sockets_close(&set);
	assert_int_equal(open_sockets(&set, NULL, NULL, &everybody), -1);
	assert_int_equal(err.code, EX_CONFIG);
	assert_non_null(strstr(err.text, "nowhere to listen"));
}

static void
test_too_many(void **state)
{
	char addresses[LISTENING_SOCKETS_MAX * 16] = "";
	int i;

	(void)state;
	for (i = 0; i < LISTENING_SOCKETS_MAX; i++)
		strcat(addresses, "127.0.0.1:0 ");
	opens(addresses, NULL, LISTENING_SOCKETS_MAX);
	listening_sockets_close(&set);
	assert_int_equal(open_sockets(&set, addresses, path_in_folder("socket"), &everybody), -1);
	assert_non_null(strstr(err.text, "more than 16"));
	error_clear(&err);
	strcat(addresses, "127.0.0.1:0");
	assert_int_equal(open_sockets(&set, addresses, NULL, &everybody), -1);
	assert_non_null(strstr(err.text, "listen: more than 16 addresses"));
}

static void
test_the_file_belongs_to_who_made_it(void **state)
{
	char link[128];

	(void)state;
	put_unix(0, path_in_folder("socket"));
	strcpy(link, path_in_folder("link"));
	assert_int_equal(symlink(path_in_folder("socket"), link), 0);
	say(NULL, "1", NULL);
	opens(NULL, link, 1); /* the same file by another path */
	listening_sockets_close(&set);
	assert_int_equal(access(path_in_folder("socket"), F_OK), 0);
	unlink(link);
	opens(NULL, path_in_folder("socket"), 1); /* it is dead now: replaced by our own */
	listening_sockets_close(&set);
	assert_int_equal(access(path_in_folder("socket"), F_OK), -1);
}

static int
change_sockets(
    const char *addresses, struct listening_sockets *added, bool stays[LISTENING_SOCKETS_MAX])
{
	const struct listening_wish wish = wish_for(addresses, NULL, &everybody);

	return listening_sockets_change(&set, &wish, added, stays, &err);
}

/* What a reload keeps, opens and closes. */
static void
test_change(void **state)
{
	struct listening_sockets added;
	bool stays[LISTENING_SOCKETS_MAX];
	char addresses[400];

	(void)state;
	put_tcp(0, "127.0.0.1");
	say(NULL, "1", NULL);
	opens("127.0.0.2:0 127.0.0.3:0", path_in_folder("socket"), 4);
	snprintf(addresses, sizeof addresses, "%s 127.0.0.4:0", set.sockets[2].name);
	assert_int_equal(change_sockets(addresses, &added, stays), 0);
	assert_true(stays[0]); /* inherited, and named by no option */
	assert_false(stays[1]);
	assert_true(stays[2]);
	assert_false(stays[3]);
	assert_int_equal(added.count, 1);
	assert_memory_equal(added.sockets[0].name, "127.0.0.4:", strlen("127.0.0.4:"));
	listening_sockets_close(&added);
	assert_int_equal(change_sockets("127.0.0.5:x", &added, stays), -1);
	assert_int_equal(added.count, 0);
}

static void
test_access(void **state)
{
	static const struct socket_access own = {0600, (uid_t)-1, (gid_t)-1};
	struct stat st;

	(void)state;
	assert_int_equal(open_sockets(&set, NULL, path_in_folder("socket"), &own), 0);
	assert_int_equal(stat(path_in_folder("socket"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(open_sockets(&set, NULL, path_in_folder("no/such/folder"), &own), -1);
	assert_int_equal(err.code, EX_UNAVAILABLE);
	assert_int_equal(set.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_ipv6),
	    TEST(test_an_option_uses_the_inherited_one),
	    TEST(test_others_are_used_and_opened_too),
	    TEST(test_any_port_takes_what_no_other_option_names),
	    TEST(test_every_address),
	    TEST(test_both_families),
	    TEST(test_every_address_or_none),
	    TEST(test_a_socket_for_both_families_is_inherited),
	    TEST(test_port_alone),
	    TEST(test_another_address_of_the_port_is_another_socket),
	    TEST(test_inherited_alone_is_enough),
	    TEST(test_too_many),
	    TEST(test_the_file_belongs_to_who_made_it),
	    TEST(test_change),
	    TEST(test_access),
	};

	return cmocka_run_group_tests_name("listening_sockets", tests, NULL, NULL);
}
