/*
 * See websocket_end.h.
 */
#include "sessiond/websocket/websocket_end.h"

#include "sessiond/session/session.h"
#include "sessiond/session/session_set.h"
#include "sessiond/session/turn.h"
#include "sessiond/websocket/websocket_output.h"

#include <string.h>

void
websocket_close(struct websocket *websocket, unsigned code, const char *reason, size_t reason_len)
{
	if (websocket->state != WEBSOCKET_OPEN)
		return;
	websocket->state = WEBSOCKET_CLOSING;
	timer_start(
	    &websocket->all->closings, &websocket->timer, sessions_now(websocket->all->sessions));
	websocket->framing->append_close(&websocket->all->output.bytes, code, reason, reason_len);
	websocket_push(websocket);
}

void
websocket_end_session(struct websocket *websocket)
{
	if (websocket->receiver.session != NULL)
		turn_flush_session(websocket->receiver.session);
	session_receiver_broke(&websocket->receiver);
}

void
websocket_fail(struct websocket *websocket, unsigned code, const char *reason)
{
	if (code == WS_CODE_TOO_BIG)
		websocket_limits(websocket)->reached[LIMIT_MESSAGE]++;
	websocket_end_session(websocket);
	/* The rules end here for the peer: its close frame is not waited for. */
	websocket->peer_closed = true;
	websocket_close(websocket, code, reason, strlen(reason));
}
