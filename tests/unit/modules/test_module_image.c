/*
 * sessiond/modules/module_image.h, with the modules of tests/modules.
 */
#include "sessiond/modules/module_image.h"

#include "sessiond/sockjs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/test_module_image.XXXXXX";
static char path[64];

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/app.so", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

/*
 * Puts a module of the build at path, as an installation does: a new file takes the place of the
 * old one.
 */
static void
install(const char *module)
{
	const char *build = getenv("SOCKJS_BUILDDIR");
	char command[512];

	snprintf(command, sizeof command, "cp %s/tests/modules/%s %s.new && mv %s.new %s",
	    build == NULL ? "." : build, module, path, path, path);
	assert_int_equal(system(command), 0);
}

/* A file that is no shared object, in place of what was there. */
static void
write_junk(void)
{
	FILE *file;

	unlink(path);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs("not a shared object", file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static struct module_image *
open_image(void)
{
	struct error err = ERROR_INIT;
	struct module_image *image = module_image_open(path, &err);

	if (image == NULL)
		fail_msg("%s", err.text);
	return image;
}

static const char *
generation(const struct module_image *image)
{
	const struct sockjs_module *module = module_image_symbol(image, "sockjs_module");

	assert_non_null(module);
	return module->name;
}

static void
test_shared(void **state)
{
	struct module_image *a, *b;

	(void)state;
	install("first.so");
	a = open_image();
	b = open_image();
	assert_ptr_equal(a, b);
	assert_string_equal(generation(a), "first");
	assert_null(module_image_symbol(a, "sockjs_modul"));
	module_image_close(&a);
	assert_null(a);
	assert_string_equal(generation(b), "first");
	module_image_close(&b);
	module_image_close(&b);
}

/*
 * One after the other, all at the same time, and the first one's file again after its image has
 * gone.
 */
static void
test_replaced(void **state)
{
	struct module_image *a, *b, *c, *d;

	(void)state;
	install("first.so");
	a = open_image();
	install("second.so");
	b = open_image();
	assert_ptr_not_equal(a, b);
	assert_string_equal(generation(a), "first");
	assert_string_equal(generation(b), "second");
	d = open_image();
	assert_ptr_equal(b, d);
	module_image_close(&d);
	install("first.so");
	c = open_image();
	assert_ptr_not_equal(c, a); /* another file with the same bytes */
	assert_ptr_not_equal(
	    module_image_symbol(a, "sockjs_module"), module_image_symbol(c, "sockjs_module"));
	module_image_close(&a);
	assert_string_equal(generation(b), "second");
	assert_string_equal(generation(c), "first");
	module_image_close(&c);
	install("second.so");
	c = open_image();
	assert_string_equal(generation(c), "second");
	module_image_close(&b);
	assert_string_equal(generation(c), "second");
	module_image_close(&c);
}

/* The same inode with another time: what is in it may be anything. */
static void
test_touched(void **state)
{
	const struct timespec times[2] = {{1000, 0}, {1000, 0}};
	struct module_image *a, *b;

	(void)state;
	install("first.so");
	a = open_image();
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	b = open_image();
	assert_ptr_not_equal(a, b);
	module_image_close(&a);
	assert_string_equal(generation(b), "first");
	module_image_close(&b);
}

static void
assert_refused(const char *words)
{
	struct error err = ERROR_INIT;

	assert_null(module_image_open(path, &err));
	assert_int_equal(err.code, EX_CONFIG);
	if (strstr(err.text, words) == NULL)
		fail_msg("no \"%s\" in: %s", words, err.text);
}

static void
test_refused(void **state)
{
	struct module_image *image;

	(void)state;
	unlink(path);
	assert_refused("No such file");
	install("first.so");
	image = open_image();
	write_junk();
	assert_refused(path);
	assert_string_equal(generation(image), "first");
	module_image_close(&image);
	assert_refused(path);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused("not a file");
	assert_int_equal(rmdir(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shared),
	    cmocka_unit_test(test_replaced),
	    cmocka_unit_test(test_touched),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("module_image", tests, make_folder, remove_folder);
}
