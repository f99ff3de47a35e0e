/*
 * See channel_store.h. The bytes of the records:
 *
 *	STORE_CHANNEL       EPOCH (16 hexadecimal digits; 0: offsets count anew), a blank, OFFSET of
 *	                    the last (decimal), a blank (if it is_occupied, '*'), the
 *	                    service's name, NUL, the channel's name; with an engine: NUL, its
 *	                    shared_id (as EPOCH)
 *	STORE_PUBLICATION   the time (ms since 1970, decimal), NUL, the message
 *	STORE_SUBSCRIPTION  nothing; or, of a member, what STORE_MEMBER has
 *	STORE_MEMBER        its id, NUL, what is known of it
 */
#include "sessiond/channels/channel_store.h"

#include "common/buffer.h"
#include "common/memory.h"
#include "common/random.h"
#include "sessiond/channels/channels.h"
#include "sessiond/service/service.h"
#include "sessiond/session/journal.h"
#include "sessiond/session/message.h"
#include "sessiond/session/session.h"
#include "sessiond/store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct channel_journal *
journal_of(const void *owner)
{
	return &((const struct channel_store *)owner)->channels->journal;
}

static bool
keeps_history(const struct channel_space *space)
{
	return space->service->protocol.options.history > 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

static enum store_result
put(struct store *store, enum store_kind kind, uint64_t number, uint64_t part,
    const struct buffer *data)
{
	if (buffer_failed(data))
		return STORE_FAILED;
	return store_put_record(
	    store, &(struct stored_record){kind, number, part, data->data, data->len});
}

static enum store_result
put_channel(struct store *store, const struct channel *channel)
{
	struct buffer data = BUFFER_INIT;
	enum store_result result;

	buffer_printf(&data, "%016" PRIx64 " %" PRIu64 "%c",
	    keeps_history(channel->space) ? channel->epoch : 0, channel_position(channel).offset,
	    channel->is_occupied ? '*' : ' ');
	buffer_append(
	    &data, channel->space->service->name, strlen(channel->space->service->name) + 1);
	buffer_append(&data, channel->name, channel->by_name.len);
	if (channel->shared_id != 0)
		buffer_printf(&data, "%c%016" PRIx64, '\0', channel->shared_id);
	result = put(store, STORE_CHANNEL, channel->number, 0, &data);
	buffer_free(&data);
	return result;
}

static enum store_result
put_publication(struct store *store, const struct channel *channel, uint64_t offset)
{
	const struct publication *publication = history_at(&channel->history, offset);
	struct buffer data = BUFFER_INIT;
	enum store_result result;

	buffer_printf(&data, "%" PRIu64, publication->time);
	buffer_append(&data, "", 1);
	buffer_append(&data, publication->message->data, publication->message->len);
	result = put(store, STORE_PUBLICATION, channel->number, offset, &data);
	buffer_free(&data);
	return result;
}

/* Histories are the engine's, if there is one; members are what subscribers know of them. */
static bool
is_shared(const struct channel *channel)
{
	return channel->space->all->engine != NULL;
}

/* The store knows nothing of a channel that is new to it. */
static enum store_result
put_history(struct store *store, const struct channel *channel)
{
	const struct history *history = &channel->history;
	uint64_t offset = history->first;
	enum store_result result = STORE_OK;

	if (is_shared(channel))
		return STORE_OK;
	if (channel->is_stored && channel->stored_end > offset)
		offset = channel->stored_end;
	if (channel->is_stored && channel->stored_first < history->first)
		result = store_delete_records(
		    store, STORE_PUBLICATION, channel->number, 0, history->first - 1);
	for (; result == STORE_OK && offset < history_end(history); offset++)
		result = put_publication(store, channel, offset);
	return result;
}

static enum store_result
delete_channel(struct store *store, uint64_t number)
{
	enum store_result result =
	    store_delete_records(store, STORE_PUBLICATION, number, 0, STORE_NUMBER_MAX);

	if (result == STORE_OK)
		result = store_delete_records(store, STORE_MEMBER, number, 0, STORE_NUMBER_MAX);
	if (result == STORE_OK)
		result = store_delete_records(store, STORE_CHANNEL, number, 0, 0);
	return result;
}

static enum store_result
write_record(struct store *store, const struct record_change *change)
{
	const struct stored_record record = {
	    change->kind, change->number, change->part, change->data, change->len};

	return change->ends
	    ? store_delete_records(store, change->kind, change->number, change->part, change->part)
	    : store_put_record(store, &record);
}

/* What is deleted makes room for what is put: it goes first. */
static enum store_result
write(void *owner, struct store *store)
{
	const struct channel_journal *journal = journal_of(owner);
	enum store_result result = STORE_OK;
	const struct channel *channel;
	size_t i;

	for (i = 0; result == STORE_OK && i < journal->ended.count; i++)
		result = delete_channel(store, journal->ended.numbers[i]);
	LIST_FOREACH(channel, &journal->changed, changed_entry) {
		if (result == STORE_OK)
			result = put_history(store, channel);
		if (result == STORE_OK)
			result = put_channel(store, channel);
	}
	for (i = 0; result == STORE_OK && i < journal->records.count; i++)
		result = write_record(store, &journal->records.items[i]);
	return result;
}

static bool
is_changed(const void *owner)
{
	return !channel_journal_is_empty(journal_of(owner));
}

static void
settle(void *owner)
{
	struct channel_journal *journal = journal_of(owner);
	struct channel *channel;

	LIST_FOREACH(channel, &journal->changed, changed_entry)
		channel->is_counted = keeps_history(channel->space);
	channel_journal_settle(journal);
}

/* --- a store that was begun anew -------------------------------------------------------------- */

static void
forget_member(struct presence_member *member, void *journal)
{
	channel_journal_join(journal, member);
}

static void
forget_channel(struct channel *channel, void *context)
{
	struct channel_journal *journal = context;
	size_t i;

	if (channel->is_stored)
		channel_journal_mark(journal, channel);
	channel->is_stored = false;
	for (i = 0; i < channel->subscribers.count; i++) {
		const struct membership *membership = channel->subscribers.items[i];

		if (membership->session->journal != NULL)
			channel_journal_subscribe(
			    journal, channel, membership->session->journal->key, membership->data);
	}
	presence_each(channel->presence, forget_member, journal);
}

static void
forget(void *owner)
{
	struct channels *all = ((struct channel_store *)owner)->channels;
	struct channel_space *space;

	channel_journal_restart(&all->journal);
	LIST_FOREACH(space, &all->spaces, entry)
		channels_each(space, forget_channel, &all->journal);
}

/* --- reading ---------------------------------------------------------------------------------- */

static struct channel_space *
find_space(const struct channel_store *store, const char *service)
{
	size_t i;

	for (i = 0; i < store->service_count; i++)
		if (strcmp(store->services[i]->name, service) == 0)
			return channels_of(store->channels, store->services[i]);
	return NULL;
}

/* NULL: none of that number goes on. */
static struct channel *
find_channel(const struct channel_store *store, uint64_t number)
{
	size_t low = 0, high = store->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (store->items[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < store->count && store->items[low].number == number ? store->items[low].channel
									: NULL;
}

/* EPOCH, a blank, OFFSET, a blank or '*': what is behind. */
const char *
channel_store_name(const struct stored_record *record, size_t *len)
{
	const char *end = record->data + record->len, *at, *name;

	at = record->len == 0 ? NULL : memchr(record->data, ' ', record->len);
	if (at == NULL)
		return NULL;
	for (at++; at < end && *at >= '0' && *at <= '9'; at++)
		;
	name = at == end ? NULL : memchr(at, '\0', (size_t)(end - at));
	if (name == NULL)
		return NULL;
	name++;
	*len = (size_t)(name - at) - 1 + strnlen(name, (size_t)(end - name));
	return at + 1;
}

/* A file that somebody else wrote into must not crash us. NULL: it is no channel that goes on. */
static struct channel *
parse_channel(const struct channel_store *store, uint64_t number, char *text, size_t len)
{
	struct channel_space *space;
	struct channel *channel;
	uint64_t epoch, offset;
	size_t name, name_len;
	int at = 0;

	if (sscanf(text, "%16" SCNx64 " %" SCNu64 "%n", &epoch, &offset, &at) != 2 ||
	    (text[at] != ' ' && text[at] != '*') || offset >= STORE_NUMBER_MAX)
		return NULL;
	name = (size_t)at + 1 + strlen(text + at + 1) + 1;
	space = find_space(store, text + at + 1);
	if (space == NULL || name > len)
		return NULL;
	/* Without a history, nobody has noted how far it had come, or will. */
	if (!keeps_history(space))
		epoch = 0;
	while (epoch == 0)
		random_bytes(&epoch, sizeof epoch);
	name_len = strnlen(text + name, len - name);
	channel = channels_restore(space, text + name, name_len, number, epoch, offset + 1);
	if (channel != NULL && is_shared(channel) && name + name_len < len)
		channel->shared_id = channel_epoch_parse(text + name + name_len + 1);
	if (channel != NULL && text[at] == '*')
		channel->is_occupied = space->kind->unsubscribed != NULL;
	return channel;
}

static void
read_channel(struct channel_store *store, const struct stored_record *record)
{
	struct channel_journal *journal = journal_of(store);
	struct channel *channel;
	struct buffer text = BUFFER_INIT;

	buffer_append(&text, record->data, record->len);
	buffer_append(&text, "", 1);
	if (buffer_failed(&text))
		abort();
	channel = parse_channel(store, record->number, text.data, record->len);
	buffer_free(&text);
	if (record->number > journal->last_number)
		journal->last_number = record->number;
	if (channel == NULL || channel->number != record->number)
		channel_journal_forget(journal, record->number);
	if (channel == NULL)
		return;
	store->items = xgrow(store->items, &store->room, store->count, sizeof *store->items);
	store->items[store->count++] = (struct restored_channel){record->number, channel};
}

/*
 * They come in their order, and the last has the offset of the channel's record. Where one is
 * missing, those before it are of no use.
 */
static void
read_publication(const struct channel_store *store, const struct stored_record *record)
{
	struct channel *channel = find_channel(store, record->number);
	const char *end = record->len == 0 ? NULL : memchr(record->data, '\0', record->len);
	struct history *history;
	struct message *message;
	size_t at;

	if (channel == NULL || channel->number != record->number || end == NULL ||
	    is_shared(channel))
		return;
	at = (size_t)(end - record->data) + 1;
	message = message_create(record->data + at, record->len - at, false);
	if (message == NULL)
		abort();
	history = &channel->history;
	if (history->count == 0 || history_end(history) != record->part) {
		history_clear(history);
		history->first = record->part;
	}
	history_push(history, message, strtoull(record->data, NULL, 10));
	message_unref(&message);
}

/* False: it is none. */
static bool
parse_member(const struct stored_record *record, struct channel_member *member)
{
	const char *end = record->len == 0 ? NULL : memchr(record->data, '\0', record->len);

	if (end == NULL || end == record->data)
		return false;
	*member = (struct channel_member){record->data, (size_t)(end - record->data), end + 1,
	    record->len - (size_t)(end + 1 - record->data)};
	return true;
}

/* A channel that is another one's twin has its subscribers and members stored as that one's. */
static void
read_subscription(
    const struct channel_store *store, const struct stored_record *record, struct session *session)
{
	struct channel *channel = find_channel(store, record->part);
	struct channel_journal *journal = journal_of(store);
	struct channel_member member;
	struct membership *membership = NULL;

	if (session != NULL && channel != NULL && !session->close_told)
		membership = channels_restore_subscriber(
		    channel, session, parse_member(record, &member) ? &member : NULL);
	if (membership != NULL && channel->number == record->part)
		return;
	channel_journal_unsubscribe(journal, record->part, record->number);
	if (membership != NULL)
		channel_journal_subscribe(journal, channel, record->number, membership->data);
}

/* Who has no connection may come back. */
static void
read_member(const struct channel_store *store, const struct stored_record *record)
{
	struct channel *channel = find_channel(store, record->number);
	struct channel_journal *journal = journal_of(store);
	struct presence_member *restored = NULL;
	struct channel_member member;
	bool is_own = channel != NULL && channel->number == record->number;

	if (channel != NULL && parse_member(record, &member))
		restored = channels_restore_member(channel, &member, is_own ? record->part : 0);
	if (restored != NULL && is_own && restored->number == record->part)
		return;
	channel_journal_part(journal, record->number, record->part);
	if (restored != NULL)
		channel_journal_join(journal, restored);
}

static void
read_record(void *owner, const struct stored_record *record, struct session *session)
{
	switch (record->kind) {
	case STORE_CHANNEL:
		read_channel(owner, record);
		break;
	case STORE_PUBLICATION:
		read_publication(owner, record);
		break;
	case STORE_SUBSCRIPTION:
		read_subscription(owner, record, session);
		break;
	case STORE_MEMBER:
		read_member(owner, record);
		break;
	case STORE_WEBHOOK:
	case STORE_WORKER:
	case STORE_WORKER_EVENT:
		break;
	}
}

/* --- before and after ------------------------------------------------------------------------- */

void
channel_store_init(struct channel_store *store, struct channels *channels)
{
	*store = (struct channel_store){
	    .channels = channels,
	    .part =
		{
		    .owner = store,
		    .is_changed = is_changed,
		    .write = write,
		    .settle = settle,
		    .forget = forget,
		    .read = read_record,
		},
	};
	channels->journal.is_kept = true;
}

void
channel_store_begin_restore(
    struct channel_store *store, struct sockjs_service *const *services, size_t count)
{
	store->services = services;
	store->service_count = count;
}

void
channel_store_end_restore(struct channel_store *store)
{
	size_t i;

	for (i = 0; i < store->count; i++)
		if (store->items[i].channel->number == store->items[i].number)
			channels_restored(store->items[i].channel);
	free(store->items);
	store->items = NULL;
	store->count = store->room = store->service_count = 0;
}
