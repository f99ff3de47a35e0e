/*
 * See commands.h.
 */
#include "sessiond/commands.h"

#include "common/log.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct command {
	const char *name;
	size_t call; /* in struct command_calls */
	bool stays;
} table[COMMANDS] = {
    {"reload", offsetof(struct command_calls, reload), false},
    {"restart", offsetof(struct command_calls, restart), false},
    {"stop", offsetof(struct command_calls, stop), true},
};

/*
 * The file may be another user's, in a folder where that one alone may remove it: then it is obeyed
 * once, and again when it is written anew.
 */
static bool
is_news(struct timespec *obeyed, const struct stat *st)
{
	bool is_same =
	    obeyed->tv_sec == st->st_mtim.tv_sec && obeyed->tv_nsec == st->st_mtim.tv_nsec;

	*obeyed = st->st_mtim;
	return !is_same;
}

static void
obey(struct commands *commands, const struct command *command)
{
	int (*call)(void *, struct error *);
	struct error err = ERROR_INIT;

	memcpy(&call, (const char *)commands->calls + command->call, sizeof call);
	log_info("%s/%s is there", commands->folder, command->name);
	if (call(commands->owner, &err) == -1)
		log_error("%s: %s", command->name, err.text);
}

static void
look_for(struct commands *commands, size_t which)
{
	const struct command *command = &table[which];
	char path[PATH_MAX];
	struct stat st;

	if (snprintf(path, sizeof path, "%s/%s", commands->folder, command->name) >= PATH_MAX ||
	    lstat(path, &st) == -1) {
		commands->obeyed[which] = (struct timespec){0};
		return;
	}
	if (!is_news(&commands->obeyed[which], &st))
		return;
	if (!command->stays && unlink(path) == -1)
		log_error("%s cannot be removed: %s", path, strerror(errno));
	obey(commands, command);
}

void
commands_look(struct commands *commands)
{
	for (size_t i = 0; i < COMMANDS; i++)
		look_for(commands, i);
}

static void
on_timer(uv_timer_t *timer)
{
	commands_look(timer->data);
}

void
commands_start(struct commands *commands, uv_loop_t *loop, const char *folder,
    const struct command_calls *calls, void *owner)
{
	*commands = (struct commands){.folder = folder, .calls = calls, .owner = owner};
	if (folder == NULL)
		return;
	uv_timer_init(loop, &commands->timer);
	commands->timer.data = commands;
	uv_timer_start(&commands->timer, on_timer, COMMANDS_PERIOD_MS, COMMANDS_PERIOD_MS);
}
