/*
 * See pages.h.
 */
#include "sessiond/ctl/pages.h"

#include "common/buffer.h"
#include "sessiond/ctl/control_client.h"
#include "sessiond/ctl/daemons.h"
#include "sessiond/ctl/words.h"

#include <sysexits.h>

json_t *
pages_take(const char *text, const char *name, long long *next, struct error *err)
{
	json_t *page = json_loads(text, 0, NULL);
	json_t *value = json_incref(json_object_get(page, name));
	const json_t *after = json_object_get(page, "next");

	*next = json_is_integer(after) ? (long long)json_integer_value(after) : -1;
	if (value == NULL)
		error_set(err, EX_PROTOCOL, "the daemon's answer cannot be read");
	json_decref(page);
	return value;
}

/* One page, added to all. Returns where the next begins, -1: there is none, -2 and an error. */
static long long
ask_page(const char *socket, const char *target, const char *name, json_t *all, struct error *err)
{
	struct buffer body = BUFFER_INIT;
	json_t *page = NULL;
	long long next = -1;

	if (control_obtain(socket, "GET", target, NULL, &body, err) == 0)
		page = pages_take(body.data, name, &next, err);
	json_array_extend(all, page);
	json_decref(page);
	buffer_free(&body);
	return page == NULL ? -2 : next;
}

/* All pages of one daemon, added to all. 0, or -1 and an error. */
static int
ask_pages(const char *socket, const char *path, const char *name, const struct words *words,
    json_t *all, struct error *err)
{
	struct buffer target = BUFFER_INIT;
	long long next = 0;

	while (next >= 0) {
		buffer_clear(&target);
		buffer_printf(&target, "%s?after=%lld", path, next);
		control_append_field(&target, "service", words->service);
		buffer_append_char(&target, '\0');
		next = buffer_failed(&target) ? error_set(err, EX_OSERR, "out of memory") - 1
					      : ask_page(socket, target.data, name, all, err);
	}
	buffer_free(&target);
	return next == -1 ? 0 : -1;
}

json_t *
pages_ask(const struct daemons *daemons, const char *path, const char *name,
    const struct words *words, struct error *err)
{
	json_t *all = json_array(), *row;
	size_t at = 0, i;
	unsigned d;

	for (d = 0; d < daemons->count; d++) {
		if (ask_pages(daemons->sockets[d], path, name, words, all, err) == -1) {
			json_decref(all);
			return NULL;
		}
		for (i = at; daemons->count > 1 && i < json_array_size(all); i++) {
			row = json_array_get(all, i);
			json_object_set_new(row, "daemon", json_integer(d));
		}
		at = json_array_size(all);
	}
	return all;
}
