/*
 * See channels.h. A subscription is a membership (session/membership.h), so a session that ends
 * leaves its channels as it leaves its groups.
 */
#include "sessiond/channels/channels.h"

#include "common/memory.h"
#include "common/random.h"
#include "conf/config.h"
#include "sessiond/channels/channel_message.h"
#include "sessiond/limits/limits.h"
#include "sessiond/service/service.h"
#include "sessiond/session/message.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/session_write.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t
wall_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void
channels_init(struct channels *all, struct sessions *sessions)
{
	*all = (struct channels){
	    .sessions = sessions,
	    .limits = {SIZE_MAX, UINT32_MAX, SIZE_MAX},
	    .clock = wall_clock,
	};
}

void
channels_limit(struct channels *all, const struct server_options *options)
{
	struct channel_space *space;

	all->limits = (struct channels_limits){
	    options->channels_limit, options->channels_per_connection, options->histories_limit};
	LIST_FOREACH(space, &all->spaces, entry)
		timer_queue_set_delay(&space->ttls, space->service->protocol.options.history_ttl);
}

/* Counts that an option has refused something. */
static void
count_refusal(const struct channels *all, enum limit_id limit)
{
	all->sessions->limits.reached[limit]++;
}

/* --- channels that begin and end -------------------------------------------------------------- */

static void
end_channel(struct channel *channel)
{
	struct channel_space *space = channel->space;

	channel_journal_end(&space->all->journal, channel);
	timer_stop(&channel->ttl);
	space->all->history_bytes -= channel->history.bytes;
	hash_table_remove(&space->table, &channel->by_name);
	space->all->count--;
	channel_destroy(channel);
}

static void
end_if_unused(struct channel *channel)
{
	if (!channel->is_ending && channel->subscribers.count == 0 && channel->history.count == 0)
		end_channel(channel);
}

/* A session that goes on with the next daemon has not closed: it stays subscribed in the store. */
static void
left(struct member_array *subscribers, struct session *session)
{
	struct channel *channel = container_of(subscribers, struct channel, subscribers);

	if (session->journal != NULL && session->close_told)
		channel_journal_unsubscribe(
		    &channel->space->all->journal, channel->number, session->journal->key);
	end_if_unused(channel);
}

static struct channel *
add_channel(
    struct channel_space *space, const char *name, size_t len, uint64_t number, uint64_t epoch)
{
	struct channel *channel = channel_create(name, len, number, epoch);

	channel->space = space;
	channel->subscribers.left = left;
	hash_table_add(&space->table, &channel->by_name);
	space->all->count++;
	return channel;
}

struct channel *
channels_find(const struct channel_space *space, const char *name, size_t len)
{
	struct hash_entry *entry = hash_table_find(&space->table, name, len);

	return entry == NULL ? NULL : container_of(entry, struct channel, by_name);
}

static enum channel_result
find_or_make(struct channel_space *space, const char *name, size_t len, struct channel **channel)
{
	struct channels *all = space->all;
	uint64_t epoch = 0;

	if (!channel_name_is_valid(name, len))
		return CHANNEL_BAD_NAME;
	*channel = channels_find(space, name, len);
	if (*channel != NULL)
		return CHANNEL_OK;
	if (all->count >= all->limits.channels) {
		count_refusal(all, LIMIT_CHANNELS);
		return CHANNEL_TOO_MANY;
	}
	while (epoch == 0)
		random_bytes(&epoch, sizeof epoch);
	*channel = add_channel(space, name, len, ++all->journal.last_number, epoch);
	return CHANNEL_OK;
}

/* --- histories -------------------------------------------------------------------------------- */

static void
trim(struct channel *channel)
{
	struct channels *all = channel->space->all;
	const struct service_options *options = &channel->space->service->protocol.options;
	const struct channel_keeps keeps = {
	    options->history, options->history_limit, options->history_ttl};
	size_t freed = channel_trim(channel, &keeps, all->clock());

	all->history_bytes -= freed;
	if (freed > 0)
		channel_journal_mark(&all->journal, channel);
}

/* The clock of the wall may have been set: what is left ages once more. */
static void
ttl_fire(struct timer *timer, void *ctx)
{
	struct channel *channel = container_of(timer, struct channel, ttl);
	struct channel_space *space = ctx;

	trim(channel);
	if (channel->history.count > 0)
		timer_start(&space->ttls, &channel->ttl, sessions_now(space->all->sessions));
	else
		end_if_unused(channel);
}

static void
start_ttl(struct channel *channel)
{
	struct channel_space *space = channel->space;

	timer_start(&space->ttls, &channel->ttl, sessions_now(space->all->sessions));
}

/* Room for a message more, with what is dropped for it. */
static bool
has_room(struct channel *channel, size_t len)
{
	const struct channels *all = channel->space->all;
	const struct service_options *options = &channel->space->service->protocol.options;
	size_t cost = len + MESSAGE_COST;

	trim(channel);
	if (cost > options->history_limit)
		count_refusal(all, LIMIT_HISTORY);
	else if (all->history_bytes + cost > all->limits.history)
		count_refusal(all, LIMIT_HISTORIES);
	else
		return true;
	return false;
}

static void
keep(struct channel *channel, struct message *message)
{
	struct channels *all = channel->space->all;
	size_t before = channel->history.bytes;

	history_push(&channel->history, message, all->clock());
	all->history_bytes += channel->history.bytes - before;
	trim(channel);
	start_ttl(channel);
	channel_journal_mark(&all->journal, channel);
}

/*
 * A message that is counted and not kept. The store is not told of each: once it has heard of the
 * first, offsets count anew after a restart. A reload may have left an old history.
 */
static void
pass_by(struct channel *channel)
{
	trim(channel);
	channel->history.first++;
	if (channel->is_counted)
		channel_journal_mark(&channel->space->all->journal, channel);
}

/* --- spaces ----------------------------------------------------------------------------------- */

struct channel_space *
channels_of(struct channels *all, struct sockjs_service *service)
{
	struct channel_space *space = service->channels;

	if (space != NULL)
		return space;
	space = xcalloc(1, sizeof *space);
	space->all = all;
	space->service = service;
	hash_table_init(&space->table);
	timer_queue_add(&all->sessions->timers, &space->ttls, service->protocol.options.history_ttl,
	    ttl_fire, space);
	LIST_INSERT_HEAD(&all->spaces, space, entry);
	service->channels = space;
	return space;
}

/* A reload has taken the service away, or the daemon stops: then the store keeps its channels. */
static void
end_space(struct channel_space *space)
{
	struct channels *all = space->all;
	size_t i;

	for (i = 0; i < space->table.room; i++)
		while (!SLIST_EMPTY(&space->table.buckets[i]))
			end_channel(container_of(
			    SLIST_FIRST(&space->table.buckets[i]), struct channel, by_name));
	hash_table_clear(&space->table);
	timer_queue_remove(&all->sessions->timers, &space->ttls);
	LIST_REMOVE(space, entry);
	free(space);
}

void
channels_end_service(struct sockjs_service *service)
{
	if (service->channels != NULL)
		end_space(service->channels);
	service->channels = NULL;
}

void
channels_clear(struct channels *all)
{
	assert(LIST_EMPTY(&all->spaces));
	channel_journal_clear(&all->journal);
}

/* --- subscribers ------------------------------------------------------------------------------ */

static size_t
count_channels(const struct session *session)
{
	const struct membership *membership;
	size_t count = 0;

	LIST_FOREACH(membership, &session->memberships, entry)
		count += membership->group->left == left;
	return count;
}

static void
send_missed(struct channel *channel, struct session *session, uint64_t offset)
{
	while (++offset < history_end(&channel->history))
		session_write(session, history_at(&channel->history, offset)->message);
}

static bool
recover(struct channel *channel, struct session *session, const struct channel_position *from)
{
	trim(channel);
	if (!channel_can_recover(channel, from))
		return false;
	send_missed(channel, session, from->offset);
	return true;
}

enum channel_result
channels_subscribe(struct channel_space *space, const char *name, size_t len,
    struct session *session, const struct channel_position *from, bool *recovered)
{
	struct channels *all = space->all;
	enum channel_result result;
	struct channel *channel;

	*recovered = false;
	channel = channels_find(space, name, len);
	if (channel != NULL && membership_is_in(&channel->subscribers, &session->memberships))
		return CHANNEL_OK;
	if (count_channels(session) >= all->limits.per_connection) {
		count_refusal(all, LIMIT_CHANNELS_PER_CONNECTION);
		return CHANNEL_TOO_MANY;
	}
	result = find_or_make(space, name, len, &channel);
	if (result != CHANNEL_OK)
		return result;
	membership_join(&channel->subscribers, &session->memberships, session);
	if (session->journal != NULL)
		channel_journal_subscribe(&all->journal, channel, session->journal->key);
	if (from != NULL)
		*recovered = recover(channel, session, from);
	return CHANNEL_OK;
}

void
channels_unsubscribe(
    struct channel_space *space, const char *name, size_t len, struct session *session)
{
	struct channel *channel = channels_find(space, name, len);

	if (channel == NULL || !membership_is_in(&channel->subscribers, &session->memberships))
		return;
	if (session->journal != NULL)
		channel_journal_unsubscribe(
		    &space->all->journal, channel->number, session->journal->key);
	membership_leave(&channel->subscribers, &session->memberships);
}

/* --- publishing ------------------------------------------------------------------------------- */

static void
send_to_all(const struct channel *channel, struct message *message, const char *except)
{
	const struct member_array *subscribers = &channel->subscribers;
	size_t i;

	for (i = 0; i < subscribers->count; i++) {
		struct session *session = subscribers->items[i]->session;

		if (except == NULL || strcmp(session->uuid, except) != 0)
			session_write(session, message);
	}
}

static enum channel_result
publish_to(
    struct channel *channel, const struct publishing *publishing, struct channel_position *position)
{
	const struct service_options *options = &channel->space->service->protocol.options;
	struct message *message;

	*position = channel_position(channel);
	position->offset++;
	message = channel_message(publishing, position, options->channel_envelope);
	if (message == NULL || (options->history > 0 && !has_room(channel, message->len))) {
		message_unref(&message);
		return CHANNEL_NO_ROOM;
	}
	send_to_all(channel, message, publishing->except);
	if (options->history > 0)
		keep(channel, message);
	else
		pass_by(channel);
	message_unref(&message);
	channel->space->all->published++;
	return CHANNEL_OK;
}

/* Whom nobody hears, and what nobody keeps, needs no channel. */
static bool
is_for_nobody(const struct channel_space *space, const struct publishing *publishing)
{
	return space->service->protocol.options.history == 0 &&
	    channels_find(space, publishing->name, publishing->name_len) == NULL &&
	    channel_name_is_valid(publishing->name, publishing->name_len);
}

enum channel_result
channels_publish(struct channel_space *space, const struct publishing *publishing,
    struct channel_position *position)
{
	enum channel_result result;
	struct channel *channel;

	*position = (struct channel_position){0, 0};
	if (is_for_nobody(space, publishing))
		return CHANNEL_OK;
	if (space->all->sessions->journal.is_failing)
		return CHANNEL_NO_STORE;
	result = find_or_make(space, publishing->name, publishing->name_len, &channel);
	if (result != CHANNEL_OK)
		return result;
	result = publish_to(channel, publishing, position);
	end_if_unused(channel);
	return result;
}

/* --- what was stored -------------------------------------------------------------------------- */

struct channel *
channels_restore(struct channel_space *space, const char *name, size_t len, uint64_t number,
    uint64_t epoch, uint64_t next)
{
	struct channel *channel;

	if (!channel_name_is_valid(name, len))
		return NULL;
	channel = channels_find(space, name, len);
	if (channel != NULL)
		return channel;
	channel = add_channel(space, name, len, number, epoch);
	channel->history.first = next;
	return channel;
}

void
channels_restored(struct channel *channel)
{
	channel->is_stored = channel->is_counted = true;
	channel->stored_first = channel->history.first;
	channel->stored_end = history_end(&channel->history);
	channel->space->all->history_bytes += channel->history.bytes;
	trim(channel);
	if (channel->history.count > 0)
		start_ttl(channel);
	else
		end_if_unused(channel);
}
