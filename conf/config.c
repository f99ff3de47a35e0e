/* See config.h. */
#include "conf/config.h"

#include "common/memory.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct config *
config_create(const char *path, struct error *err)
{
	struct config *config = xcalloc(1, sizeof *config);

	config->path = xstrdup(path);
	config->place = (struct daemon_place){0, 1};
	if (conf_set_defaults(server_option_table, server_option_count, &config->server, err) ==
		-1 ||
	    conf_set_defaults(service_option_table, service_option_count, &config->defaults, err) ==
		-1)
		config_destroy(&config);
	return config;
}

struct config_section *
config_add_section(struct config *config, const char *name, unsigned line)
{
	struct config_section *section;

	config->sections = xgrow(config->sections, &config->section_room, config->section_count,
	    sizeof config->sections[0]);
	section = &config->sections[config->section_count++];
	config_section_init(section, name, line, &config->defaults);
	return section;
}

static void
override(char **option, const char *value)
{
	if (value == NULL)
		return;
	free(*option);
	*option = xstrdup(value);
}

void
config_override(struct config *config, const struct config_override *command_line)
{
	config->command_line = *command_line;
	override(&config->server.listen, command_line->listen);
	override(&config->server.socket, command_line->socket);
}

/* A number of processes is a text, since it may be "each". */
static void
divide_processes(struct worker_options *options, unsigned n)
{
	uint32_t processes = options->processes == NULL ? 0 : worker_options_processes(options);
	char *part;

	if (processes == 0)
		return;
	if (asprintf(&part, "%u", (processes + n - 1) / n) == -1)
		abort();
	free(options->processes);
	options->processes = part;
}

void
config_take_place(struct config *config, const struct daemon_place *place)
{
	size_t i;

	config->place = *place;
	if (place->count == 1)
		return;
	conf_divide(server_option_table, server_option_count, &config->server, place->count);
	for (i = 0; i < config->section_count; i++) {
		struct config_section *section = &config->sections[i];

		conf_divide(
		    app_option_table, app_option_count, &section->app_options, place->count);
		conf_divide(worker_option_table, worker_option_count, &section->worker_options,
		    place->count);
		divide_processes(&section->worker_options, place->count);
	}
}

bool
config_shares_channels(const struct server_options *options)
{
	return options->engine != NULL && strcmp(options->engine, "memory") != 0;
}

/* NULL: there is none. */
static const struct config_section *
first_app(const struct config *config)
{
	size_t i;

	for (i = 0; i < config->section_count; i++)
		if (config->sections[i].app != NULL)
			return &config->sections[i];
	return NULL;
}

int
config_check_daemons(const struct config *config, struct error *err)
{
	const struct server_options *options = &config->server;
	const struct config_section *app = first_app(config);

	if (options->daemons == 1)
		return 0;
	if (options->socket == NULL)
		return error_set(err, EX_CONFIG,
		    "%s: several daemons need a Unix socket, beside which each has its own: set "
		    "`socket = PATH` in [server], or `daemons = 1`",
		    config->path);
	if (app == NULL || config_shares_channels(options))
		return 0;
	return error_set(err, EX_CONFIG,
	    "%s:%u: the clients of an [app] are in several daemons, which have to share their "
	    "channels: set `engine = redis://HOST` in [server], or `daemons = 1`",
	    config->path, app->line);
}

enum log_severity
config_log_level(const struct config *config)
{
	int level = config->defaults.log_level;
	size_t i;

	for (i = 0; i < config->section_count; i++)
		if (config->sections[i].options.log_level > level)
			level = config->sections[i].options.log_level;
	return (enum log_severity)level;
}

static bool
is_user(const char *name, uid_t user)
{
	const struct passwd *entry = getpwnam(name);

	return entry != NULL && entry->pw_uid == user;
}

/* By the system's word on its groups: a process may have others. */
static bool
is_in_group(const char *name, uid_t user)
{
	const struct group *group = getgrnam(name);
	const struct passwd *entry = getpwuid(user);
	gid_t wanted, *groups;
	int count = 0;
	bool found = false;

	if (group == NULL || entry == NULL)
		return false;
	wanted = group->gr_gid;
	getgrouplist(entry->pw_name, entry->pw_gid, NULL, &count);
	groups = xcalloc((size_t)count + 1, sizeof *groups);
	if (getgrouplist(entry->pw_name, entry->pw_gid, groups, &count) != -1)
		while (!found && count-- > 0)
			found = groups[count] == wanted;
	free(groups);
	return found;
}

/* Those of the list of names (NULL: none), where @NAME is a group. */
static bool
is_named(const char *names, uid_t user)
{
	char *copy, *rest, *word;
	bool allowed = false;

	if (names == NULL)
		return false;
	copy = rest = xstrdup(names);
	while (!allowed && (word = strsep(&rest, " \t,")) != NULL)
		if (*word != '\0')
			allowed = *word == '@' ? is_in_group(word + 1, user) : is_user(word, user);
	free(copy);
	return allowed;
}

char *
config_find_nobody(const char *names)
{
	char *copy, *rest, *word, *nobody = NULL;

	if (names == NULL)
		return NULL;
	copy = rest = xstrdup(names);
	while (nobody == NULL && (word = strsep(&rest, " \t,")) != NULL)
		if (*word != '\0' &&
		    (*word == '@' ? getgrnam(word + 1) == NULL : getpwnam(word) == NULL))
			nobody = xstrdup(word);
	free(copy);
	return nobody;
}

/* Root, this process's own user, and those of the list of names. */
static bool
is_own_or_named(const char *names, uid_t user)
{
	return user == 0 || user == geteuid() || is_named(names, user);
}

/* A process has three pipes, a request to a FastCGI application a socket. */
size_t
config_worker_descriptors(const struct config *config)
{
	enum { PIPES = 3 };
	size_t i, n, sum = 0;

	for (i = 0; i < config->section_count; i++) {
		const struct worker_options *options = &config->sections[i].worker_options;

		if (options->program != NULL) {
			n = worker_options_processes(options);
			sum += PIPES * (n == 0 ? options->max_processes : n);
		} else if (options->callback != NULL) {
			sum += options->callback_concurrency;
		}
	}
	return sum;
}

bool
config_allows_user(const struct config *config, uid_t user)
{
	const char *names = config->server.socket_users;

	return names == NULL || is_own_or_named(names, user);
}

bool
config_allows_control(const struct config *config, uid_t user)
{
	return is_own_or_named(config->server.control_users, user);
}

bool
config_allows_publishing(const struct config *config, uid_t user)
{
	return config_allows_control(config, user) || is_named(config->server.publish_users, user);
}

char *
config_control_path(const struct server_options *options)
{
	static const char name[] = "control.sock";
	const char *slash = options->socket == NULL ? NULL : strrchr(options->socket, '/');
	char *path = NULL;

	if (options->control != NULL)
		return strcmp(options->control, "none") == 0 ? NULL : xstrdup(options->control);
	if (options->socket == NULL)
		return NULL;
	if (asprintf(&path, "%.*s%s", slash == NULL ? 0 : (int)(slash + 1 - options->socket),
		options->socket, name) == -1)
		abort();
	return path;
}

void
config_destroy(struct config **config)
{
	struct config *c = *config;
	size_t i;

	*config = NULL;
	if (c == NULL)
		return;
	for (i = 0; i < c->section_count; i++)
		config_section_clear(&c->sections[i]);
	free(c->sections);
	conf_free_values(server_option_table, server_option_count, &c->server);
	conf_free_values(service_option_table, service_option_count, &c->defaults);
	free(c->path);
	free(c);
}
