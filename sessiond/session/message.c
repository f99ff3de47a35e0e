/*
 * See message.h.
 */
#include "sessiond/session/message.h"

#include "sockjs/json_string.h"
#include "sockjs/utf8.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_BEGIN "a["
#define FRAME_END   "]"

enum {
	FRAME_BEGIN_LEN = sizeof FRAME_BEGIN - 1,
	FRAME_END_LEN = sizeof FRAME_END - 1,
	FIRST_ROOM = 4,	  /* messages; a power of two, as every later room */
	KEEP_ROOM = 1024, /* an emptied ring larger than this is given back */
	/*
	 * Up to so many bytes a row of the store shares its page with others. A longer one begins
	 * there with STORE_HEAD bytes or more, and goes on in pages of its own.
	 */
	STORE_SHORT = 1000,
	STORE_HEAD = 480,
	STORE_PAGE = 4096,
};

static size_t bytes; /* of all messages there are */

size_t
messages_bytes(void)
{
	return bytes;
}

struct message *
message_create(const char *data, size_t len, bool binary)
{
	struct message *message;

	if (len > SIZE_MAX - sizeof *message)
		return NULL;
	message = malloc(sizeof *message + len);
	if (message == NULL)
		return NULL;
	message->refs = 1;
	message->binary = binary;
	message->frame = NULL;
	message->frame_len = 0;
	message->len = len;
	message->is_ascii = !binary && utf8_copy(message->data, data, len);
	if (binary && len > 0)
		memcpy(message->data, data, len);
	bytes += sizeof *message + len;
	return message;
}

bool
message_is_text(const struct message *message)
{
	return message->is_ascii || utf8_is_valid_wtf8(message->data, message->len);
}

struct message *
message_ref(struct message *message)
{
	message->refs++;
	return message;
}

void
message_unref(struct message **message)
{
	struct message *m = *message;

	*message = NULL;
	if (m == NULL || --m->refs > 0)
		return;
	bytes -= sizeof *m + m->len + m->frame_len;
	free(m->frame);
	free(m);
}

static void
append_alone(const struct message *message, struct buffer *out)
{
	buffer_append_short(out, FRAME_BEGIN, FRAME_BEGIN_LEN);
	json_string_append(out, message->data, message->len, 0);
	buffer_append_short(out, FRAME_END, FRAME_END_LEN);
}

/* Keeps its frame. Without memory for it each receiver's is made anew, at worst. */
static void
keep_frame(struct message *message)
{
	struct buffer frame = BUFFER_INIT;

	append_alone(message, &frame);
	if (buffer_failed(&frame)) {
		buffer_free(&frame);
		return;
	}
	message->frame = frame.base;
	message->frame_len = frame.len;
	bytes += frame.len;
}

/* The last holder needs no copy. */
static inline bool
has_frame(struct message *message)
{
	if (message->frame == NULL && message->refs > 1)
		keep_frame(message);
	return message->frame != NULL;
}

void
message_append_json(struct message *message, struct buffer *out)
{
	if (has_frame(message))
		buffer_append(out, message->frame + FRAME_BEGIN_LEN,
		    message->frame_len - FRAME_BEGIN_LEN - FRAME_END_LEN);
	else
		json_string_append(out, message->data, message->len, 0);
}

static int
grow(struct message_queue *queue)
{
	uint32_t i, room = queue->room == 0 ? FIRST_ROOM : queue->room * 2;
	struct message **items;

	if (room < queue->room)
		return -1;
	items = malloc(room * sizeof *items);
	if (items == NULL)
		return -1;
	for (i = 0; i < queue->count; i++)
		items[i] = queue->items[(queue->head + i) & (queue->room - 1)];
	free(queue->items);
	queue->items = items;
	queue->head = 0;
	queue->room = room;
	return 0;
}

size_t
message_paged(size_t len)
{
	size_t pages;

	if (len <= STORE_SHORT)
		return 0;
	pages = (len - STORE_HEAD) / STORE_PAGE + 1;
	return pages * STORE_PAGE + STORE_HEAD - len + MESSAGE_COST;
}

/* Counts it in; sign -1: out. Most are short, and cost no call. */
static inline void
count(struct message_queue *queue, const struct message *message, int sign)
{
	size_t cost = message->len + MESSAGE_COST;

	queue->bytes += sign > 0 ? cost : -cost;
	if (__builtin_expect(message->len > STORE_SHORT, 0))
		queue->paged +=
		    sign > 0 ? message_paged(message->len) : -message_paged(message->len);
}

int
message_queue_push(struct message_queue *queue, struct message *message)
{
	if (queue->count == queue->room && grow(queue) == -1)
		return -1;
	queue->items[(queue->head + queue->count) & (queue->room - 1)] = message_ref(message);
	queue->count++;
	count(queue, message, 1);
	return 0;
}

static void
free_ring(struct message_queue *queue)
{
	free(queue->items);
	*queue = (struct message_queue){.first = queue->first};
}

struct message *
message_queue_shift(struct message_queue *queue)
{
	struct message *message;

	if (queue->count == 0)
		return NULL;
	message = queue->items[queue->head];
	queue->head = (queue->head + 1) & (queue->room - 1);
	queue->count--;
	count(queue, message, -1);
	queue->first++;
	if (queue->count == 0 && queue->room > KEEP_ROOM)
		free_ring(queue);
	return message;
}

void
message_queue_put_back(struct message_queue *queue, struct message *const *messages, uint32_t n)
{
	while (queue->room - queue->count < n)
		if (grow(queue) == -1)
			abort();
	while (n-- > 0) {
		queue->head = (queue->head - 1) & (queue->room - 1);
		queue->items[queue->head] = messages[n];
		queue->count++;
		count(queue, messages[n], 1);
		queue->first--;
	}
}

void
message_queue_clear(struct message_queue *queue)
{
	struct message *message;

	while ((message = message_queue_shift(queue)) != NULL)
		message_unref(&message);
	free_ring(queue);
}

const char *
message_queue_shared_frame(const struct message_queue *queue, size_t *len)
{
	struct message *message = queue->items[queue->head];

	if (queue->count != 1 || !has_frame(message))
		return NULL;
	*len = message->frame_len;
	return message->frame;
}

static void
append_only(struct message *message, struct buffer *out)
{
	if (has_frame(message))
		buffer_append(out, message->frame, message->frame_len);
	else
		append_alone(message, out);
}

/* n of a ring, from head on. */
static void
append_frame(
    struct message *const *ring, uint32_t room, uint32_t head, uint32_t n, struct buffer *out)
{
	uint32_t i;

	if (n == 1) {
		append_only(ring[head], out);
		return;
	}
	for (i = 0; i < n; i++) {
		buffer_append_str(out, i == 0 ? FRAME_BEGIN : ",");
		message_append_json(ring[(head + i) & (room - 1)], out);
	}
	buffer_append_str(out, FRAME_END);
}

void
message_append_frame(struct message *const *messages, uint32_t n, struct buffer *out)
{
	append_frame(messages, 0, 0, n, out);
}

void
message_queue_append_frame(struct message_queue *queue, struct buffer *out)
{
	struct message *message;

	assert(queue->count > 0);
	append_frame(queue->items, queue->room, queue->head, queue->count, out);
	while (!buffer_failed(out) && queue->count > 0) {
		message = message_queue_shift(queue);
		message_unref(&message);
	}
}
