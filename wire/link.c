/*
 * See link.h. The link is freed when libuv has closed its handle: until then a call that destroyed
 * it may return into the functions here, which look at is_over.
 */
#include "wire/link.h"

#include "common/loop.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_SIZE = 16384 }; /* a buffer keeps that much while it is empty */

struct link {
	uv_poll_t poll;
	int fd;
	int events; /* those that are watched */
	enum wire_role sender;
	size_t payload_max;
	const struct link_calls *calls;
	void *context;
	struct buffer in, out;
	int to_send;  /* a descriptor; -1: none */
	int received; /* a descriptor; -1: none */
	bool is_new;  /* nothing has been read yet */
	bool expects; /* descriptors, at any time */
	bool is_finished;
	bool is_over; /* gone or destroyed: no call is made any more */
};

/* Room for one descriptor. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_LEN(sizeof(int))];
};

static void on_events(uv_poll_t *poll, int status, int events);

/* --- the socket ------------------------------------------------------------------------------- */

static void
watch(struct link *link)
{
	int events = link->out.len > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE;

	if (link->is_over || events == link->events)
		return;
	link->events = events;
	uv_poll_start(&link->poll, events, on_events);
}

static ssize_t
write_with_descriptor(struct link *link)
{
	struct iovec part = {link->out.data, link->out.len};
	union control control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
				     .cmsg_level = SOL_SOCKET,
				     .cmsg_type = SCM_RIGHTS}};
	struct msghdr message = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof control.bytes};
	ssize_t n;

	memcpy(CMSG_DATA(&control.header), &link->to_send, sizeof(int));
	n = sendmsg(link->fd, &message, MSG_NOSIGNAL);
	if (n > 0)
		link->to_send = -1;
	return n;
}

static ssize_t
write_once(struct link *link)
{
	if (link->to_send != -1)
		return write_with_descriptor(link);
	return send(link->fd, link->out.data, link->out.len, MSG_NOSIGNAL);
}

/* The descriptor that came along; -1: none. */
static int
descriptor_of(struct msghdr *message)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(header), sizeof(int));
	return fd;
}

/*
 * That of the first bytes is the link's; later ones are the owner's. False if it does not want it.
 */
static bool
take_descriptor(struct link *link, struct msghdr *message)
{
	int fd = descriptor_of(message);
	bool is_wanted = fd == -1 || link->calls->descriptor(link->context, fd);

	if (!link->expects)
		link->received = fd;
	else if (!is_wanted)
		close(fd);
	return is_wanted;
}

/*
 * As recv(2). There is room for a descriptor only where one is expected, with the first bytes. The
 * system closes what has no room, and says so.
 */
static ssize_t
read_once(struct link *link, char *to, size_t len, bool *is_refused)
{
	bool has_room = link->expects || (link->is_new && link->calls->descriptor != NULL);
	union control control;
	struct iovec part = {to, len};
	struct msghdr message = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = has_room ? control.bytes : NULL,
	    .msg_controllen = has_room ? sizeof control.bytes : 0};
	ssize_t n = recvmsg(link->fd, &message, MSG_CMSG_CLOEXEC);

	*is_refused = false;
	if (n == -1)
		return n;
	link->is_new = false;
	*is_refused = (message.msg_flags & MSG_CTRUNC) != 0;
	if (has_room && !take_descriptor(link, &message))
		*is_refused = true;
	return n;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void
end(struct link *link, bool is_broken, const char *why)
{
	if (link->is_over)
		return;
	link->is_over = true;
	uv_poll_stop(&link->poll);
	link->calls->gone(link->context, is_broken, why);
}

/* got: 0, an enum wire_error, or -1 from the owner, who does not say what was wrong. */
static void
end_broken(struct link *link, const struct wire_header *header, int error)
{
	char why[100];

	snprintf(why, sizeof why, "bad message %s%s%s", wire_type_name(header->type),
	    error < 0 ? ": " : "", error < 0 ? wire_error_text(error) : "");
	end(link, true, why);
}

/* Gives the whole messages of the input to the owner. Returns false if the link is over. */
static bool
take_messages(struct link *link)
{
	struct buffer *in = &link->in;
	struct wire_header header;
	int got;

	while ((got = wire_parse_header(in->data, in->len, link->payload_max, &header)) > 0) {
		int error = wire_check(&header, link->sender);

		if (error < 0 ||
		    link->calls->message(link->context, &header, in->data + WIRE_HEADER_SIZE) ==
			-1) {
			end_broken(link, &header, error);
			return false;
		}
		if (link->is_over)
			return false;
		buffer_consume(in, WIRE_HEADER_SIZE + header.length);
	}
	if (got < 0)
		end_broken(link, &header, got);
	return got == 0;
}

/* A large message is read into room for all of it, so that it is not moved while it grows. */
static size_t
room_to_read(const struct link *link)
{
	struct wire_header header;
	size_t missing = 0;

	if (wire_parse_header(link->in.data, link->in.len, link->payload_max, &header) == 0 &&
	    link->in.len >= WIRE_HEADER_SIZE)
		missing = WIRE_HEADER_SIZE + header.length - link->in.len;
	return missing > READ_SIZE ? missing : READ_SIZE;
}

/* False if there was nothing to be read. */
static bool
read_some(struct link *link)
{
	size_t room = room_to_read(link);
	char *to = buffer_reserve(&link->in, room);
	bool is_refused = false;
	ssize_t n = to == NULL ? -1 : read_once(link, to, room, &is_refused);

	if (to != NULL && n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		end(link, false,
		    n == 0	     ? "it closed the connection"
			: to == NULL ? "no memory for its message"
				     : strerror(errno));
		return false;
	}
	if (is_refused) {
		end(link, true, "a descriptor that is not expected");
		return false;
	}
	buffer_added(&link->in, (size_t)n);
	if (!take_messages(link))
		return false;
	if (link->calls->taken != NULL)
		link->calls->taken(link->context);
	return true;
}

/*
 * libuv only says that the socket failed. It is reset, for instance, if the other end dies with
 * unread input. What that had written before is still there.
 */
static void
end_failed(struct link *link)
{
	int error = 0;
	socklen_t len = sizeof error;

	while (!link->is_over && read_some(link))
		;
	getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	end(link, false, error == 0 ? "it closed the connection" : strerror(error));
}

static void
on_events(uv_poll_t *poll, int status, int events)
{
	struct link *link = poll->data;

	loop_note_wake(poll->loop);
	if (status < 0) {
		end_failed(link);
		return;
	}
	if (events & UV_WRITABLE)
		link_flush(link);
	if (events & UV_READABLE)
		read_some(link);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* The next read finds the end. */
static void
give_up(struct link *link)
{
	buffer_free(&link->out);
	shutdown(link->fd, SHUT_RDWR);
}

void
link_flush(struct link *link)
{
	struct buffer *out = &link->out;

	/* What is missing in it nobody can tell the other end. */
	if (buffer_failed(out))
		give_up(link);
	while (out->len > 0 && !link->is_over) {
		ssize_t n = write_once(link);

		if (n > 0)
			buffer_consume(out, (size_t)n);
		else if (n == -1 && errno == EAGAIN)
			break;
		else if (n == 0 || errno != EINTR)
			give_up(link);
	}
	watch(link);
	if (link->is_finished && out->len == 0)
		shutdown(link->fd, SHUT_WR);
}

struct buffer *
link_output(struct link *link)
{
	return &link->out;
}

void
link_finish(struct link *link)
{
	link->is_finished = true;
	link_flush(link);
}

void
link_send_descriptor(struct link *link, int fd)
{
	link->to_send = fd;
}

int
link_socket(const struct link *link)
{
	return link->fd;
}

int
link_received_descriptor(const struct link *link)
{
	return link->received;
}

int
link_peer_user(int fd, uid_t *user)
{
	struct ucred who;
	socklen_t len = sizeof who;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1)
		return -1;
	*user = who.uid;
	return 0;
}

int
link_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error;

	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	if (fd == -1 || connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* --- life ------------------------------------------------------------------------------------- */

struct link *
link_create(uv_loop_t *loop, int fd, enum wire_role sender, size_t payload_max,
    const struct link_calls *calls, void *context)
{
	struct link *link = xcalloc(1, sizeof *link);

	if (uv_poll_init(loop, &link->poll, fd) != 0)
		abort();
	link->poll.data = link;
	link->fd = fd;
	link->sender = sender;
	link->payload_max = payload_max;
	link->calls = calls;
	link->context = context;
	link->to_send = link->received = -1;
	link->is_new = true;
	watch(link);
	return link;
}

static void
on_closed(uv_handle_t *handle)
{
	struct link *link = handle->data;

	buffer_free(&link->in);
	buffer_free(&link->out);
	free(link);
}

void
link_destroy(struct link **link)
{
	struct link *l = *link;

	*link = NULL;
	if (l == NULL)
		return;
	l->is_over = true;
	uv_close((uv_handle_t *)&l->poll, on_closed);
	close(l->fd);
	if (l->received != -1)
		close(l->received);
}

void
link_expect_descriptors(struct link *link)
{
	link->sender = WIRE_DAEMON;
	link->expects = true;
}

void
link_set_payload_max(struct link *link, size_t payload_max)
{
	link->payload_max = payload_max;
}
