/*
 * What Redis runs for us, each at one stroke. A channel has these keys behind its topic, which is
 * also the name that its messages are passed on under:
 *
 *     m    hash: e(poch), o(ffset) of the last, r(un id of the server), b(ytes of the stream)
 *     s    stream: the history; the ids are OFFSET-0, the field is d
 *     x    sorted set of expiries: DAEMON (it has subscribers), DAEMON and USER (and that member)
 *     p    hash: =DAEMON its subscribers, t(otal) of these, +USER "DAEMONS INFO", n(umber of
 *          users), v(ersion), which counts how members have come and gone
 *
 * and the space a sorted set of its channels with subscribers, with their expiries.
 */
#ifndef SESSIOND_REDIS_SCRIPTS_H
#define SESSIOND_REDIS_SCRIPTS_H

enum redis_script {
	/*
	 * KEYS m s; ARGV topic, run, durable, fresh epoch, keeps, limit, ttl, body. Returns offset
	 * (0: nobody hears and nothing keeps it) and epoch.
	 */
	REDIS_PUBLISH,
	/*
	 * KEYS m s; ARGV run, durable, fresh epoch, ttl, epoch and offset of what is there ("-":
	 * nothing), 1 if somebody has it. Returns epoch, offset, and of what follows, but at least
	 * of the last, id, body, ...
	 */
	REDIS_READ,
	/*
	 * KEYS x p list; ARGV topic, name, daemon, its subscribers ("-": it does not say), ttl,
	 * known version, number of parts, parts, (id, info) of joins. Also ends what has expired.
	 * Returns version, subscribers of all, what happened (kind, id, info, ...; kinds + - of
	 * members, O V of the channel), 1 or 0, and (id, info, ...) of all members: 1 if the
	 * version was not the known one, or none is known (0), and 0 if there is no list.
	 */
	REDIS_SYNC,
	REDIS_SCRIPTS,
};

extern const char *const redis_scripts[REDIS_SCRIPTS];

#endif
