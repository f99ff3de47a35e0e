/*
 * What "acknowledged means delivered once" needs: a model, for spin(1), of a client, its web
 * server, the responders, the daemon and its store. README.md, beside this, says how it is run and
 * what each switch showed.
 *
 * The client has one session of the echo application. It sends N messages, one after the other, and
 * polls, each request through any responder. The daemon answers a send by queueing the same message
 * for the client. Each process may die between any two steps; a successor takes its place.
 *
 * Promised, and checked here:
 *  - A message whose send was acknowledged reaches the client, and every request is answered.
 *    Otherwise Client waits for ever, which spin calls an invalid end state.
 *  - No message reaches the client twice, and none that was acknowledged comes after a later one:
 *    the assertions in deliver().
 *  - A send that the daemon dies of ends it three times at most: the assertion in take_send().
 *
 * Not promised:
 *  - What the web server has taken is the web server's. If it dies then, the messages are lost.
 *  - The daemon and a responder keep each other's word about what was written. If one dies while
 *    the other has not recovered yet, a frame may be lost or come twice. So here the next process
 *    dies when the last death was heard of. -DBOTH_DIE and -DDIE_WRITING show it otherwise.
 *  - Noting an answer and writing it are one step here. -DNOTE_APART shows what a kill between the
 *    two loses.
 *
 * Time is left out: a responder that lives is back within the grace, and a send that was lost three
 * times was lost so within seconds. So are streams, an orderly stop, and a store that fails.
 *
 * A list of messages is a number in base 4, the first message its lowest digit. A set has a bit for
 * each message.
 */

#ifndef N
#define N 2 /* messages; 3 at most */
#endif
#ifndef R
#define R 1 /* responders; 1 or 2 */
#endif
#ifndef DAEMON_DEATHS
#define DAEMON_DEATHS 1
#endif
#ifndef RESPONDER_DEATHS
#define RESPONDER_DEATHS 1
#endif
#ifndef WEB_DEATHS
#define WEB_DEATHS 1
#endif

#define LAST (R - 1)
#define NOBODY R
#define BIT(m) (1 << (m))
#define SET(l) ((BIT((l) % 4) | BIT((l) / 4 % 4) | BIT((l) / 16 % 4) | BIT((l) / 64)) & ~1)
#define JOIN(a, b) ((a) + (b) * ((a) == 0 -> 1 : ((a) < 4 -> 4 : ((a) < 16 -> 16 : 64))))

/* --- the client, behind its web server -------------------------------------------------------- */

/* There is none; it waits for the daemon; the daemon was told; its answer is being written. */
mtype:request = { NONE, WAITING, ISSUED, WRITING };

mtype:request send = NONE, poll = NONE;
byte send_at, poll_at; /* the responder that has it */
byte sending;	       /* the message that is sent */
byte losses;	       /* of the daemon, with this send */
byte poll_id;	       /* no other poll that somebody may still know has it */
byte frame;	       /* the poll's answer, while it is written */
byte acked, got, gone; /* messages: acknowledged; delivered; lost with a web server */

#define POLL_IDS (N + 2 + WEB_DEATHS + RESPONDER_DEATHS)
#define IS_DONE (sending == N && send == NONE && (acked & ~(got | gone)) == 0)

inline deliver() {
	do
	:: frame ->
		a = frame % 4;
		assert((got & BIT(a)) == 0);
		assert((acked & BIT(a)) == 0 || got < BIT(a));
		got = got | BIT(a); frame = frame / 4
	:: else -> break
	od
}

proctype Client() { IS_DONE }

/* --- the local socket ------------------------------------------------------------------------- */

mtype:message = { HELLO, RECEIVE, SEND, WRITTEN, ABORT, WELCOME, FRAME, REFUSED, SENT };

/*
 * A responder's connection. What a process has written can be read after its end. But if it had not
 * read all itself, the connection was reset, and the other end may drop what it has not read.
 */
mtype:socket = { CLOSED, OPEN, DAEMON_ENDED, DAEMON_RESET, RESPONDER_ENDED, RESPONDER_RESET };

mtype:socket link[R] = CLOSED;
chan up[R] = [6] of { mtype:message, byte, byte };   /* to the daemon */
chan down[R] = [6] of { mtype:message, byte, byte };

#define HAS_RESPONDER_ENDED(r) (link[r] == RESPONDER_ENDED || link[r] == RESPONDER_RESET)
#define HAS_DAEMON_ENDED(r) (link[r] == DAEMON_ENDED || link[r] == DAEMON_RESET)

inline empty_out(channel) {
	do :: channel?_, _, _ :: empty(channel) -> break od
}

/* --- who may die ------------------------------------------------------------------------------ */

bool daemon_lives = true, abort_unheard;
byte daemon_deaths, responder_deaths, web_deaths;

#ifdef BOTH_DIE
#define IS_HEALED(r) (!HAS_RESPONDER_ENDED(r))
#define ARE_HEALED true
#else
#define IS_HEALED(r) (is_there[r] && link[r] == OPEN)
#define ARE_HEALED (!HAS_RESPONDER_ENDED(0) && !HAS_RESPONDER_ENDED(LAST) && !abort_unheard)
#endif
#ifdef DIE_WRITING
#define HAS_OLD_ANSWER(r) false
#else
#define HAS_OLD_ANSWER(r) (poll == WRITING && poll_at == r && writing_for != connection[r])
#endif
#define MAY_DAEMON_DIE (daemon_deaths < DAEMON_DEATHS && ARE_HEALED)
#define MAY_RESPONDER_DIE(r) \
	(responder_deaths < RESPONDER_DEATHS && IS_HEALED(r) && !HAS_OLD_ANSWER(r))
#define MAY_WEB_DIE(r) (web_deaths < WEB_DEATHS && IS_HEALED(r) && poll_at == r)

/* --- responders ------------------------------------------------------------------------------- */

bool is_there[R];	       /* the daemon has answered HELLO */
byte connection[R], frames[R]; /* the last that got so far, and the FRAMEs taken on it */
byte writing_for;	       /* the connection that the answer came by */
byte unsaid[R];		       /* 1 + the poll that was answered without saying WRITTEN yet */
byte noted[R];		       /* the write log: polls that were answered */

/* Nothing is said on a later connection about what came by an earlier one. */
#define IS_AWAITED(r) (is_there[r] && writing_for == connection[r])
#define IS_POLL(r, id) (poll == ISSUED && poll_at == r && poll_id == id)

inline note(r) {
	noted[r] = (IS_AWAITED(r) -> noted[r] | BIT(poll_id) : noted[r])
}

inline write(r) {
	deliver();
	unsaid[r] = (IS_AWAITED(r) -> 1 + poll_id : 0);
	poll = NONE; a = 0
}

inline take_answer(r) {
	if
	:: down[r]?WELCOME(a, _) -> connection[r] = a; frames[r] = 0; is_there[r] = true
	:: down[r]?FRAME(a, b) ->
		frames[r]++;
		if
		:: IS_POLL(r, a) -> frame = b; writing_for = connection[r]; poll = WRITING
		:: else /* nobody would read it: ABORT was said */
		fi
	:: down[r]?REFUSED(a, _) ->
		if
		:: IS_POLL(r, a) -> poll = NONE; poll_id = (poll_id + POLL_IDS - 1) % POLL_IDS
		:: else
		fi
	:: down[r]?SENT(a, _) ->
		if
		:: send == ISSUED && send_at == r && sending == a ->
			acked = acked | BIT(a);
			send = NONE
		:: else
		fi
	fi;
	a = 0; b = 0
}

/* What has no answer is asked again, but for a send with which the daemon was lost three times. */
inline lose_daemon(r) {
	link[r] = CLOSED;
	empty_out(up[r]);
	empty_out(down[r]);
	is_there[r] = false; unsaid[r] = 0;
	poll = (poll == ISSUED && poll_at == r -> WAITING : poll);
	if
	:: send == ISSUED && send_at == r ->
		losses++;
		send = WAITING;
#ifndef NO_SUSPECTS
		send = (losses == 3 -> NONE : WAITING)
#endif
	:: else
	fi
}

/* Its web server answers what it had with an error. */
inline die_responder(r) {
	responder_deaths++;
	if
	:: link[r] == OPEN && len(down[r]) == 0 -> link[r] = RESPONDER_ENDED
	:: link[r] == OPEN && len(down[r]) > 0 -> link[r] = RESPONDER_RESET
	:: else -> link[r] = CLOSED; empty_out(up[r])
	fi;
	empty_out(down[r]);
	is_there[r] = false; unsaid[r] = 0; connection[r] = 0; frames[r] = 0;
	frame = (poll_at == r -> 0 : frame);
	poll = (poll_at == r -> NONE : poll);
	send = (send_at == r -> NONE : send)
}

inline die_web() {
	web_deaths++; send = NONE
}

#define CAN_ASK(r) (is_there[r] && !unsaid[r])

proctype Responder(byte r) {
	byte a, b;

end:	do
	:: atomic { link[r] == CLOSED && daemon_lives ->
		link[r] = OPEN; up[r]!HELLO(connection[r], frames[r]) }
	/* A client asks; or it has asked before the daemon was lost. */
	:: atomic { CAN_ASK(r) && send == NONE && sending < N ->
		sending++; losses = 0; send_at = r; send = ISSUED; up[r]!SEND(sending, 0) }
	:: atomic { CAN_ASK(r) && send == WAITING && send_at == r ->
		send = ISSUED; up[r]!SEND(sending, 0) }
	:: atomic { CAN_ASK(r) && (poll == NONE && !IS_DONE || poll == WAITING && poll_at == r) ->
		poll_id = (poll == NONE -> (poll_id + 1) % POLL_IDS : poll_id);
		noted[r] = noted[r] & ~BIT(poll_id);
		poll_at = r; poll = ISSUED; up[r]!RECEIVE(poll_id, 0) }
	:: d_step { nempty(down[r]) -> take_answer(r) }
#ifdef NOTE_APART
#define IS_NOTED(r) (noted[r] & BIT(poll_id) || !IS_AWAITED(r))
	:: d_step { poll == WRITING && poll_at == r && !IS_NOTED(r) -> note(r) }
	:: d_step { poll == WRITING && poll_at == r && IS_NOTED(r) -> write(r) }
#else
	:: d_step { poll == WRITING && poll_at == r -> note(r); write(r) }
#endif
	:: atomic { unsaid[r] -> up[r]!WRITTEN(unsaid[r] - 1, 0); unsaid[r] = 0 }
	:: d_step { HAS_DAEMON_ENDED(r) && (empty(down[r]) || link[r] == DAEMON_RESET) ->
		lose_daemon(r) }
	:: d_step { MAY_RESPONDER_DIE(r) -> die_responder(r) }
	/* The web server dies with the answer that it has just taken; or before it takes one. */
	:: d_step { MAY_WEB_DIE(r) && poll == WRITING ->
		gone = gone | SET(frame); frame = 0; note(r); write(r); die_web() }
	:: atomic { MAY_WEB_DIE(r) && (poll == ISSUED || poll == WRITING && IS_AWAITED(r)) ->
		up[r]!ABORT(poll_id, 0); abort_unheard = true; frame = 0; poll = NONE; die_web() }
	od
}

/* --- the daemon's memory, and its store ------------------------------------------------------- */

byte queue, ids;			/* messages that wait for a poll; sends that were taken */
byte receiver = NOBODY, receiver_poll;	/* who holds the session's poll */
byte flight;				/* messages on their way ... */
byte flight_connection, flight_index;	/* ... in the index-th FRAME of that connection */
byte flight_at = NOBODY, flight_poll;	/* who will tell of it; NOBODY: it awaits the next HELLO */
bool is_late;				/* the store does not know yet that a flight arrived */
byte peer_connection[R], peer_frames[R];
byte stored_queue, stored_ids, stored_flight, stored_connection, stored_index;

/* This turn's; the answers leave at its end. */
bool any, changed, is_due, has_sends, is_fresh, is_large, is_mixed;
byte way = NOBODY, to_answer[R], crashes;
chan out[R] = [6] of { mtype:message, byte, byte };

inline land() {
	flight = 0; flight_connection = 0; flight_index = 0; flight_at = NOBODY; flight_poll = 0;
	is_fresh = false
}

inline arrive() {
	is_late = is_late || stored_connection != 0;
	land()
}

inline put_back() {
	queue = JOIN(flight, queue); changed = true; land()
}

inline await() {
	flight_at = NOBODY; flight_poll = 0;
#ifdef NO_GRACE
	put_back()
#endif
}

inline note_way(r) {
	is_mixed = is_mixed || (way != NOBODY && way != r);
	way = r
}

inline flush() {
	if
	:: receiver != NOBODY && queue && !flight ->
		peer_frames[receiver]++;
		out[receiver]!FRAME(receiver_poll, queue);
		note_way(receiver);
#ifndef NO_IN_FLIGHT
		flight = queue;
		flight_connection = peer_connection[receiver];
		flight_index = peer_frames[receiver];
		flight_at = receiver; flight_poll = receiver_poll; is_fresh = true;
#endif
		queue = 0; changed = true; receiver = NOBODY; receiver_poll = 0
	:: else
	fi
}

inline end_turn() {
	any = false; changed = false; is_due = false; has_sends = false; is_fresh = false;
	is_large = false; is_mixed = false; way = NOBODY
}

inline forget_peer(r) {
	empty_out(up[r]); empty_out(out[r]);
	to_answer[r] = 0; peer_connection[r] = 0; peer_frames[r] = 0
}

inline end_link(r) {
	if
	:: link[r] == OPEN && len(up[r]) == 0 -> link[r] = DAEMON_ENDED
	:: link[r] == OPEN && len(up[r]) > 0 -> link[r] = DAEMON_RESET
	:: HAS_RESPONDER_ENDED(r) -> link[r] = CLOSED
	:: else
	fi;
	forget_peer(r)
}

inline die_daemon() {
	daemon_lives = false; daemon_deaths++;
	end_link(0); end_link(LAST); end_turn();
	queue = 0; ids = 0; receiver = NOBODY; receiver_poll = 0; is_late = false; land();
	abort_unheard = false
}

/* --- what comes ------------------------------------------------------------------------------- */

#define AWAITS(c) (flight && flight_at == NOBODY && flight_connection == c)

inline take_hello(r) {
	if
	:: AWAITS(a) && flight_index <= b -> arrive(); is_due = is_late
	:: AWAITS(a) && flight_index > b -> put_back()
	:: else
	fi;
	peer_connection[r] =
	    (daemon_deaths * (RESPONDER_DEATHS + 1) + responder_deaths) * R + r + 1;
	peer_frames[r] = 0;
	out[r]!WELCOME(peer_connection[r], 0)
}

inline take_receive(r) {
	if
	:: receiver == NOBODY -> receiver = r; receiver_poll = a; flush()
	:: else -> out[r]!REFUSED(a, 0)
	fi
}

inline take_send(r) {
#ifdef POISON
	if :: a == N -> crashes++; assert(crashes <= 3); die_daemon(); goto dead :: else fi;
#endif
	to_answer[r] = to_answer[r] | BIT(a);
	if
#ifndef NO_SEND_IDS
	:: ids & BIT(a)
#endif
	:: else ->
		assert(queue < 64); /* room for one more */
		queue = JOIN(queue, a); ids = ids | BIT(a);
		has_sends = true; changed = true; note_way(r)
	fi
}

inline take_abort(r) {
	abort_unheard = false;
	if
	:: receiver == r && receiver_poll == a -> receiver = NOBODY; receiver_poll = 0
	:: flight_at == r && flight_poll == a -> put_back()
	:: else
	fi
}

inline take(r) {
	if
	:: up[r]?HELLO(a, b) -> take_hello(r)
	:: up[r]?RECEIVE(a, _) -> take_receive(r)
	:: up[r]?SEND(a, _) -> take_send(r)
	:: up[r]?ABORT(a, _) -> take_abort(r)
	:: up[r]?WRITTEN(a, _) ->
		if :: flight_at == r && flight_poll == a -> arrive() :: else fi
	fi;
	any = true; a = 0; b = 0
}

#ifdef NO_WRITE_LOG
#define HAS_NOTED(r) false
#else
#define HAS_NOTED(r) (noted[r] & BIT(flight_poll))
#endif

/* A responder's end. What it has noted, it has written; about the rest nobody will tell. */
inline drop(r) {
	link[r] = CLOSED;
	forget_peer(r);
	if
	:: receiver == r -> receiver = NOBODY; receiver_poll = 0
	:: flight_at == r && HAS_NOTED(r) -> arrive()
	:: flight_at == r && !HAS_NOTED(r) -> await()
	:: else
	fi;
	noted[r] = 0;
	is_due = is_late; /* it cannot be asked again */
	any = true
}

/* --- the transaction -------------------------------------------------------------------------- */

#define IS_STORED(list) ((SET(list) & SET(JOIN(stored_flight, stored_queue))) != 0)
#define IS_NEW (stored_connection != flight_connection || stored_index != flight_index)
#define DIFFERS \
	(stored_queue != queue || stored_flight != (keeps -> flight : 0) || (keeps && IS_NEW))

/* A flight is stored if the store has its messages, or stores the ids of sends with it. */
inline commit() {
	keeps = flight && IS_STORED(flight);
	work = is_due || (changed && DIFFERS);
#ifdef WAYS
	with_ids = has_sends && (is_mixed || work);
#else
	with_ids = has_sends;
#endif
	keeps = keeps || (with_ids && is_fresh);
	if
	:: with_ids || work ->
		stored_queue = queue; stored_ids = ids;
		stored_flight = (keeps -> flight : 0);
		stored_connection = (keeps -> flight_connection : 0);
		stored_index = (keeps -> flight_index : 0);
		is_late = false
	:: else
	fi;
	keeps = false; work = false; with_ids = false
}

/* --- the daemon ------------------------------------------------------------------------------- */

inline answer_sends(r) {
	for (a : 1 .. N) {
		if :: to_answer[r] & BIT(a) -> out[r]!SENT(a, 0) :: else fi
	}
	to_answer[r] = 0;
	a = 0
}

/* One write: of all there is for a responder, or, if that is large, of a part. */
inline write_out(r) {
	do
	:: nempty(out[r]) ->
		out[r]?t, a, b;
		if :: link[r] == OPEN -> down[r]!t, a, b :: else fi;
		if :: is_large -> break :: else fi
	:: empty(out[r]) -> break
	od;
	t = 0; a = 0; b = 0
}

inline revive() {
	queue = stored_queue; ids = stored_ids;
	flight = stored_flight; flight_connection = stored_connection; flight_index = stored_index;
#ifdef NO_GRACE
	if :: flight -> put_back(); changed = false :: else fi;
#endif
	daemon_lives = true
}

#define HAS_COME(r) ((link[r] == OPEN || link[r] == RESPONDER_ENDED) && nempty(up[r]))
#define HAS_ENDED(r) (link[r] == RESPONDER_RESET || link[r] == RESPONDER_ENDED && empty(up[r]))
/* Who lives is back within the grace. */
#define IS_GRACE_OVER \
	(AWAITS(flight_connection) && connection[0] != flight_connection && \
	    connection[LAST] != flight_connection)

proctype Daemon() {
	byte a, b;
	mtype:message t;
	bool keeps, work, with_ids;

	/* A turn: some of what has come, frames, the transaction, answers. */
end:	do
	:: atomic {
		do
		:: HAS_COME(0) -> take(0)
		:: HAS_COME(LAST) -> take(LAST)
		:: HAS_ENDED(0) -> drop(0)
		:: HAS_ENDED(LAST) -> drop(LAST)
		:: IS_GRACE_OVER -> put_back(); any = true
		:: is_late && !any -> is_due = true; any = true
		:: any -> break
		od;
		flush();
		if
		:: has_sends && is_fresh -> is_large = true; is_mixed = true
		:: true
		fi;
		commit();
		answer_sends(0); answer_sends(LAST);
		do
		:: nempty(out[0]) -> write_out(0)
		:: nempty(out[LAST]) -> write_out(LAST)
		:: MAY_DAEMON_DIE && nempty(out[0]) -> die_daemon(); goto dead
		:: MAY_DAEMON_DIE && nempty(out[LAST]) -> die_daemon(); goto dead
		:: empty(out[0]) && empty(out[LAST]) -> break
		od;
		end_turn() }
	:: atomic { MAY_DAEMON_DIE -> die_daemon(); goto dead }
	od;
dead:	atomic { !daemon_lives -> revive() };
	goto end
}

init {
	atomic {
		run Client(); run Daemon(); run Responder(0);
		if :: R > 1 -> run Responder(1) :: else fi
	}
}
