/*
 * The calls of sockjs.h that concern one connection or service: arguments are checked here, the work is session.c's.
 *
 * A handle alone does not say which daemon it belongs to, and there is only one in a process: api_bind names it.
 */
#include "sessiond/api.h"

#include "sessiond/session.h"
#include "sockjs/utf8.h"

#include <string.h>

static struct sessions *bound;

void
api_bind(struct sessions *sessions)
{
	bound = sessions;
}

static struct session *
find(sockjs_connection connection)
{
	struct session *session =
	    bound == NULL ? NULL : handle_table_find(&bound->handles, connection.handle);

	return session == NULL || session->is_forgotten ? NULL : session;
}

static int
refuse(const struct session *session, const char *call, const char *why)
{
	session_log(
	    session, SEVERITY_ERROR, "%s: %s (%s)", session->service->module_name, call, why);
	return SOCKJS_INVALID;
}

static int
write_message(struct session *session, const char *data, size_t len, bool binary)
{
	struct message *message = message_create(data, len, binary);
	int result;

	if (message == NULL)
		return SOCKJS_FULL;
	result = session_write(session, message);
	message_unref(&message);
	return result;
}

int
sockjs_write(sockjs_connection connection, const char *data, size_t len)
{
	struct session *session = find(connection);

	if (session == NULL)
		return SOCKJS_GONE;
	if (data == NULL)
		return refuse(session, "sockjs_write", "data is NULL");
	if (!utf8_is_valid_wtf8(data, len))
		return refuse(session, "sockjs_write", "the message is not UTF-8");
	return write_message(session, data, len, false);
}

int
sockjs_write_binary(sockjs_connection connection, const void *data, size_t len)
{
	struct session *session = find(connection);

	if (session == NULL)
		return SOCKJS_GONE;
	if (data == NULL)
		return refuse(session, "sockjs_write_binary", "data is NULL");
	if (session->transport->id != TRANSPORT_WEBSOCKET_RAW)
		return SOCKJS_UNSUPPORTED;
	return write_message(session, data, len, true);
}

int
sockjs_close(sockjs_connection connection, int code, const char *reason)
{
	struct session *session = find(connection);

	if (session == NULL)
		return SOCKJS_GONE;
	if (code == 0)
		code = SESSION_CODE_NORMAL;
	if (reason == NULL)
		reason = "Normal closure";
	if (code != SESSION_CODE_NORMAL && (code < 3000 || code > 4999))
		return refuse(
		    session, "sockjs_close", "the code is neither 1000 nor in 3000..4999");
	if (strlen(reason) > SESSION_REASON_MAX || !utf8_is_valid(reason, strlen(reason)))
		return refuse(
		    session, "sockjs_close", "the reason is not UTF-8, or longer than 123 bytes");
	return session_close(session, code, reason, strlen(reason)) ? SOCKJS_OK : SOCKJS_GONE;
}

int
sockjs_end(sockjs_connection connection, const char *data, size_t len)
{
	int result = data == NULL ? SOCKJS_OK : sockjs_write(connection, data, len);

	return result == SOCKJS_OK ? sockjs_close(connection, 0, NULL) : result;
}

void
sockjs_set_user_data(sockjs_connection connection, void *data)
{
	struct session *session = find(connection);

	if (session != NULL)
		session->user_data = data;
}

void *
sockjs_user_data(sockjs_connection connection)
{
	struct session *session = find(connection);

	return session == NULL ? NULL : session->user_data;
}

const char *
sockjs_id(sockjs_connection connection)
{
	struct session *session = find(connection);

	return session == NULL ? NULL : session->uuid;
}

enum sockjs_ready_state
sockjs_ready_state(sockjs_connection connection)
{
	struct session *session = find(connection);

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
	struct session *session = find(connection);

	return session == NULL ? NULL : session->transport->name;
}

const char *
sockjs_prefix(sockjs_connection connection)
{
	struct session *session = find(connection);

	return session == NULL ? NULL : connection_info_prefix(session->info);
}

const char *
sockjs_url(sockjs_connection connection)
{
	struct session *session = find(connection);

	return session == NULL ? NULL : connection_info_url(session->info);
}

const char *
sockjs_pathname(sockjs_connection connection)
{
	struct session *session = find(connection);

	return session == NULL ? NULL : connection_info_pathname(session->info);
}

const char *
sockjs_remote_address(sockjs_connection connection)
{
	struct session *session = find(connection);

	return session == NULL ? NULL : connection_info_remote_address(session->info);
}

int
sockjs_remote_port(sockjs_connection connection)
{
	struct session *session = find(connection);

	return session == NULL ? 0 : connection_info_remote_port(session->info);
}

const char *
sockjs_address(sockjs_connection connection)
{
	struct session *session = find(connection);

	return session == NULL ? NULL : connection_info_local_address(session->info);
}

int
sockjs_port(sockjs_connection connection)
{
	struct session *session = find(connection);

	return session == NULL ? 0 : connection_info_local_port(session->info);
}

const char *
sockjs_header(sockjs_connection connection, const char *name)
{
	struct session *session = find(connection);

	return session == NULL || name == NULL ? NULL : connection_info_header(session->info, name);
}

sockjs_service *
sockjs_service_of(sockjs_connection connection)
{
	struct session *session = find(connection);

	return session == NULL ? NULL : session->service;
}

const char *
sockjs_service_prefix(const sockjs_service *service)
{
	return service->name;
}

void
sockjs_service_set_user_data(sockjs_service *service, void *data)
{
	service->user_data = data;
}

void *
sockjs_service_user_data(const sockjs_service *service)
{
	return service->user_data;
}
