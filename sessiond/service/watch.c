/*
 * See watch.h.
 */
#include "sessiond/service/watch.h"

struct watcher *watch_watcher;

static void
tell(const struct watch_event *event)
{
	if (watch_watcher != NULL)
		watch_watcher->saw(watch_watcher, event);
}

void
watch_session(
    const struct sockjs_service *service, const struct session *session, enum watch_kind kind)
{
	tell(&(struct watch_event){.kind = kind, .service = service, .session = session});
}

void
watch_message(const struct sockjs_service *service, const struct session *session,
    enum watch_kind kind, const char *data, size_t len, bool is_binary)
{
	tell(&(struct watch_event){
	    .kind = kind,
	    .service = service,
	    .session = session,
	    .data = data,
	    .len = len,
	    .is_binary = is_binary,
	});
}

void
watch_subscription(const struct sockjs_service *service, const struct session *session,
    enum watch_kind kind, const char *channel, size_t channel_len)
{
	tell(&(struct watch_event){
	    .kind = kind,
	    .service = service,
	    .session = session,
	    .channel = channel,
	    .channel_len = channel_len,
	});
}

void
watch_publication(const struct sockjs_service *service, const char *channel, size_t channel_len,
    const char *data, size_t len)
{
	tell(&(struct watch_event){
	    .kind = WATCH_PUBLISHED,
	    .service = service,
	    .channel = channel,
	    .channel_len = channel_len,
	    .data = data,
	    .len = len,
	});
}
