/*
 * See listening_sockets.h. Both functions match what the options want with what is there, and open
 * the rest.
 */
#include "sessiond/system/listening_sockets.h"

#include "common/log.h"
#include "common/memory.h"
#include "conf/config.h"
#include "sessiond/system/inherited_sockets.h"
#include "system/socket_access.h"

#include <stdio.h>
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

int
listening_wish_init(struct listening_wish *wish, const struct server_options *options,
    char **control, struct error *err)
{
	*control = config_control_path(options);
	*wish = (struct listening_wish){
	    .addresses = options->listen,
	    .path = options->socket,
	    .control = *control,
	    .needs_control = options->control != NULL,
	    .beside = options->daemons == 1 ? 0 : 1 + (*control != NULL),
	};
	if (socket_access_resolve(options->user, options->socket_group, options->socket_mode,
		&wish->access, err) == -1)
		return -1;
	return socket_access_resolve_control(options->user, options->group,
	    options->control_users != NULL || options->publish_users != NULL, &wish->control_access,
	    err);
}

/* A wish, cut into words, and what of it is there already. */
struct wanted {
	const struct listening_wish *wish;
	char *copy; /* of the addresses, cut into words */
	const char *words[LISTENING_SOCKETS_MAX];
	size_t count;
	bool has_word[LISTENING_SOCKETS_MAX], has_path, has_control;
	bool is_used[LISTENING_SOCKETS_MAX]; /* of the sockets that are there */
};

static int
read_words(struct wanted *wanted, struct error *err)
{
	const char *addresses = wanted->wish->addresses;
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

/* Finds the Unix socket of that path (NULL: none) among those that are there, and not in use. */
static struct listening_socket *
match_path(struct wanted *wanted, struct listening_sockets *set, const char *path)
{
	size_t i;

	for (i = 0; path != NULL && i < set->count; i++)
		if (!wanted->is_used[i] && listening_socket_is_unix(&set->sockets[i], path)) {
			wanted->is_used[i] = true;
			return &set->sockets[i];
		}
	return NULL;
}

/*
 * Finds the sockets that are there already and that the wish names. Words with port 0 come last,
 * and take a socket that no other word names.
 */
static void
match(struct wanted *wanted, struct listening_sockets *set)
{
	struct listening_socket *control;
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
	wanted->has_path = match_path(wanted, set, wanted->wish->path) != NULL;
	control = match_path(wanted, set, wanted->wish->control);
	wanted->has_control = control != NULL;
	if (control != NULL)
		control->is_control = true;
}

/* count: of sockets that a daemon is to have. */
static int
check_count(size_t count, const struct listening_wish *wish, struct error *err)
{
	if (count + wish->beside <= LISTENING_SOCKETS_MAX)
		return 0;
	if (wish->beside == 0)
		return error_set(
		    err, EX_CONFIG, "more than %d sockets to listen on", LISTENING_SOCKETS_MAX);
	return error_set(err, EX_CONFIG,
	    "more than %d sockets to listen on, of which each of several daemons has %zu of its own",
	    LISTENING_SOCKETS_MAX, wish->beside);
}

static struct listening_socket *
add_room(struct listening_sockets *set, size_t others, const struct listening_wish *wish,
    struct error *err)
{
	if (check_count(set->count + others + 1, wish, err) == -1)
		return NULL;
	return &set->sockets[set->count];
}

static int
open_path(struct listening_sockets *set, size_t others, const struct listening_wish *wish,
    bool is_control, struct error *err)
{
	const char *option = is_control ? "control" : "socket";
	const char *path = is_control ? wish->control : wish->path;
	const struct socket_access *access = is_control ? &wish->control_access : &wish->access;
	struct listening_socket *room = add_room(set, others, wish, err);

	if (room == NULL || listening_socket_open_unix(room, option, path, access, err) == -1)
		return -1;
	set->count++;
	return 0;
}

/* One that nobody asked for may be missing: another daemon of the same folder has it, say. */
static int
open_control(struct listening_sockets *set, size_t others, const struct listening_wish *wish,
    struct error *err)
{
	struct error cause = ERROR_INIT;

	if (open_path(set, others, wish, true, &cause) == 0) {
		set->sockets[set->count - 1].is_control = true;
		return 0;
	}
	if (wish->needs_control)
		return error_set(err, cause.code, "%s", cause.text);
	log_info("%s; the daemon goes on without a control socket (set `control = PATH`, or none, "
		 "in [server])",
	    cause.text);
	return 0;
}

/* Opens into set what is not there. others: how many sockets there are beside those of set. */
static int
open_missing(
    struct listening_sockets *set, size_t others, const struct wanted *wanted, struct error *err)
{
	const struct listening_wish *wish = wanted->wish;
	struct listening_socket *room;
	size_t i;

	for (i = 0; i < wanted->count; i++) {
		if (wanted->has_word[i])
			continue;
		room = add_room(set, others, wish, err);
		if (room == NULL || listening_socket_open_tcp(room, wanted->words[i], err) == -1)
			return -1;
		set->count++;
	}
	if (wish->path != NULL && !wanted->has_path &&
	    open_path(set, others, wish, false, err) == -1)
		return -1;
	/* What is inherited counts, too. */
	if (check_count(set->count + others, wish, err) == -1)
		return -1;
	if (set->count + others == wanted->has_control)
		return error_set(err, EX_CONFIG,
		    "nowhere to listen: set `listen = 127.0.0.1:8080` or `socket = PATH` in [server] "
		    "(or give --listen ADDR:PORT)");
	if (wish->control == NULL || wanted->has_control)
		return 0;
	return open_control(set, others, wish, err);
}

int
listening_sockets_open(
    struct listening_sockets *set, const struct listening_wish *wish, struct error *err)
{
	struct wanted wanted = {.wish = wish};
	int inherited, status = -1;

	set->count = 0;
	inherited = inherited_sockets_take(set->sockets, LISTENING_SOCKETS_MAX, err);
	if (inherited >= 0) {
		set->count = (size_t)inherited;
		if (read_words(&wanted, err) == 0) {
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
listening_sockets_inherit(struct listening_sockets *set, struct error *err)
{
	int inherited = inherited_sockets_take(set->sockets, LISTENING_SOCKETS_MAX, err);

	set->count = inherited < 0 ? 0 : (size_t)inherited;
	return inherited < 0 ? -1 : 0;
}

int
listening_sockets_change(const struct listening_sockets *present, const struct listening_wish *wish,
    struct listening_sockets *added, bool stays[LISTENING_SOCKETS_MAX], struct error *err)
{
	struct listening_sockets copy = *present;
	struct wanted wanted = {.wish = wish};
	size_t i, staying = 0;
	int status = -1;

	added->count = 0;
	if (read_words(&wanted, err) == 0) {
		match(&wanted, &copy);
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

void
listening_sockets_commit(struct listening_sockets *set, const struct listening_sockets *added,
    const bool stays[LISTENING_SOCKETS_MAX])
{
	size_t i, left = 0;

	for (i = 0; i < set->count; i++) {
		if (stays[i])
			set->sockets[left++] = set->sockets[i];
		else
			listening_socket_close(&set->sockets[i]);
	}
	for (i = 0; i < added->count; i++)
		set->sockets[left++] = added->sockets[i];
	set->count = left;
}

int
listening_sockets_replace(
    struct listening_sockets *set, const struct listening_wish *wish, struct error *err)
{
	bool stays[LISTENING_SOCKETS_MAX];
	struct listening_sockets added;

	if (listening_sockets_change(set, wish, &added, stays, err) == -1)
		return -1;
	listening_sockets_commit(set, &added, stays);
	return 0;
}

void
listening_sockets_print(const struct listening_sockets *set)
{
	size_t i;

	printf("ready");
	for (i = 0; i < set->count; i++)
		if (!set->sockets[i].is_control)
			printf(" %s", set->sockets[i].name);
	printf("\n");
	fflush(stdout);
}

static int
check_words(const struct wanted *wanted, char taken[LISTENING_ADDRESS_SIZE], struct error *err)
{
	bool is_taken;
	size_t i;

	for (i = 0; i < wanted->count; i++) {
		if (listening_socket_check_tcp(wanted->words[i], &is_taken, err) == -1)
			return -1;
		if (is_taken && taken[0] == '\0')
			snprintf(taken, LISTENING_ADDRESS_SIZE, "%s", wanted->words[i]);
	}
	return 0;
}

/* The control socket that nobody has asked for may be missing. */
static int
check_control(const struct listening_wish *wish, struct error *err)
{
	bool is_taken;

	if (wish->control == NULL || !wish->needs_control)
		return 0;
	return listening_socket_check_unix(
	    "control", wish->control, &wish->control_access, &is_taken, err);
}

int
listening_sockets_check(const struct listening_wish *wish, bool *is_served,
    char taken[LISTENING_ADDRESS_SIZE], struct error *err)
{
	struct wanted wanted = {.wish = wish};
	int status;

	*is_served = false;
	taken[0] = '\0';
	status = read_words(&wanted, err);
	if (status == 0)
		status = check_count(wanted.count + (wish->path != NULL) +
			(wish->control != NULL && wish->needs_control),
		    wish, err);
	if (status == 0)
		status = check_words(&wanted, taken, err);
	if (status == 0 && wish->path != NULL)
		status = listening_socket_check_unix(
		    "socket", wish->path, &wish->access, is_served, err);
	if (status == 0)
		status = check_control(wish, err);
	free(wanted.copy);
	return status;
}
