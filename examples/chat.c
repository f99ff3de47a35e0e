/*
 * chat: rooms and people with names. Messages are JSON, where "id" is the person they are about.
 *	at first, and after a restart   {"id": "1", "welcome": "..."}: the client joins (again)
 *	{"join": "tea", "name": "Ann"}  {"id": "1", "joined": "Ann"} to all; "names": {...} to Ann
 *	{"say": "Hello"}                {"id": "1", "said": "Hello"} to all in the room
 *	{"leave": true}, or the end     {"id": "1", "left": "Ann"} to all in the room
 *	anything else                   {"id": "1", "error": "..."}
 */
#include <sockjs.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* A room exists while somebody is in it. It is the user data of their connections. */
struct room {
	LIST_ENTRY(room) others;
	sockjs_service *service; /* each service has rooms of its own */
	sockjs_group *group;
	json_t *names; /* the people in it: {"id": "name"} */
	char name[];
};
static const char help[] = "join a room by its name and yours; then say something, or leave";
static LIST_HEAD(, room) rooms; /* needs no lock: all callbacks run on one thread */

/* Tells everybody in the room, or only the connection if room is NULL. Takes the value. */
static void
tell(struct room *room, sockjs_connection about, const char *what, json_t *value)
{
	json_t *message = json_pack("{ss so}", "id", sockjs_id(about), what, value);
	char *text = json_dumps(message, JSON_COMPACT);

	if (room != NULL)
		sockjs_group_write(room->group, text, strlen(text));
	else
		sockjs_write(about, text, strlen(text));
	free(text);
	json_decref(message);
}

static void
leave(sockjs_connection connection)
{
	struct room *room = sockjs_user_data(connection);
	const char *id = sockjs_id(connection);

	if (room == NULL)
		return;
	tell(room, connection, "left", json_incref(json_object_get(room->names, id)));
	sockjs_set_user_data(connection, NULL);
	sockjs_group_remove(room->group, connection);
	json_object_del(room->names, id);
	if (json_object_size(room->names) > 0)
		return;
	LIST_REMOVE(room, others);
	sockjs_group_destroy(&room->group);
	json_decref(room->names);
	free(room);
}

static void
join(sockjs_connection connection, const char *to, const char *name)
{
	struct room *room;

	leave(connection);
	LIST_FOREACH(room, &rooms, others)
		if (room->service == sockjs_service_of(connection) && strcmp(room->name, to) == 0)
			break;
	if (room == NULL) {
		if ((room = calloc(1, sizeof *room + strlen(to) + 1)) == NULL)
			abort();
		room->service = sockjs_service_of(connection);
		room->group = sockjs_group_create(room->service);
		room->names = json_object();
		strcpy(room->name, to);
		LIST_INSERT_HEAD(&rooms, room, others);
	}
	json_object_set_new(room->names, sockjs_id(connection), json_string(name));
	sockjs_group_add(room->group, connection);
	sockjs_set_user_data(connection, room);
	tell(room, connection, "joined", json_string(name));
	tell(NULL, connection, "names", json_incref(room->names));
}

static void
on_data(sockjs_connection connection, const sockjs_message *said)
{
	struct room *room = sockjs_user_data(connection);
	json_error_t wrong = {.text = "longer than 4096 bytes"};
	json_t *json = said->len > 4096 ? NULL : json_loadb(said->data, said->len, 0, &wrong);
	const char *to = json_string_value(json_object_get(json, "join"));
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *text = json_string_value(json_object_get(json, "say"));

	if (to != NULL && name != NULL)
		join(connection, to, name);
	else if (room != NULL && text != NULL)
		tell(room, connection, "said", json_string(text));
	else if (room != NULL && json_object_get(json, "leave") != NULL)
		leave(connection);
	else
		tell(NULL, connection, "error", json_string(json == NULL ? wrong.text : help));
	json_decref(json);
}

static void
on_connection(sockjs_connection connection)
{
	tell(NULL, connection, "welcome", json_string(help));
}

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI,
    .name = "chat",
    .connection = on_connection,
    .data = on_data,
    .close = leave,
};
