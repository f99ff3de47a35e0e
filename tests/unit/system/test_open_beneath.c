/*
 * system/open_beneath.h: what is found below a folder, and that nothing leads out of it; also where
 * the system has no openat2.
 */
#include "system/open_beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define OPENAT2 437 /* on every machine; older headers have no name for it */

static char top[] = "/tmp/open_beneath.XXXXXX";
static int folder = -1;
static bool is_forbidden; /* openat2: there is nothing left to do for others */

static void
write_file(const char *name)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, name, strlen(name)), strlen(name));
	close(fd);
}

static void
make(const char *name)
{
	assert_int_equal(mkdirat(folder, name, 0700), 0);
}

static void
make_link(const char *name, const char *target)
{
	assert_int_equal(symlinkat(target, folder, name), 0);
}

static int
set_up(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_non_null(mkdtemp(top));
	snprintf(path, sizeof path, "%s/www", top);
	assert_int_equal(mkdir(path, 0700), 0);
	folder = open(path, O_PATH | O_DIRECTORY);
	assert_int_not_equal(folder, -1);
	make("sub");
	make("sub/deep");
	write_file("../outside");
	write_file("a");
	write_file("sub/b");
	write_file("sub/deep/c");
	make_link("to_a", "a");
	make_link("to_sub", "sub/");
	make_link("to_deep", "to_sub/./deep");
	make_link("sub/deep/up", "../../a");
	make_link("sub/deep/out", "../../../outside");
	make_link("out", "../outside");
	make_link("back", "../www/a");
	make_link("absolute", "/etc/passwd");
	make_link("root", "/");
	make_link("here", ".");
	make_link("file_as_folder", "a/");
	make_link("circle", "circle");
	make_link("gone", "nothing");
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	return remove(path);
}

static int
tear_down(void **state)
{
	(void)state;
	close(folder);
	return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* content: of the file, which is its name. */
static void
assert_opens(const char *path, const char *content)
{
	char text[64] = "";
	int fd = open_beneath(folder, path, O_RDONLY);

	if (fd == -1)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(read(fd, text, sizeof text - 1) > 0);
	assert_string_equal(text, content);
	close(fd);
}

static void
assert_folder(const char *path)
{
	struct stat st;
	int fd = open_beneath(folder, path, O_RDONLY);

	assert_int_not_equal(fd, -1);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	close(fd);
}

static void
assert_fails(const char *path, int code)
{
	errno = 0;
	assert_int_equal(open_beneath(folder, path, O_RDONLY), -1);
	if (errno != code)
		fail_msg("%s: %s", path, strerror(errno));
}

static void
test_inside(void **state)
{
	(void)state;
	assert_opens("a", "a");
	assert_opens("sub/b", "sub/b");
	assert_opens("sub//deep/./c", "sub/deep/c");
	assert_opens("sub/../a", "a");
	assert_opens("sub/deep/../../a", "a");
	assert_opens("./a", "a");
	assert_folder("sub");
	assert_folder("sub/");
	assert_folder("sub/..");
	assert_folder("");
}

static void
test_links_inside(void **state)
{
	(void)state;
	assert_opens("to_a", "a");
	assert_opens("to_sub/b", "sub/b");
	assert_opens("to_deep/c", "sub/deep/c");
	assert_opens("to_deep/../b", "sub/b"); /* from where the link leads, as the kernel has it */
	assert_opens("sub/deep/up", "a");
	assert_opens("here/here/a", "a");
	assert_folder("to_sub");
}

static void
test_nothing_leads_out(void **state)
{
	(void)state;
	assert_fails("..", EXDEV);
	assert_fails("../outside", EXDEV);
	assert_fails("sub/../../outside", EXDEV);
	assert_fails("to_deep/../../../outside", EXDEV);
	assert_fails("out", EXDEV);
	assert_fails("sub/deep/out", EXDEV);
	assert_fails("back", EXDEV);
	assert_fails("absolute", EXDEV);
	assert_fails("root/etc/passwd", EXDEV);
	assert_opens("/a", "a"); /* of the folder, too */
}

static void
test_not_there(void **state)
{
	char longest[PATH_MAX + 8];

	(void)state;
	assert_fails("b", ENOENT);
	assert_fails("none/../a", ENOENT);
	assert_fails("gone", ENOENT);
	assert_fails("a/b", ENOTDIR);
	assert_fails("a/", ENOTDIR);
	assert_fails("a/..", ENOTDIR);
	assert_fails("file_as_folder", ENOTDIR);
	assert_fails("circle", ELOOP);
	assert_fails("circle/a", ELOOP);
	memset(longest, 'x', sizeof longest);
	longest[NAME_MAX + 1] = '\0';
	assert_fails(longest, ENAMETOOLONG);
	longest[NAME_MAX + 1] = 'x';
	longest[sizeof longest - 1] = '\0';
	assert_fails(longest, ENAMETOOLONG);
}

/* What `/proc/self/fd` has are links that no text expresses. */
static void
test_magic_links(void **state)
{
	char name[32];
	int fds = open("/proc/self/fd", O_PATH | O_DIRECTORY);

	(void)state;
	snprintf(name, sizeof name, "%d", folder);
	assert_int_equal(open_beneath(fds, name, O_RDONLY), -1);
	assert_int_equal(errno, EXDEV);
	close(fds);
}

static size_t
open_descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
test_depth_and_descriptors(void **state)
{
	char path[4 * (OPEN_BENEATH_DEPTH + 2)] = "";
	size_t before = open_descriptors();

	(void)state;
	for (int i = 0; i < OPEN_BENEATH_DEPTH; i++) {
		strcat(path, "d/");
		make(path);
	}
	assert_folder(path);
	strcat(path, "d/");
	make(path);
	assert_fails(path, ENAMETOOLONG);
	assert_int_equal(open_descriptors(), before);
}

static volatile bool is_over;

/* Puts a link that leads out in the place of a folder, and a folder outside, again and again. */
static void *
swap(void *unused)
{
	for (; !is_over; sched_yield()) {
		renameat(folder, "sub", folder, "../moved");
		symlinkat("../", folder, "sub");
		unlinkat(folder, "sub", 0);
		renameat(folder, "../moved", folder, "sub");
	}
	return unused;
}

static void
test_folders_that_are_moved(void **state)
{
	static const char *const paths[] = {
	    "sub/deep/../../outside", "sub/outside", "sub/../outside", "sub/deep/../../../outside"};
	pthread_t thread;

	(void)state;
	is_over = false;
	assert_int_equal(pthread_create(&thread, NULL, swap, NULL), 0);
	for (size_t i = 0; i < 20000; i++)
		assert_int_equal(open_beneath(folder, paths[i % 4], O_RDONLY), -1);
	is_over = true;
	pthread_join(thread, NULL);
}

/* As systemd's RestrictSUIDSGID= does, and as a kernel before 5.6. */
static int
forbid_openat2(void)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OPENAT2, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof code[0], code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == -1)
		return -1;
	is_forbidden = syscall(OPENAT2, AT_FDCWD, "/", NULL, 0) == -1 && errno == ENOSYS;
	return 0;
}

static int
set_up_forbidden(void **state)
{
	(void)state;
	(void)forbid_openat2(); /* a container may not let us */
	return 0;
}

static void
test_without_openat2(void **state)
{
	if (!is_forbidden)
		skip();
	test_inside(state);
	test_links_inside(state);
	test_nothing_leads_out(state);
	test_not_there(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_inside),
	    cmocka_unit_test(test_links_inside),
	    cmocka_unit_test(test_nothing_leads_out),
	    cmocka_unit_test(test_not_there),
	    cmocka_unit_test(test_magic_links),
	    cmocka_unit_test(test_depth_and_descriptors),
	    cmocka_unit_test(test_folders_that_are_moved),
	    cmocka_unit_test_setup(test_without_openat2, set_up_forbidden),
	};

	return cmocka_run_group_tests_name("open_beneath", tests, set_up, tear_down);
}
