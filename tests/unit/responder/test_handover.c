/*
 * What a daemon that is one of several takes of the others, and what of responders.
 */
#include "tests/unit/responder/responder_fixture.h"

#include "sessiond/http/http_server.h"
#include "tests/unit/log_capture.h"
#include "wire/wire_daemons.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/un.h>

/* What the HTTP server was given. */
static struct {
	unsigned count;
	int fd;
	sa_family_t family;
	bool was_told; /* the other daemon had heard of it by then */
	char bytes[100];
} taken;

void __wrap_http_server_take(struct http_server *server, int fd, const struct sockaddr *address,
    socklen_t len, const char *bytes, size_t bytes_len);

void
__wrap_http_server_take(struct http_server *server, int fd, const struct sockaddr *address,
    socklen_t len, const char *bytes, size_t bytes_len)
{
	char header[WIRE_HEADER_SIZE];

	assert_null(server);
	assert_true(len >= sizeof address->sa_family);
	taken.count++;
	taken.fd = fd;
	taken.family = address->sa_family;
	taken.was_told = recv(responder, header, sizeof header, MSG_PEEK) == sizeof header &&
	    header[5] == WIRE_TAKEN;
	assert_true(bytes_len < sizeof taken.bytes);
	memcpy(taken.bytes, bytes, bytes_len);
	taken.bytes[bytes_len] = '\0';
}

/* Whose the processes at the two ends are. */
static uid_t user, own_user;

int __wrap_link_peer_user(int fd, uid_t *whose);
uid_t __wrap_geteuid(void);

int
__wrap_link_peer_user(int fd, uid_t *whose)
{
	(void)fd;
	*whose = user;
	return 0;
}

uid_t
__wrap_geteuid(void)
{
	return own_user;
}

/* --- the other daemon ------------------------------------------------------------------------- */

static void
open_daemon(void)
{
	const struct wire_hello hello = {
	    .role = WIRE_DAEMON, .major = WIRE_MAJOR, .minor = WIRE_MINOR, .pid = 43};

	connect_responder();
	wire_encode_hello(&out, &hello);
	say();
	run();
}

/* Sends what is in out, with so many descriptors. */
static void
say_with(const int *fds, size_t count)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(count * sizeof(int)),
			 .cmsg_level = SOL_SOCKET,
			 .cmsg_type = SCM_RIGHTS}};
	struct iovec part = {out.data, out.len};
	struct msghdr message = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = CMSG_SPACE(count * sizeof(int))};

	memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	assert_int_equal(sendmsg(responder, &message, MSG_NOSIGNAL), out.len);
	buffer_clear(&out);
	run();
}

static unsigned
open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

/* A client's connection; *client: its end. */
static int
make_connection(int *client)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	*client = pair[1];
	return pair[0];
}

/* --- what is taken ---------------------------------------------------------------------------- */

static void
test_takes(void **state)
{
	int client, fd = make_connection(&client);

	(void)state;
	open_daemon();
	assert_heard("HELLO ");
	assert_int_equal(wire_encode_handover(&out, 7, "GET /", 5), 0);
	say_with(&fd, 1);
	close(fd);
	assert_int_equal(taken.count, 1);
	assert_true(taken.was_told);
	assert_int_equal(taken.family, AF_UNIX);
	assert_string_equal(taken.bytes, "GET /");
	assert_int_equal(fcntl(taken.fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(fcntl(taken.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_heard("7:taken ");
	assert_int_equal(write(taken.fd, "x", 1), 1);
	assert_int_equal(read(client, (char[1]){0}, 1), 1);
	close(taken.fd);
	close(client);
}

/* A message in two pieces, and the descriptor of the next one with the second. */
static void
test_takes_in_pieces(void **state)
{
	int clients[2], fds[2] = {make_connection(&clients[0]), make_connection(&clients[1])};
	struct buffer all = BUFFER_INIT;
	size_t first;

	(void)state;
	open_daemon();
	assert_int_equal(wire_encode_handover(&all, 1, "one", 3), 0);
	first = all.len;
	assert_int_equal(wire_encode_handover(&all, 2, "two", 3), 0);
	buffer_append(&out, all.data, first - 1);
	say_with(&fds[0], 1);
	assert_int_equal(taken.count, 0);
	assert_int_equal(send(responder, all.data + first - 1, 1, 0), 1);
	buffer_append(&out, all.data + first, all.len - first - 1);
	say_with(&fds[1], 1);
	assert_int_equal(taken.count, 1);
	assert_string_equal(taken.bytes, "one");
	close(taken.fd);
	buffer_append(&out, all.data + all.len - 1, 1);
	say();
	run();
	assert_int_equal(taken.count, 2);
	assert_string_equal(taken.bytes, "two");
	close(taken.fd);
	assert_heard("HELLO 1:taken 2:taken ");
	for (int i = 0; i < 2; i++) {
		close(fds[i]);
		close(clients[i]);
	}
	buffer_free(&all);
}

/* While this daemon stops, it is left to the next one. */
static void
test_leaves_to_the_next(void **state)
{
	int client, fd = make_connection(&client);

	(void)state;
	open_daemon();
	assert_heard("HELLO ");
	peer_messages_say_goodbye(LIST_FIRST(&peers.list));
	assert_int_equal(wire_encode_handover(&out, 7, "GET /", 5), 0);
	say_with(&fd, 1);
	close(fd);
	assert_int_equal(taken.count, 0);
	assert_heard("bye(stopping) closed ");
	/* Nobody has it. */
	assert_int_equal(read(client, (char[1]){0}, 1), 0);
	close(client);
}

/* --- attacks ---------------------------------------------------------------------------------- */

/* Ends the daemon's connection alone, and leaves no descriptor. */
static void
check_broken(const int *fds, size_t count)
{
	unsigned before;

	open_daemon();
	assert_heard("HELLO ");
	before = open_descriptors();
	assert_int_equal(wire_encode_handover(&out, 7, "GET /", 5), 0);
	capture_begin_later();
	if (count == 0)
		say();
	else
		say_with(fds, count);
	run();
	assert_non_null(strstr(capture_end(), "breaks the protocol"));
	assert_heard("closed ");
	assert_int_equal(taken.count, 0);
	assert_int_equal(open_descriptors(), before - 2); /* both ends */
}

static void
test_no_connections(void **state)
{
	int pair[2], listener = socket(AF_UNIX, SOCK_STREAM, 0),
		     datagram = socket(AF_UNIX, SOCK_DGRAM, 0), file = open("/dev/null", O_RDWR);
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0x"};

	(void)state;
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(listener, 1), 0);
	check_broken(NULL, 0);
	check_broken(&file, 1);
	check_broken(&pair[0], 1);
	check_broken(&datagram, 1);
	check_broken(&listener, 1);
	close(pair[1]);
	pair[1] = pair[0];
	check_broken(pair, 2);
	close(pair[0]);
	close(listener);
	close(datagram);
	close(file);
}

/* Its client has gone: that is no fault of the daemon's. */
static void
test_gone_client(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	open_daemon();
	assert_int_equal(wire_encode_handover(&out, 7, "GET /", 5), 0);
	say_with(&fd, 1);
	close(fd);
	assert_int_equal(taken.count, 0);
	assert_heard("HELLO 7:taken ");
}

/* More than have a message to belong to. */
static void
test_flood_of_descriptors(void **state)
{
	int file = open("/dev/null", O_RDWR);
	unsigned before;

	(void)state;
	open_daemon();
	capture_begin_later();
	before = open_descriptors();
	for (int i = 0; i <= PEER_DESCRIPTORS; i++) {
		buffer_append(&out, "", 1);
		say_with(&file, 1);
	}
	assert_heard("HELLO closed ");
	assert_int_equal(open_descriptors(), before - 2);
	capture_end();
	close(file);
}

static void
test_other_messages(void **state)
{
	(void)state;
	open_daemon();
	wire_encode_taken(&out, 1);
	say();
	assert_heard("HELLO closed ");
	open_daemon();
	say_poll(1, "s");
	assert_heard("HELLO closed ");
}

/* --- of how many, and which ------------------------------------------------------------------- */

static void
test_only_among_several(void **state)
{
	(void)state;
	config->place = (struct daemon_place){0, 1};
	open_daemon();
	assert_heard("HELLO bye(not a role that is served here) closed ");
	open_responder();
}

/* Another daemon is one of its own user; whoever else may use the socket is none. */
static void
test_own_user(void **state)
{
	(void)state;
	user = own_user = 12345;
	open_daemon();
	assert_heard("HELLO ");
	close(responder);
	user = 0;
	open_daemon();
	assert_heard("HELLO bye(not a role that is served here) closed ");
	connect_responder();
	encode_hello(0, 0);
	say();
	assert_heard("HELLO DAEMONS(0,2) SERVICES(1) ");
}

static void
test_tells_responders(void **state)
{
	(void)state;
	connect_responder();
	encode_hello(0, 0);
	say();
	assert_heard("HELLO DAEMONS(0,2) SERVICES(1) ");
}

/* wire_home: session-0002 lives in daemon 1. */
static void
test_misdirected(void **state)
{
	(void)state;
	connect_responder();
	encode_hello(0, 0);
	say();
	assert_heard("HELLO DAEMONS(0,2) SERVICES(1) ");
	say_poll(1, "session-0002");
	say_send(2, "session-0002", 1, "x");
	assert_heard("1!421 2!421 ");
	assert_int_equal(sessions.count, 0);
	say_poll(3, "session-0001");
	assert_heard("3<o;. ");
}

static void
test_old_responder(void **state)
{
	const struct wire_hello hello = {.role = WIRE_RESPONDER,
	    .major = WIRE_MAJOR,
	    .minor = WIRE_MINOR_DAEMONS - 1,
	    .pid = 42,
	    .instance = 1};

	(void)state;
	connect_responder();
	wire_encode_hello(&out, &hello);
	say();
	assert_heard(
	    "HELLO bye(sockjs.fcgi is older than `daemons`: the web server has to start it "
	    "anew) closed ");
}

static int
set_up(void **state)
{
	memset(&taken, 0, sizeof taken);
	user = own_user = 0;
	if (set_up_responder(state) == -1)
		return -1;
	config->place = (struct daemon_place){0, 2};
	return 0;
}

#define HANDOVER_TEST(name)                                                                        \
	cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down_responder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HANDOVER_TEST(takes),
	    HANDOVER_TEST(takes_in_pieces),
	    HANDOVER_TEST(leaves_to_the_next),
	    HANDOVER_TEST(no_connections),
	    HANDOVER_TEST(gone_client),
	    HANDOVER_TEST(flood_of_descriptors),
	    HANDOVER_TEST(other_messages),
	    HANDOVER_TEST(only_among_several),
	    HANDOVER_TEST(own_user),
	    HANDOVER_TEST(tells_responders),
	    HANDOVER_TEST(misdirected),
	    HANDOVER_TEST(old_responder),
	};

	log_open("test_handover", SEVERITY_ERROR);
	return cmocka_run_group_tests_name("handover", tests, folder_setup, folder_teardown);
}
