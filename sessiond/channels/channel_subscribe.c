/* See channel_subscribe.h. */
#include "sessiond/channels/channel_subscribe.h"

#include "common/memory.h"
#include "sessiond/limits/limits.h"
#include "sessiond/service/service.h"
#include "sessiond/service/watch.h"
#include "sessiond/session/message.h"
#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/session_write.h"
#include "sockjs/utf8.h"

#include <stdlib.h>
#include <string.h>

static void
send_missed(struct channel *channel, struct session *session, uint64_t offset)
{
	while (++offset < history_end(&channel->history))
		session_write(session, history_at(&channel->history, offset)->message);
}

/*
 * A client that got more at once than may wait for it would be closed, and ask for the same again.
 * Half of queue_limit is left to what is published meanwhile. That memory is short does not count:
 * it is asked for again when it is not.
 */
static bool
has_room_for_missed(const struct channel *channel, const struct session *session, uint64_t offset)
{
	size_t bytes = session_queued_bytes(session),
	       room = session->service->protocol.options.queue_limit / 2;

	while (++offset < history_end(&channel->history) && bytes <= room)
		bytes += history_at(&channel->history, offset)->message->len + MESSAGE_COST;
	return bytes <= room;
}

static bool
can_recover(
    struct channel *channel, const struct session *session, const struct channel_position *from)
{
	if (from == NULL)
		return false;
	channels_trim(channel);
	return channel_can_recover(channel, from) &&
	    has_room_for_missed(channel, session, from->offset);
}

/* --- members ---------------------------------------------------------------------------------- */

/* With an engine: those who wait to be members that are not there yet. */
static size_t
count_entering(const struct channel *channel)
{
	size_t i, count = 0;

	for (i = 0; i < channel->entrants.count; i++) {
		const struct channel_entrant *entrant = channel->entrants.items[i]->data;

		count += entrant != NULL && entrant->is_member &&
		    presence_find(channel->presence, entrant->member.id, entrant->member.id_len) ==
			NULL;
	}
	return count;
}

static bool
has_room_for_member(const struct channel *channel, size_t limit)
{
	size_t count = presence_count(channel->presence);

	return count + channel->entrants.count < limit || count + count_entering(channel) < limit;
}

static enum channel_result
check_member(const struct channel_space *space, const struct channel *channel,
    const struct channel_member *member)
{
	const struct channels *all = space->all;

	if (member->id_len == 0 || memchr(member->id, '\0', member->id_len) != NULL ||
	    !utf8_is_valid(member->id, member->id_len))
		return CHANNEL_BAD_MEMBER;
	if (member->id_len + member->info_len > all->limits.member) {
		channels_count_refusal(all, LIMIT_MEMBER);
		return CHANNEL_BAD_MEMBER;
	}
	if (channel != NULL && !has_room_for_member(channel, all->limits.members) &&
	    presence_find(channel->presence, member->id, member->id_len) == NULL) {
		channels_count_refusal(all, LIMIT_MEMBERS);
		return CHANNEL_TOO_MANY;
	}
	return CHANNEL_OK;
}

/* What is known of one that is there stays as it is. */
static struct presence_member *
add_member(struct channel *channel, const struct channel_member *wanted, bool *is_new)
{
	struct presence_member *member =
	    presence_find(channel->presence, wanted->id, wanted->id_len);

	*is_new = member == NULL;
	if (member == NULL) {
		uint64_t last = channel->presence == NULL ? 0 : channel->presence->last_number;

		member = presence_add(&channel->presence, channel, wanted, last + 1);
		channel_journal_join(&channel->space->all->journal, member);
	}
	member->connections++;
	timer_stop(&member->absence);
	return member;
}

/* --- subscribing ------------------------------------------------------------------------------ */

static enum channel_result
check(const struct channel_space *space, const struct subscribing *subscribing,
    const struct channel *channel, const struct session *session)
{
	if (session->channels >= space->all->limits.per_connection) {
		channels_count_refusal(space->all, LIMIT_CHANNELS_PER_CONNECTION);
		return CHANNEL_TOO_MANY;
	}
	return subscribing->member == NULL ? CHANNEL_OK
					   : check_member(space, channel, subscribing->member);
}

static void
join(struct channel *channel, const struct subscribing *subscribing, struct session *session,
    bool recovered)
{
	const struct channel_kind *kind = channel->space->kind;
	struct membership *membership =
	    membership_join(&channel->subscribers, &session->memberships, session);
	struct presence_member *member = NULL;
	bool is_new = false;

	session->channels++;
	if (subscribing->member != NULL)
		member = add_member(channel, subscribing->member, &is_new);
	membership->data = member;
	if (session->journal != NULL)
		channel_journal_subscribe(
		    &channel->space->all->journal, channel, session->journal->key, member);
	if (watch_is_on())
		watch_subscription(session->service, session, WATCH_SUBSCRIBED, channel->name,
		    channel->by_name.len);
	if (kind->subscribed != NULL)
		kind->subscribed(channel, session, subscribing, recovered);
	if (is_new && kind->joined != NULL && channel->space->all->engine == NULL)
		kind->joined(channel, member, session);
}

/* --- with an engine --------------------------------------------------------------------------- */

static struct channel_entrant *
entrant_create(const struct subscribing *subscribing)
{
	const struct channel_member *member = subscribing->member;
	size_t len = member == NULL ? 0 : member->id_len + member->info_len;
	struct channel_entrant *entrant = xcalloc(1, sizeof *entrant + len + 2);
	char *text = (char *)(entrant + 1);

	if (subscribing->from != NULL) {
		entrant->recovers = true;
		entrant->from = *subscribing->from;
	}
	if (member == NULL)
		return entrant;
	entrant->is_member = true;
	entrant->member = (struct channel_member){
	    text, member->id_len, text + member->id_len + 1, member->info_len};
	memcpy(text, member->id, member->id_len);
	if (member->info_len > 0)
		memcpy(text + member->id_len + 1, member->info, member->info_len);
	return entrant;
}

static enum channel_result
enter(struct channel *channel, const struct subscribing *subscribing, struct session *session)
{
	struct channel_engine *engine = channel->space->all->engine;
	struct membership *membership =
	    membership_join(&channel->entrants, &session->memberships, session);

	if (membership == NULL)
		return CHANNEL_LATER;
	session->channels++;
	membership->data = entrant_create(subscribing);
	engine->calls->entering(engine, channel);
	return CHANNEL_LATER;
}

bool
channels_entrant_is_ready(
    const struct channel *channel, const struct channel_entrant *entrant, uint64_t answered)
{
	const struct channel_position *from = &entrant->from;

	if (entrant->ticket != 0)
		return entrant->ticket <= answered;
	if (entrant->is_member)
		return false;
	/* Of another epoch nothing can be had. What is not here yet may be on other daemons. */
	return !entrant->recovers || from->epoch != channel->epoch ||
	    channel_can_recover(channel, from);
}

static void
let_in(struct channel *channel, struct session *session, const struct channel_entrant *entrant)
{
	const struct subscribing subscribing = {channel->name, channel->by_name.len,
	    entrant->recovers ? &entrant->from : NULL,
	    entrant->is_member ? &entrant->member : NULL};
	bool recovered = can_recover(channel, session, subscribing.from);

	join(channel, &subscribing, session, recovered);
	if (recovered)
		send_missed(channel, session, entrant->from.offset);
	channel->space->all->engine->calls->changed(channel->space->all->engine, channel);
}

/* Its member is there by now, unless the engine has refused it. False: it is not let in. */
static bool
decide(struct channel *channel, struct session *session, const struct channel_entrant *entrant)
{
	const struct channel_kind *kind = channel->space->kind;

	if (!entrant->is_member ||
	    presence_find(channel->presence, entrant->member.id, entrant->member.id_len) != NULL) {
		let_in(channel, session, entrant);
		return true;
	}
	if (kind->refused != NULL)
		kind->refused(channel, session, CHANNEL_TOO_MANY);
	return false;
}

/* Who leaves the entrance has its place in the array taken by the last. */
void
channels_admit(struct channel *channel, uint64_t answered)
{
	struct member_array *entrants = &channel->entrants;
	size_t i = 0;

	while (i < entrants->count) {
		struct session *session = entrants->items[i]->session;
		struct channel_entrant *entrant = entrants->items[i]->data;

		if (!channels_entrant_is_ready(channel, entrant, answered)) {
			i++;
			continue;
		}
		entrants->items[i]->data = NULL;
		if (!session->close_told && decide(channel, session, entrant))
			free(entrant);
		else
			channels_turn_away(channel, entrant);
		membership_leave(entrants, &session->memberships);
	}
}

/* --- subscribing, with or without ------------------------------------------------------------- */

enum channel_result
channels_subscribe(struct channel_space *space, const struct subscribing *subscribing,
    struct session *session, bool *recovered)
{
	struct channel *channel = channels_find(space, subscribing->name, subscribing->name_len);
	enum channel_result result;

	*recovered = false;
	if (channel != NULL &&
	    membership_find(&channel->subscribers, &session->memberships) != NULL)
		return CHANNEL_OK;
	result = check(space, subscribing, channel, session);
	if (result == CHANNEL_OK)
		result = channels_find_or_make(
		    space, subscribing->name, subscribing->name_len, &channel);
	if (result != CHANNEL_OK)
		return result;
	if (space->all->engine != NULL)
		return enter(channel, subscribing, session);
	*recovered = can_recover(channel, session, subscribing->from);
	join(channel, subscribing, session, *recovered);
	if (*recovered)
		send_missed(channel, session, subscribing->from->offset);
	return CHANNEL_OK;
}

void
channels_unsubscribe(
    struct channel_space *space, const char *name, size_t len, struct session *session)
{
	struct channel *channel = channels_find(space, name, len);

	if (channel == NULL)
		return;
	membership_leave(&channel->entrants, &session->memberships);
	if (membership_find(&channel->subscribers, &session->memberships) == NULL)
		return;
	if (watch_is_on())
		watch_subscription(session->service, session, WATCH_UNSUBSCRIBED, name, len);
	if (session->journal != NULL)
		channel_journal_unsubscribe(
		    &space->all->journal, channel->number, session->journal->key);
	membership_leave(&channel->subscribers, &session->memberships);
}

const struct presence_member *
channels_member(const struct channel *channel, const struct session *session)
{
	const struct membership *membership =
	    membership_find(&channel->subscribers, &session->memberships);

	return membership == NULL ? NULL : membership->data;
}
