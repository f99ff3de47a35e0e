/*
 * See channels.h. A subscription is a membership (session/membership.h), so a session that ends
 * leaves its channels as it leaves its groups. Its data is the member that it is, if it is one.
 */
#include "sessiond/channels/channels.h"

#include "common/memory.h"
#include "common/random.h"
#include "conf/config.h"
#include "sessiond/channels/channel_engine.h"
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
channels_init(struct channels *all, struct sessions *sessions, const struct channel_kind *kind)
{
	*all = (struct channels){
	    .sessions = sessions,
	    .kind = kind,
	    .limits = {SIZE_MAX, UINT32_MAX, UINT32_MAX, SIZE_MAX, SIZE_MAX},
	    .clock = wall_clock,
	};
}

void
channels_limit(struct channels *all, const struct server_options *options)
{
	struct channel_space *space;

	all->limits = (struct channels_limits){
	    .channels = options->channels_limit,
	    .per_connection = options->channels_per_connection,
	    .members = options->members_per_channel,
	    .member = options->member_limit,
	    .history = options->histories_limit,
	};
	LIST_FOREACH(space, &all->spaces, entry) {
		const struct service_options *own = &space->service->protocol.options;

		timer_queue_set_delay(&space->ttls, own->history_ttl);
		timer_queue_set_delay(&space->absences, own->disconnect_delay);
	}
}

void
channels_count_refusal(const struct channels *all, int limit)
{
	all->sessions->limits.reached[limit]++;
}

/* --- channels that begin and end -------------------------------------------------------------- */

static void
end_channel(struct channel *channel)
{
	struct channel_space *space = channel->space;

	channel_journal_end(&space->all->journal, channel);
	if (space->all->engine != NULL)
		space->all->engine->calls->ended(space->all->engine, channel);
	timer_stop(&channel->ttl);
	space->all->history_bytes -= channel->history.bytes;
	hash_table_remove(&space->table, &channel->by_name);
	space->all->count--;
	channel_destroy(channel);
}

/* What a shared channel has here are copies, which need no keeping. */
static void
let_idle(struct channel *channel)
{
	struct channel_engine *engine = channel->space->all->engine;

	if (!channel->is_ending && channel->subscribers.count == 0 && channel->entrants.count == 0)
		engine->calls->idle(engine, channel);
}

void
channels_end_shared(struct channel *channel)
{
	end_channel(channel);
}

void
channels_end_if_unused(struct channel *channel)
{
	if (channel->space->all->engine != NULL)
		let_idle(channel);
	else if (!channel->is_ending && channel->subscribers.count == 0 &&
	    channel->history.count == 0 && presence_count(channel->presence) == 0)
		end_channel(channel);
}

/* --- who is gone ------------------------------------------------------------------------------ */

static void
remove_member(struct presence_member *member)
{
	struct channel *channel = member->channel;
	const struct channel_space *space = channel->space;

	channel_journal_part(&space->all->journal, channel->number, member->number);
	if (space->kind->parted != NULL && !channel->is_ending)
		space->kind->parted(channel, member);
	presence_remove(channel->presence, member);
}

static void
absence_fire(struct timer *timer, void *ctx)
{
	struct presence_member *member = container_of(timer, struct presence_member, absence);
	struct channel *channel = member->channel;

	(void)ctx;
	remove_member(member);
	channels_end_if_unused(channel);
}

/* While the daemon stops, its members are kept: with the next one they may come back. */
static void
lose_connection(const struct channels *all, struct presence_member *member)
{
	if (--member->connections == 0 && !(all->sessions->closing && all->journal.is_kept))
		remove_member(member);
}

/*
 * The engine hears of it: others may have connections of the member. While the daemon stops, it is
 * not told of members: with the next one, or another, they may come back before it forgets them.
 */
static void
lose_shared(struct channel *channel, struct presence_member *member)
{
	struct channel_engine *engine = channel->space->all->engine;

	if (member != NULL && --member->connections == 0 && !channel->space->all->sessions->closing)
		engine->calls->member(engine, channel, member->id, member->by_id.len);
	engine->calls->changed(engine, channel);
}

static void
lose_own(struct channel *channel, struct presence_member *member)
{
	const struct channel_space *space = channel->space;

	if (member != NULL)
		lose_connection(space->all, member);
	if (space->kind->unsubscribed != NULL && !channel->is_ending)
		space->kind->unsubscribed(channel);
}

/* A session that goes on with the next daemon has not closed: it stays subscribed in the store. */
static void
left(struct member_array *subscribers, struct session *session, void *member)
{
	struct channel *channel = container_of(subscribers, struct channel, subscribers);
	const struct channel_space *space = channel->space;

	session->channels--;
	if (session->journal != NULL && session->close_told)
		channel_journal_unsubscribe(
		    &space->all->journal, channel->number, session->journal->key);
	if (space->all->engine == NULL)
		lose_own(channel, member);
	else if (!channel->is_ending)
		lose_shared(channel, member);
	channels_end_if_unused(channel);
}

/* It may have been told of as a member already: as in lose_shared, the engine hears of it. */
void
channels_turn_away(struct channel *channel, struct channel_entrant *entrant)
{
	struct channels *all = channel->space->all;

	if (entrant->is_member && !channel->is_ending && !all->sessions->closing)
		all->engine->calls->member(
		    all->engine, channel, entrant->member.id, entrant->member.id_len);
	free(entrant);
}

static void
gave_up(struct member_array *entrants, struct session *session, void *entrant)
{
	struct channel *channel = container_of(entrants, struct channel, entrants);
	struct channel_engine *engine = channel->space->all->engine;

	session->channels--;
	if (entrant != NULL)
		channels_turn_away(channel, entrant);
	if (!channel->is_ending)
		engine->calls->changed(engine, channel);
	channels_end_if_unused(channel);
}

bool
channels_is_group(const struct member_array *group)
{
	return group->left == left;
}

static struct channel *
add_channel(
    struct channel_space *space, const char *name, size_t len, uint64_t number, uint64_t epoch)
{
	struct channel *channel = channel_create(name, len, number, epoch);

	channel->space = space;
	channel->subscribers.left = left;
	channel->entrants.left = gave_up;
	hash_table_add(&space->table, &channel->by_name);
	space->all->count++;
	if (space->all->engine != NULL)
		space->all->engine->calls->begun(space->all->engine, channel);
	return channel;
}

struct channel *
channels_find(const struct channel_space *space, const char *name, size_t len)
{
	struct hash_entry *entry = hash_table_find(&space->table, name, len);

	return entry == NULL ? NULL : container_of(entry, struct channel, by_name);
}

void
channels_each(const struct channel_space *space,
    void (*each)(struct channel *channel, void *context), void *context)
{
	size_t i;

	for (i = 0; i < space->table.room; i++) {
		struct hash_entry *entry;

		SLIST_FOREACH(entry, &space->table.buckets[i], next)
			each(container_of(entry, struct channel, by_name), context);
	}
}

enum channel_result
channels_find_or_make(
    struct channel_space *space, const char *name, size_t len, struct channel **channel)
{
	struct channels *all = space->all;
	uint64_t epoch = 0;

	if (!channel_name_is_valid(name, len))
		return CHANNEL_BAD_NAME;
	*channel = channels_find(space, name, len);
	if (*channel != NULL)
		return CHANNEL_OK;
	if (all->count >= all->limits.channels) {
		channels_count_refusal(all, LIMIT_CHANNELS);
		return CHANNEL_TOO_MANY;
	}
	while (epoch == 0)
		random_bytes(&epoch, sizeof epoch);
	*channel = add_channel(space, name, len, ++all->journal.last_number, epoch);
	return CHANNEL_OK;
}

/* --- histories -------------------------------------------------------------------------------- */

uint32_t
channels_keeps(const struct channel_space *space, const char *name, size_t len)
{
	return space->kind->keeps != NULL ? space->kind->keeps(space, name, len)
					  : space->service->protocol.options.history;
}

void
channels_trim(struct channel *channel)
{
	struct channels *all = channel->space->all;
	const struct service_options *options = &channel->space->service->protocol.options;
	const struct channel_keeps keeps = {
	    channels_keeps(channel->space, channel->name, channel->by_name.len),
	    options->history_limit, options->history_ttl};
	size_t freed = channel_trim(channel, &keeps, all->clock());

	all->history_bytes -= freed;
	if (freed > 0)
		channel_journal_mark(&all->journal, channel);
}

void
channels_start_ttl(struct channel *channel)
{
	struct channel_space *space = channel->space;

	timer_start(&space->ttls, &channel->ttl, sessions_now(space->all->sessions));
}

/* The clock of the wall may have been set: what is left ages once more. */
static void
ttl_fire(struct timer *timer, void *ctx)
{
	struct channel *channel = container_of(timer, struct channel, ttl);

	(void)ctx;
	channels_trim(channel);
	if (channel->history.count > 0)
		channels_start_ttl(channel);
	else
		channels_end_if_unused(channel);
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
	space->kind = service->channel_kind == NULL ? all->kind : service->channel_kind;
	space->service = service;
	hash_table_init(&space->table);
	timer_queue_add(&all->sessions->timers, &space->ttls, service->protocol.options.history_ttl,
	    ttl_fire, space);
	timer_queue_add(&all->sessions->timers, &space->absences,
	    service->protocol.options.disconnect_delay, absence_fire, space);
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
	timer_queue_remove(&all->sessions->timers, &space->absences);
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

static struct presence_member *
find_or_add_member(struct channel *channel, const struct channel_member *wanted, uint64_t number)
{
	struct presence_member *member =
	    presence_find(channel->presence, wanted->id, wanted->id_len);

	return member != NULL ? member : presence_add(&channel->presence, channel, wanted, number);
}

struct membership *
channels_restore_subscriber(
    struct channel *channel, struct session *session, const struct channel_member *member)
{
	struct membership *membership =
	    membership_join(&channel->subscribers, &session->memberships, session);
	struct presence_member *restored;

	if (membership == NULL)
		return NULL;
	session->channels++;
	if (member == NULL)
		return membership;
	restored = find_or_add_member(channel, member, 0);
	restored->connections++;
	membership->data = restored;
	return membership;
}

struct presence_member *
channels_restore_member(
    struct channel *channel, const struct channel_member *member, uint64_t number)
{
	struct presence_member *restored = find_or_add_member(channel, member, number);

	if (restored->number == 0)
		presence_set_number(channel->presence, restored,
		    number != 0 ? number : channel->presence->last_number + 1);
	return restored;
}

/* One without a number was not stored beside its subscriber. */
static void
await_member(struct presence_member *member, void *context)
{
	struct channel_space *space = context;

	if (member->number == 0) {
		struct presence *presence = member->channel->presence;

		presence_set_number(presence, member, presence->last_number + 1);
		channel_journal_join(&space->all->journal, member);
	}
	if (member->connections == 0 && space->all->engine == NULL)
		timer_start(&space->absences, &member->absence, sessions_now(space->all->sessions));
}

void
channels_restored(struct channel *channel)
{
	channel->is_stored = channel->is_counted = true;
	channel->stored_first = channel->history.first;
	channel->stored_end = history_end(&channel->history);
	channel->space->all->history_bytes += channel->history.bytes;
	presence_each(channel->presence, await_member, channel->space);
	channels_trim(channel);
	/* Websockets end with the daemon, and so may a kill have ended all who were there. */
	if (channel->space->all->engine == NULL && channel->is_occupied &&
	    channel->subscribers.count == 0)
		channel->space->kind->unsubscribed(channel);
	if (channel->space->all->engine != NULL)
		channel->space->all->engine->calls->changed(channel->space->all->engine, channel);
	if (channel->history.count > 0)
		channels_start_ttl(channel);
	else
		channels_end_if_unused(channel);
}
