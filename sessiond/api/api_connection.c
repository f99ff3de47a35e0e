/*
 * The calls of sockjs.h that concern one connection. Arguments are checked here; session.c does the
 * work.
 */
#include "sessiond/api/api.h"
#include "sessiond/session/admission.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_write.h"
#include "sockjs/utf8.h"

#include <string.h>

/* For getters, to whom all that cannot be had is alike. */
static struct session *
find(sockjs_connection connection, const char *call)
{
	struct session *session;

	api_find(connection, call, &session);
	return session;
}

/* For those who act: SOCKJS_OK and the session, or why there is none. */
static int
find_or_refuse(sockjs_connection connection, const char *call, struct session **session)
{
	int result = api_find(connection, call, session);

	return result == SOCKJS_GONE ? api_refuse_gone(NULL, call) : result;
}

int
sockjs_admit(sockjs_connection connection, int status)
{
	struct session *session;
	int result = find_or_refuse(connection, __func__, &session);

	if (result != SOCKJS_OK)
		return result;
	if (!admission_is_answer(status))
		return api_refuse(session, __func__, "the status is neither 0 nor in 400..599");
	if (!admission_decide(session, status))
		return api_refuse(session, __func__, "the connection does not wait for an answer");
	return SOCKJS_OK;
}

static int
write_message(struct session *session, const char *call, const char *data, size_t len, bool binary)
{
	static struct log_limit limit;
	struct message *message;
	int result;

	if (session_ready_state(session) > SOCKJS_OPEN)
		return api_refuse_gone(session, call);
	message = message_create(data, len, binary);
	if (message == NULL) {
		session_log_limited(&limit, session, SEVERITY_ERROR, "out of memory for messages",
		    "out of memory for a message of %zu bytes", len);
		session_close_too_slow(session);
		return SOCKJS_FULL;
	}
	if (binary || message_is_text(message))
		result = session_write(session, message);
	else
		result = api_refuse(session, call, "the message is not UTF-8");
	message_unref(&message);
	return result;
}

int
sockjs_write(sockjs_connection connection, const char *data, size_t len)
{
	struct session *session;
	int result = find_or_refuse(connection, __func__, &session);

	if (result != SOCKJS_OK)
		return result;
	if (data == NULL)
		return api_refuse(session, __func__, "data is NULL");
	return write_message(session, __func__, data, len, false);
}

int
sockjs_write_binary(sockjs_connection connection, const void *data, size_t len)
{
	struct session *session;
	int result = find_or_refuse(connection, __func__, &session);

	if (result != SOCKJS_OK)
		return result;
	if (data == NULL)
		return api_refuse(session, __func__, "data is NULL");
	if (session->transport->id != TRANSPORT_WEBSOCKET_RAW) {
		api_refuse(session, __func__, "only a raw websocket takes binary messages");
		return SOCKJS_UNSUPPORTED;
	}
	return write_message(session, __func__, data, len, true);
}

int
sockjs_close(sockjs_connection connection, int code, const char *reason)
{
	struct session *session;
	int result = find_or_refuse(connection, __func__, &session);

	if (result != SOCKJS_OK)
		return result;
	if (code == 0)
		code = SESSION_CODE_NORMAL;
	if (reason == NULL)
		reason = "Normal closure";
	if (code != SESSION_CODE_NORMAL && (code < 3000 || code > 4999))
		return api_refuse(session, __func__, "the code is neither 1000 nor in 3000..4999");
	if (strlen(reason) > SESSION_REASON_MAX || !utf8_is_valid(reason, strlen(reason)))
		return api_refuse(
		    session, __func__, "the reason is not UTF-8, or longer than 123 bytes");
	return session_close(session, code, reason, strlen(reason))
	    ? SOCKJS_OK
	    : api_refuse_gone(session, __func__);
}

int
sockjs_end(sockjs_connection connection, const char *data, size_t len)
{
	int result = data == NULL ? SOCKJS_OK : sockjs_write(connection, data, len);

	return result == SOCKJS_OK ? sockjs_close(connection, 0, NULL) : result;
}

size_t
sockjs_queued_bytes(sockjs_connection connection)
{
	struct session *session = find(connection, __func__);

	return session == NULL ? 0 : session_queued_bytes(session);
}

int
sockjs_set_user_data(sockjs_connection connection, void *data)
{
	struct session *session;
	int result = find_or_refuse(connection, __func__, &session);

	if (result == SOCKJS_OK)
		session->user_data = data;
	return result;
}

void *
sockjs_user_data(sockjs_connection connection)
{
	struct session *session = find(connection, __func__);

	return session == NULL ? NULL : session->user_data;
}

const char *
sockjs_id(sockjs_connection connection)
{
	struct session *session = find(connection, __func__);

	return session == NULL ? NULL : session->uuid;
}

enum sockjs_ready_state
sockjs_ready_state(sockjs_connection connection)
{
	struct session *session = find(connection, __func__);

	return session == NULL ? SOCKJS_CLOSED : session_ready_state(session);
}

bool
sockjs_readable(sockjs_connection connection)
{
	return sockjs_ready_state(connection) == SOCKJS_OPEN;
}

bool
sockjs_writable(sockjs_connection connection)
{
	return sockjs_ready_state(connection) == SOCKJS_OPEN;
}

const char *
sockjs_protocol(sockjs_connection connection)
{
	struct session *session = find(connection, __func__);

	return session == NULL ? NULL : session->transport->name;
}

const char *
sockjs_subprotocol(sockjs_connection connection)
{
	struct session *session = find(connection, __func__);

	return session == NULL ? NULL : connection_info_subprotocol(session->info);
}

const char *
sockjs_prefix(sockjs_connection connection)
{
	struct session *session = find(connection, __func__);

	return session == NULL ? NULL : connection_info_prefix(session->info);
}

const char *
sockjs_url(sockjs_connection connection)
{
	struct session *session = find(connection, __func__);

	return session == NULL ? NULL : connection_info_url(session->info);
}

const char *
sockjs_pathname(sockjs_connection connection)
{
	struct session *session = find(connection, __func__);

	return session == NULL ? NULL : connection_info_pathname(session->info);
}

const char *
sockjs_remote_address(sockjs_connection connection)
{
	struct session *session = find(connection, __func__);

	return session == NULL ? NULL : connection_info_remote_address(session->info);
}

int
sockjs_remote_port(sockjs_connection connection)
{
	struct session *session = find(connection, __func__);

	return session == NULL ? 0 : connection_info_remote_port(session->info);
}

const char *
sockjs_address(sockjs_connection connection)
{
	struct session *session = find(connection, __func__);

	return session == NULL ? NULL : connection_info_local_address(session->info);
}

int
sockjs_port(sockjs_connection connection)
{
	struct session *session = find(connection, __func__);

	return session == NULL ? 0 : connection_info_local_port(session->info);
}

const char *
sockjs_header(sockjs_connection connection, const char *name)
{
	struct session *session = find(connection, __func__);

	if (session == NULL)
		return NULL;
	if (name == NULL)
		api_refuse(session, __func__, "name is NULL");
	return name == NULL ? NULL : connection_info_header(session->info, name);
}

sockjs_service *
sockjs_service_of(sockjs_connection connection)
{
	struct session *session = find(connection, __func__);

	return session == NULL ? NULL : session->service;
}
