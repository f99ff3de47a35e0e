/*
 * The daemon as a whole, on the store: ended at each step that changes a file of the store and at
 * each write to a responder, or without a store for a while, one after the other until a run is
 * through without. Two responders with their clients are the same process all the time. What was
 * acknowledged comes once and in order, and no session ends early.
 */
#include "tests/unit/store/fault_vfs.h"
#include "tests/unit/responder/responder_model.h"
#include "tests/unit/store/store_fixture.h"

#include "common/log.h"
#include "conf/config_read.h"
#include "sessiond/server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

enum {
	SPEED = 100, /* how much faster the clock of a daemon goes that is to wait for its store */
	SECONDS = 900, /* for all of it: far more than it takes */
	LOG_SHOWN = 4000,
};

/* Services, in their order. */
enum { SERVICE_ECHO, SERVICE_CLOSE, SERVICE_BRIEF };

/* What happens to a daemon; all zero: nothing. */
struct plan {
	enum fault fault;
	unsigned nth, count; /* steps of the file system */
	unsigned nth_send;   /* 0: none */
	bool after;	     /* it is done */
	bool fast;
};

/* What the daemons have told of themselves. */
static struct shared {
	unsigned steps, sends;
} * shared;

static struct plan plan,
    next_plan;		      /* the present daemon's, and that of the next; then nothing happens */
static pid_t daemon_pid = -1; /* in the daemon itself 0 */
static unsigned daemon_sends, speed = 1, deaths;
static unsigned fault_step, fault_send; /* of the run, for the log */
static bool may_fail;			/* to start, once: its store does */

/* --- in the daemon ---------------------------------------------------------------------------- */

ssize_t __real_send(int fd, const void *data, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t len, int flags);
uint64_t __real_uv_now(const uv_loop_t *loop);
uint64_t __wrap_uv_now(const uv_loop_t *loop);
int
__real_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout, uint64_t repeat);
int
__wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout, uint64_t repeat);

/* What goes to responders; theirs to the daemon is not counted. */
ssize_t
__wrap_send(int fd, const void *data, size_t len, int flags)
{
	bool is_it = daemon_pid == 0 && ++daemon_sends == plan.nth_send;
	ssize_t n;

	if (is_it && !plan.after)
		_exit(FAULT_EXIT);
	n = __real_send(fd, data, len, flags);
	if (is_it)
		_exit(FAULT_EXIT);
	if (daemon_pid == 0) {
		shared->sends = daemon_sends;
		shared->steps = fault_vfs_steps();
	}
	return n;
}

uint64_t
__wrap_uv_now(const uv_loop_t *loop)
{
	return __real_uv_now(loop) * speed;
}

int
__wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb callback, uint64_t timeout, uint64_t repeat)
{
	return __real_uv_timer_start(
	    timer, callback, (timeout + speed - 1) / speed, (repeat + speed - 1) / speed);
}

static void __attribute__((noreturn)) run_daemon(int ready)
{
	struct error err = ERROR_INIT;
	struct config *config = config_read(in_folder("sockjs.conf"), &err);
	int log = open(in_folder("log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int status = -1;

	dup2(ready, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	speed = plan.fast ? SPEED : 1;
	fault_vfs_plan(plan.fault, plan.nth, plan.count, plan.nth);
	if (config != NULL) {
		log_open("sockjs-sessiond", SEVERITY_INFO);
		status = server_run(config, &err);
	}
	if (status == -1)
		fprintf(stderr, "%s\n", err.text);
	_exit(status == 0 ? 0 : 1);
}

/* --- around it -------------------------------------------------------------------------------- */

static void
show_log(void)
{
	size_t len, shown;
	char *text = read_file(in_folder("log"), &len);

	shown = len > LOG_SHOWN ? LOG_SHOWN : len;
	fprintf(stderr, "--- step %u, send %u; the log:\n%.*s---\n", fault_step, fault_send,
	    (int)shown, text + (len - shown));
	free(text);
}

static void
end_daemon(int number)
{
	if (daemon_pid <= 0)
		return;
	kill(daemon_pid, number);
	waitpid(daemon_pid, NULL, 0);
	daemon_pid = -1;
}

/* Its end, which must be a planned one: it was killed, or its store failed when it started. */
static void
bury_daemon(void)
{
	int status;

	assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
	daemon_pid = -1;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return;
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == FAULT_EXIT) {
		deaths++;
		return;
	}
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_true(may_fail);
	may_fail = false;
}

/* Returns false if it ends before it is ready. */
static bool
start_daemon(void)
{
	char byte = '\0';
	int ready[2];

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	daemon_pid = fork();
	if (daemon_pid == 0)
		run_daemon(ready[1]);
	assert_int_not_equal(daemon_pid, -1);
	close(ready[1]);
	while (byte != '\n' && read(ready[0], &byte, 1) == 1)
		continue;
	close(ready[0]);
	return byte == '\n';
}

/* Another daemon, after the end of one. */
static void
revive(void)
{
	do {
		bury_daemon();
		plan = next_plan;
		next_plan = (struct plan){FAULT_NONE};
	} while (!start_daemon());
}

/* A fresh store, and a daemon on it that has that before it. */
static void
begin(const struct plan *what, const char *store, size_t store_len)
{
	char text[4000];

	folder_clear();
	snprintf(text, sizeof text,
	    "[server]\nsocket = socket\nstore = sessions.db\nstore_sync = off\n"
	    "module_path = %s/examples\nheartbeat_delay = 600000\ndisconnect_delay = 600000\n"
	    "[service /echo]\nmodule = echo\n[service /close]\nmodule = close\n"
	    "[service /brief]\nmodule = echo\ndisconnect_delay = 10\n",
	    getenv("SOCKJS_BUILDDIR") == NULL ? "." : getenv("SOCKJS_BUILDDIR"));
	write_file(in_folder("sockjs.conf"), text, strlen(text));
	if (store != NULL)
		write_file(store_path, store, store_len);
	plan = *what;
	fault_step = plan.nth;
	fault_send = plan.nth_send;
	next_plan = (struct plan){FAULT_NONE};
	may_fail = plan.fault == FAULT_ERROR || plan.fault == FAULT_FULL;
	deaths = 0;
	if (!start_daemon())
		revive();
	responders_begin(in_folder("socket"), revive);
}

/* --- what clients do -------------------------------------------------------------------------- */

static struct client first, second, closed, brief;

static void
begin_clients(void)
{
	first = client_make(SERVICE_ECHO, "/echo", "first");
	second = client_make(SERVICE_ECHO, "/echo", "second");
	closed = client_make(SERVICE_CLOSE, "/close", "closed");
	brief = client_make(SERVICE_BRIEF, "/brief", "brief");
	client_open(&brief, 0);
	client_open(&first, 0);
	client_open(&second, 1);
}

/* One after the other, then taken together. */
static void
queue_and_take(void)
{
	client_say(&first, 1, 1);
	client_say(&first, 0, 2);
	client_say(&second, 1, 1);
	assert_true(client_await(client_poll(&first, 0)));
	client_say(&first, 0, 1);
	client_collect(&first, 1);
}

/*
 * A poll waits for what is sent, which comes by that responder. Nothing else of the session is to
 * be stored: that went with the other's.
 */
static void
meet_a_poll(unsigned poll_by, unsigned send_by)
{
	struct call *poll;

	client_say(&second, send_by, 1);
	poll = client_poll(&first, poll_by);
	client_say(&first, send_by, 1);
	client_await(poll);
}

/*
 * What a client sends to the daemon itself, over HTTP on the same socket; false if no answer came,
 * or one that takes nothing.
 */
static bool
send_directly(const struct client *client, unsigned number)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char text[1000];
	ssize_t n = -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int len = snprintf(text, sizeof text,
	    "POST %s/000/%s/xhr_send HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n[\"%03u\"]",
	    client->prefix, client->session, number);

	strcpy(address.sun_path, in_folder("socket"));
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
	    send(fd, text, (size_t)len, MSG_NOSIGNAL) == len)
		n = recv(fd, text, sizeof text - 1, 0);
	close(fd);
	if (n <= 0) {
		responders_wait();
		return false;
	}
	text[n] = '\0';
	if (strncmp(text, "HTTP/1.1 204", 12) == 0)
		return true;
	assert_memory_equal(text, "HTTP/1.1 503", 12);
	return false;
}

/* It is acknowledged by another way than the poll of a responder has it. */
static void
meet_a_poll_directly(unsigned poll_by)
{
	struct call *poll = client_poll(&first, poll_by);

	while (!send_directly(&first, ++first.said))
		usleep(1000);
	first.is_acknowledged[first.said] = true;
	client_await(poll);
}

/* They come in one write, in a session with messages that wait. */
static void
poll_and_send_at_once(struct client *client, unsigned responder)
{
	struct call *poll, *send;

	client_say(client, responder, 1);
	responder_hold(responder);
	poll = client_poll(client, responder);
	send = client_send(client, responder, 1);
	responder_let_go(responder);
	client_answer(send);
	client_await(poll);
}

/* While a frame is on its way, others are queued behind it. */
static void
write_slowly(struct client *client)
{
	struct call *slow, *next;

	client_say(client, 0, 2);
	slow = client_poll(client, 1);
	client_withhold(slow);
	client_await(slow);
	client_say(client, 0, 1);
	next = client_poll(client, 0);
	client_say(client, 1, 1);
	client_write(&slow);
	client_await(next);
}

static void
see_a_close(void)
{
	unsigned i;

	client_open(&closed, 0);
	for (i = 1; i <= 3; i++) {
		client_await(client_poll(&closed, i % RESPONDERS));
		assert_int_equal(closed.closes, i);
	}
	assert_int_equal(closed.opens, 1);
}

/* Nobody polls: it ends, in each life of the daemon a while after it began. */
static void
see_an_end(void)
{
	enum wire_sent_result result;

	do
		result = client_answer(client_send(&brief, 1, 0));
	while (result != WIRE_SENT_NO_SESSION);
}

static void
collect(void)
{
	client_collect(&first, 0);
	client_collect(&second, 1);
	assert_int_equal(first.got_count > 0 && second.got_count > 0, true);
}

static void
work(void)
{
	begin_clients();
	queue_and_take();
	meet_a_poll(0, 1);
	meet_a_poll(1, 1);
	meet_a_poll_directly(1);
	poll_and_send_at_once(&first, 0);
	see_a_close();
	write_slowly(&second);
	client_say(&second, 0, 1);
	client_say(&first, 1, 1);
	see_an_end();
	collect();
}

/*
 * The next daemon has what this one had: nothing that was taken comes again. What is acknowledged
 * first says that the store works: of what was taken while it did not, it knows nothing.
 */
static void
look_again(void)
{
	siginfo_t info;

	client_say(&first, 0, 1);
	kill(daemon_pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)daemon_pid, &info, WEXITED | WNOWAIT), 0);
	meet_a_poll(0, 1);
	client_say(&second, 0, 1);
	collect();
	client_await(client_poll(&closed, 0));
	assert_int_equal(closed.opens, 1);
}

/* --- faults ----------------------------------------------------------------------------------- */

static char *empty_store;
static size_t empty_store_len;

static void
make_empty_store(void)
{
	begin(&(struct plan){FAULT_NONE}, NULL, 0);
	responders_end();
	end_daemon(SIGTERM);
	empty_store = read_file(store_path, &empty_store_len);
}

static void
run(const struct plan *what)
{
	begin(what, empty_store, empty_store_len);
	work();
}

static void
stop(void)
{
	responders_end();
	end_daemon(SIGKILL);
}

/* True if the daemon was ended. */
static bool
run_to_an_end(struct plan what)
{
	run(&what);
	assert_true(deaths <= 1);
	if (deaths == 0)
		look_again();
	stop();
	return deaths > 0;
}

static void
test_end_at_each_step(void **state)
{
	unsigned nth = 1;

	(void)state;
	while (run_to_an_end((struct plan){FAULT_KILL, .nth = nth, .count = 1}))
		nth += step_stride();
	/* It is worth something. */
	assert_true(nth > 100);
}

static void
test_end_before_each_write(void **state)
{
	unsigned nth = 1;

	(void)state;
	while (run_to_an_end((struct plan){.nth_send = nth}))
		nth += step_stride();
	assert_true(nth > 30);
}

/* Not of each: what comes before the next has been looked at. */
static void
test_end_after_writes(void **state)
{
	unsigned nth = 1;

	(void)state;
	while (run_to_an_end((struct plan){.nth_send = nth, .after = true}))
		nth += 3 * step_stride();
	assert_true(nth > 30);
}

/*
 * In the middle of its work, and the next one again, at every other step of its start and what
 * follows.
 */
static void
test_end_twice(void **state)
{
	unsigned nth = 0;

	(void)state;
	do {
		struct plan what = {.nth_send = 15, .after = true};

		if (nth > 0)
			stop();
		nth += 2 * step_stride();
		begin(&what, empty_store, empty_store_len);
		next_plan = (struct plan){FAULT_KILL, .nth = nth, .count = 1};
		work();
	} while (deaths == 2);
	assert_int_equal(deaths, 1);
	assert_true(nth > 30);
	look_again();
	stop();
}

/* Each step is one of count that fail in a row; then the store works again. */
static void
fail_at_each_step(enum fault fault, unsigned count)
{
	unsigned nth = 1, steps;

	do {
		run(&(struct plan){fault, .nth = nth, .count = count, .fast = true});
		steps = shared->steps;
		assert_int_equal(deaths, 0);
		look_again();
		stop();
		nth += count * step_stride();
	} while (nth <= steps);
	assert_true(nth > 60);
}

static void
test_errors(void **state)
{
	(void)state;
	fail_at_each_step(FAULT_ERROR, 3);
}

static void
test_full_disk(void **state)
{
	(void)state;
	fail_at_each_step(FAULT_FULL, 5);
}

/* --- a group ---------------------------------------------------------------------------------- */

static int
set_up(void **state)
{
	shared =
	    mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || folder_setup(state) == -1)
		return -1;
	make_empty_store();
	return 0;
}

static int
tear_down(void **state)
{
	free(empty_store);
	return folder_teardown(state);
}

/* After a failure there is a daemon left, and a log. */
static int
clean_up(void **state)
{
	(void)state;
	responders_end();
	if (daemon_pid != -1)
		show_log();
	end_daemon(SIGKILL);
	return 0;
}

#define CRASH_TEST(name) cmocka_unit_test_teardown(name, clean_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CRASH_TEST(test_end_at_each_step),
	    CRASH_TEST(test_end_before_each_write),
	    CRASH_TEST(test_end_after_writes),
	    CRASH_TEST(test_end_twice),
	    CRASH_TEST(test_errors),
	    CRASH_TEST(test_full_disk),
	};

	alarm(SECONDS);
	fault_vfs_register();
	return cmocka_run_group_tests_name("crash_points", tests, set_up, tear_down);
}
