/*
 * chat: rooms and people with names. Messages are JSON, where "id" is the person they are about.
 *	at first, and after a restart   {"id": "1", "welcome": "..."}: the client joins (again)
 *	{"join": "tea", "name": "Ann"}  "names": {...} to Ann; {"id": "1", "joined": "Ann"} to all
 *	{"say": "Hello"}                {"id": "1", "said": "Hello"} to all in the room
 *	{"leave": true}, or the end     {"id": "1", "left": "Ann"} to all who are still there
 */
#include <sockjs.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char help[] = "join a room by its name and yours; then say something, or leave";

/* Tells everybody in a room, which is a channel, or (room NULL) one connection. Takes the value. */
static void
tell(sockjs_service *service, const char *room, sockjs_connection one, const char *about,
    const char *what, json_t *value)
{
	json_t *message = json_pack("{ss so}", "id", about, what, value);
	char *text = json_dumps(message, JSON_COMPACT);

	if (room != NULL)
		sockjs_publish(service, room, text, strlen(text), SOCKJS_NOBODY);
	else
		sockjs_write(one, text, strlen(text));
	free(text);
	json_decref(message);
}

static void
on_presence(sockjs_service *service, const char *room, const sockjs_member *person, bool is_there)
{
	tell(service, room, SOCKJS_NOBODY, person->id, is_there ? "joined" : "left",
	    json_stringn(person->info, person->info_len));
}

static void
add_name(const sockjs_member *person, void *names)
{
	json_object_set_new(names, person->id, json_stringn(person->info, person->info_len));
}

static void
leave(sockjs_connection connection)
{
	char *room = sockjs_user_data(connection);

	if (room != NULL)
		sockjs_channel_unsubscribe(connection, room);
	free(room);
	sockjs_set_user_data(connection, NULL);
}

static void
join(sockjs_connection one, const char *room, const char *name)
{
	const sockjs_member person = {sockjs_id(one), name, strlen(name)};

	leave(one);
	if (sockjs_channel_join(one, room, &person, NULL, NULL) == SOCKJS_OK)
		sockjs_set_user_data(one, strdup(room));
	else
		tell(NULL, NULL, one, sockjs_id(one), "error", json_string("the room is full"));
}

static void
on_subscribed(sockjs_connection one, const char *room, bool recovered)
{
	json_t *names = json_object();

	(void)recovered;
	sockjs_channel_members(sockjs_service_of(one), room, add_name, names);
	tell(NULL, NULL, one, sockjs_id(one), "names", names);
}

static void
on_data(sockjs_connection one, const sockjs_message *said)
{
	const char *room = sockjs_user_data(one);
	json_error_t why = {.text = "longer than 4096 bytes"};
	json_t *json = said->len > 4096 ? NULL : json_loadb(said->data, said->len, 0, &why);
	const char *to = json_string_value(json_object_get(json, "join"));
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *text = json_string_value(json_object_get(json, "say"));

	if (to != NULL && name != NULL)
		join(one, to, name);
	else if (room != NULL && text != NULL)
		tell(sockjs_service_of(one), room, one, sockjs_id(one), "said", json_string(text));
	else if (room != NULL && json_object_get(json, "leave") != NULL)
		leave(one);
	else
		tell(NULL, NULL, one, sockjs_id(one), "error", json_string(json ? help : why.text));
	json_decref(json);
}

static int
start(sockjs_service *service)
{
	sockjs_on_subscribed(service, on_subscribed);
	return sockjs_on_presence(service, on_presence);
}

static void
on_connection(sockjs_connection connection)
{
	tell(NULL, NULL, connection, sockjs_id(connection), "welcome", json_string(help));
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "chat",
    .options = (const char *const[]){NULL}, /* it has none */
    .start = start,
    .connection = on_connection,
    .data = on_data,
    .close = leave,
};
