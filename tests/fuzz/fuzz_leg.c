/*
 * Fuzz target: legs (sessiond/resume). A client sends numbered messages to an echo, by the rules of
 * doc/resume.md, while its legs break, the store fails, the daemon is killed, requests are
 * repeated, and somebody says anything on legs of his own. Each echo has to come to the client
 * once, in order. Built with -fsanitize=fuzzer, or with replay.c for the corpus.
 *
 * Each byte of the input is something that happens; see `happen`. A capital letter takes the next
 * bytes, up to a newline.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"
#include "sessiond/api/api.h"
#include "sessiond/persistence/session_restore.h"
#include "sessiond/resume/leg_message.h"
#include "sessiond/resume/resume.h"
#include "sessiond/session/admission.h"
#include "sessiond/session/delivery.h"
#include "sessiond/session/session.h"
#include "sessiond/session/turn.h"
#include "sockjs/message_array.h"
#include "tests/unit/store/store_memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it has to hold in a build with NDEBUG as well. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

enum { ROUNDS = 1000, STRANGERS = 4, AHEAD = 200 };

static struct sessions sessions;
static struct persistence persistence;
static struct resume resume;
static struct sockjs_service *service;
static struct store *store;
static uint64_t now;

/* --- the client ------------------------------------------------------------------------------- */

/* A websocket or a stream. */
struct peer {
	struct receiver receiver; /* first */
	bool is_client, is_there;
};

static struct {
	struct peer peer;
	bool is_joined, is_over, is_http;
	char key[LEG_KEY_LEN]; /* if has_key */
	bool has_key;
	uint64_t sent, confirmed; /* own messages */
	uint64_t got;
} client;

/* The last has the key, and says no more than that. */
static struct peer strangers[STRANGERS + 1];

static void
say(struct peer *peer, const char *text, size_t len)
{
	struct session *leg = peer->receiver.session;

	if (leg != NULL)
		session_receive(leg, text, len, false);
}

static void __attribute__((format(printf, 1, 2))) client_says(const char *format, ...)
{
	char text[128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	say(&client.peer, text, strlen(text));
}

/* Every third begins as a leg's own do. */
static void
text_of(uint64_t number, char text[32])
{
	snprintf(text, 32, "%s%llu", number % 3 == 0 ? "~" : "", (unsigned long long)number);
}

static void
client_passes(uint64_t number)
{
	char text[32];

	text_of(number, text);
	if (client.is_http)
		client_says("~%llu %s", (unsigned long long)number, text);
	else
		client_says("%s%s", text[0] == '~' ? "~" : "", text);
}

static void
client_gets(const char *data, size_t len)
{
	char text[32];

	text_of(++client.got, text);
	REQUIRE(len == strlen(text) && memcmp(data, text, len) == 0);
}

static void
client_is_confirmed(uint64_t count)
{
	REQUIRE(count >= client.confirmed && count <= client.sent);
	client.confirmed = count;
}

/* What it answers it says later: this is called while frames are sent. */
static bool owes_rest, owes_ack, owes_close;

static void
client_hears(const char *data, size_t len)
{
	char text[200];
	const char *blank;

	if (len == 0 || data[0] != '~' || data[1] == '~') {
		REQUIRE(!client.is_http);
		client_gets(data + (len > 0 && data[0] == '~'), len - (len > 0 && data[0] == '~'));
		return;
	}
	REQUIRE(len < sizeof text);
	memcpy(text, data, len);
	text[len] = '\0';
	blank = strchr(text, ' ');
	switch (text[1]) {
	case 'o':
		REQUIRE(!client.has_key && blank != NULL && strlen(blank + 1) == LEG_KEY_LEN);
		memcpy(client.key, blank + 1, LEG_KEY_LEN);
		client.has_key = client.is_joined = true;
		break;
	case 'r':
		client_is_confirmed(strtoull(text + 2, NULL, 10));
		client.is_joined = owes_rest = true;
		break;
	case 'a':
		client_is_confirmed(strtoull(text + 2, NULL, 10));
		REQUIRE(blank != NULL && strtoull(blank, NULL, 10) == client.got);
		break;
	case '?':
		owes_ack = true;
		break;
	case 'c':
		client.is_over = owes_close = true;
		break;
	default:
		REQUIRE(client.is_http && strtoull(text + 1, NULL, 10) == client.got + 1);
		client_gets(blank + 1, len - (size_t)(blank + 1 - text));
	}
}

static void
client_answers(void)
{
	bool rest = owes_rest, ack = owes_ack, closed = owes_close;
	uint64_t number;

	owes_rest = owes_ack = owes_close = false;
	for (number = client.confirmed + 1; rest && number <= client.sent; number++)
		client_passes(number);
	if (ack)
		client_says("~a%llu", (unsigned long long)client.got);
	if (closed)
		client_says("~c");
}

/* --- its legs, and those of strangers --------------------------------------------------------- */

static struct peer *
peer_of(struct receiver *receiver)
{
	return (struct peer *)(void *)receiver;
}

static enum receiver_result
on_frame(struct receiver *receiver, const struct receiver_frame *frame)
{
	struct peer *peer = peer_of(receiver);

	/* It is never closed for what it has said, but may not begin while the store fails. */
	if (peer->is_client && frame->kind == RECEIVER_FRAME_CLOSE)
		REQUIRE(frame->code != LEG_CODE_BROKEN &&
		    (frame->code != LEG_CODE_REFUSED || !client.has_key));
	if (peer->is_client && frame->kind == RECEIVER_FRAME_CLOSE && frame->code == LEG_CODE_GONE)
		client.is_over = true;
	return frame->kind == RECEIVER_FRAME_HEARTBEAT ? RECEIVER_AWAITS_PONG : RECEIVER_MORE;
}

static enum receiver_result
on_messages(struct receiver *receiver, struct message_queue *queue)
{
	struct buffer frame = BUFFER_INIT;
	const char *cursor, *message;
	size_t count, len;
	ssize_t decoded;

	message_queue_append_frame(queue, &frame);
	decoded = message_array_decode(frame.data + 1, frame.len - 1, 0, 1000000, &count);
	REQUIRE(decoded >= 0);
	cursor = frame.data + 1;
	while (peer_of(receiver)->is_client &&
	    message_array_next(&cursor, frame.data + 1 + decoded, &message, &len))
		client_hears(message, len);
	buffer_free(&frame);
	return RECEIVER_MORE;
}

static void
on_end(struct receiver *receiver)
{
	peer_of(receiver)->is_there = false;
}

static size_t
on_backlog(const struct receiver *receiver)
{
	(void)receiver;
	return 0;
}

static const struct receiver_ops peer_ops = {
    .single = true,
    .frame = on_frame,
    .messages = on_messages,
    .end = on_end,
    .backlog = on_backlog,
};

static const char *
no_header(const void *context, const char *name)
{
	(void)context;
	(void)name;
	return NULL;
}

static void
come(struct peer *peer, enum transport_id transport)
{
	struct connection_source source = {
	    .path = "/echo/000/resume-home~1/websocket", .prefix_len = 5, .header = no_header};
	struct admission_refusal refusal;
	struct session *session;

	peer->receiver = (struct receiver){&peer_ops, transport_get(transport), NULL};
	session = admission_open_websocket(service, peer->receiver.transport, &source, &refusal);
	peer->is_there = session != NULL;
	if (session != NULL)
		session_arrive(session, &peer->receiver, NULL);
}

static void
leave(struct peer *peer)
{
	session_receiver_broke(&peer->receiver);
	peer->is_there = false;
}

static void
client_comes(bool is_http)
{
	if (client.is_over || client.peer.is_there)
		return;
	client.is_joined = owes_rest = owes_ack = owes_close = false;
	client.is_http = is_http;
	/* Until it has a key it begins anew. */
	if (!client.has_key)
		client.sent = client.confirmed = client.got = 0;
	come(&client.peer, is_http ? TRANSPORT_XHR_STREAMING : TRANSPORT_WEBSOCKET);
	if (client.has_key)
		client_says("~r%llu %.*s", (unsigned long long)client.got, LEG_KEY_LEN, client.key);
	else
		client_says("~n");
}

/* --- the daemon ------------------------------------------------------------------------------- */

static void
echo(sockjs_connection connection, const sockjs_message *message)
{
	sockjs_write(connection, message->data, message->len);
}

static const struct sockjs_module echo_module = {.abi = SOCKJS_ABI, .name = "echo", .data = echo};

static uint64_t
clock_now(void *context)
{
	(void)context;
	return now;
}

static void
begin(void)
{
	static char url[] = "/sockjs.js";
	static const struct session_fires fires = {
	    session_pong_fire, session_timeout_fire, delivery_grace_fire};
	struct error err = ERROR_INIT;

	sessions_init(&sessions, clock_now, NULL, &fires);
	service = service_create("/echo", &err);
	service->module_name = xstrdup("echo");
	service->application = &echo_module;
	service->protocol.options = (struct service_options){
	    .sockjs_url = url,
	    .heartbeat_delay = 25000,
	    .disconnect_delay = 5000,
	    .headers_limit = 4096,
	    .queue_limit = 1 << 20,
	    .drain_mark = 65536,
	    .resume = true,
	    .resume_timeout = 60000,
	};
	service_prepare(
	    service, &sessions.timers, session_heartbeat_fire, session_timeout_fire, &sessions);
	api_bind(&sessions);
	persistence_init(&persistence, &sessions);
	persistence_use(&persistence, store);
	resume_init(&resume, &sessions, NULL);
	persistence_add(&persistence, &resume.part);
	REQUIRE(sessions_restore(&persistence, &service, 1, &err) == 0);
}

static void
end_one(void *object, void *context)
{
	(void)context;
	if (session_is_leg(object))
		session_abort(object);
}

static void
leave_one(void *object, void *context)
{
	(void)context;
	session_leave(object);
}

/* Without a commit: what is stored is what was committed. */
static void
end(void)
{
	size_t i;

	sessions_each(&sessions, end_one, NULL);
	sessions_each(&sessions, leave_one, NULL);
	while (turn_flush(&sessions))
		continue;
	for (i = 0; i <= STRANGERS; i++)
		strangers[i].is_there = false;
	client.peer.is_there = client.is_joined = false;
	resume_clear(&resume);
	api_bind(NULL);
	service_destroy(&service);
	store = store_memory_reopen(&persistence.store);
	persistence_clear(&persistence);
	sessions_clear(&sessions);
}

static void
end_turn(void)
{
	unsigned rounds = 0;

	do {
		while (turn_flush(&sessions))
			REQUIRE(++rounds < ROUNDS);
		persistence_commit(&persistence);
	} while (turn_flush(&sessions));
	if (client.peer.is_there)
		client_answers();
}

static void
pass(uint64_t ms)
{
	now += ms;
	timers_run(&sessions.timers, now);
	end_turn();
}

/* --- what happens ----------------------------------------------------------------------------- */

static void
happen(char what, const char *text, size_t len)
{
	struct peer *stranger = &strangers[(unsigned char)what % STRANGERS];
	char taken[64];

	switch (what) {
	case 'c': /* the client comes, over a websocket */
	case 'h': /* ... over HTTP */
		client_comes(what == 'h');
		break;
	case 's': /* it sends, on its leg if it has one */
		if (!client.has_key || client.is_over || client.sent - client.confirmed >= AHEAD)
			break;
		client.sent++;
		if (client.is_joined && !owes_rest)
			client_passes(client.sent);
		break;
	case 'r': /* a request of it is repeated */
		if (client.is_joined && !owes_rest && client.is_http && client.sent > 0)
			client_passes(client.sent - (len > 0 ? 0 : client.sent > 1));
		break;
	case 'a': /* it acknowledges */
		if (client.is_joined)
			client_says("~a%llu", (unsigned long long)client.got);
		break;
	case 'b': /* its leg breaks */
		if (client.peer.is_there)
			leave(&client.peer);
		client.is_joined = false;
		break;
	case 'k': /* kill -9 */
		end();
		begin();
		break;
	case 'f': /* the store fails */
		store_memory_fail(store, 1 + (unsigned)(now % 5), STORE_FAILED);
		break;
	case 't': /* time passes, less than it may be away for */
		pass(1000);
		break;
	case 'A' ... 'D': /* a stranger speaks */
		if (!stranger->is_there)
			come(stranger, TRANSPORT_WEBSOCKET);
		say(stranger, text, len);
		break;
	case 'X': /* who has taken it over goes */
		stranger = &strangers[STRANGERS];
		if (stranger->is_there)
			leave(stranger);
		break;
	case 'E' ... 'H': /* another stranger goes */
		if (stranger->is_there)
			leave(stranger);
		break;
	case 'T': /* the last of them takes the session over */
		stranger = &strangers[STRANGERS];
		if (!client.has_key)
			break;
		if (!stranger->is_there)
			come(stranger, TRANSPORT_WEBSOCKET);
		snprintf(taken, sizeof taken, "~r%llu %.*s", (unsigned long long)client.got,
		    LEG_KEY_LEN, client.key);
		say(stranger, taken, strlen(taken));
		break;
	default:
		end_turn();
	}
	if (!client.peer.is_there)
		client.is_joined = false;
}

/* Whatever has happened: the client comes once more, and gets it all. */
static void
require_all(void)
{
	size_t i;
	int n;

	store_memory_fail(store, 0, STORE_OK);
	pass(1000);
	for (i = 0; i <= STRANGERS; i++)
		if (strangers[i].is_there)
			leave(&strangers[i]);
	if (client.peer.is_there)
		leave(&client.peer);
	for (n = 0; n < 4; n++) {
		client_comes(false);
		end_turn();
		end_turn();
		pass(1000);
	}
	if (!client.is_over)
		REQUIRE(
		    client.has_key && client.got == client.sent && client.confirmed == client.sent);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end_of_input = at + size;

	memset(&client, 0, sizeof client);
	memset(strangers, 0, sizeof strangers);
	owes_rest = owes_ack = owes_close = false;
	client.peer.is_client = true;
	now = 1000000;
	log_set_minimum(SEVERITY_ERROR);
	store = store_memory_create();
	begin();
	while (at < end_of_input) {
		char what = *at++;
		const char *text = at;

		if (what >= 'A' && what <= 'D') {
			while (at < end_of_input && *at != '\n')
				at++;
		}
		happen(what, text, (size_t)(at - text));
		if (what >= 'A' && what <= 'D' && at < end_of_input)
			at++;
	}
	require_all();
	end();
	store_close(&store);
	return 0;
}
