/*
 * See calls.h. Ids are given one after the other, so their remainders spread over the buckets.
 */
#include "fcgi/daemon/calls.h"

#include <assert.h>

static const struct calls_bucket *
bucket_of(const struct calls *calls, uint64_t id)
{
	return &calls->buckets[id % CALLS_BUCKETS];
}

void
calls_init(struct calls *calls)
{
	for (size_t i = 0; i < CALLS_BUCKETS; i++)
		LIST_INIT(&calls->buckets[i]);
}

void
calls_add(struct calls *calls, struct call *call)
{
	assert(!call->is_listed);
	LIST_INSERT_HEAD(&calls->buckets[call->id % CALLS_BUCKETS], call, entry);
	call->is_listed = true;
}

void
calls_remove(struct call *call)
{
	if (!call->is_listed)
		return;
	LIST_REMOVE(call, entry);
	call->is_listed = false;
	timer_stop(&call->patience);
}

void
calls_move(struct calls *to, struct call *call)
{
	LIST_REMOVE(call, entry);
	LIST_INSERT_HEAD(&to->buckets[call->id % CALLS_BUCKETS], call, entry);
}

struct call *
calls_find(const struct calls *calls, uint64_t id)
{
	struct call *call;

	LIST_FOREACH(call, bucket_of(calls, id), entry)
		if (call->id == id)
			return call;
	return NULL;
}

void
calls_each(struct calls *calls, void (*fn)(struct call *call, void *context), void *context)
{
	for (size_t i = 0; i < CALLS_BUCKETS; i++) {
		struct call *call = LIST_FIRST(&calls->buckets[i]), *next;

		for (; call != NULL; call = next) {
			next = LIST_NEXT(call, entry);
			fn(call, context);
		}
	}
}

void
call_set_issued(struct call *call, uint64_t now)
{
	call->is_issued = call->was_issued = true;
	call->suspicion.issued_at = now;
	timer_stop(&call->patience);
}

void
call_set_adrift(struct call *call)
{
	call->is_issued = false;
	buffer_free(&call->part);
}

bool
call_take_part(struct call *call, const char **bytes, size_t *len, bool more, struct buffer *whole)
{
	if (!more && call->part.len == 0)
		return true;
	buffer_append(&call->part, *bytes, *len);
	if (more || buffer_failed(&call->part))
		return false;
	*whole = call->part;
	call->part = (struct buffer)BUFFER_INIT;
	*bytes = whole->data;
	*len = whole->len;
	return true;
}

void
call_clear(struct call *call)
{
	buffer_free(&call->part);
}
