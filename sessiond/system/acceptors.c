/*
 * See acceptors.h. Sockets move from the set that opened them into acceptors, and never back.
 */
#include "sessiond/system/acceptors.h"

#include "system/socket_access.h"

void
acceptors_init(struct acceptors *acceptors, uv_loop_t *loop, acceptor_accept *accept,
    acceptor_accept *accept_local, void *context)
{
	*acceptors = (struct acceptors){
	    .loop = loop, .accept = accept, .accept_local = accept_local, .context = context};
}

/* Takes the sockets. There is room for them. */
static void
add(struct acceptors *acceptors, struct listening_sockets *set)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		struct listening_socket *socket = &set->sockets[i];
		acceptor_accept *accept =
		    socket->is_unix ? acceptors->accept_local : acceptors->accept;

		acceptors->items[acceptors->count++] =
		    acceptor_create(acceptors->loop, socket, accept, acceptors->context);
	}
	set->count = 0;
}

static int
resolve_access(
    const struct server_options *options, struct socket_access *access, struct error *err)
{
	return socket_access_resolve(
	    options->user, options->socket_group, options->socket_mode, access, err);
}

int
acceptors_open(struct acceptors *acceptors, const struct server_options *options, struct error *err)
{
	struct listening_sockets set;
	struct socket_access access;

	if (resolve_access(options, &access, err) == -1 ||
	    listening_sockets_open(&set, options->listen, options->socket, &access, err) == -1)
		return -1;
	add(acceptors, &set);
	return 0;
}

int
acceptors_prepare(const struct acceptors *acceptors, const struct server_options *options,
    struct acceptors_change *change, struct error *err)
{
	struct listening_sockets present = {.count = acceptors->count};
	struct socket_access access;
	size_t i;

	if (resolve_access(options, &access, err) == -1)
		return -1;

	/* Copies to compare with; the acceptors keep the sockets. */
	for (i = 0; i < acceptors->count; i++)
		present.sockets[i] = *acceptor_socket(acceptors->items[i]);
	return listening_sockets_change(&present, options->listen, options->socket, &access,
	    &change->added, change->stays, err);
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
