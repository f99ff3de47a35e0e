/*
 * wire/link.h: descriptors that come along, and who is at the other end.
 */
#include "tests/unit/wire/link_fixture.h"

/* The same file has the same number. */
static ino_t
inode_of(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return status.st_ino;
}

static void
test_receives_a_descriptor(void **state)
{
	int fds[2], first, before;

	(void)state;
	assert_int_equal(link_received_descriptor(end), -1);
	assert_int_equal(pipe(fds), 0);
	before = (int)open_descriptors();
	say_descriptors("\0", fds, 1);
	turn();
	first = link_received_descriptor(end);
	assert_int_not_equal(first, -1);
	assert_int_equal(inode_of(first), inode_of(fds[0]));
	assert_int_equal(fcntl(first, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(told.descriptors, 1);
	/* Bytes alone change nothing. */
	say("\0", 1);
	turn();
	assert_int_not_equal(link_received_descriptor(end), -1);
	/* Another one, later, is not expected. */
	say_descriptors("\0", fds + 1, 1);
	turn();
	assert_int_equal(open_descriptors(), before + 1);
	assert_int_equal(told.descriptors, 1);
	assert_int_equal(told.gones, 1);
	assert_true(told.is_broken);
	assert_string_equal(told.why, "a descriptor that is not expected");
	link_destroy(&end);
	assert_int_equal(open_descriptors(), before - 1);
	close(fds[0]);
	close(fds[1]);
}

/* Of a daemon's link they come with any message, each before that; they are the owner's. */
static void
test_expects_descriptors(void **state)
{
	unsigned before = open_descriptors();
	int fd = 0;

	(void)state;
	link_expect_descriptors(end);
	say("\0", 1);
	turn();
	assert_int_equal(told.gones, 0);
	for (unsigned i = 1; i < 4; i++) {
		say_descriptors("\0", &fd, 1);
		turn();
		assert_int_equal(told.descriptors, i);
		assert_int_equal(open_descriptors(), before + 1);
		close(told.descriptor);
	}
	assert_int_equal(link_received_descriptor(end), -1);
	told.refuses = true;
	say_descriptors("\0", &fd, 1);
	turn();
	assert_int_equal(told.gones, 1);
	assert_string_equal(told.why, "a descriptor that is not expected");
	assert_int_equal(open_descriptors(), before);
}

/* The link is over, and no descriptor is left of it. before: how many there were, with it. */
static void
assert_descriptors_refused(unsigned before)
{
	turn();
	assert_int_equal(told.gones, 1);
	assert_true(told.is_broken);
	assert_string_equal(told.why, "a descriptor that is not expected");
	assert_int_equal(told.messages, 0);
	link_destroy(&end);
	assert_int_equal(open_descriptors(), before - 1);
}

static void
test_refuses_many_descriptors(void **state)
{
	int fds[4] = {0, 0, 0, 0};
	unsigned before = open_descriptors();

	(void)state;
	say_descriptors("\0", fds, 2);
	say_descriptors("\0", fds, 4);
	assert_descriptors_refused(before);
}

static void
test_owner_refuses_descriptor(void **state)
{
	int fd = 0;
	unsigned before = open_descriptors();

	(void)state;
	told.refuses = true;
	say_descriptors("\0", &fd, 1);
	assert_descriptors_refused(before);
}

/* After the first bytes, and from an end that has none to give. */
static void
test_unexpected_descriptor(void **state)
{
	int fd = 0;
	unsigned before = open_descriptors();

	(void)state;
	say("\0", 1);
	turn();
	say_descriptors("\0", &fd, 1);
	assert_descriptors_refused(before);
}

static void
test_descriptor_of_nobody(void **state)
{
	int fd = 0, fds[2];
	unsigned before = open_descriptors();

	(void)state;
	link_destroy(&end);
	close(other);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	other = fds[1];
	end = link_create(&loop, fds[0], WIRE_DAEMON, 1000, &calls_without, &told);
	say_descriptors("\0", &fd, 1);
	assert_descriptors_refused(before);
}

static void
test_sends_a_descriptor(void **state)
{
	struct told mine = told;
	struct link *taker;
	int fds[2];

	(void)state;
	taker = link_create(&loop, other, WIRE_RESPONDER, 1000, &calls, &told);
	other = -1;
	assert_int_equal(pipe(fds), 0);
	link_send_descriptor(end, fds[0]);
	wire_encode_written(link_output(end), 1);
	link_flush(end);
	/* It has left, and does not leave again. */
	close(fds[0]);
	wire_encode_written(link_output(end), 2);
	link_flush(end);
	/* A read ends where a descriptor does. */
	turn();
	turn();
	assert_int_equal(told.messages, mine.messages + 2);
	assert_int_equal(inode_of(link_received_descriptor(taker)), inode_of(fds[1]));
	close(fds[1]);
	link_destroy(&taker);
}

static void
test_peer_user(void **state)
{
	uid_t user = getuid() + 1;

	(void)state;
	assert_int_equal(link_peer_user(other, &user), 0);
	assert_int_equal(user, getuid());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LINK_TEST(test_receives_a_descriptor),
	    LINK_TEST(test_expects_descriptors),
	    LINK_TEST(test_refuses_many_descriptors),
	    LINK_TEST(test_owner_refuses_descriptor),
	    LINK_TEST(test_unexpected_descriptor),
	    LINK_TEST(test_descriptor_of_nobody),
	    LINK_TEST(test_sends_a_descriptor),
	    LINK_TEST(test_peer_user),
	};

	return cmocka_run_group_tests_name("link_descriptors", tests, NULL, NULL);
}
