/*
 * descriptor_tool SOCKET: a local peer that sends descriptors, for tests/hostile, until it is
 * killed. Each of its connections first sends what standard input has, half of them nothing, and
 * then a byte with many descriptors, again and again; one that ends is made anew.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	CONNECTIONS = 20,
	DESCRIPTORS = 250, /* a message; the system takes 253 */
	GREETING_MAX = 4096,
	PAUSE = 1, /* ms, when nothing is taken */
};

struct greeting {
	char bytes[GREETING_MAX];
	size_t len;
};

static int
connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path));
	if (fd != -1 && connect(fd, (struct sockaddr *)&address, sizeof address) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* False if the connection is to be made anew. */
static bool
send_descriptors(int fd, int file)
{
	static union {
		char bytes[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
		struct cmsghdr head;
	} control;
	struct iovec byte = {"\0", 1};
	struct msghdr message = {.msg_iov = &byte,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes};
	size_t i;

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(DESCRIPTORS * sizeof(int));
	for (i = 0; i < DESCRIPTORS; i++)
		memcpy(CMSG_DATA(&control.head) + i * sizeof file, &file, sizeof file);
	return sendmsg(fd, &message, MSG_NOSIGNAL) == 1 || errno == EAGAIN || errno == ETOOMANYREFS;
}

/* Each connection once. */
static void
attack(const char *path, const struct greeting *greeting, int file)
{
	static int fds[CONNECTIONS];
	size_t i;

	for (i = 0; i < CONNECTIONS; i++) {
		if (fds[i] <= 0) {
			fds[i] = connect_to(path);
			if (fds[i] != -1 && i % 2 == 0)
				send(fds[i], greeting->bytes, greeting->len, MSG_NOSIGNAL);
		} else if (!send_descriptors(fds[i], file)) {
			close(fds[i]);
			fds[i] = -1;
		}
	}
}

int
main(int argc, char **argv)
{
	static struct greeting greeting;
	int file = memfd_create("descriptor_tool", MFD_CLOEXEC);

	if (argc != 2 || strlen(argv[1]) >= sizeof((struct sockaddr_un *)NULL)->sun_path ||
	    file == -1)
		return 1;
	/* It goes with who started it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	greeting.len = fread(greeting.bytes, 1, sizeof greeting.bytes, stdin);
	for (;;) {
		attack(argv[1], &greeting, file);
		poll(NULL, 0, PAUSE);
	}
}
