/* See redis_state.h. */
#include "sessiond/redis/redis_state.h"

#include "common/random.h"
#include "sessiond/channels/channel_message.h"
#include "sessiond/service/service.h"
#include "sessiond/session/session_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An app by its name: its key may be changed. */
void
redis_state_append_space(struct buffer *out, const struct channel_space *space)
{
	if (space->service->app != NULL)
		buffer_printf(out, "app %s", space->service->app);
	else
		buffer_append_str(out, space->service->name);
}

/* A tab ends the space, and another the channel: no two keys are the same. */
void
redis_state_put_key(struct redis_words *words, const struct redis_engine *engine,
    const struct channel_space *space, const char *name, size_t len, char key)
{
	struct buffer text = BUFFER_INIT;

	buffer_append_str(&text, engine->prefix);
	redis_state_append_space(&text, space);
	buffer_append_char(&text, '\t');
	buffer_append(&text, name, len);
	if (key != '\0')
		buffer_printf(&text, "\t%c", key);
	if (buffer_failed(&text))
		abort();
	redis_words_add(words, text.data, text.len);
	buffer_free(&text);
}

void
redis_state_put_list(
    struct redis_words *words, const struct redis_engine *engine, const struct channel_space *space)
{
	struct buffer text = BUFFER_INIT;

	buffer_append_str(&text, engine->prefix);
	redis_state_append_space(&text, space);
	if (buffer_failed(&text))
		abort();
	redis_words_add(words, text.data, text.len);
	buffer_free(&text);
}

void
redis_state_make_id(char id[REDIS_ID_SIZE])
{
	uint64_t number = 0;

	while (number == 0)
		random_bytes(&number, sizeof number);
	channel_epoch_text(number, id);
}

void
redis_state_mark(struct redis_channel *it, bool is_due)
{
	struct redis_engine *engine = it->engine;

	if (it->is_dirty && (it->is_due || !is_due))
		return;
	if (it->is_dirty)
		LIST_REMOVE(it, dirty_entry);
	it->is_dirty = true;
	it->is_due = is_due;
	if (is_due)
		LIST_INSERT_HEAD(&engine->due, it, dirty_entry);
	else
		LIST_INSERT_HEAD(&engine->waiting, it, dirty_entry);
	if (!is_due && !timer_is_running(&engine->recount))
		timer_start(
		    &engine->recounts, &engine->recount, sessions_now(engine->channels->sessions));
}
