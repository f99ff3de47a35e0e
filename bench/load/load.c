/*
 * load: the clients of a server under test. It keeps its connections between rounds, so that
 * several servers can take turns; the driver looks at the server's CPU time before and after each
 * round.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "bench/load/round.h"
#include "common/memory.h"

#define EX_USAGE 64

static const char usage[] =
    "Usage: load --way NAME --port N [OPTION...]\n"
    "\n"
    "Reads commands from its standard input, and answers each with a line of JSON:\n"
    "  open CLIENTS                    opens clients until there are so many\n"
    "  echo MESSAGES AT-ONCE RATE      messages that come back, a second; 0: as fast as can be\n"
    "  fanout MESSAGES RATE            messages of one client to all\n"
    "  connect CLIENTS AT-ONCE         further websockets, which connect and close\n"
    "\n"
    "  --way NAME    how messages go: an entry of bench/load/way.c\n"
    "  --port N      of the server, at 127.0.0.1\n"
    "  --from IP     of the clients: one has about 28,000 ports (127.0.0.1)\n"
    "  --path PATH   of the service (/echo)\n"
    "  --up WHERE    where messages go that are no frames: a port, or a Unix socket\n"
    "  --size N      bytes of a message (20)\n"
    "  --deflate     websockets compress\n";

static void
print_result(const struct round_result *result)
{
	const struct histogram *h = &result->latency;

	printf("{\"count\":%llu,\"seconds\":%.6f,\"ownCpu\":%.6f,\"p50\":%.1f,\"p90\":%.1f,"
	       "\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}\n",
	    (unsigned long long)result->count, result->seconds, result->own_cpu,
	    (double)histogram_quantile(h, 0.5) / 1e3, (double)histogram_quantile(h, 0.9) / 1e3,
	    (double)histogram_quantile(h, 0.99) / 1e3, (double)histogram_quantile(h, 0.999) / 1e3,
	    (double)h->max / 1e3);
	fflush(stdout);
}

/* Returns false if the line is no command. */
static bool
obey(const char *line)
{
	static struct round_result result;
	unsigned long long count, at_once;
	double rate;

	if (sscanf(line, "open %llu", &count) == 1)
		round_open(count, &result);
	else if (sscanf(line, "echo %llu %llu %lf", &count, &at_once, &rate) == 3)
		round_echo(count, at_once, rate, &result);
	else if (sscanf(line, "fanout %llu %lf", &count, &rate) == 2)
		round_fanout(count, rate, &result);
	else if (sscanf(line, "connect %llu %llu", &count, &at_once) == 2)
		round_connect(count, at_once, &result);
	else
		return false;
	print_result(&result);
	return true;
}

/* A text of that many bytes, some of which can be compressed; it ends with the mark. */
static char *
make_message(size_t size)
{
	static const char words[] = "name: value, number: 17; ";
	char *message = xmalloc(size + 1);
	unsigned random = 1;

	for (size_t i = 0; i < size; i++) {
		random = random * 1103515245 + 12345;
		message[i] =
		    i % 64 < 40 ? words[i % (sizeof words - 1)] : (char)('a' + (random >> 16) % 26);
	}
	if (size > 0)
		message[size - 1] = MESSAGE_MARK;
	message[size] = '\0';
	return message;
}

static void
bad_usage(const char *what)
{
	fprintf(stderr, "load: %s; see --help\n", what);
	exit(EX_USAGE);
}

static void
read_options(int argc, char **argv, struct target *target, size_t *size)
{
	static const struct option options[] = {{"way", 1, NULL, 'w'}, {"port", 1, NULL, 'p'},
	    {"from", 1, NULL, 'f'}, {"path", 1, NULL, 'd'}, {"up", 1, NULL, 'u'},
	    {"size", 1, NULL, 's'}, {"deflate", 0, NULL, 'z'}, {"help", 0, NULL, 'h'}, {0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'w':
			target->way = way_find(optarg);
			break;
		case 'p':
			target->port = (uint16_t)atoi(optarg);
			target->up = target->up ? target->up : optarg;
			break;
		case 'f':
			target->from = optarg;
			break;
		case 'd':
			target->path = optarg;
			break;
		case 'u':
			target->up = optarg;
			break;
		case 's':
			*size = strtoul(optarg, NULL, 10);
			break;
		case 'z':
			target->deflate = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			exit(EX_USAGE);
		}
	}
	if (!target->way || target->port == 0 || *size == 0 || optind < argc)
		bad_usage("a way, a port and a size are needed");
}

/* As many connections as the system allows. */
static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int
main(int argc, char **argv)
{
	struct target target = {.path = "/echo"};
	size_t size = 20;
	char line[256];

	read_options(argc, argv, &target, &size);
	target.message = make_message(size);
	prctl(PR_SET_TIMERSLACK, 1);
	raise_file_limit();
	round_prepare(&target);
	while (fgets(line, sizeof line, stdin)) {
		if (!obey(line))
			die("not understood: %s", line);
	}
	return 0;
}
