/*
 * ticker: sends `tick!` to each connection once a second. It shows how to keep data for a
 * connection: the data is made when the connection opens, kept as its user data, and freed when the
 * connection closes.
 */
#include <sockjs.h>

#include <stdlib.h>
#include <string.h>

struct ticker {
	sockjs_connection connection;
	sockjs_timer *timer;
};

/* The timer passes the pointer that it was started with, so that must lead to the connection. */
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

/* Called exactly once, whoever ended the connection, so this is the only place that frees. */
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
    .options = (const char *const[]){NULL}, /* it has none */
    .connection = on_connection,
    .close = on_close,
};
