/*
 * See acceptors.h. Sockets move from the set that opened them into acceptors, and never back.
 */
#include "sessiond/system/acceptors.h"

#include <stdlib.h>

void
acceptors_init(
    struct acceptors *acceptors, uv_loop_t *loop, const struct acceptor_calls *calls, void *context)
{
	*acceptors = (struct acceptors){.loop = loop, .calls = *calls, .context = context};
}

static acceptor_accept *
call_of(const struct acceptors *acceptors, const struct listening_socket *socket)
{
	if (socket->is_control)
		return acceptors->calls.by_control;
	return socket->is_unix ? acceptors->calls.by_unix : acceptors->calls.by_tcp;
}

/* Takes the sockets. There is room for them. */
static void
add(struct acceptors *acceptors, struct listening_sockets *set)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		struct listening_socket *socket = &set->sockets[i];

		acceptors->items[acceptors->count++] =
		    acceptor_create(acceptors->loop, socket, call_of(acceptors, socket),
			socket->is_shared ? acceptors->calls.yields : NULL, acceptors->context);
	}
	set->count = 0;
}

int
acceptors_open(struct acceptors *acceptors, const struct server_options *options, struct error *err)
{
	struct listening_sockets set;
	struct listening_wish wish;
	char *control;
	int status = -1;

	if (listening_wish_init(&wish, options, &control, err) == 0)
		status = listening_sockets_open(&set, &wish, err);
	free(control);
	if (status == 0)
		add(acceptors, &set);
	return status;
}

int
acceptors_inherit(struct acceptors *acceptors, struct error *err)
{
	struct listening_sockets set;

	if (listening_sockets_inherit(&set, err) == -1)
		return -1;
	add(acceptors, &set);
	return 0;
}

void
acceptors_keep(const struct acceptors *acceptors, struct acceptors_change *change)
{
	size_t i;

	change->added.count = 0;
	for (i = 0; i < acceptors->count; i++)
		change->stays[i] = true;
}

int
acceptors_prepare(const struct acceptors *acceptors, const struct server_options *options,
    struct acceptors_change *change, struct error *err)
{
	struct listening_sockets present = {.count = acceptors->count};
	struct listening_wish wish;
	char *control;
	int status = -1;
	size_t i;

	/* Copies to compare with; the acceptors keep the sockets. */
	for (i = 0; i < acceptors->count; i++)
		present.sockets[i] = *acceptor_socket(acceptors->items[i]);
	if (listening_wish_init(&wish, options, &control, err) == 0)
		status =
		    listening_sockets_change(&present, &wish, &change->added, change->stays, err);
	free(control);
	return status;
}

void
acceptors_commit(struct acceptors *acceptors, struct acceptors_change *change)
{
	size_t i, left = 0;

	for (i = 0; i < acceptors->count; i++) {
		if (change->stays[i])
			acceptors->items[left++] = acceptors->items[i];
		else
			acceptor_destroy(&acceptors->items[i]);
	}
	acceptors->count = left;
	add(acceptors, &change->added);
}

void
acceptors_abandon(struct acceptors_change *change)
{
	listening_sockets_close(&change->added);
}

void
acceptors_close(struct acceptors *acceptors)
{
	while (acceptors->count > 0)
		acceptor_destroy(&acceptors->items[--acceptors->count]);
}
