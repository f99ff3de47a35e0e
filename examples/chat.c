/*
 * chat: rooms and people with names. Messages are JSON, where "id" is the person they are about.
 *	at first, and after a restart   {"id": "1", "welcome": "..."}: the client joins (again)
 *	{"join": "tea", "name": "Ann"}  "names": {...} to Ann; {"id": "1", "joined": "Ann"} to all
 *	{"say": "Hello"}                {"id": "1", "said": "Hello"} to all in the room
 *	{"leave": true}, or the end     {"id": "1", "left": "Ann"} to all who are still there
 *	anything else                   {"id": "1", "error": "..."}
 */
#include <sockjs.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char help[] = "join a room by its name and yours; then say something, or leave";

/*
 * Tells everybody in a room, or (room NULL) one connection. A room is a channel, and its name is
 * the user data of who is in it. Takes the value.
 */
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
join(sockjs_connection connection, const char *room, const char *name)
{
	const sockjs_member person = {sockjs_id(connection), name, strlen(name)};
	json_t *names = json_object();

	leave(connection);
	if (sockjs_channel_join(connection, room, &person, NULL, NULL) == SOCKJS_OK) {
		sockjs_set_user_data(connection, strdup(room));
		sockjs_channel_members(sockjs_service_of(connection), room, add_name, names);
		tell(NULL, NULL, connection, sockjs_id(connection), "names", json_incref(names));
	} else {
		tell(NULL, NULL, connection, sockjs_id(connection), "error",
		    json_string("that room is full, or the name too long"));
	}
	json_decref(names);
}

static void
on_data(sockjs_connection connection, const sockjs_message *said)
{
	const char *room = sockjs_user_data(connection);
	json_error_t wrong = {.text = "longer than 4096 bytes"};
	json_t *json = said->len > 4096 ? NULL : json_loadb(said->data, said->len, 0, &wrong);
	const char *to = json_string_value(json_object_get(json, "join"));
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *text = json_string_value(json_object_get(json, "say"));

	if (to != NULL && name != NULL)
		join(connection, to, name);
	else if (room != NULL && text != NULL)
		tell(sockjs_service_of(connection), room, connection, sockjs_id(connection), "said",
		    json_string(text));
	else if (room != NULL && json_object_get(json, "leave") != NULL)
		leave(connection);
	else
		tell(NULL, NULL, connection, sockjs_id(connection), "error",
		    json_string(json == NULL ? wrong.text : help));
	json_decref(json);
}

static int
start(sockjs_service *service)
{
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
    .start = start,
    .connection = on_connection,
    .data = on_data,
    .close = leave,
};
