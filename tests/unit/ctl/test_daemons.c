/* sessiond/ctl/daemons.h: whom a command asks. */
#include "sessiond/ctl/daemons.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILL_MAX = 16 };

static struct sockaddr_un
address_of(const char *folder, int index)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof address.sun_path, "%s/c.%d", folder, index);
	return address;
}

static int
listen_at(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)address, sizeof *address), 0);
	assert_int_equal(listen(fd, 0), 0);
	return fd;
}

/* Connects until there is no room. Returns how many have come. */
static int
fill(const struct sockaddr_un *address, int fds[FILL_MAX])
{
	int n;

	for (n = 0; n < FILL_MAX; n++) {
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fds[n], (const struct sockaddr *)address, sizeof *address) == 0)
			continue;
		assert_int_equal(errno, EAGAIN);
		close(fds[n]);
		return n;
	}
	fail();
	return n;
}

static void
test_hung_one_counts(void **state)
{
	char folder[] = "/tmp/sockjs-daemons-XXXXXX", path[64];
	struct sockaddr_un addresses[3];
	int fds[FILL_MAX], listening[3], n, i;
	struct daemons daemons;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/c", folder);
	for (i = 0; i < 3; i++) {
		addresses[i] = address_of(folder, i);
		listening[i] = listen_at(&addresses[i]);
	}
	n = fill(&addresses[1], fds);
	daemons_find(&daemons, path);
	assert_int_equal(daemons.count, 3);
	daemons_clear(&daemons);
	while (n > 0)
		close(fds[--n]);
	/* What is left of one does not. */
	close(listening[2]);
	daemons_find(&daemons, path);
	assert_int_equal(daemons.count, 2);
	daemons_clear(&daemons);
	for (i = 0; i < 3; i++)
		unlink(addresses[i].sun_path);
	close(listening[0]);
	close(listening[1]);
	rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hung_one_counts),
	};

	return cmocka_run_group_tests_name("daemons", tests, NULL, NULL);
}
