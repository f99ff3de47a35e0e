/* See app_options.h. */
#include "conf/app_options.h"

#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define APP(member) offsetof(struct app_options, member)

enum { SECRET_MAX = 256 };

bool
app_name_is_valid(const char *name)
{
	size_t len =
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	return len > 0 && len <= APP_NAME_MAX && name[len] == '\0';
}

static int
check_key(const char *option, const char *value, struct error *err)
{
	return app_name_is_valid(value)
	    ? 0
	    : error_set(
		  err, EX_CONFIG, "%s: a key is 1 to %d of A-Z a-z 0-9 _ -", option, APP_NAME_MAX);
}

static int
check_url(const char *option, const char *value, struct error *err)
{
	if (strncmp(value, "http://", 7) == 0 || strncmp(value, "https://", 8) == 0)
		return 0;
	return error_set(err, EX_CONFIG, "%s: a URL that begins with http:// or https://", option);
}

const struct conf_option app_option_table[] = {
    {.name = "key",
	.type = CONF_STRING,
	.offset = APP(key),
	.check = check_key,
	.help = "public key, which clients name in their URL"},
    {.name = "secret",
	.type = CONF_STRING,
	.offset = APP(secret),
	.min = 1,
	.max = SECRET_MAX,
	.help = "what publishers and authentication endpoints sign with"},
    {.name = "secret_file",
	.type = CONF_STRING,
	.offset = APP(secret_file),
	.min = 1,
	.help = "the same, on the first line of a file that not everybody may read"},
    {.name = "client_events",
	.type = CONF_BOOL,
	.offset = APP(client_events),
	.default_text = "off",
	.help = "pass on what clients send to private and presence channels themselves"},
    {.name = "client_event_rate",
	.type = CONF_U32,
	.offset = APP(client_event_rate),
	.min = 1,
	.default_text = "10",
	.help = "client events a second that a connection may send, and as many subscriptions to "
		"presence channels; more are refused"},
    {.name = "subscription_count",
	.type = CONF_BOOL,
	.offset = APP(subscription_count),
	.default_text = "off",
	.help = "tell subscribers how many they are, but for presence channels, which say who"},
    {.name = "app_connection_limit",
	.type = CONF_U32,
	.offset = APP(app_connection_limit),
	.is_total = true,
	.default_text = "0",
	.help = "connections that the app may have; 0 is as many as the daemon has"},
    {.name = "webhook",
	.type = CONF_STRING,
	.offset = APP(webhook),
	.check = check_url,
	.help = "URL that is told what happens in channels; if unset, nobody is"},
};

const size_t app_option_count = sizeof app_option_table / sizeof app_option_table[0];

/* Without the line's end. */
static int
read_line(int fd, const char *path, char line[SECRET_MAX + 2], struct error *err)
{
	ssize_t n = read(fd, line, SECRET_MAX + 1);

	if (n == -1)
		return error_set(err, EX_CONFIG, "secret_file: %s: %s", path, strerror(errno));
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] == '\0' || strlen(line) > SECRET_MAX)
		return error_set(err, EX_CONFIG,
		    "secret_file: %s: its first line is to be a secret of 1 to %d bytes", path,
		    SECRET_MAX);
	return 0;
}

static int
read_secret(struct app_options *options, struct error *err)
{
	const char *path = options->secret_file;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), status;
	char line[SECRET_MAX + 2];
	struct stat file;

	if (fd == -1 || fstat(fd, &file) == -1)
		status = error_set(err, EX_CONFIG, "secret_file: %s: %s%s", path, strerror(errno),
		    errno == EACCES ? " (this daemon's user has to read it)" : "");
	else if (!S_ISREG(file.st_mode))
		status = error_set(err, EX_CONFIG, "secret_file: %s is no file", path);
	else if ((file.st_mode & S_IRWXO) != 0)
		status = error_set(
		    err, EX_CONFIG, "secret_file: everybody may read %s: chmod o= %s", path, path);
	else
		status = read_line(fd, path, line, err);
	if (fd != -1)
		close(fd);
	if (status == 0)
		options->secret = xstrdup(line);
	return status;
}

int
app_options_finish(struct app_options *options, struct error *err)
{
	if (options->key == NULL)
		return error_set(err, EX_CONFIG,
		    "no key; add a line such as: key = mykey, which clients have in their URL");
	if ((options->secret == NULL) == (options->secret_file == NULL))
		return error_set(err, EX_CONFIG, "%s; set one of secret and secret_file",
		    options->secret == NULL ? "no secret" : "two secrets");
	return options->secret != NULL ? 0 : read_secret(options, err);
}
