/*
 * common/command_line.h: what is taken, what is answered at once, and what is a mistake. What is
 * printed goes to a file that the test reads.
 */
#include "common/command_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include <getopt.h>

static const char *file, *place;
static bool check;
static char out[512], err[512];

static const struct command_option options[] = {
    {"file", 'f', &file, NULL},
    {"place", 0, &place, NULL},
    {"check", 'n', NULL, &check},
    {NULL},
};
static const struct command_line line = {"program", "usage\n", options};

/* What was written to descriptor fd while it was `file`. */
static void
collect(FILE *to, int fd, int saved, char text[512])
{
	size_t len;

	fflush(NULL);
	dup2(saved, fd);
	close(saved);
	rewind(to);
	len = fread(text, 1, 511, to);
	text[len] = '\0';
	fclose(to);
}

static int
read_words(char **argv)
{
	int argc = 0, saved_out = dup(1), saved_err = dup(2), status;
	FILE *to_out = tmpfile(), *to_err = tmpfile();

	while (argv[argc] != NULL)
		argc++;
	file = place = NULL;
	check = false;
	optind = 0; /* getopt begins anew */
	fflush(stdout);
	dup2(fileno(to_out), 1);
	dup2(fileno(to_err), 2);
	status = command_line_read(&line, argc, argv);
	collect(to_out, 1, saved_out, out);
	collect(to_err, 2, saved_err, err);
	return status;
}

#define READ(...) read_words((char *[]){"program", __VA_ARGS__, NULL})

static void
test_values_and_flags(void **state)
{
	(void)state;
	assert_int_equal(READ("--file", "a", "--place=b", "-n"), -1);
	assert_string_equal(file, "a");
	assert_string_equal(place, "b");
	assert_true(check);
	assert_int_equal(READ("-fa"), -1);
	assert_string_equal(file, "a");
	assert_null(place);
	assert_false(check);
	assert_int_equal(READ("-f", "--check"), -1);
	assert_string_equal(file, "--check");
	assert_false(check);
	assert_string_equal(out, "");
	assert_string_equal(err, "");
}

static void
test_answers(void **state)
{
	(void)state;
	assert_int_equal(READ("--help"), EX_OK);
	assert_string_equal(out, "usage\n");
	assert_int_equal(READ("-h", "--nonsense"), EX_OK);
	assert_int_equal(READ("--version"), EX_OK);
	assert_string_equal(out, "program (sockjs-fcgi) " PACKAGE_VERSION "\n");
	assert_int_equal(READ("-v"), EX_OK);
	assert_string_equal(err, "");
}

static void
test_mistakes(void **state)
{
	(void)state;
	assert_int_equal(READ("--nonsense"), EX_USAGE);
	assert_string_equal(err, "program: --nonsense: unknown option\nTry `program --help`.\n");
	assert_int_equal(READ("-x"), EX_USAGE);
	assert_string_equal(err, "program: -x: unknown option\nTry `program --help`.\n");
	assert_int_equal(READ("--file"), EX_USAGE);
	assert_string_equal(
	    err, "program: --file: this option needs a value\nTry `program --help`.\n");
	assert_int_equal(READ("-f"), EX_USAGE);
	assert_int_equal(READ("--check", "word"), EX_USAGE);
	assert_string_equal(
	    err, "program: word: there are no arguments beside options\nTry `program --help`.\n");
	assert_int_equal(READ("--check=1"), EX_USAGE);
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values_and_flags),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
