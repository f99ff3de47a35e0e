/* See config_section.h. */
#include "conf/config_section.h"

#include "common/memory.h"
#include "conf/config_options.h"

#include <stdlib.h>

void
config_section_init(struct config_section *section, const char *name, unsigned line,
    const struct service_options *defaults)
{
	*section = (struct config_section){
	    .is_fallback = name == NULL,
	    .name = xstrdup(name == NULL ? "fallback" : name),
	    .line = line,
	};
	conf_copy_values(service_option_table, service_option_count, &section->options, defaults);
}

int
config_section_make_service(struct config_section *section, struct error *err)
{
	return conf_set_defaults(
	    worker_option_table, worker_option_count, &section->worker_options, err);
}

int
config_section_make_app(struct config_section *section, const char *app, struct error *err)
{
	section->app = xstrdup(app);
	section->module = xstrdup(CONFIG_APP_MODULE);
	return conf_set_defaults(app_option_table, app_option_count, &section->app_options, err);
}

void
config_section_clear(struct config_section *section)
{
	conf_free_values(service_option_table, service_option_count, &section->options);
	conf_free_values(app_option_table, app_option_count, &section->app_options);
	conf_free_values(worker_option_table, worker_option_count, &section->worker_options);
	module_options_clear(&section->module_options);
	free(section->app);
	free(section->name);
	free(section->module);
}
