/*
 * See listening_socket.h. The address that a socket is named by is the one that the system tells,
 * not the one that was asked for: port 0 has become a number.
 */
#include "system/listening_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	BACKLOG = 4096, /* the kernel lowers it to somaxconn */
	SUN_PATH_SIZE = sizeof((struct sockaddr_un *)NULL)->sun_path,
};

static int
int_option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;

	if (getsockopt(fd, level, name, &value, &len) == -1)
		return -1;
	return value;
}

/* --- what is there ---------------------------------------------------------------------------- */

static void
name_unix(struct listening_socket *socket, const struct sockaddr_un *address, socklen_t len)
{
	size_t path_len = len - offsetof(struct sockaddr_un, sun_path);

	socket->is_unix = true;
	if (path_len > 0 && address->sun_path[0] == '\0') {
		snprintf(socket->name, sizeof socket->name, "unix:@%.*s", (int)path_len - 1,
		    address->sun_path + 1);
		return;
	}
	socket->path = strndup(address->sun_path, path_len);
	if (socket->path == NULL)
		abort();
	snprintf(socket->name, sizeof socket->name, "unix:%s", socket->path);
}

/* Takes fd, bound, and asks the system what it is. */
static void
describe(struct listening_socket *socket, int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof address;
	char host[64], port[8];

	*socket = (struct listening_socket){.fd = fd, .name = "?"};
	if (getsockname(fd, (struct sockaddr *)&address, &len) == -1)
		return;
	if (address.ss_family == AF_UNIX)
		name_unix(socket, (const struct sockaddr_un *)&address, len);
	else if (getnameinfo((struct sockaddr *)&address, len, host, sizeof host, port, sizeof port,
		     NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(socket->name, sizeof socket->name,
		    address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* Takes fd, bound, which nobody listens on yet. file: of a Unix socket, else NULL. */
static int
begin(struct listening_socket *socket, int fd, const struct socket_file *file, const char *text,
    struct error *err)
{
	describe(socket, fd);
	if (file != NULL)
		socket->file = *file;
	if (listen(fd, BACKLOG) == 0)
		return 0;
	error_set(err, EX_UNAVAILABLE, "cannot listen on %s: %s", text, strerror(errno));
	listening_socket_close(socket);
	return -1;
}

/* --- TCP -------------------------------------------------------------------------------------- */

/* Splits "ADDR:PORT" in place; *host is empty if there is none. False if *port is none. */
static bool
split_address(char *text, char **host, char **port)
{
	char *colon = strrchr(text, ':');

	*host = text;
	*port = colon == NULL ? text : colon + 1;
	if (colon == NULL)
		*host = "";
	else
		*colon = '\0';
	if (text[0] == '[' && text[strlen(text) - 1] == ']') {
		text[strlen(text) - 1] = '\0';
		(*host)++;
	}
	return **port != '\0' && strspn(*port, "0123456789") == strlen(*port) &&
	    strlen(*port) <= 5 && atoi(*port) <= 65535;
}

/* An IPv6 wildcard takes IPv4 as well if is_both. */
static int
bind_one(const struct addrinfo *info, bool is_both)
{
	const int on = 1, is_ipv6_only = !is_both;
	int saved,
	    fd = socket(info->ai_family, info->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
		info->ai_protocol);

	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (info->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &is_ipv6_only, sizeof is_ipv6_only);
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/*
 * Where every address is asked for, the IPv6 wildcard comes first, since it can take IPv4 too. One
 * that is named, `[::]`, is for IPv6 alone, so that `0.0.0.0` can be named beside it.
 */
static int
bind_any(const struct addrinfo *infos, bool wildcard)
{
	const struct addrinfo *info;
	int fd = -1;

	for (info = infos; wildcard && fd == -1 && info != NULL; info = info->ai_next)
		if (info->ai_family == AF_INET6)
			fd = bind_one(info, true);
	if (fd == -1 && wildcard && errno == EADDRINUSE)
		return -1; /* half of it is not what was asked for */
	for (info = infos; fd == -1 && info != NULL; info = info->ai_next)
		if (!wildcard || info->ai_family == AF_INET)
			fd = bind_one(info, false);
	return fd;
}

/*
 * The addresses that text can mean, to be freed with freeaddrinfo; NULL and an error if it means
 * none.
 */
static struct addrinfo *
resolve(const char *text, bool *wildcard, struct error *err)
{
	const struct addrinfo hints = {
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct addrinfo *infos = NULL;
	char copy[256], *host, *port;
	int status;

	if (strlen(text) >= sizeof copy) {
		error_set(
		    err, EX_CONFIG, "listen: an address is longer than %zu bytes", sizeof copy - 1);
		return NULL;
	}
	strcpy(copy, text);
	if (text[0] == '#') {
		error_set(err, EX_CONFIG,
		    "listen: # begins no comment behind a value; ; does, or a # at the beginning of a "
		    "line");
		return NULL;
	}
	if (strchr(text, '/') != NULL) {
		error_set(err, EX_CONFIG,
		    "listen: %s is not ADDR:PORT, as in 127.0.0.1:8080; `socket` is for the path of "
		    "a Unix socket",
		    text);
		return NULL;
	}
	if (!split_address(copy, &host, &port)) {
		error_set(err, EX_CONFIG,
		    "listen: %s: \"%s\" is no port, 0 to 65535 (ADDR:PORT, as in 127.0.0.1:8080)",
		    text, port);
		return NULL;
	}
	/* Every address of the machine has to be asked for. */
	if (*host == '\0') {
		error_set(err, EX_CONFIG,
		    "listen: %s is a port without an address: 127.0.0.1:%s is for this "
		    "machine alone, *:%s for everybody",
		    text, port, port);
		return NULL;
	}
	*wildcard = strcmp(host, "*") == 0;
	status = getaddrinfo(*wildcard ? NULL : host, port, &hints, &infos);
	if (status != 0) {
		error_set(err, EX_CONFIG, "listen: %s: %s", text, gai_strerror(status));
		return NULL;
	}
	return infos;
}

/* A socket that is bound to what text means. -1, errno and an error. */
static int
bind_to(const char *text, struct error *err)
{
	bool wildcard;
	struct addrinfo *infos = resolve(text, &wildcard, err);
	int fd, code;

	errno = EINVAL;
	if (infos == NULL)
		return -1;
	fd = bind_any(infos, wildcard);
	code = errno;
	freeaddrinfo(infos);
	if (fd == -1)
		error_set(err, EX_UNAVAILABLE, "cannot listen on %s: %s%s", text, strerror(code),
		    code == EADDRINUSE		? " (choose another with --listen ADDR:PORT)"
			: code == EACCES	? " (ports below 1024 are for root)"
			: code == EADDRNOTAVAIL ? " (this machine has no such address)"
						: "");
	errno = code;
	return fd;
}

int
listening_socket_open_tcp(struct listening_socket *socket, const char *text, struct error *err)
{
	int fd = bind_to(text, err);

	socket->fd = -1;
	return fd == -1 ? -1 : begin(socket, fd, NULL, text, err);
}

int
listening_socket_check_tcp(const char *text, bool *is_taken, struct error *err)
{
	struct error cause = ERROR_INIT;
	int fd = bind_to(text, &cause);

	*is_taken = fd == -1 && errno == EADDRINUSE;
	if (fd == -1 && !*is_taken)
		return error_set(err, cause.code, "%s", cause.text);
	if (fd != -1)
		close(fd);
	return 0;
}

/* An address of the same family, with the port left out. */
static bool
is_same_host(const struct sockaddr *a, const struct sockaddr *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0 &&
	    a6->sin6_scope_id == b6->sin6_scope_id;
}

/* The port lies at the same place in both families. */
static in_port_t
port_of(const struct sockaddr *address)
{
	return ((const struct sockaddr_in *)(const void *)address)->sin_port;
}

bool
listening_socket_is_tcp(const struct listening_socket *socket, const char *text, bool any_port)
{
	struct sockaddr_storage address;
	const struct sockaddr *own = (const struct sockaddr *)&address;
	socklen_t len = sizeof address;
	struct addrinfo *infos, *info;
	bool wildcard, found = false;

	if (socket->is_unix || getsockname(socket->fd, (struct sockaddr *)&address, &len) == -1)
		return false;
	infos = resolve(text, &wildcard, NULL);
	for (info = infos; !found && info != NULL; info = info->ai_next)
		found = is_same_host(own, info->ai_addr) &&
		    (port_of(own) == port_of(info->ai_addr) ||
			(any_port && port_of(info->ai_addr) == 0));
	if (infos != NULL)
		freeaddrinfo(infos);
	return found;
}

bool
listening_socket_covers(const struct listening_socket *socket, const char *text)
{
	struct sockaddr_storage address;
	const struct sockaddr *own = (const struct sockaddr *)&address;
	const struct sockaddr_in6 *own6 = (const void *)own;
	socklen_t len = sizeof address;
	struct addrinfo *infos, *info;
	bool wildcard, found = true;

	if (socket->is_unix || getsockname(socket->fd, (struct sockaddr *)&address, &len) == -1 ||
	    own->sa_family != AF_INET6 || !IN6_IS_ADDR_UNSPECIFIED(&own6->sin6_addr) ||
	    int_option(socket->fd, IPPROTO_IPV6, IPV6_V6ONLY) != 0)
		return false;
	infos = resolve(text, &wildcard, NULL);
	if (infos == NULL)
		return false;
	for (info = infos; info != NULL; info = info->ai_next)
		found = found && port_of(own) == port_of(info->ai_addr);
	freeaddrinfo(infos);
	return found;
}

/* --- Unix ------------------------------------------------------------------------------------- */

static int
check_length(const char *option, const char *path, struct error *err)
{
	if (strlen(path) < SUN_PATH_SIZE)
		return 0;
	return error_set(
	    err, EX_CONFIG, "%s: the path is longer than %d bytes", option, SUN_PATH_SIZE - 1);
}

int
listening_socket_check_unix(const char *option, const char *path,
    const struct socket_access *access, bool *is_taken, struct error *err)
{
	*is_taken = false;
	if (check_length(option, path, err) == -1)
		return -1;
	return socket_file_check(path, access, is_taken, err);
}

int
listening_socket_open_unix(struct listening_socket *listening, const char *option, const char *path,
    const struct socket_access *access, struct error *err)
{
	struct socket_file file;
	int fd;

	listening->fd = -1;
	if (check_length(option, path, err) == -1)
		return -1;
	if (socket_file_clear(path, option, err) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return error_set(
		    err, EX_UNAVAILABLE, "cannot listen on %s: %s", path, strerror(errno));
	if (socket_file_bind(fd, path, access, &file, err) == -1) {
		close(fd);
		return -1;
	}
	return begin(listening, fd, &file, path, err);
}

bool
listening_socket_is_unix(const struct listening_socket *socket, const char *path)
{
	struct stat own, other;

	if (!socket->is_unix || socket->path == NULL)
		return false;
	return strcmp(socket->path, path) == 0 ||
	    (stat(socket->path, &own) == 0 && stat(path, &other) == 0 &&
		own.st_dev == other.st_dev && own.st_ino == other.st_ino);
}

/* --- inherited -------------------------------------------------------------------------------- */

int
listening_socket_adopt(struct listening_socket *socket, int fd, struct error *err)
{
	int flags, domain;

	socket->fd = -1;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return error_set(err, EX_UNAVAILABLE, "is not open");
	domain = int_option(fd, SOL_SOCKET, SO_DOMAIN);
	if (domain == -1)
		return error_set(err, EX_UNAVAILABLE, "is no socket");
	if ((domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX) ||
	    int_option(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM)
		return error_set(
		    err, EX_UNAVAILABLE, "is no stream socket, TCP or Unix (ListenStream=)");
	if (int_option(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1)
		return error_set(
		    err, EX_UNAVAILABLE, "is a socket that does not listen (Accept=no)");
	flags = fcntl(fd, F_GETFL);
	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return error_set(err, EX_UNAVAILABLE, "cannot be used: %s", strerror(errno));
	describe(socket, fd);
	socket->is_inherited = true;
	return 0;
}

/* --- the end ---------------------------------------------------------------------------------- */

void
listening_socket_close(struct listening_socket *socket)
{
	if (socket->fd == -1)
		return;
	if (socket->path != NULL)
		socket_file_remove(socket->path, &socket->file);
	close(socket->fd);
	free(socket->path);
	socket->fd = -1;
	socket->path = NULL;
}
