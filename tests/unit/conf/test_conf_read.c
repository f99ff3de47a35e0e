/*
 * conf/conf_read.h, with files in a temporary directory.
 */
#include "conf/conf_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[] = "/tmp/test_conf_read.XXXXXX";
static char path[64];
static char events
    [4096]; /* what the handler was told: one "LINE [SECTION]" or "LINE SECTION|NAME=VALUE;" each */
static char marker; /* its address is the handler's user */

static void
note(const char *format, unsigned line, const char *a, const char *b, const char *c)
{
	size_t n = strlen(events);

	snprintf(events + n, sizeof events - n, format, line, a, b, c);
}

static int
on_section(void *user, const char *section, unsigned line, struct error *err)
{
	assert_ptr_equal(user, &marker);
	note("%u [%s]", line, section, "", "");
	if (strcmp(section, "bad") == 0)
		return error_set(err, EX_USAGE, "unknown section \"%s\"", section);
	return 0;
}

static int
on_option(void *user, const struct conf_line *line, struct error *err)
{
	assert_ptr_equal(user, &marker);
	note("%u %s|%s=%s;", line->number, line->section, line->name, line->value);
	if (strcmp(line->name, "bad") == 0)
		return error_set(err, EX_USAGE, "unknown option \"%s\"", line->name);
	return 0;
}

static const struct conf_handler handler = {on_section, on_option};

static int
make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/x.conf", directory);
	return 0;
}

static int
remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void
write_bytes(const char *bytes, size_t n)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static void
read_bytes(const char *bytes, size_t n, const char *expected)
{
	struct error err = ERROR_INIT;
	int result;

	write_bytes(bytes, n);
	events[0] = '\0';
	result = conf_read(path, &handler, &marker, &err);
	assert_string_equal(err.text, "");
	assert_int_equal(result, 0);
	assert_string_equal(events, expected);
}

static void
reads(const char *text, const char *expected)
{
	read_bytes(text, strlen(text), expected);
}

/* expected_error is what follows the path. */
static void
fails_bytes(const char *bytes, size_t n, const char *expected, const char *expected_error)
{
	struct error err = ERROR_INIT;
	int result;

	write_bytes(bytes, n);
	events[0] = '\0';
	result = conf_read(path, &handler, &marker, &err);
	assert_int_equal(result, -1);
	assert_int_equal(err.code, EX_CONFIG);
	assert_memory_equal(err.text, path, strlen(path));
	assert_string_equal(err.text + strlen(path), expected_error);
	assert_string_equal(events, expected);
}

static void
fails(const char *text, const char *expected, const char *expected_error)
{
	fails_bytes(text, strlen(text), expected, expected_error);
}

static void
test_options_and_sections(void **state)
{
	(void)state;
	reads("", "");
	reads("\n\n   \n", "");
	reads("a = 1\n[s]\nb=2\nc : 3\n[t]\nb = x y\n",
	    "1 |a=1;2 [s]3 s|b=2;4 s|c=3;5 [t]6 t|b=x y;");
	/* No newline at the end; a value with = and :; no value at all. */
	reads("[s]\na = b=c:d\ne =", "1 [s]2 s|a=b=c:d;3 s|e=;");
	/* Empty sections, and the same one twice. */
	reads("[s]\n[t]\n[s]", "1 [s]2 [t]3 [s]");
}

static void
test_blanks(void **state)
{
	(void)state;
	reads("  [ s  t ] \t\n\t a\t=  1  \n   b = 2\n", "1 [s  t]2 s  t|a=1;3 s  t|b=2;");
	reads("[s]\r\na = 1\r\n\r\nb = 2\r\n", "1 [s]2 s|a=1;4 s|b=2;");
}

static void
test_comments(void **state)
{
	char text[5000];

	(void)state;
	reads("# a = 1\n; b = 2\n  # c\n\t; d\n#\n;\ne = 3\n", "7 |e=3;");
	reads("[s] ; x\na = 1 ; x = y\nb = 1;2\nc = #3\n[t];x\n",
	    "1 [s]2 s|a=1;3 s|b=1;2;4 s|c=#3;5 [t]");
	/* A full-line comment may be of any length. */
	memset(text, 'x', sizeof text);
	memcpy(text, "  #", 3);
	memcpy(text + sizeof text - 7, "\na = 1\n", 7);
	read_bytes(text, sizeof text, "2 |a=1;");
}

/* What inih would cut at 50 bytes. */
static void
test_long_names(void **state)
{
	char name[101], text[300], expected[400];

	(void)state;
	memset(name, 'n', 100);
	name[100] = '\0';
	snprintf(text, sizeof text, "[%s]\n%s = 1\n", name, name);
	snprintf(expected, sizeof expected, "1 [%s]2 %s|%s=1;", name, name, name);
	reads(text, expected);
}

static void
test_byte_order_mark(void **state)
{
	(void)state;
	reads("\xef\xbb\xbf", "");
	reads("\xef\xbb\xbf[s]\na = 1", "1 [s]2 s|a=1;");
	reads("\xef\xbb\xbf a = 1", "1 |a=1;");
	reads("\xef\xbb\xbf# a\nb = 1", "2 |b=1;");
	/* Elsewhere it is an odd name. */
	reads("a = 1\n\xef\xbb\xbf[s] = 2", "1 |a=1;2 |\xef\xbb\xbf[s]=2;");
	reads("a = 1\nx\xef\xbb\xbf = 2", "1 |a=1;2 |x\xef\xbb\xbf=2;");
}

static void
test_lines_that_are_nothing(void **state)
{
	static const char *const error = ":2: neither \"name = value\" nor \"[section]\"";

	(void)state;
	fails("a = 1\nwhat\nb = 2\n", "1 |a=1;", error);
	fails("a = 1\nwhat", "1 |a=1;", error);
	fails("[s]\n  continued\n", "1 [s]", error);
	fails("[s]\nx ; = 1\n", "1 [s]", error);
	fails("[s]\nwhat\n[t]\n", "1 [s]", error);
	fails("[s]\nwhat\n[bad]\nbad = 1\n", "1 [s]", error);
	fails("[s]\n= 1\nb = 2", "1 [s]", ":2: a value without a name");
	fails(": 1", "", ":1: a value without a name");
}

static void
test_wrong_sections(void **state)
{
	(void)state;
	fails("\n[s\na = 1\n", "", ":2: a section's name must end with \"]\"");
	fails("[", "", ":1: a section's name must end with \"]\"");
	fails("[]\n", "", ":1: a section without a name");
	fails("[ \t]\n", "", ":1: a section without a name");
	fails("[s] a = 1\n", "", ":1: unexpected text after \"]\"");
	fails("[s] # x\n", "", ":1: unexpected text after \"]\"");
}

/* The handler's errors get their place, and nothing is read after them. */
static void
test_handler_refuses(void **state)
{
	(void)state;
	fails("[s]\nbad = 1\nc = 2\n[t]\n", "1 [s]2 s|bad=1;", ":2: unknown option \"bad\"");
	fails("\n[bad]\nbad = 1\n[t]\n", "2 [bad]", ":2: unknown section \"bad\"");
	fails("bad = 1", "1 |bad=1;", ":1: unknown option \"bad\"");
	fails("bad = 1\t# one", "1 |bad=1\t# one;",
	    ":1: unknown option \"bad\" (# begins no comment behind a value; ; does)");
	fails("bad = 1# one", "1 |bad=1# one;", ":1: unknown option \"bad\"");
}

/*
 * Each section begins with nothing seen; within one, and before the first, lines have one `seen`.
 */
static int
see_option(void *user, const struct conf_line *line, struct error *err)
{
	const struct conf_seen **last = user;

	(void)err;
	assert_int_equal(line->seen->n, strcmp(line->name, "second") == 0);
	line->seen->n = 1;
	*last = line->seen;
	return 0;
}

static void
test_seen(void **state)
{
	static const struct conf_handler seeing = {.option = see_option};
	static const char text[] = "a = 1\nsecond = 1\n[s]\na = 1\nsecond = 1\n[s]\na = 1\n";
	const struct conf_seen *last = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	write_bytes(text, strlen(text));
	assert_int_equal(conf_read(path, &seeing, &last, &err), 0);
	assert_non_null(last);
}

/* Neither success nor failure keeps the file open. */
static void
test_closes(void **state)
{
	int before = dup(STDIN_FILENO), after;

	(void)state;
	assert_true(before != -1);
	close(before);
	reads("[s]\n", "1 [s]");
	fails("[", "", ":1: a section's name must end with \"]\"");
	after = dup(STDIN_FILENO);
	close(after);
	assert_int_equal(after, before);
}

/* An error that is there already is not replaced. */
static void
test_first_error_wins(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	error_set(&err, EX_USAGE, "earlier");
	write_bytes("x", 1);
	assert_int_equal(conf_read(path, &handler, &marker, &err), -1);
	assert_string_equal(err.text, "earlier");
	assert_int_equal(conf_read(path, &handler, &marker, NULL), -1);
}

/* "a = xxx" of n bytes, then a good line. */
static size_t
make_line(char *text, size_t n, const char *end)
{
	memset(text, 'x', n);
	memcpy(text, "a = ", 4);
	strcpy(text + n, end);
	strcat(text, "b = 2\n");
	return strlen(text);
}

static void
test_long_lines(void **state)
{
	struct error err = ERROR_INIT;
	char text[6000], expected[6000], error[100], blanks[600];
	unsigned limit = 0;

	(void)state;
	/* inih can be built with another limit than 197. */
	write_bytes(text, make_line(text, 5000, "\n"));
	events[0] = '\0';
	assert_int_equal(conf_read(path, &handler, &marker, &err), -1);
	assert_int_equal(
	    sscanf(err.text + strlen(path), ":1: line is longer than %u bytes", &limit), 1);
	assert_string_equal(events, "");
	assert_true(limit >= 197 && limit < 4000);
	snprintf(error, sizeof error, ":1: line is longer than %u bytes", limit);
	for (unsigned n = limit + 1; n < limit + 10; n++)
		fails_bytes(text, make_line(text, n, "\n"), "", error);

	make_line(text, limit, "");
	snprintf(expected, sizeof expected, "1 |a=%.*s;2 |b=2;", (int)limit - 4, text + 4);
	read_bytes(text, make_line(text, limit, "\n"), expected);
	read_bytes(text, make_line(text, limit, "\r\n"), expected);
	/* Blanks at the end do not count, and do not become a line of their own. */
	memset(blanks, ' ', sizeof blanks);
	strcpy(blanks + sizeof blanks - 2, "\n");
	read_bytes(text, make_line(text, limit, blanks), expected);
	/* But text behind them does. */
	strcpy(blanks + sizeof blanks - 3, "x\n");
	fails_bytes(text, make_line(text, limit, blanks), "", error);
	/* Nor do those at the front. */
	memset(text, ' ', 500);
	read_bytes(text, 500 + make_line(text + 500, limit, "\n"), expected);
	/* Sections have the same limit. */
	make_line(text, limit + 1, "\n");
	text[0] = '[';
	text[limit] = ']';
	fails_bytes(text, strlen(text), "", error);
}

static void
test_zero_bytes(void **state)
{
	static const char text[] = "a = 1\nb = \0 2\nc = 3\n", comment[] = "# \0\n";

	(void)state;
	fails_bytes(text, sizeof text - 1, "1 |a=1;", ":2: a zero byte: not a text file");
	fails_bytes(comment, sizeof comment - 1, "", ":1: a zero byte: not a text file");
	fails_bytes("\0", 1, "", ":1: a zero byte: not a text file");
}

static void
assert_unreadable(const char *file, const char *expected)
{
	struct error err = ERROR_INIT;
	char text[200];

	events[0] = '\0';
	assert_int_equal(conf_read(file, &handler, &marker, &err), -1);
	assert_int_equal(err.code, EX_CONFIG);
	snprintf(text, sizeof text, "%s: %s", file, expected);
	assert_string_equal(err.text, text);
	assert_string_equal(events, "");
}

static void
test_unreadable_files(void **state)
{
	uid_t uid = geteuid();

	(void)state;
	write_bytes("a = 1\n", 6);
	assert_unreadable("/nonexistent/x.conf", "No such file or directory");
	assert_unreadable(directory, "Is a directory");
	/* Root reads all files, so it becomes somebody else for a moment. */
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(chmod(path, 0), 0);
	if (uid == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_unreadable(path, "Permission denied");
	assert_int_equal(seteuid(uid), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_options_and_sections),
	    cmocka_unit_test(test_blanks),
	    cmocka_unit_test(test_comments),
	    cmocka_unit_test(test_long_names),
	    cmocka_unit_test(test_byte_order_mark),
	    cmocka_unit_test(test_lines_that_are_nothing),
	    cmocka_unit_test(test_wrong_sections),
	    cmocka_unit_test(test_handler_refuses),
	    cmocka_unit_test(test_seen),
	    cmocka_unit_test(test_closes),
	    cmocka_unit_test(test_first_error_wins),
	    cmocka_unit_test(test_long_lines),
	    cmocka_unit_test(test_zero_bytes),
	    cmocka_unit_test(test_unreadable_files),
	};

	return cmocka_run_group_tests_name("conf_read", tests, make_directory, remove_directory);
}
