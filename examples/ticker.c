/*
 * ticker: says `tick!` to each connection, once a second from its beginning. Shows what belongs to a connection: made when it
 * opens, kept as its user data, freed when it closes.
 */
#include <sockjs.h>

#include <stdlib.h>
#include <string.h>

struct ticker {
	sockjs_connection connection;
	sockjs_timer *timer;
};

/* A timer calls with the pointer that it was started with, so the connection has to be in what that points to. */
static void
tick(void *data)
{
	struct ticker *ticker = data;

	sockjs_write(ticker->connection, "tick!", strlen("tick!"));
}

static void
on_connection(sockjs_connection connection)
{
	struct ticker *ticker = malloc(sizeof *ticker);

	if (ticker == NULL)
		abort();
	ticker->connection = connection;
	ticker->timer = sockjs_timer_start(sockjs_service_of(connection), 1000, 1000, tick, ticker);
	sockjs_set_user_data(connection, ticker);
}

/* Comes exactly once, whoever ended the connection: the only place that has to free. */
static void
on_close(sockjs_connection connection)
{
	struct ticker *ticker = sockjs_user_data(connection);

	sockjs_timer_stop(&ticker->timer);
	free(ticker);
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "ticker",
    .connection = on_connection,
    .close = on_close,
};
