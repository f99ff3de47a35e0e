/*
 * For the tests of sessiond/resume: persistence_fixture.h's service with resume = on, and clients
 * on legs, which are websockets. What a client gets is in `seen`, with KEY for the key that the
 * latest of them was told.
 */
#ifndef TESTS_RESUME_FIXTURE_H
#define TESTS_RESUME_FIXTURE_H

#include "tests/unit/persistence/persistence_fixture.h"

#include "common/memory.h"
#include "sessiond/resume/leg_message.h"
#include "sessiond/resume/resume.h"
#include "sessiond/session/admission.h"

#include <stdio.h>

static struct resume resume;
static char key[LEG_KEY_LEN + 1]; /* "" before the first */

/* --- clients ---------------------------------------------------------------------------------- */

/* A client comes with a leg of that name, to its home, which is a letter. */
static inline struct session *
open_leg_at(char home, char name)
{
	char path[64];
	struct connection_source source = fake_source;
	struct fake_receiver *fake = fake_websocket(name);
	struct admission_refusal refusal;
	struct session *session;

	snprintf(path, sizeof path, "/echo/000/resume-%c~%c/websocket", home, name);
	source.path = path;
	session = admission_open_websocket(service, fake->receiver.transport, &source, &refusal);
	assert_non_null(session);
	session_arrive(session, &fake->receiver, NULL);
	return session;
}

static inline struct session *
open_leg(char name)
{
	return open_leg_at('h', name);
}

static inline void
say_on(struct session *leg, const char *text)
{
	receive_text(leg, text);
}

/* The connection of a leg is gone. */
static inline void
break_leg(struct session *leg)
{
	session_receiver_broke(leg->receiver);
}

/* It asks for the session of the key, and says that it has had count messages. */
static inline struct session *
resume_on(char name, unsigned count)
{
	struct session *leg = open_leg(name);
	char text[64];

	snprintf(text, sizeof text, "~r%u %s", count, key);
	say_on(leg, text);
	return leg;
}

/* --- what is seen ----------------------------------------------------------------------------- */

/* The key in the bytes of `seen`, if one is told there, becomes KEY. */
static inline void
hide_key(void)
{
	char *told, *end;

	buffer_append_char(&seen, '\0');
	told = strstr(seen.data, "\"~o");
	if (told == NULL) {
		buffer_truncate(&seen, seen.len - 1);
		return;
	}
	told = strchr(told, ' ') + 1;
	memcpy(key, told, LEG_KEY_LEN);
	memcpy(told, "KEY", 3);
	end = told + LEG_KEY_LEN;
	memmove(told + 3, end, strlen(end));
	buffer_truncate(&seen, seen.len - 1 - (LEG_KEY_LEN - 3));
}

#define assert_told(expected)                                                                      \
	do {                                                                                       \
		hide_key();                                                                        \
		assert_seen(expected);                                                             \
	} while (0)

/* The session of the key; NULL: there is none. */
static inline struct session *
carried(void)
{
	char id[64];

	snprintf(id, sizeof id, "resume-h~.%s", key);
	return session_find(service, id, strlen(id));
}

/* The leg that it has. */
static inline struct session *
leg_of_carried(void)
{
	return container_of(carried()->receiver, struct leg, receiver)->session;
}

/* A client with a new session on a leg of that name, with nothing to be seen of it. */
static inline struct session *
begun(char name)
{
	struct session *leg = open_leg(name);

	say_on(leg, "~n");
	end_turn();
	hide_key();
	buffer_clear(&seen);
	buffer_clear(&written);
	return leg;
}

/* The same over xhr-streaming: its leg's session is found by its id. */
static inline struct session *
begun_over_http(char name)
{
	struct connection_source source = fake_source;
	struct fake_receiver *fake = fake_stream(name);
	const char *id = "resume-h~http";
	struct admission_refusal refusal;
	struct session *leg;

	source.path = "/echo/000/resume-h~http/xhr_streaming";
	leg =
	    admission_obtain(service, id, strlen(id), fake->receiver.transport, &source, &refusal);
	assert_non_null(leg);
	session_arrive(leg, &fake->receiver, &source);
	say_on(leg, "~n");
	end_turn();
	hide_key();
	buffer_clear(&seen);
	buffer_clear(&written);
	return leg;
}

static inline int
write_carried(const char *text)
{
	return write_text((sockjs_connection){carried()->handle}, text);
}

/* --- before, between and after ---------------------------------------------------------------- */

static inline void
begin_resume(void)
{
	service->protocol.options.resume = true;
	resume_init(&resume, &sessions, NULL);
	persistence_add(&persistence, &resume.part);
}

static inline void
end_resume(void)
{
	resume_clear(&resume);
}

static inline void
break_one(void *session, void *context)
{
	(void)context;
	if (session_is_leg(session))
		session_abort(session);
}

/* The daemon is killed, and the next one begins. */
static inline void
kill_daemon(void)
{
	sessions_each(&sessions, break_one, NULL);
	restart();
}

static inline int
set_up_resume(void **state, bool is_memory)
{
	set_up_backend(state, is_memory);
	key[0] = key[LEG_KEY_LEN] = '\0';
	before_restore = begin_resume;
	end_of_service = end_resume;
	begin_resume();
	return 0;
}

static inline int
set_up_resume_in_memory(void **state)
{
	return set_up_resume(state, true);
}

static inline int
set_up_resume_on_disk(void **state)
{
	return set_up_resume(state, false);
}

static inline int
tear_down_resume(void **state)
{
	tear_down_store(state);
	before_restore = end_of_service = NULL;
	return 0;
}

#define RESUME_TEST(name)                                                                          \
	{#name " (memory)", test_##name, set_up_resume_in_memory, tear_down_resume, NULL},         \
	{                                                                                          \
#name " (SQLite)", test_##name, set_up_resume_on_disk, tear_down_resume, NULL      \
	}

#endif
