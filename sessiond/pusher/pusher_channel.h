/*
 * What the name of a channel says about it. Source: the Pusher Channels protocol, 7.
 *
 *     news                         everybody may subscribe
 *     private-, presence-          whoever has a signature; presence: and says who it is
 *     private-encrypted-           as private-; only its subscribers can read what is published
 *     cache- behind any of these   the last event is kept for those who come later
 *     #server-to-user-ID           the connections of the user ID, who has signed in
 */
#ifndef SESSIOND_PUSHER_CHANNEL_H
#define SESSIOND_PUSHER_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#define PUSHER_USER_CHANNEL "#server-to-user-"

enum { PUSHER_NAME_MAX = 164, PUSHER_EVENT_MAX = 200 }; /* bytes */

struct pusher_channel_type {
	bool is_private; /* needs a signature; presence channels do, too */
	bool is_presence;
	bool is_encrypted;
	bool is_cache;
	bool is_user;
};

struct pusher_channel_type pusher_channel_type(const char *name, size_t len);

/*
 * True if a channel may have that name: 1 to PUSHER_NAME_MAX of A-Z a-z 0-9 _ - = @ , . ; or that
 * of a user's channel, whose id is not empty.
 */
bool pusher_channel_name_is_valid(const char *name, size_t len);

#endif
