/*
 * Which sessions are in which groups. A membership stands in the array of its group, so that a
 * group is walked without following lists, and in the list of its session, so that a session that
 * ends leaves all of its groups in one step. Sessions are only passed through.
 */
#ifndef SESSIOND_MEMBERSHIP_H
#define SESSIOND_MEMBERSHIP_H

#include <stddef.h>

#include <sys/queue.h>

struct session;

struct membership;

/* The members of a group, in no order. All zero bytes: nobody. */
struct member_array {
	struct membership **items;
	size_t count, room;
	/*
	 * Somebody left, for whatever reason, and is not in the array any more; data: of the
	 * membership. May free the group, but not while it is dissolved. NULL: nobody is told.
	 */
	void (*left)(struct member_array *group, struct session *session, void *data);
};

struct membership {
	struct member_array *group;
	struct session *session;
	LIST_ENTRY(membership) entry; /* of the same session's */
	struct membership *next;      /* in its bucket */
	size_t index;		      /* in its group's array */
	void *data;		      /* the group's owner's; NULL at first */
};

/* Of one session. All zero bytes: none. */
LIST_HEAD(membership_list, membership);

/* Puts the session, whose list that is, into a group. NULL if it is there already. */
struct membership *
membership_join(struct member_array *group, struct membership_list *list, struct session *session);

/* What the session of that list is in a group by; NULL: it is not in it. */
struct membership *
membership_find(const struct member_array *group, const struct membership_list *list);

/* Takes the session of that list out of a group. Does nothing if it is not there. */
void membership_leave(const struct member_array *group, struct membership_list *list);

/* Takes the session of that list out of all groups. */
void membership_leave_all(struct membership_list *list);

/* Takes everybody out of a group, and frees its storage. */
void membership_dissolve(struct member_array *group);

#endif
