/* See module.h. */
#include "sessiond/modules/module.h"

#include "conf/conf_suggest.h"
#include "common/log.h"
#include "sessiond/api/api_timer.h"
#include "sessiond/api/api_channel.h"
#include "sessiond/api/api_group.h"
#include "sessiond/modules/module_image.h"
#include "sessiond/api/api_run.h"

#include <assert.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#ifndef MODULE_FOLDER
#define MODULE_FOLDER "/usr/local/lib/sockjs-fcgi"
#endif

#define SYMBOL "sockjs_module"
#define SUFFIX ".so"

enum { OWN_MAX = 8 };

static const struct sockjs_module *own[OWN_MAX];

void
module_add_own(const struct sockjs_module *module)
{
	size_t i = 0;

	while (own[i] != NULL && own[i] != module)
		i++;
	assert(i < OWN_MAX - 1);
	own[i] = module;
}

static const struct sockjs_module *
find_own(const char *name)
{
	size_t i;

	for (i = 0; own[i] != NULL; i++)
		if (strcmp(own[i]->name, name) == 0)
			return own[i];
	return NULL;
}

/* The folder of modules in a build tree; "" if this program is not in one. */
static void
build_folder(char folder[PATH_MAX])
{
	char program[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
	char *slash;

	folder[0] = '\0';
	if (n <= 0)
		return;
	program[n] = '\0';
	slash = strrchr(program, '/');
	if (slash == NULL)
		return;
	*slash = '\0';
	if (snprintf(folder, PATH_MAX, "%s/../examples", program) >= PATH_MAX ||
	    access(folder, X_OK) == -1)
		folder[0] = '\0';
}

static bool
is_file_name(const char *name)
{
	size_t len = strlen(name);

	return len > strlen(SUFFIX) && strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

/* Names the module of the folder that was probably meant. */
static void
suggest(const char *folder, const char *name, char *out, size_t size)
{
	char names[64][32];
	const char *candidates[64], *near;
	struct dirent *entry;
	size_t n = 0;
	DIR *dir = opendir(folder);

	out[0] = '\0';
	while (dir != NULL && n < 64 && (entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (!is_file_name(entry->d_name) || len - strlen(SUFFIX) >= sizeof names[0])
			continue;
		snprintf(
		    names[n], sizeof names[n], "%.*s", (int)(len - strlen(SUFFIX)), entry->d_name);
		candidates[n] = names[n];
		n++;
	}
	if (dir != NULL)
		closedir(dir);
	near = conf_suggest(name, candidates, n);
	if (near != NULL)
		snprintf(out, size, "; did you mean \"%s\"?", near);
}

static int
find(const char *name, const char *module_path, char path[PATH_MAX], struct error *err)
{
	char beside[PATH_MAX], hint[64];
	const char *folders[2] = {module_path, NULL}, *last = MODULE_FOLDER;
	size_t i;

	if (module_path == NULL) {
		build_folder(beside);
		folders[0] = beside[0] == '\0' ? NULL : beside;
		folders[1] = MODULE_FOLDER;
	}
	for (i = 0; i < 2; i++) {
		if (folders[i] == NULL)
			continue;
		last = folders[i];
		if (snprintf(path, PATH_MAX, "%s/%s" SUFFIX, folders[i], name) < PATH_MAX &&
		    access(path, R_OK) == 0)
			return 0;
	}
	if (is_file_name(name))
		return error_set(err, EX_CONFIG,
		    "module \"%s\": a path has a slash in it, say ./%s for a file beside "
		    "sockjs.conf; a name goes without " SUFFIX ", as %.*s",
		    name, name, (int)(strlen(name) - strlen(SUFFIX)), name);
	if (strchr(name, '.') != NULL)
		return error_set(err, EX_CONFIG,
		    "module \"%s\": a module is a shared object, made of C; a script is named by "
		    "`program`, as in: program = php chat.php",
		    name);
	suggest(folders[0] != NULL ? folders[0] : last, name, hint, sizeof hint);
	return error_set(err, EX_CONFIG, "module \"%s\": no %s" SUFFIX " in %s%s%s%s", name, name,
	    folders[0] != NULL ? folders[0] : last,
	    folders[0] != NULL && folders[1] != NULL ? " or " : "",
	    folders[0] != NULL && folders[1] != NULL ? folders[1] : "", hint);
}

static int
load(struct sockjs_service *service, const char *module_path, struct error *err)
{
	const char *name = service->module_name;
	char path[PATH_MAX];

	service->application = find_own(name);
	if (service->application != NULL)
		return 0;
	if (strchr(name, '/') == NULL) {
		if (find(name, module_path, path, err) == -1)
			return -1;
	} else if (snprintf(path, sizeof path, "%s", name) >= (int)sizeof path) {
		return error_set(err, EX_CONFIG, "module: the path is too long");
	}
	service->image = module_image_open(path, err);
	if (service->image == NULL)
		return -1;
	service->application = module_image_symbol(service->image, SYMBOL);
	if (service->application == NULL)
		return error_set(err, EX_CONFIG,
		    "module %s: exports no `" SYMBOL "`, see SOCKJS_MODULE in sockjs.h", path);
	if (service->application->abi == 0)
		return error_set(err, EX_CONFIG,
		    "module %s: its SOCKJS_MODULE has no line .abi = SOCKJS_ABI", path);
	if (service->application->abi != SOCKJS_ABI)
		return error_set(err, EX_CONFIG,
		    "module %s: built for version %u of sockjs.h, this is version %u; build it again",
		    path, service->application->abi, SOCKJS_ABI);
	return 0;
}

int
module_load(struct sockjs_service *service, const char *module_path, struct error *err)
{
	const struct module_option *unknown = NULL;
	struct error cause = ERROR_INIT;

	if (load(service, module_path, &cause) == -1)
		return service_error(service, service->conf_line, err, "%s", cause.text);
	if (service->is_fallback && service->application->request == NULL)
		return service_error(service, service->conf_line, err,
		    "module \"%s\" answers no requests: it has no `request` callback",
		    service->module_name);
	if (service->application->options != NULL)
		unknown = module_options_find_unknown(
		    &service->module_options, service->application->options, &cause);
	if (unknown != NULL)
		return service_error(service, unknown->line, err, "%s", cause.text);
	return 0;
}

int
module_start(struct sockjs_service *service, struct error *err)
{
	struct callback_call outer = service_call(service, CALLBACK_START);
	int status = 0;

	error_clear(&service->start_error);
	api_run_open(service);
	service->starting = true;
	if (service->application->start != NULL)
		status = service->application->start(service);
	service->starting = false;
	callback_end(outer);
	if (status != 0)
		service_error(service, service->conf_line, &service->start_error,
		    "module \"%s\" of [%s] refuses to start (%d)", service->module_name,
		    service->section, status);
	/*
	 * A module that has recorded an error may have started all the same; then it has to be
	 * stopped.
	 */
	service->started = status == 0;
	if (service->start_error.code == 0)
		return 0;
	return error_set(err, service->start_error.code, "%s", service->start_error.text);
}

/* What a module may have left, whether it started or not. */
static void
clear(struct sockjs_service *service)
{
	api_run_drop(service);
	api_timer_stop_all(service);
	api_group_destroy_all(service);
	api_channel_end_all(service);
}

bool
module_is_same(const struct sockjs_service *a, const struct sockjs_service *b)
{
	return a->image == b->image && a->application == b->application &&
	    strcmp(a->name, b->name) == 0 &&
	    module_options_are_same(&a->module_options, &b->module_options);
}

static void
stop(struct sockjs_service *service)
{
	struct callback_call outer = service_call(service, CALLBACK_STOP);

	if (service->application->stop != NULL)
		service->application->stop(service);
	callback_end(outer);
}

void
module_unload(struct sockjs_service *service)
{
	if (service->started) {
		api_run_close(service);
		api_timer_stop_all(service);
		stop(service);
		service->started = false;
	}
	clear(service);
	service->application = NULL;
	module_image_close(&service->image);
}
