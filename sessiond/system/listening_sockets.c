/*
 * See listening_sockets.h. Both functions match what the options want with what is there, and open
 * the rest.
 */
#include "sessiond/system/listening_sockets.h"

#include "common/memory.h"
#include "sessiond/system/inherited_sockets.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

void
listening_sockets_close(struct listening_sockets *set)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		listening_socket_close(&set->sockets[i]);
	set->count = 0;
}

/* What the options ask for, and what of it is there already. */
struct wanted {
	char *copy; /* of `listen`, cut into words */
	const char *words[LISTENING_SOCKETS_MAX];
	size_t count;
	const char *path;
	const struct socket_access *access;
	bool has_word[LISTENING_SOCKETS_MAX], has_path;
	bool is_used[LISTENING_SOCKETS_MAX]; /* of the sockets that are there */
};

static int
read_words(struct wanted *wanted, const char *addresses, struct error *err)
{
	char *rest = wanted->copy = xstrdup(addresses == NULL ? "" : addresses), *word;

	while ((word = strsep(&rest, " \t,")) != NULL) {
		if (*word == '\0')
			continue;
		if (wanted->count == LISTENING_SOCKETS_MAX)
			return error_set(err, EX_CONFIG, "listen: more than %d addresses",
			    LISTENING_SOCKETS_MAX);
		wanted->words[wanted->count++] = word;
	}
	return 0;
}

/*
 * Finds the sockets that are there already and that the options name. Words with port 0 come last,
 * and take a socket that no other word names.
 */
static void
match(struct wanted *wanted, const struct listening_sockets *set)
{
	size_t i, word;
	int any_port;

	for (any_port = 0; any_port <= 1; any_port++)
		for (word = 0; word < wanted->count; word++)
			for (i = 0; i < set->count && !wanted->has_word[word]; i++)
				if (!wanted->is_used[i] &&
				    listening_socket_is_tcp(
					&set->sockets[i], wanted->words[word], any_port))
					wanted->has_word[word] = wanted->is_used[i] = true;
	for (word = 0; word < wanted->count; word++)
		for (i = 0; i < set->count && !wanted->has_word[word]; i++)
			if (listening_socket_covers(&set->sockets[i], wanted->words[word]))
				wanted->has_word[word] = wanted->is_used[i] = true;
	for (i = 0; wanted->path != NULL && i < set->count; i++)
		if (listening_socket_is_unix(&set->sockets[i], wanted->path))
			wanted->has_path = wanted->is_used[i] = true;
}

static struct listening_socket *
add_room(struct listening_sockets *set, size_t others, struct error *err)
{
	if (set->count + others < LISTENING_SOCKETS_MAX)
		return &set->sockets[set->count];
	error_set(err, EX_CONFIG, "more than %d sockets to listen on", LISTENING_SOCKETS_MAX);
	return NULL;
}

/* Opens into set what is not there. others: how many sockets there are beside those of set. */
static int
open_missing(
    struct listening_sockets *set, size_t others, const struct wanted *wanted, struct error *err)
{
	struct listening_socket *room;
	size_t i;

	for (i = 0; i < wanted->count; i++) {
		if (wanted->has_word[i])
			continue;
		room = add_room(set, others, err);
		if (room == NULL || listening_socket_open_tcp(room, wanted->words[i], err) == -1)
			return -1;
		set->count++;
	}
	if (wanted->path != NULL && !wanted->has_path) {
		room = add_room(set, others, err);
		if (room == NULL ||
		    listening_socket_open_unix(room, "socket", wanted->path, wanted->access, err) ==
			-1)
			return -1;
		set->count++;
	}
	if (set->count + others == 0)
		return error_set(err, EX_CONFIG,
		    "nowhere to listen: set `listen = 127.0.0.1:8080` or `socket = PATH` in [server] "
		    "(or give --listen ADDR:PORT)");
	return 0;
}

int
listening_sockets_open(struct listening_sockets *set, const char *addresses, const char *path,
    const struct socket_access *access, struct error *err)
{
	struct wanted wanted = {.path = path, .access = access};
	int inherited, status = -1;

	set->count = 0;
	inherited = inherited_sockets_take(set->sockets, LISTENING_SOCKETS_MAX, err);
	if (inherited >= 0) {
		set->count = (size_t)inherited;
		if (read_words(&wanted, addresses, err) == 0) {
			match(&wanted, set);
			status = open_missing(set, 0, &wanted, err);
		}
		free(wanted.copy);
	}
	if (status == -1)
		listening_sockets_close(set);
	return status;
}

int
listening_sockets_change(const struct listening_sockets *present, const char *addresses,
    const char *path, const struct socket_access *access, struct listening_sockets *added,
    bool stays[LISTENING_SOCKETS_MAX], struct error *err)
{
	struct wanted wanted = {.path = path, .access = access};
	size_t i, staying = 0;
	int status = -1;

	added->count = 0;
	if (read_words(&wanted, addresses, err) == 0) {
		match(&wanted, present);
		for (i = 0; i < present->count; i++) {
			stays[i] = wanted.is_used[i] || present->sockets[i].is_inherited;
			staying += stays[i];
		}
		status = open_missing(added, staying, &wanted, err);
	}
	free(wanted.copy);
	if (status == -1)
		listening_sockets_close(added);
	return status;
}
