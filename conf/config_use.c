/*
 * See config.h: a configuration once it was read. Called by everything that goes by it, and at its end.
 */
#include "conf/config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

size_t
config_section_count(const struct config *config)
{
	return config->service_count + (config->fallback != NULL);
}

struct sockjs_service *
config_section(const struct config *config, size_t index)
{
	return index < config->service_count ? config->services[index] : config->fallback;
}

static void
override(char **option, const char *value)
{
	if (value == NULL)
		return;
	free(*option);
	*option = strdup(value);
	if (*option == NULL)
		abort();
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

	for (i = 0; i < config_section_count(config); i++)
		if (config_section(config, i)->protocol.options.log_level > level)
			level = config_section(config, i)->protocol.options.log_level;
	return (enum log_severity)level;
}

bool
config_allows_user(const struct config *config, uid_t user)
{
	char *copy, *rest, *word;
	bool allowed = user == 0 || user == geteuid();

	if (config->server.socket_users == NULL || allowed)
		return true;
	copy = rest = strdup(config->server.socket_users);
	if (copy == NULL)
		abort();
	while (!allowed && (word = strsep(&rest, " \t,")) != NULL) {
		const struct passwd *entry = *word == '\0' ? NULL : getpwnam(word);

		allowed = entry != NULL && entry->pw_uid == user;
	}
	free(copy);
	return allowed;
}

void
config_destroy_service(struct sockjs_service **service)
{
	struct service_options *options = &(*service)->protocol.options;

	conf_free_values(service_option_table, service_option_count, options);
	service_destroy(service);
}

static void
destroy_services(struct sockjs_service **services, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		config_destroy_service(&services[i]);
	free(services);
}

void
config_destroy(struct config **config)
{
	struct config *c = *config;
	size_t i;

	*config = NULL;
	if (c == NULL)
		return;
	destroy_services(c->services, c->service_count);
	destroy_services(c->retired, c->retired_count);
	if (c->fallback != NULL)
		config_destroy_service(&c->fallback);
	for (i = 0; i < c->number_count; i++)
		free(c->numbers[i].name);
	free(c->numbers);
	conf_free_values(server_option_table, server_option_count, &c->server);
	conf_free_values(service_option_table, service_option_count, &c->defaults);
	free(c->path);
	free(c);
}
