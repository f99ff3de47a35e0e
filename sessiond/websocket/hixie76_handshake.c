/*
 * See hixie76_handshake.h.
 */
#include "sessiond/websocket/hixie76_handshake.h"

#include "common/memory.h"
#include "sessiond/session/session_set.h"
#include "sockjs/ws_handshake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

struct hixie76_handshake {
	LIST_ENTRY(hixie76_handshake) entry;
	struct websocket_plan plan;
	uint32_t numbers[2];
	int fd; /* -1: given on, or closed */
	char key3[HIXIE76_KEY3_LEN];
	size_t len; /* of key3 so far */
	uv_poll_t poll;
	uv_timer_t timer;
	int open_handles;
};

static void
on_closed(uv_handle_t *handle)
{
	struct hixie76_handshake *handshake = handle->data;

	if (--handshake->open_handles == 0)
		free(handshake);
}

static void
drop(struct hixie76_handshake *handshake)
{
	LIST_REMOVE(handshake, entry);
	handshake->plan.all->count--;
	uv_close((uv_handle_t *)&handshake->poll, on_closed);
	uv_close((uv_handle_t *)&handshake->timer, on_closed);
	if (handshake->fd != -1) {
		websocket_abandon(&handshake->plan);
		close(handshake->fd);
	}
	service_drop(&handshake->plan.service);
}

void
hixie76_handshakes_clear(struct hixie76_handshakes *all)
{
	while (!LIST_EMPTY(all))
		drop(LIST_FIRST(all));
}

/*
 * The answer is the first that is sent after the 101, so that it fits; if it does not, the peer is
 * gone.
 */
static void
finish(struct hixie76_handshake *handshake, const char *extra, size_t extra_len)
{
	struct websocket_plan plan = handshake->plan;
	char answer[HIXIE76_ANSWER_LEN];
	int fd = handshake->fd;

	hixie76_answer(handshake->numbers[0], handshake->numbers[1], handshake->key3, answer);
	if (send(fd, answer, sizeof answer, MSG_NOSIGNAL) != (ssize_t)sizeof answer) {
		drop(handshake);
		return;
	}
	handshake->fd = -1;
	drop(handshake);
	websocket_open_hixie76(&plan, fd, extra, extra_len);
}

static void
take(struct hixie76_handshake *handshake, const char *data, size_t len)
{
	size_t n = sizeof handshake->key3 - handshake->len;

	if (n > len)
		n = len;
	memcpy(handshake->key3 + handshake->len, data, n);
	handshake->len += n;
	if (handshake->len == sizeof handshake->key3)
		finish(handshake, data + n, len - n);
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct hixie76_handshake *handshake = poll->data;
	char data[HIXIE76_KEY3_LEN];
	/* Not more than is missing: what follows is the websocket's. */
	ssize_t n = recv(handshake->fd, data, sizeof handshake->key3 - handshake->len, 0);

	(void)status;
	(void)events;
	if (n > 0)
		take(handshake, data, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		drop(handshake);
}

static void
on_timeout(uv_timer_t *timer)
{
	drop(timer->data);
}

void
hixie76_handshake_start(struct hixie76_handshakes *all, const struct websocket_plan *plan, int fd,
    const uint32_t numbers[2], const char *extra, size_t extra_len)
{
	struct hixie76_handshake *handshake = xcalloc(1, sizeof *handshake);

	if (uv_poll_init(plan->all->loop, &handshake->poll, fd) != 0)
		abort();
	handshake->plan = *plan;
	handshake->plan.deflate = NULL;
	service_hold(plan->service);
	handshake->fd = fd;
	handshake->numbers[0] = numbers[0];
	handshake->numbers[1] = numbers[1];
	LIST_INSERT_HEAD(all, handshake, entry);
	plan->all->count++;
	uv_timer_init(plan->all->loop, &handshake->timer);
	handshake->open_handles = 2;
	handshake->poll.data = handshake->timer.data = handshake;
	uv_poll_start(&handshake->poll, UV_READABLE, on_readable);
	uv_timer_start(&handshake->timer, on_timeout, HIXIE76_HANDSHAKE_WAIT, 0);
	if (extra_len > 0)
		take(handshake, extra, extra_len);
}
