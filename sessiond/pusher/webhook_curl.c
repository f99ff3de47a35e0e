/*
 * See webhook_curl.h.
 *
 * libcurl is not there when this is built: what is used of it is declared here. The numbers are
 * those of its interface 4, which it does not change (https://curl.se/libcurl/abi.html).
 *
 * It says which sockets it watches, and when it wants to be called; each socket is a uv_poll_t
 * here. Both tell it only from the loop, never within a call of its own.
 */
#include "sessiond/pusher/webhook_curl.h"

#include "common/memory.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sysexits.h>

#define LIBRARY "libcurl.so.4"

/* --- what is used of it ----------------------------------------------------------------------- */

enum {
	CURL_GLOBAL_DEFAULT = 3,
	CURLMSG_DONE = 1,
	CURL_SOCKET_TIMEOUT = -1,
	CURL_POLL_IN = 1,
	CURL_POLL_OUT = 2,
	CURL_POLL_REMOVE = 4,
	CURL_CSELECT_IN = 1,
	CURL_CSELECT_OUT = 2,
	CURL_CSELECT_ERR = 4,
	CURLPROTO_HTTP_HTTPS = 3,
	CURL_ERROR_SIZE = 256,

	CURLOPT_POST = 47,
	CURLOPT_POSTFIELDSIZE = 60,
	CURLOPT_NOSIGNAL = 99,
	CURLOPT_TIMEOUT_MS = 155,
	CURLOPT_PROTOCOLS = 181,
	CURLOPT_URL = 10002,
	CURLOPT_ERRORBUFFER = 10010,
	CURLOPT_USERAGENT = 10018,
	CURLOPT_HTTPHEADER = 10023,
	CURLOPT_PRIVATE = 10103,
	CURLOPT_COPYPOSTFIELDS = 10165,
	CURLOPT_WRITEFUNCTION = 20011,
	CURLINFO_RESPONSE_CODE = 0x200002,
	CURLINFO_PRIVATE = 0x100015,
	CURLMOPT_SOCKETFUNCTION = 20001,
	CURLMOPT_TIMERFUNCTION = 20004,
};

typedef void CURL, CURLM;
struct curl_slist;

struct CURLMsg {
	int msg;
	CURL *easy;
	union {
		void *whatever;
		int result;
	} data;
};

static struct {
	int (*global_init)(long flags);
	CURL *(*easy_init)(void);
	int (*easy_setopt)(CURL *easy, int option, ...);
	int (*easy_getinfo)(CURL *easy, int info, ...);
	void (*easy_cleanup)(CURL *easy);
	const char *(*easy_strerror)(int code);
	struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
	void (*slist_free_all)(struct curl_slist *list);
	CURLM *(*multi_init)(void);
	int (*multi_setopt)(CURLM *multi, int option, ...);
	int (*multi_add_handle)(CURLM *multi, CURL *easy);
	int (*multi_remove_handle)(CURLM *multi, CURL *easy);
	int (*multi_socket_action)(CURLM *multi, int socket, int events, int *running);
	struct CURLMsg *(*multi_info_read)(CURLM *multi, int *left);
	int (*multi_assign)(CURLM *multi, int socket, void *pointer);
	int (*multi_cleanup)(CURLM *multi);
} curl;

static const struct {
	const char *name;
	void **function;
} symbols[] = {
    {"curl_global_init", (void **)&curl.global_init},
    {"curl_easy_init", (void **)&curl.easy_init},
    {"curl_easy_setopt", (void **)&curl.easy_setopt},
    {"curl_easy_getinfo", (void **)&curl.easy_getinfo},
    {"curl_easy_cleanup", (void **)&curl.easy_cleanup},
    {"curl_easy_strerror", (void **)&curl.easy_strerror},
    {"curl_slist_append", (void **)&curl.slist_append},
    {"curl_slist_free_all", (void **)&curl.slist_free_all},
    {"curl_multi_init", (void **)&curl.multi_init},
    {"curl_multi_setopt", (void **)&curl.multi_setopt},
    {"curl_multi_add_handle", (void **)&curl.multi_add_handle},
    {"curl_multi_remove_handle", (void **)&curl.multi_remove_handle},
    {"curl_multi_socket_action", (void **)&curl.multi_socket_action},
    {"curl_multi_info_read", (void **)&curl.multi_info_read},
    {"curl_multi_assign", (void **)&curl.multi_assign},
    {"curl_multi_cleanup", (void **)&curl.multi_cleanup},
};

int
webhook_curl_load(struct error *err)
{
	static bool is_loaded;
	void *library;
	size_t i;

	if (is_loaded)
		return 0;
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		return error_set(err, EX_UNAVAILABLE,
		    "a webhook is sent by libcurl, which is not there (Debian package libcurl4): "
		    "%s",
		    dlerror());
	for (i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
		*symbols[i].function = dlsym(library, symbols[i].name);
		if (*symbols[i].function == NULL)
			return error_set(
			    err, EX_UNAVAILABLE, "%s has no %s", LIBRARY, symbols[i].name);
	}
	if (curl.global_init(CURL_GLOBAL_DEFAULT) != 0)
		return error_set(err, EX_UNAVAILABLE, "libcurl does not start");
	is_loaded = true;
	return 0;
}

/* --- sockets and times ------------------------------------------------------------------------ */

struct webhook_post {
	LIST_ENTRY(webhook_post) entry;
	CURL *easy;
	struct curl_slist *headers;
	webhook_done *done;
	void *context;
	char error[CURL_ERROR_SIZE];
};

/* All there is; multi NULL: nothing was sent yet, or no more is. */
static struct {
	CURLM *multi;
	uv_loop_t *loop;
	uv_timer_t *timer;
	LIST_HEAD(, webhook_post) posts;
} all;

static void
free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void
free_post(struct webhook_post *post)
{
	LIST_REMOVE(post, entry);
	curl.multi_remove_handle(all.multi, post->easy);
	curl.easy_cleanup(post->easy);
	curl.slist_free_all(post->headers);
	free(post);
}

static void
finish(CURL *easy, int result)
{
	struct webhook_post *post = NULL, told;
	long status = 0;

	curl.easy_getinfo(easy, CURLINFO_PRIVATE, &post);
	curl.easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	told = *post;
	free_post(post);
	told.done(told.context, result == 0 ? (unsigned)status : 0,
	    told.error[0] != '\0' ? told.error : curl.easy_strerror(result));
}

static void
act(int socket, int events)
{
	struct CURLMsg *message;
	int running, left;

	curl.multi_socket_action(all.multi, socket, events, &running);
	while (all.multi != NULL && (message = curl.multi_info_read(all.multi, &left)) != NULL)
		if (message->msg == CURLMSG_DONE)
			finish(message->easy, message->data.result);
}

static void
on_ready(uv_poll_t *poll, int status, int events)
{
	int socket = (int)(intptr_t)poll->data;

	act(socket,
	    status < 0 ? CURL_CSELECT_ERR
		       : ((events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
		    ((events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0));
}

static int
watch(CURL *easy, int socket, int what, void *context, void *known)
{
	uv_poll_t *poll = known;

	(void)easy;
	(void)context;
	if (what == CURL_POLL_REMOVE) {
		if (poll != NULL)
			uv_close((uv_handle_t *)poll, free_handle);
		curl.multi_assign(all.multi, socket, NULL);
		return 0;
	}
	if (poll == NULL) {
		poll = xcalloc(1, sizeof *poll);
		uv_poll_init_socket(all.loop, poll, socket);
		poll->data = (void *)(intptr_t)socket;
		curl.multi_assign(all.multi, socket, poll);
	}
	uv_poll_start(poll,
	    ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
		((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0),
	    on_ready);
	return 0;
}

static void
on_time(uv_timer_t *timer)
{
	(void)timer;
	act(CURL_SOCKET_TIMEOUT, 0);
}

static int
set_time(CURLM *multi, long ms, void *context)
{
	(void)multi;
	(void)context;
	if (ms < 0)
		uv_timer_stop(all.timer);
	else
		uv_timer_start(all.timer, on_time, (uint64_t)ms, 0);
	return 0;
}

/* --- posts ------------------------------------------------------------------------------------ */

/* What the other end says beside its status is of no use. */
static size_t
drop(char *data, size_t size, size_t count, void *context)
{
	(void)data;
	(void)context;
	return size * count;
}

static bool
begin(uv_loop_t *loop)
{
	if (all.multi != NULL)
		return true;
	all.multi = curl.multi_init();
	if (all.multi == NULL)
		return false;
	all.loop = loop;
	all.timer = xcalloc(1, sizeof *all.timer);
	uv_timer_init(loop, all.timer);
	curl.multi_setopt(all.multi, CURLMOPT_SOCKETFUNCTION, watch);
	curl.multi_setopt(all.multi, CURLMOPT_TIMERFUNCTION, set_time);
	return true;
}

static void
set_options(struct webhook_post *post, const struct webhook_request *request)
{
	size_t i;

	for (i = 0; request->headers[i] != NULL; i++)
		post->headers = curl.slist_append(post->headers, request->headers[i]);
	curl.easy_setopt(post->easy, CURLOPT_URL, request->url);
	curl.easy_setopt(post->easy, CURLOPT_PROTOCOLS, (long)CURLPROTO_HTTP_HTTPS);
	curl.easy_setopt(post->easy, CURLOPT_POST, 1L);
	curl.easy_setopt(post->easy, CURLOPT_POSTFIELDSIZE, (long)request->body_len);
	curl.easy_setopt(post->easy, CURLOPT_COPYPOSTFIELDS, request->body);
	curl.easy_setopt(post->easy, CURLOPT_HTTPHEADER, post->headers);
	curl.easy_setopt(post->easy, CURLOPT_USERAGENT, "sockjs-fcgi/" PACKAGE_VERSION);
	curl.easy_setopt(post->easy, CURLOPT_TIMEOUT_MS, (long)WEBHOOK_TIMEOUT_MS);
	curl.easy_setopt(post->easy, CURLOPT_NOSIGNAL, 1L);
	curl.easy_setopt(post->easy, CURLOPT_WRITEFUNCTION, drop);
	curl.easy_setopt(post->easy, CURLOPT_ERRORBUFFER, post->error);
	curl.easy_setopt(post->easy, CURLOPT_PRIVATE, post);
}

struct webhook_post *
webhook_curl_post(
    uv_loop_t *loop, const struct webhook_request *request, webhook_done *done, void *context)
{
	struct webhook_post *post;

	if (!begin(loop))
		return NULL;
	post = xcalloc(1, sizeof *post);
	post->done = done;
	post->context = context;
	post->easy = curl.easy_init();
	if (post->easy == NULL) {
		free(post);
		return NULL;
	}
	LIST_INSERT_HEAD(&all.posts, post, entry);
	set_options(post, request);
	curl.multi_add_handle(all.multi, post->easy);
	return post;
}

void
webhook_curl_stop(void)
{
	if (all.multi == NULL)
		return;
	while (!LIST_EMPTY(&all.posts))
		free_post(LIST_FIRST(&all.posts));
	curl.multi_cleanup(all.multi);
	uv_close((uv_handle_t *)all.timer, free_handle);
	all.multi = NULL;
	all.timer = NULL;
}
