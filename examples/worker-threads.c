/*
 * worker-threads: slow work beside the loop. Threads count the primes up to a client's number.
 */
#define _GNU_SOURCE /* pipe2 */
#include <sockjs.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct job {
	sockjs_connection connection; /* may be gone when the job is done */
	unsigned number, primes;
};

/* A service's user data. The queue is a pipe, which the threads read. */
struct pool {
	sockjs_service *service;
	int queue[2];
	_Atomic unsigned room; /* in the queue, so that clients cannot fill the memory */
	_Atomic bool stopping;
	unsigned threads;
	pthread_t thread[16];
};

/* Runs on the loop. sockjs_write does nothing if the connection is gone. */
static void
answer(void *data)
{
	struct job *job = data;
	char text[64];

	snprintf(text, sizeof text, "%u: %u primes", job->number, job->primes);
	sockjs_write(job->connection, text, strlen(text));
	free(job);
}

static void *
run(void *data)
{
	struct pool *pool = data;
	struct job *job;

	while ((job = malloc(sizeof *job)) && read(pool->queue[0], job, sizeof *job) > 0) {
		pool->room++;
		for (unsigned n = 2, d; n <= job->number && !pool->stopping; n++) {
			for (d = 2; d * d <= n && n % d != 0; d++)
				;
			job->primes += d * d > n;
		}
		if (sockjs_run(pool->service, answer, job) != SOCKJS_OK)
			free(job); /* the service stops */
	}
	free(job);
	return NULL;
}

static void
on_data(sockjs_connection connection, const sockjs_message *message)
{
	struct pool *pool = sockjs_service_user_data(sockjs_service_of(connection));
	struct job job = {.connection = connection};
	static const char wrong[] = "expected a number up to 10000000", busy[] = "busy, try again";
	char text[16], more;

	snprintf(text, sizeof text, "%.*s", (int)message->len, message->data);
	if (sscanf(text, "%u%c", &job.number, &more) != 1 || job.number > 10000000)
		sockjs_write(connection, wrong, strlen(wrong));
	else if (pool->room == 0 || write(pool->queue[1], &job, sizeof job) != sizeof job)
		sockjs_write(connection, busy, strlen(busy));
	else
		pool->room--;
}

static int
on_start(sockjs_service *service)
{
	struct pool *pool = calloc(1, sizeof *pool);
	uint32_t threads = 2, room = 16;

	if (pool == NULL || pipe2(pool->queue, O_CLOEXEC) == -1) {
		free(pool);
		return sockjs_fail(service, "no memory, or no pipe");
	}
	sockjs_option_uint(service, "threads", 1, 16, &threads);
	sockjs_option_uint(service, "queue", 1, 256, &room);
	pool->service = service;
	pool->room = room;
	for (; pool->threads < threads; pool->threads++)
		if (pthread_create(&pool->thread[pool->threads], NULL, run, pool) != 0)
			break;
	if (pool->threads < threads)
		sockjs_fail(service, "%u threads cannot be started", threads);
	return sockjs_service_set_user_data(service, pool);
}

static void
on_stop(sockjs_service *service)
{
	struct pool *pool = sockjs_service_user_data(service);

	pool->stopping = true;
	close(pool->queue[1]);
	while (pool->threads > 0) /* after this function, the module is unloaded */
		pthread_join(pool->thread[--pool->threads], NULL);
	close(pool->queue[0]);
	free(pool);
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "worker-threads",
    .options = (const char *const[]){"threads", "queue", NULL},
    .start = on_start,
    .stop = on_stop,
    .data = on_data,
};
