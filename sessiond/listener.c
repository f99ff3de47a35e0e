/*
 * See listener.h. We accept rather than libmicrohttpd, so that the limit of connections and the room for newcomers are ours to
 * decide (http_server_add).
 */
#include "sessiond/listener.h"

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	BACKLOG = 4096,	     /* the kernel lowers it to somaxconn */
	ACCEPTS_A_TURN = 64, /* before what is connected gets its turn */
	PAUSE_MS = 100,	     /* without a free descriptor */
};

struct listener {
	uv_poll_t poll;
	uv_timer_t pause;
	int fd;
	int spare; /* a descriptor to give up when there is no other, so that the backlog can be told */
	int open_handles;
	char *path; /* of a Unix socket */
	char name[160];
	listener_accept *accept;
	void *context;
};

static void on_ready(uv_poll_t *poll, int status, int events);

static void
on_pause_over(uv_timer_t *timer)
{
	struct listener *listener = timer->data;

	uv_poll_start(&listener->poll, UV_READABLE, on_ready);
}

/* Out of descriptors: what waits is told by a close, and we come back when some may be free. */
static void
shed(struct listener *listener)
{
	int fd;

	log_error("%s: out of file descriptors: connections are refused", listener->name);
	close(listener->spare);
	fd = accept(listener->fd, NULL, NULL);
	if (fd != -1)
		close(fd);
	listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	uv_poll_stop(&listener->poll);
	uv_timer_start(&listener->pause, on_pause_over, PAUSE_MS, 0);
}

static void
on_ready(uv_poll_t *poll, int status, int events)
{
	struct listener *listener = poll->data;
	struct sockaddr_storage address;
	const int on = 1;
	int i, fd;

	(void)status;
	(void)events;
	for (i = 0; i < ACCEPTS_A_TURN; i++) {
		socklen_t len = sizeof address;

		fd = accept4(
		    listener->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1)
			break;
		if (listener->path == NULL)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		listener->accept(listener->context, fd, (struct sockaddr *)&address, len);
	}
	if (i < ACCEPTS_A_TURN && (errno == EMFILE || errno == ENFILE))
		shed(listener);
}

/* Takes fd, bound. */
static struct listener *
start(uv_loop_t *loop, int fd, const char *name, const char *path, listener_accept *accept_fn,
    void *context, struct error *err)
{
	struct listener *listener;

	if (listen(fd, BACKLOG) == -1) {
		error_set(err, EX_UNAVAILABLE, "%s: %s", name, strerror(errno));
		close(fd);
		return NULL;
	}
	listener = calloc(1, sizeof *listener);
	if (listener == NULL || uv_poll_init(loop, &listener->poll, fd) != 0)
		abort();
	uv_timer_init(loop, &listener->pause);
	listener->open_handles = 2;
	listener->poll.data = listener->pause.data = listener;
	listener->fd = fd;
	listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	listener->path = path == NULL ? NULL : strdup(path);
	listener->accept = accept_fn;
	listener->context = context;
	snprintf(listener->name, sizeof listener->name, "%s", name);
	uv_poll_start(&listener->poll, UV_READABLE, on_ready);
	return listener;
}

/* --- TCP ---------------------------------------------------------------------------------------------------------- */

/* Splits "ADDR:PORT" in place; *host NULL stands for every address. */
static int
split_address(char *text, char **host, char **port, struct error *err)
{
	char *colon = strrchr(text, ':');

	*host = text;
	*port = colon == NULL ? text : colon + 1;
	if (colon == NULL || colon == text)
		*host = NULL;
	else
		*colon = '\0';
	if (*host != NULL && text[0] == '[' && text[strlen(text) - 1] == ']') {
		text[strlen(text) - 1] = '\0';
		(*host)++;
	}
	if (**port == '\0' || strspn(*port, "0123456789") != strlen(*port) || strlen(*port) > 5 ||
	    atoi(*port) > 65535)
		return error_set(err, EX_CONFIG,
		    "listen: \"%s\" is no port, 0 to 65535 (ADDR:PORT, as in 127.0.0.1:8080)",
		    *port);
	return 0;
}

static void
name_of(int fd, char *name, size_t size)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof address;
	char host[64], port[8];

	if (getsockname(fd, (struct sockaddr *)&address, &len) == -1 ||
	    getnameinfo((struct sockaddr *)&address, len, host, sizeof host, port, sizeof port,
		NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		snprintf(name, size, "?");
	else
		snprintf(
		    name, size, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static int
bind_one(const struct addrinfo *info)
{
	const int on = 1, off = 0;
	int saved,
	    fd = socket(info->ai_family, info->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
		info->ai_protocol);

	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (info->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* The IPv6 wildcard takes IPv4 too, so it comes first where no address is named. */
static int
bind_any(const struct addrinfo *infos, bool wildcard)
{
	const struct addrinfo *info;
	int fd = -1;

	for (info = infos; wildcard && fd == -1 && info != NULL; info = info->ai_next)
		if (info->ai_family == AF_INET6)
			fd = bind_one(info);
	for (info = infos; fd == -1 && info != NULL; info = info->ai_next)
		fd = bind_one(info);
	return fd;
}

struct listener *
listener_open_tcp(
    uv_loop_t *loop, const char *text, listener_accept *accept_fn, void *context, struct error *err)
{
	const struct addrinfo hints = {
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct addrinfo *infos = NULL;
	char copy[256], name[160], *host, *port;
	int status, fd;

	if (strlen(text) >= sizeof copy) {
		error_set(
		    err, EX_CONFIG, "listen: an address is longer than %zu bytes", sizeof copy - 1);
		return NULL;
	}
	strcpy(copy, text);
	if (split_address(copy, &host, &port, err) == -1)
		return NULL;
	status = getaddrinfo(host, port, &hints, &infos);
	if (status != 0) {
		error_set(err, EX_CONFIG, "listen: %s: %s", text, gai_strerror(status));
		return NULL;
	}
	fd = bind_any(infos, host == NULL);
	freeaddrinfo(infos);
	if (fd == -1) {
		error_set(err, EX_UNAVAILABLE, "cannot listen on %s: %s%s", text, strerror(errno),
		    errno == EADDRINUSE ? " (choose another with --listen ADDR:PORT)" : "");
		return NULL;
	}
	name_of(fd, name, sizeof name);
	return start(loop, fd, name, NULL, accept_fn, context, err);
}

/* --- Unix --------------------------------------------------------------------------------------------------------- */

/* True if somebody accepts at the address. */
static bool
is_served(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool served = fd != -1 &&
	    (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
		errno == EAGAIN);

	if (fd != -1)
		close(fd);
	return served;
}

/* Removes what a daemon that died has left at the path. */
static int
clear_path(const struct sockaddr_un *address, struct error *err)
{
	struct stat st;

	if (lstat(address->sun_path, &st) == -1)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, EX_UNAVAILABLE,
		    "cannot listen on %s: it exists and is no socket", address->sun_path);
	if (is_served(address))
		return error_set(err, EX_UNAVAILABLE,
		    "cannot listen on %s: another process does (choose another with --socket PATH)",
		    address->sun_path);
	unlink(address->sun_path);
	return 0;
}

struct listener *
listener_open_unix(
    uv_loop_t *loop, const char *path, listener_accept *accept_fn, void *context, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char name[160];
	int fd;

	if (strlen(path) >= sizeof address.sun_path) {
		error_set(err, EX_CONFIG, "socket: the path is longer than %zu bytes",
		    sizeof address.sun_path - 1);
		return NULL;
	}
	strcpy(address.sun_path, path);
	if (clear_path(&address, err) == -1)
		return NULL;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&address, sizeof address) == -1 ||
	    chmod(path, 0666) == -1) {
		error_set(err, EX_UNAVAILABLE, "cannot listen on %s: %s", path, strerror(errno));
		if (fd != -1)
			close(fd);
		return NULL;
	}
	snprintf(name, sizeof name, "unix:%s", path);
	return start(loop, fd, name, path, accept_fn, context, err);
}

const char *
listener_name(const struct listener *listener)
{
	return listener->name;
}

static void
on_closed(uv_handle_t *handle)
{
	struct listener *listener = handle->data;

	if (--listener->open_handles > 0)
		return;
	free(listener->path);
	free(listener);
}

void
listener_close(struct listener **listener)
{
	struct listener *l = *listener;

	*listener = NULL;
	if (l == NULL)
		return;
	uv_close((uv_handle_t *)&l->poll, on_closed);
	uv_close((uv_handle_t *)&l->pause, on_closed);
	if (l->path != NULL)
		unlink(l->path);
	close(l->fd);
	close(l->spare);
}
