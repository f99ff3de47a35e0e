/*
 * See control_client.h. The daemon closes the connection after its answer, as it is asked to.
 */
#include "sessiond/ctl/control_client.h"

#include "sessiond/ctl/chunk_reader.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

static int
fail_to_wait(const char *path, struct error *err)
{
	return error_set(err, EX_UNAVAILABLE,
	    "%s: the daemon has not answered within %d s: a module may block it, see the log", path,
	    CONTROL_CLIENT_WAIT_S);
}

static int
fail_to_connect(const char *path, struct error *err)
{
	switch (errno) {
	case ENOENT:
		return error_set(err, EX_UNAVAILABLE,
		    "%s: there is no control socket: the daemon is not running, or has another "
		    "one (--socket PATH)",
		    path);
	case ECONNREFUSED:
		return error_set(err, EX_UNAVAILABLE,
		    "%s: nobody listens there: the daemon is not running", path);
	case EACCES:
	case EPERM:
		return error_set(err, EX_NOPERM,
		    "%s: permission denied: be root, or have `control_users` name you in the "
		    "daemon's configuration",
		    path);
	case EAGAIN:
		return fail_to_wait(path, err);
	default:
		return error_set(err, EX_UNAVAILABLE, "%s: %s", path, strerror(errno));
	}
}

static int
connect_to(const char *path, struct error *err)
{
	const struct timeval wait = {.tv_sec = CONTROL_CLIENT_WAIT_S};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof address.sun_path)
		return error_set(err, EX_USAGE, "%s: the path is longer than %zu bytes", path,
		    sizeof address.sun_path - 1);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return error_set(err, EX_OSERR, "socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	fail_to_connect(path, err);
	close(fd);
	return -1;
}

static int
fail_to_exchange(const char *path, struct error *err)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return fail_to_wait(path, err);
	return error_set(err, EX_UNAVAILABLE, "%s: the daemon has gone: %s", path, strerror(errno));
}

static int
send_all(int fd, const char *path, const struct buffer *request, struct error *err)
{
	size_t sent;
	ssize_t n;

	/* Who is refused may hear of it before it has said anything: what came counts. */
	for (sent = 0; sent < request->len; sent += (size_t)n) {
		n = send(fd, request->data + sent, request->len - sent, MSG_NOSIGNAL);
		if (n == -1 && errno != EPIPE)
			return fail_to_exchange(path, err);
		if (n == -1)
			break;
	}
	return 0;
}

/* Until the end. */
static int
receive_all(int fd, const char *path, struct buffer *text, struct error *err)
{
	char bytes[16384];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
		buffer_append(text, bytes, (size_t)n);
	if (n == -1 && !(errno == ECONNRESET && text->len > 0))
		return fail_to_exchange(path, err);
	if (buffer_failed(text))
		return error_set(err, EX_OSERR, "out of memory");
	return 0;
}

/* -1: the head does not say. */
static long long
content_length(const char *head, const char *end)
{
	static const char name[] = "\r\nContent-Length:";
	const char *line = head;

	for (; line < end && (line = strstr(line, "\r\n")) != NULL && line < end; line += 2)
		if (strncasecmp(line, name, strlen(name)) == 0)
			return atoll(line + strlen(name));
	return -1;
}

int
control_take_answer(struct buffer *text)
{
	const char *end;
	size_t head;
	long long length;
	int status;

	buffer_append_char(text, '\0');
	if (buffer_failed(text) || sscanf(text->data, "HTTP/1.1 %3d ", &status) != 1)
		return -1;
	end = strstr(text->data, "\r\n\r\n");
	if (end == NULL)
		return -1;
	head = (size_t)(end - text->data) + 4;
	length = content_length(text->data, end);
	if (length < 0 || (size_t)length != text->len - 1 - head)
		return -1;
	buffer_consume(text, head);
	buffer_truncate(text, text->len - 1); /* the NUL stays behind it */
	return status;
}

static int
ask(int fd, const char *socket, const char *method, const char *path, const char *sent,
    struct error *err)
{
	struct buffer request = BUFFER_INIT;
	int status;

	buffer_printf(&request,
	    "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
	    method, path, sent == NULL ? 0 : strlen(sent));
	buffer_append_str(&request, sent == NULL ? "" : sent);
	status = buffer_failed(&request) ? error_set(err, EX_OSERR, "out of memory")
					 : send_all(fd, socket, &request, err);
	buffer_free(&request);
	return status;
}

/* The status of an answer that is all there. */
static int
take(const char *socket, struct buffer *body, struct error *err)
{
	int status = control_take_answer(body);

	if (status == -1)
		return error_set(err, EX_PROTOCOL,
		    "%s: what answers there is not the control socket of sockjs-sessiond", socket);
	if (status == 403)
		return error_set(
		    err, EX_NOPERM, "%s: %.*s", socket, (int)strcspn(body->data, "\n"), body->data);
	return status;
}

int
control_ask(const char *socket, const char *method, const char *path, const char *sent,
    struct buffer *body, struct error *err)
{
	int fd = connect_to(socket, err), status;

	if (fd == -1)
		return -1;
	status = ask(fd, socket, method, path, sent, err);
	if (status == 0)
		status = receive_all(fd, socket, body, err);
	close(fd);
	return status == -1 ? -1 : take(socket, body, err);
}

static int
exit_status(int status)
{
	if (status == 404)
		return EX_NOHOST;
	return status == 503 ? EX_TEMPFAIL : EX_CONFIG;
}

/* Returns 0 for 200, else -1 and an error. */
static int
judge(int status, const struct buffer *body, struct error *err)
{
	if (status == -1 || status == 200)
		return status == 200 ? 0 : -1;
	return error_set(
	    err, exit_status(status), "%.*s", (int)strcspn(body->data, "\n"), body->data);
}

int
control_obtain(const char *socket, const char *method, const char *path, const char *sent,
    struct buffer *body, struct error *err)
{
	return judge(control_ask(socket, method, path, sent, body, err), body, err);
}

/* --- what does not end ------------------------------------------------------------------------ */

/* What is being followed. */
struct following {
	const char *socket;
	int fd;
	struct chunk_reader chunks;
	struct buffer text; /* NUL-terminated only while it is looked at */
	const struct control_follower *follower;
	void *context;
};

/* More of the answer: bytes, of which there are n. Returns n, or -1 and an error. */
static ssize_t
receive(struct following *following, char *bytes, size_t size, struct error *err)
{
	ssize_t n = recv(following->fd, bytes, size, 0);

	if (n == -1)
		return fail_to_exchange(following->socket, err);
	if (n == 0)
		return error_set(
		    err, EX_UNAVAILABLE, "%s: the daemon has ended", following->socket);
	return n;
}

/* Calls the function with each whole line. Returns what it does if that is not 0. */
static int
give_lines(struct following *following, struct error *err)
{
	struct buffer *text = &following->text;
	char *end;
	int status = 0;

	if (buffer_failed(text))
		return error_set(err, EX_OSERR, "out of memory");
	while (
	    status == 0 && text->len > 0 && (end = memchr(text->data, '\n', text->len)) != NULL) {
		*end = '\0';
		status = following->follower->line(following->context, text->data, err);
		buffer_consume(text, (size_t)(end + 1 - text->data));
	}
	return status;
}

/* The next part of the lines. */
static int
follow_part(struct following *following, const char *bytes, size_t n, struct error *err)
{
	int status = chunk_reader_feed(&following->chunks, bytes, n, &following->text);

	if (status == -1)
		return error_set(err, EX_PROTOCOL, "the daemon's answer cannot be read");
	if (give_lines(following, err) == -1)
		return -1;
	return status == 0
	    ? 0
	    : error_set(err, EX_UNAVAILABLE, "%s: the daemon has ended", following->socket);
}

/*
 * Reads until the end of the head, whose length it returns; -1 and an error, also of an answer that
 * is whole: why there is nothing to follow.
 */
static ssize_t
receive_head(struct following *following, struct buffer *head, struct error *err)
{
	static const char good[] = "HTTP/1.1 200 ";
	char bytes[4096], *end;
	ssize_t n;

	do {
		n = receive(following, bytes, sizeof bytes, err);
		if (n == -1)
			return -1;
		buffer_append(head, bytes, (size_t)n);
		if (buffer_failed(head))
			return error_set(err, EX_OSERR, "out of memory");
		end = memmem(head->data, head->len, "\r\n\r\n", 4);
	} while (end == NULL);
	if (head->len > strlen(good) && memcmp(head->data, good, strlen(good)) == 0)
		return end + 4 - head->data;
	if (receive_all(following->fd, following->socket, head, err) == -1)
		return -1;
	return judge(take(following->socket, head, err), head, err);
}

static int
follow(struct following *following, struct error *err)
{
	const struct timeval for_ever = {.tv_sec = 0};
	struct buffer head = BUFFER_INIT;
	char bytes[16384];
	ssize_t n = receive_head(following, &head, err);
	int status = -1;

	if (n > 0) {
		following->follower->begin(following->context);
		status = follow_part(following, head.data + n, head.len - (size_t)n, err);
	}
	buffer_free(&head);
	setsockopt(following->fd, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof for_ever);
	while (status == 0) {
		n = receive(following, bytes, sizeof bytes, err);
		status = n == -1 ? -1 : follow_part(following, bytes, (size_t)n, err);
	}
	return status;
}

int
control_follow(const char *socket, const char *path, const struct control_follower *follower,
    void *context, struct error *err)
{
	struct following following = {
	    .socket = socket, .text = BUFFER_INIT, .follower = follower, .context = context};
	int status;

	following.fd = connect_to(socket, err);
	if (following.fd == -1)
		return -1;
	status = ask(following.fd, socket, "GET", path, NULL, err);
	if (status == 0)
		status = follow(&following, err);
	buffer_free(&following.text);
	close(following.fd);
	return status;
}

/* --- targets ---------------------------------------------------------------------------------- */

void
control_append_field(struct buffer *target, const char *name, const char *value)
{
	static const char plain[] = "/-._~";

	if (value == NULL)
		return;
	buffer_printf(target, "&%s=", name);
	for (; *value != '\0'; value++)
		if (isalnum((unsigned char)*value) || strchr(plain, *value) != NULL)
			buffer_append_char(target, *value);
		else
			buffer_printf(target, "%%%02x", (unsigned char)*value);
}
