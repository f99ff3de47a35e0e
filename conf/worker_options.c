/* See worker_options.h. */
#include "conf/worker_options.h"

#include "common/memory.h"
#include "conf/conf_read.h"
#include "sockjs/net_address.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define WORKER(member) offsetof(struct worker_options, member)

enum { PROCESSES_MAX = 256 };

static const char *const accept_names[] = {"everybody", "application", NULL};

static const char each[] = "each";

static int
check_processes(const char *option, const char *value, struct error *err)
{
	unsigned long n = strtoul(value, NULL, 10);

	if (strcmp(value, each) == 0 ||
	    (strspn(value, "0123456789") == strlen(value) && n >= 1 && n <= PROCESSES_MAX))
		return 0;
	return error_set(err, EX_CONFIG,
	    "%s: a number of processes (1 to %d), or each, for one process a connection", option,
	    PROCESSES_MAX);
}

static int
check_program(const char *option, const char *value, struct error *err)
{
	size_t quotes = 0;

	for (; *value != '\0'; value++)
		quotes += *value == '"';
	return quotes % 2 == 0 ? 0 : error_set(err, EX_CONFIG, "%s: a \" is not closed", option);
}

bool
worker_options_split_callback(
    const char *value, char address[WORKER_ADDRESS_SIZE], const char **script)
{
	static const char scheme[] = "fastcgi:";
	size_t len = strcspn(value, " \t");
	union net_address net;

	*script = value + len + strspn(value + len, " \t");
	if (strncmp(value, scheme, strlen(scheme)) != 0 || **script != '/' ||
	    len - strlen(scheme) >= WORKER_ADDRESS_SIZE)
		return false;
	memcpy(address, value + strlen(scheme), len - strlen(scheme));
	address[len - strlen(scheme)] = '\0';
	return address[0] == '/' || net_address_parse_port(&net, address);
}

static int
check_callback(const char *option, const char *value, struct error *err)
{
	char address[WORKER_ADDRESS_SIZE];
	const char *script;

	return worker_options_split_callback(value, address, &script)
	    ? 0
	    : error_set(err, EX_CONFIG,
		  "%s: expected is fastcgi:, a socket's path (of at most %d bytes) or ADDR:PORT, "
		  "a blank, and the path of a script, such as fastcgi:/run/php/php-fpm.sock "
		  "/home/me/chat.php",
		  option, WORKER_ADDRESS_SIZE - 1);
}

const struct conf_option worker_option_table[] = {
    {.name = "program",
	.type = CONF_STRING,
	.offset = WORKER(program),
	.min = 1,
	.check = check_program,
	.help = "command that is started as the application, in the folder of this file, such as "
		"php chat.php; words are separated by blanks, \"which quotes keep\""},
    {.name = "processes",
	.type = CONF_STRING,
	.offset = WORKER(processes),
	.check = check_processes,
	.default_text = "1",
	.help = "how many times program is started (1 to 256), or each: once for each connection"},
    {.name = "max_processes",
	.type = CONF_U32,
	.offset = WORKER(max_processes),
	.is_total = true,
	.min = 1,
	.default_text = "100",
	.help = "with `processes = each`, the largest number of them; further clients get 503"},
    {.name = "callback",
	.type = CONF_STRING,
	.offset = WORKER(callback),
	.check = check_callback,
	.help = "FastCGI application that is asked with each event, such as "
		"fastcgi:/run/php/php-fpm.sock /home/me/chat.php"},
    {.name = "callback_concurrency",
	.type = CONF_U32,
	.offset = WORKER(callback_concurrency),
	.is_total = true,
	.min = 1,
	.max = 1024,
	.default_text = "16",
	.help = "requests to callback at once, of different connections"},
    {.name = "callback_timeout",
	.type = CONF_MS,
	.offset = WORKER(callback_timeout),
	.min = 1,
	.default_text = "5000",
	.help = "time that callback has to answer"},
    {.name = "ack",
	.type = CONF_BOOL,
	.offset = WORKER(ack),
	.default_text = "on",
	.help =
	    "give an event again that no process has acknowledged; needs a store, without which "
	    "an event counts as handled once it is written"},
    {.name = "ack_timeout",
	.type = CONF_MS,
	.offset = WORKER(ack_timeout),
	.default_text = "60000",
	.help = "time that a process has to acknowledge an event; one that takes longer is "
		"ended, as if it had died of it; 0 is any time"},
    {.name = "accept",
	.type = CONF_ENUM,
	.offset = WORKER(accept),
	.default_text = "everybody",
	.names = accept_names,
	.help = "who lets clients in; application: it is asked about each, before it is let in"},
    {.name = "worker_timeout",
	.type = CONF_MS,
	.offset = WORKER(worker_timeout),
	.default_text = "10000",
	.help = "time without any process after which clients and their sends get 503; until then "
		"they wait"},
    {.name = "worker_line_limit",
	.type = CONF_SIZE,
	.offset = WORKER(worker_line_limit),
	.min = 1024,
	.default_text = "1M",
	.help = "bytes of a line that a process may write, and of an answer of callback; a process "
		"that writes more at once is ended"},
    {.name = "worker_in_flight",
	.type = CONF_U32,
	.offset = WORKER(worker_in_flight),
	.min = 1,
	.default_text = "1000",
	.help = "events that a process has at once and has not acknowledged; others wait"},
    {.name = "worker_queue_limit",
	.type = CONF_SIZE,
	.offset = WORKER(worker_queue_limit),
	.min = 1024,
	.default_text = "16M",
	.help = "bytes of events of the service that wait for its application; beyond that, sends "
		"and new clients get 503"},
    {.name = "worker_held_limit",
	.type = CONF_SIZE,
	.offset = WORKER(worker_held_limit),
	.min = 1024,
	.default_text = "4M",
	.help = "bytes of calls of a process that wait for its ack; further calls get the error "
		"full"},
    {.name = "worker_memory",
	.type = CONF_SIZE,
	.offset = WORKER(worker_memory),
	.default_text = "0",
	.help = "bytes of address space that a process may have; 0 is any number"},
    {.name = "worker_files",
	.type = CONF_U32,
	.offset = WORKER(worker_files),
	.default_text = "0",
	.help = "files and sockets that a process may have open; 0 is as many as the daemon may"},
};

const size_t worker_option_count = sizeof worker_option_table / sizeof worker_option_table[0];

uint32_t
worker_options_processes(const struct worker_options *options)
{
	return strcmp(options->processes, each) == 0
	    ? 0
	    : (uint32_t)strtoul(options->processes, NULL, 10);
}

char *
worker_options_folder(const char *conf_path)
{
	char *folder = xstrdup(".");

	if (conf_path != NULL)
		conf_resolve_path(conf_path, &folder);
	return folder;
}

static bool
is_own(const char *module)
{
	return strcmp(module, WORKER_MODULE) == 0 || strcmp(module, WORKER_EACH_MODULE) == 0 ||
	    strcmp(module, WORKER_CALLBACK_MODULE) == 0;
}

const char *
worker_options_module(const struct worker_options *options, const char *module, struct error *err)
{
	if (module != NULL && options->program == NULL && options->callback == NULL)
		return module;
	if (module != NULL && !is_own(module))
		error_set(err, EX_CONFIG, "names module and %s: its application is one of the two",
		    options->program != NULL ? "program" : "callback");
	else if (options->program != NULL && options->callback != NULL)
		error_set(err, EX_CONFIG,
		    "names program and callback: its application is one of the two");
	else if (options->callback != NULL)
		return WORKER_CALLBACK_MODULE;
	else if (options->program != NULL)
		return worker_options_processes(options) == 0 ? WORKER_EACH_MODULE : WORKER_MODULE;
	else
		error_set(err, EX_CONFIG,
		    "names no application; add a line such as: module = echo, or: "
		    "program = php chat.php");
	return NULL;
}
