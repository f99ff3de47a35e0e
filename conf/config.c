/* See config.h. */
#include "conf/config.h"

#include "common/memory.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct config *
config_create(const char *path, struct error *err)
{
	struct config *config = xcalloc(1, sizeof *config);

	config->path = xstrdup(path);
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

/* Root, this process's own user, and those of the list of names (NULL: none). */
static bool
is_own_or_named(const char *names, uid_t user)
{
	char *copy, *rest, *word;
	bool allowed = user == 0 || user == geteuid();

	if (names == NULL || allowed)
		return allowed;
	copy = rest = xstrdup(names);
	while (!allowed && (word = strsep(&rest, " \t,")) != NULL) {
		const struct passwd *entry = *word == '\0' ? NULL : getpwnam(word);

		allowed = entry != NULL && entry->pw_uid == user;
	}
	free(copy);
	return allowed;
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
