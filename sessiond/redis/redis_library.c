/* See redis_library.h. It is never unloaded: handles of it may be open until the process ends. */
#include "sessiond/redis/redis_library.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#ifndef MODULE_FOLDER
#define MODULE_FOLDER "/usr/local/lib/sockjs-fcgi"
#endif

/* Where `make` leaves it: as this program is in sessiond/, or a test anywhere below. */
static void
build_path(char path[PATH_MAX])
{
	char program[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
	char *slash;

	path[0] = '\0';
	program[n > 0 ? n : 0] = '\0';
	slash = strrchr(program, '/');
	if (slash == NULL)
		return;
	*slash = '\0';
	if (snprintf(path, PATH_MAX, "%s/redis/redis.so", program) >= PATH_MAX)
		path[0] = '\0';
}

const struct redis_client_ops *
redis_library_load(struct error *err)
{
	static const struct redis_client_ops *loaded;
	static const char installed[] = MODULE_FOLDER "/redis.so";
	char built[PATH_MAX];
	const char *path;
	void *handle;

	if (loaded != NULL)
		return loaded;
	build_path(built);
	path = built[0] != '\0' && access(built, R_OK) == 0 ? built : installed;
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (handle != NULL)
		loaded = dlsym(handle, REDIS_CLIENT_SYMBOL);
	if (loaded != NULL && loaded->abi == REDIS_CLIENT_ABI)
		return loaded;
	error_set(err, EX_UNAVAILABLE,
	    "engine: %s; the package sockjs-fcgi-redis has it (or configure --with-redis)",
	    handle == NULL ? dlerror() : "redis.so is of another version");
	loaded = NULL;
	return NULL;
}
