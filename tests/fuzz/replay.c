/*
 * A main for the fuzz targets where there is no libFuzzer: runs LLVMFuzzerTestOneInput on each file
 * named on the command line, and on each file of a directory named there, and prints TAP. Without
 * arguments a program called replay_NAME takes tests/fuzz/corpus/NAME under $SOCKJS_SRCDIR
 * (default: the current directory). A target reports a failure by abort().
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
give_up(const char *path)
{
	printf("Bail out! %s: %s\n", path, strerror(errno));
	exit(1);
}

static void
replay_file(const char *path)
{
	struct buffer content = BUFFER_INIT;
	FILE *f = fopen(path, "rb");
	uint8_t *exact;
	char *to;
	size_t n;

	if (f == NULL)
		give_up(path);
	do {
		to = buffer_reserve(&content, 4096);
		if (to == NULL)
			give_up(path);
		n = fread(to, 1, 4096, f);
		buffer_added(&content, n);
	} while (n > 0);
	if (ferror(f))
		give_up(path);
	fclose(f);
	/* Flushed before, so that the last line names the culprit. */
	printf("# %s\n", path);
	fflush(stdout);
	exact = malloc(content.len == 0 ? 1 : content.len);
	if (exact == NULL)
		give_up(path);
	if (content.len > 0)
		memcpy(exact, content.data, content.len);
	LLVMFuzzerTestOneInput(exact, content.len);
	free(exact);
	buffer_free(&content);
}

/* Replays a file, or the files of a directory and of those in it. Returns how many. */
static unsigned
replay(const char *path)
{
	struct dirent *entry;
	struct stat st;
	char below[4096];
	unsigned n = 0;
	DIR *dir;

	if (stat(path, &st) == -1)
		give_up(path);
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path);
		return 1;
	}
	dir = opendir(path);
	if (dir == NULL)
		give_up(path);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		n += replay(below);
	}
	closedir(dir);
	return n;
}

static unsigned
replay_own_corpus(void)
{
	const char *source = getenv("SOCKJS_SRCDIR"),
		   *name = strchr(program_invocation_short_name, '_');
	char path[4096];

	if (name == NULL) {
		errno = EINVAL;
		give_up(program_invocation_short_name);
	}
	snprintf(
	    path, sizeof(path), "%s/tests/fuzz/corpus/%s", source != NULL ? source : ".", name + 1);
	return replay(path);
}

int
main(int argc, char **argv)
{
	unsigned n = 0;

	printf("1..1\n");
	if (argc < 2)
		n = replay_own_corpus();
	for (int i = 1; i < argc; i++)
		n += replay(argv[i]);
	printf("%s 1 - replayed %u inputs\n", n > 0 ? "ok" : "not ok", n);
	return n > 0 ? 0 : 1;
}
