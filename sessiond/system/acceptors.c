/*
 * See listeners.h. Called by server.c when the daemon starts and ends, and by reload.c.
 */
#include "sessiond/system/acceptors.h"

#include "sessiond/system/socket_access.h"

void
listeners_init(struct listeners *listeners, uv_loop_t *loop, listener_accept *accept,
    listener_accept *accept_local, void *context)
{
	*listeners = (struct listeners){
	    .loop = loop, .accept = accept, .accept_local = accept_local, .context = context};
}

/* Takes the sockets. There is room for them. */
static void
add(struct listeners *listeners, struct listening_sockets *set)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		struct listening_socket *socket = &set->sockets[i];
		listener_accept *accept =
		    socket->is_unix ? listeners->accept_local : listeners->accept;

		listeners->items[listeners->count++] =
		    listener_create(listeners->loop, socket, accept, listeners->context);
	}
	set->count = 0;
}

int
listeners_open(struct listeners *listeners, const struct server_options *options, struct error *err)
{
	struct listening_sockets set;
	struct socket_access access;

	if (socket_access_resolve(options, &access, err) == -1 ||
	    listening_sockets_open(&set, options->listen, options->socket, &access, err) == -1)
		return -1;
	add(listeners, &set);
	return 0;
}

int
listeners_prepare(const struct listeners *listeners, const struct server_options *options,
    struct listeners_change *change, struct error *err)
{
	struct listening_sockets present = {.count = listeners->count};
	struct socket_access access;
	size_t i;

	if (socket_access_resolve(options, &access, err) == -1)
		return -1;

	/* Copies to look at: the sockets stay the listeners'. */
	for (i = 0; i < listeners->count; i++)
		present.sockets[i] = *listener_socket(listeners->items[i]);
	return listening_sockets_change(&present, options->listen, options->socket, &access,
	    &change->added, change->stays, err);
}

void
listeners_commit(struct listeners *listeners, struct listeners_change *change)
{
	size_t i, left = 0;

	for (i = 0; i < listeners->count; i++) {
		if (change->stays[i])
			listeners->items[left++] = listeners->items[i];
		else
			listener_close(&listeners->items[i]);
	}
	listeners->count = left;
	add(listeners, &change->added);
}

void
listeners_abandon(struct listeners_change *change)
{
	listening_sockets_close(&change->added);
}

void
listeners_close(struct listeners *listeners)
{
	while (listeners->count > 0)
		listener_close(&listeners->items[--listeners->count]);
}
