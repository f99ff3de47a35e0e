/*
 * sessiond/program/program.h, with children of every kind: small ones of sh. The delays of a stop
 * are shortened; no test looks at the clock.
 */
#include "tests/unit/program/program_fixture.h"

#include "sessiond/program/program_exec.h"

/* --- words ------------------------------------------------------------------------------------ */

static void
test_words(void **state)
{
	static const struct {
		const char *command, *words; /* each in brackets; "": an error */
	} cases[] = {
	    {"php chat.php", "[php][chat.php]"},
	    {"  a\t b  ", "[a][b]"},
	    {"a", "[a]"},
	    {"\"/my folder/a\" -x", "[/my folder/a][-x]"},
	    {"a --name=\"b c\"d \"\" e", "[a][--name=b cd][][e]"},
	    {"a 'b c' \\d $e", "[a]['b][c'][\\d][$e]"},
	    {"", ""},
	    {" \t ", ""},
	    {"\"\" a", ""},
	    {"a \"b", ""},
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buffer seen = BUFFER_INIT;
		char **words = program_words(cases[i].command, &err);

		for (j = 0; words != NULL && words[j] != NULL; j++)
			buffer_printf(&seen, "[%s]", words[j]);
		buffer_append_char(&seen, '\0');
		assert_string_equal(seen.data, cases[i].words);
		assert_int_equal(err.code, words == NULL ? EX_CONFIG : 0);
		error_clear(&err);
		buffer_free(&seen);
		free(words);
	}
}

/* --- what is not started ---------------------------------------------------------------------- */

static void
expect_refused(const char *command, int code, const char *text)
{
	struct program_options options = options_of(command);

	error_clear(&err);
	assert_null(program_start(&loop, &options, &calls, &told, &err));
	assert_int_equal(err.code, code);
	assert_string_equal(err.text, text);
}

static void
write_file(const char *name, mode_t mode)
{
	char path[100];
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
	assert_true(fd != -1);
	assert_int_equal(write(fd, "#!/no/such\n", 11), 11);
	close(fd);
}

static void
test_refused(void **state)
{
	struct program_options options = options_of("true");
	char *path = strdup(getenv("PATH"));

	(void)state;
	assert_non_null(path);
	expect_refused("no-such-program", EX_UNAVAILABLE,
	    "program: no-such-program: there is no such program in PATH that this user may "
	    "execute; one in the folder of sockjs.conf is ./no-such-program");
	expect_refused("./none", EX_UNAVAILABLE,
	    "program: ./none: it, or the interpreter that its first line names, is not there");
	expect_refused("a \"", EX_CONFIG, "program: a \" is not closed");
	write_file("text", 0644);
	expect_refused("./text", EX_UNAVAILABLE,
	    "program: ./text: cannot be executed: Permission denied (chmod +x makes a script "
	    "executable)");
	setenv("PATH", folder, 1);
	expect_refused("text", EX_UNAVAILABLE,
	    "program: text: there is no such program in PATH that this user may execute; one in "
	    "the folder of sockjs.conf is ./text");
	setenv("PATH", path, 1);
	write_file("script", 0755);
	expect_refused("./script", EX_UNAVAILABLE,
	    "program: ./script: it, or the interpreter that its first line names, is not there");
	error_clear(&err);
	options.folder = "/no/such";
	assert_null(program_start(&loop, &options, &calls, &told, &err));
	assert_string_equal(err.text, "program: the folder /no/such: No such file or directory");
	user = 0;
	expect_refused("true", EX_CONFIG,
	    "program: the daemon runs as root, and starts no programs then: set `user` in "
	    "[server]");
	free(path);
}

static void
expect_look(const char *command, const char *in, const char *text)
{
	error_clear(&err);
	assert_int_equal(program_exec_look(command, in, &err), text[0] == '\0' ? 0 : -1);
	assert_string_equal(err.text, text);
}

/* What can be known before it is started. */
static void
test_look(void **state)
{
	char *path = strdup(getenv("PATH"));

	(void)state;
	assert_non_null(path);
	write_file("text", 0644);
	write_file("script", 0755);
	write_file("script.sh", 0644);
	expect_look("sh -c true", NULL, "");
	expect_look("sh", folder, "");
	expect_look("./script", folder, "");
	expect_look("sh -e text.sh", folder,
	    "program: text.sh: No such file or directory, seen from the folder of sockjs.conf");
	expect_look("sh -e script.sh", folder, "");
	expect_look("sh -c ./text.sh text.sh", NULL,
	    "program: ./text.sh: No such file or directory, seen from the folder of sockjs.conf");
	expect_look("echo example.org", folder, "");
	expect_look("./script", NULL,
	    "program: ./script: it, or the interpreter that its first "
	    "line names, is not there");
	expect_look("./text x", folder,
	    "program: ./text: cannot be executed: Permission denied "
	    "(chmod +x makes a script executable)");
	expect_look(".", folder,
	    "program: .: there is no such program in PATH that this user may execute; one in the "
	    "folder of sockjs.conf is ./.");
	expect_look("./.", folder,
	    "program: ./.: cannot be executed: Permission denied (chmod +x makes a script "
	    "executable)");
	unsetenv("PATH");
	expect_look("sh", folder, "");
	setenv("PATH", "/no/such:", 1);
	expect_look("script", folder, "");
	setenv("PATH", path, 1);
	free(path);
	expect_look("no-such-program", folder,
	    "program: no-such-program: there is no such program in PATH that this user may "
	    "execute; one in the folder of sockjs.conf is ./no-such-program");
	expect_look("sh", "/no/such", "program: the folder /no/such: No such file or directory");
	expect_look("a \"", NULL, "program: a \" is not closed");
}

/* --- what it is started with ------------------------------------------------------------------ */

static void
test_environment(void **state)
{
	static const char *const environment[] = {"A=1", "MINE=b c", NULL};
	struct program_options options = options_of("sh -c \"echo $A, $MINE, $OWN; pwd\"");
	char lines[100];

	(void)state;
	setenv("OWN", "own", 1);
	setenv("MINE", "not this", 1);
	options.environment = environment;
	start_with(&options);
	snprintf(lines, sizeof lines, "1, b c, own\n%s\n", folder);
	expect(lines, "exited with status 0");
	assert_true(program_has_succeeded(program));
}

/* Descriptors and signals of the daemon are not its. */
static void
test_inheritance(void **state)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD, 100);
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* The first 28. 32 and 33 are the C library's own: nobody can change them. */
	start("[ -e /proc/$$/fd/100 ] || echo none; "
	      "exec sed -nE '/Sig(Blk|Ign)/s/[0-9a-f]{9}([0-9a-f]{7})$/\\1/p' /proc/self/status");
	expect("none\nSigBlk:\t0000000\nSigIgn:\t0000000\n", "exited with status 0");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	close(fd);
}

static void
test_limits(void **state)
{
	struct program_options options = options_of("sh -c \"ulimit -n; ulimit -v\"");

	(void)state;
	options.files = 77;
	options.memory = 1 << 30;
	start_with(&options);
	expect("77\n1048576\n", "exited with status 0");
}

/* --- its life --------------------------------------------------------------------------------- */

static void
test_echo(void **state)
{
	(void)state;
	start("while read line; do echo got $line; done; echo bye; exit 3");
	say("one\ntwo\n");
	await("got two\n");
	assert_int_equal(program_waiting(program), 0);
	program_stop(program);
	program_stop(program);
	expect("got one\ngot two\nbye\n", "exited with status 3");
	assert_false(program_has_succeeded(program));
}

static void
test_pause(void **state)
{
	(void)state;
	start("echo a; echo b");
	program_pause(program, true);
	while (waitpid(program_pid(program), NULL, WNOHANG | WNOWAIT) == 0)
		uv_run(&loop, UV_RUN_NOWAIT);
	uv_run(&loop, UV_RUN_NOWAIT);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_null(how);
	assert_int_equal(told.len, 0);
	program_pause(program, false);
	expect("a\nb\n", "exited with status 0");
}

static void
test_end_in_line(void **state)
{
	(void)state;
	ends_in_line = true;
	start("echo a; echo b; exec sleep 1000");
	await("a\n");
	assert_null(program);
}

/* Its end is not awaited, and it is not left behind. */
static void
test_given_up(void **state)
{
	(void)state;
	start("exec sleep 1000");
	program_end(&program);
	start("exec sleep 1000");
	program_end(&program);
	start("exit 1");
	expect("", "exited with status 1");
}

/* --- hostile ones ----------------------------------------------------------------------------- */

static void
test_exits_at_once(void **state)
{
	(void)state;
	start("exit 7");
	say("is anybody there?\n");
	expect("", "exited with status 7");
	program_stop(program);
	say("no\n");
	assert_int_equal(program_waiting(program), 0);
}

static void
test_unfinished_line(void **state)
{
	(void)state;
	start("echo a; printf b");
	expect("a\n", "exited with status 0, and its last line has no newline");
}

static void
test_dies(void **state)
{
	(void)state;
	start("echo a; kill -SEGV $$");
	expect("a\n", "was killed by signal 11 (Segmentation fault)");
}

static void
test_never_reads(void **state)
{
	struct buffer *out;
	int i;

	(void)state;
	start("echo up; exec sleep 1000");
	out = program_output(program);
	for (i = 0; i < 100000; i++)
		buffer_append_str(out, "is read by nobody\n");
	program_flush(program);
	await("up\n");
	assert_true(program_waiting(program) > 1000000);
	program_stop(program);
	expect("up\n", "was killed by signal 15 (Terminated)");
}

static void
test_endless_line(void **state)
{
	(void)state;
	start("echo a; exec head -c 1000000000 /dev/zero");
	expect("a\n", "wrote a line of more than 4096 bytes (worker_line_limit)");
}

/* Told as soon as it has ended, though others hold its stdout, and write to it. */
static void
expect_kept(const char *heir)
{
	char script[200], *end = NULL;
	pid_t process;

	snprintf(script, sizeof script, "setsid sh -c 'echo $$; exec %s' & read line", heir);
	start(script);
	await("\n");
	process = (pid_t)strtol(told.data, &end, 10);
	assert_true(*end == '\n');
	say("end\n");
	await_end();
	assert_string_equal(how, "exited with status 0");
	assert_int_equal(kill(process, SIGKILL), 0);
	expect_killed(process, SIGKILL);
}

static void
test_keeps_pipe(void **state)
{
	(void)state;
	expect_kept("sleep 1000");
}

static void
test_keeps_writing(void **state)
{
	(void)state;
	expect_kept("yes 2>/dev/null");
}

static void
test_forks(void **state)
{
	(void)state;
	start("sleep 1000 & echo $!");
	await_end();
	expect_killed((pid_t)strtol(told.data, NULL, 10), SIGKILL);
}

static void
test_ignores_term(void **state)
{
	(void)state;
	start("trap '' TERM; echo ready; while :; do sleep 1000; done");
	await("ready\n");
	program_stop(program);
	expect("ready\n", "was killed by signal 9 (Killed)");
}

static void
test_writes_while_stopped(void **state)
{
	(void)state;
	start("trap '' TERM; echo ready; while :; do echo more; done");
	await("ready\n");
	program_stop(program);
	await_end();
	assert_true(has_told("more\n"));
	assert_non_null(strstr(how, "was killed by signal 9 (Killed)"));
}

static void
test_closes_stdout(void **state)
{
	(void)state;
	start("echo a; exec sleep 1000 >&-");
	expect("a\n", "closed its stdout and was killed by signal 15 (Terminated)");
	assert_int_equal(closed, 1);
}

static void
test_closes_stdin(void **state)
{
	(void)state;
	start("exec <&-; echo ready; exec sleep 1000");
	await("ready\n");
	say("is anybody there?\n");
	expect("ready\n", "was killed by signal 15 (Terminated)");
}

static void
test_stderr(void **state)
{
	const char *log;
	char line[100];

	(void)state;
	capture_begin_later();
	start("echo one >&2; echo >&2; printf two >&2");
	expect("", "exited with status 0");
	log = capture_end();
	snprintf(
	    line, sizeof line, "error: [/chat]: process %ld: one\n", (long)program_pid(program));
	assert_non_null(strstr(log, line));
	assert_non_null(strstr(log, ": two\n"));
	assert_int_equal(count_lines(log), 3);
}

static void
test_stderr_long(void **state)
{
	const char *log;

	(void)state;
	capture_begin_later();
	start("head -c 1000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo end >&2");
	await_end();
	log = capture_end();
	assert_non_null(strstr(log, "xxxx...\n"));
	assert_non_null(strstr(log, ": end\n"));
	assert_int_equal(count_lines(log), 2);
}

static void
test_stderr_flood(void **state)
{
	struct program_options options = options_of("sh -c \"yes oh no | head -n 100000 >&2\"");
	const char *log;

	(void)state;
	options.name = "/flood";
	capture_begin_later();
	start_with(&options);
	await_end();
	log_limits_flush();
	log = capture_end();
	assert_non_null(strstr(log, "writes more than 100 lines to its stderr in 10 s: oh no"));
	assert_in_range(count_lines(log), PROGRAM_STDERR_LINES,
	    3 * (PROGRAM_STDERR_LINES + LOG_LIMIT_LINES + 1));
}

/* --- the daemon's end ------------------------------------------------------------------------- */

/* The daemon is killed, and what it has started becomes this process's child, as others do. */
static void
test_daemon_killed(void **state)
{
	int ends[2];
	pid_t daemon, child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	daemon = fork();
	if (daemon == 0) {
		struct program_options options = options_of("sleep 1000");

		program = program_start(&loop, &options, &calls, &told, &err);
		child = program_pid(program);
		if (write(ends[1], &child, sizeof child) == sizeof child)
			for (;;)
				pause();
		_exit(1);
	}
	assert_int_equal(read(ends[0], &child, sizeof child), sizeof child);
	kill(daemon, SIGKILL);
	expect_killed(daemon, SIGKILL);
	expect_killed(child, SIGKILL);
	close(ends[0]);
	close(ends[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(words),
	    TEST(refused),
	    TEST(look),
	    TEST(environment),
	    TEST(inheritance),
	    TEST(limits),
	    TEST(echo),
	    TEST(pause),
	    TEST(end_in_line),
	    TEST(given_up),
	    TEST(exits_at_once),
	    TEST(unfinished_line),
	    TEST(dies),
	    TEST(never_reads),
	    TEST(endless_line),
	    TEST(keeps_pipe),
	    TEST(keeps_writing),
	    TEST(forks),
	    TEST(ignores_term),
	    TEST(writes_while_stopped),
	    TEST(closes_stdout),
	    TEST(closes_stdin),
	    TEST(stderr),
	    TEST(stderr_long),
	    TEST(stderr_flood),
	    TEST(daemon_killed),
	};
	int failed;

	signal(SIGPIPE, SIG_IGN);
	alarm(HANGS_S);
	/* What the programs leave behind becomes a child of this process, which sees its end. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (mkdtemp(folder) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (chdir(folder) == 0) {
		unlink("text");
		unlink("script");
		rmdir(folder);
	}
	return failed;
}
