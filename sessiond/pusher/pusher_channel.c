/* See pusher_channel.h. */
#include "sessiond/pusher/pusher_channel.h"

#include "sessiond/channels/channel.h"

#include <string.h>

/* Takes a word off the beginning of the name, if it is there. */
static bool
take(const char **name, size_t *len, const char *word)
{
	size_t word_len = strlen(word);

	if (*len < word_len || memcmp(*name, word, word_len) != 0)
		return false;
	*name += word_len;
	*len -= word_len;
	return true;
}

struct pusher_channel_type
pusher_channel_type(const char *name, size_t len)
{
	struct pusher_channel_type type = {false};

	type.is_user = take(&name, &len, PUSHER_USER_CHANNEL);
	if (type.is_user)
		return type;
	type.is_presence = take(&name, &len, "presence-");
	type.is_private = type.is_presence || take(&name, &len, "private-");
	type.is_encrypted = type.is_private && !type.is_presence && take(&name, &len, "encrypted-");
	type.is_cache = take(&name, &len, "cache-");
	return type;
}

static bool
is_plain(const char *name, size_t len)
{
	static const char others[] = "_-=@,.;";
	size_t i;

	for (i = 0; i < len; i++) {
		char c = name[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			(c != '\0' && strchr(others, c) != NULL)))
			return false;
	}
	return true;
}

bool
pusher_channel_name_is_valid(const char *name, size_t len)
{
	if (take(&name, &len, PUSHER_USER_CHANNEL))
		return len > 0 && len <= CHANNEL_NAME_MAX - strlen(PUSHER_USER_CHANNEL) &&
		    channel_name_is_valid(name, len);
	return len > 0 && len <= PUSHER_NAME_MAX && is_plain(name, len);
}
