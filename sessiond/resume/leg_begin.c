/*
 * See leg_begin.h. The id of a session that is carried is HOME~.KEY. HOME is where the ids of its
 * client's legs are the same, up to their own ~, so that all of them have the same home
 * (wire_home.h). No URL can name it: there is a dot in it.
 */
#include "sessiond/resume/leg_begin.h"

#include "common/buffer.h"
#include "common/memory.h"
#include "sessiond/modules/services.h"
#include "sessiond/session/admission.h"
#include "sessiond/session/session.h"
#include "sockjs/net_address.h"
#include "sockjs/route.h"
#include "wire/wire_home.h"

#include <stdlib.h>
#include <string.h>

enum { NOT_FOUND = 404 };

/* What is known of the client's request, as if it had come for the other session. */
struct origin {
	struct connection_source source;
	union net_address peer, local;
};

static const char *
header(const void *context, const char *name)
{
	return connection_info_header(context, name);
}

static void
read_address(union net_address *address, const char *text, int port)
{
	if (!net_address_parse(address, text, strlen(text)))
		net_address_set(address, NULL);
	else if (address->any.sa_family == AF_INET)
		address->v4.sin_port = htons((uint16_t)port);
	else
		address->v6.sin6_port = htons((uint16_t)port);
}

static void
read_origin(struct origin *origin, const struct session *session)
{
	const struct connection_info *info = session->info;
	const char *query = strchr(connection_info_url(info), '?');

	*origin = (struct origin){.source = {
				      .path = connection_info_pathname(info),
				      .query = query == NULL ? NULL : query + 1,
				      .prefix_len = strlen(connection_info_prefix(info)),
				      .peer = &origin->peer.any,
				      .local = &origin->local.any,
				      .header = header,
				      .context = info,
				      .subprotocol = connection_info_subprotocol(info),
				      .more_headers = session->service->protocol.options.headers,
				  }};
	read_address(
	    &origin->peer, connection_info_remote_address(info), connection_info_remote_port(info));
	read_address(
	    &origin->local, connection_info_local_address(info), connection_info_local_port(info));
}

static void
append_id(struct buffer *id, const struct connection_source *source, const char *key)
{
	const char *rest = source->path + source->prefix_len, *leg, *end;
	size_t len;

	/* Else it were none (admission.c). */
	route_find(rest, strlen(rest), &leg, &len);
	end = memchr(leg, WIRE_HOME_END, len);
	buffer_append(id, leg, end == NULL ? len : (size_t)(end - leg));
	buffer_append_char(id, WIRE_HOME_END);
	buffer_append_char(id, '.');
	buffer_append(id, key, LEG_KEY_LEN);
	if (buffer_failed(id))
		abort();
}

static void
begin(struct leg *leg, const struct connection_source *source)
{
	struct buffer id = BUFFER_INIT;
	struct admission_refusal refusal;
	struct session *carried;
	char key[LEG_KEY_LEN];

	leg_key_make(key);
	append_id(&id, source, key);
	leg->state = LEG_WAITING;
	carried = admission_obtain(
	    leg->session->service, id.data, id.len, leg->receiver.transport, source, &refusal);
	buffer_free(&id);
	if (carried == NULL)
		leg_close(leg, LEG_CODE_REFUSED, refusal.text);
	else if (!admission_must_wait(carried, &leg->receiver))
		leg_join(leg, carried, NULL);
}

/*
 * The client says how much it has: not less than before, and not more than there is. More can be if
 * the machine lost its power.
 */
static bool
agrees(struct leg *leg, struct session *carried, uint64_t count)
{
	leg->sent = carried->queue.count;
	if ((count < carried->counted->confirmed || !leg_confirm(leg, carried, count)) &&
	    session_ready_state(carried) == SOCKJS_OPEN)
		return false;
	leg->sent = 0;
	return true;
}

/* What carries it now does so no more, and its client is told. */
static void
take_over(struct session *carried)
{
	if (carried->receiver != NULL)
		leg_close(container_of(carried->receiver, struct leg, receiver), LEG_CODE_TAKEN,
		    "Another connection goes on with the session");
}

/* One that was retired may have the session still. */
static struct session *
find(const struct leg *leg, const struct leg_message *message,
    const struct connection_source *source, struct admission_refusal *refusal)
{
	struct sockjs_service *service = leg->session->service, *holder = service;
	struct buffer id = BUFFER_INIT;
	struct session *carried;

	append_id(&id, source, message->key);
	if (leg->all->services != NULL)
		holder = services_find(leg->all->services, service->number, id.data, id.len);
	carried = admission_find(
	    holder == NULL ? service : holder, id.data, id.len, source->peer, refusal);
	buffer_free(&id);
	return carried;
}

static void
go_on(struct leg *leg, const struct leg_message *message, const struct connection_source *source)
{
	struct admission_refusal refusal;
	struct session *carried = find(leg, message, source, &refusal);

	if (carried == NULL && refusal.status != NOT_FOUND) {
		/*
		 * A neighbour at its address may have guessed: later the session is there for it.
		 */
		leg_close(leg, SERVICE_CODE_GOING_AWAY, refusal.text);
	} else if (carried == NULL || !agrees(leg, carried, message->count)) {
		leg_close(leg, LEG_CODE_GONE, "The session is gone");
	} else {
		take_over(carried);
		leg_join(leg, carried, source);
	}
}

void
leg_begin(struct leg *leg, const struct leg_message *message)
{
	struct origin origin;

	timer_stop(&leg->hello);
	read_origin(&origin, leg->session);
	if (message->kind == LEG_MESSAGE_NEW)
		begin(leg, &origin.source);
	else if (message->kind == LEG_MESSAGE_RESUME)
		go_on(leg, message, &origin.source);
	else
		leg_close(leg, LEG_CODE_BROKEN, "No first message");
}
