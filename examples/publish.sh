#!/bin/sh
# publish.sh CHANNEL TEXT: publishes a text over the daemon's control socket. The text may hold no
# quotation marks and backslashes; `sockjsctl publish` takes any.
socket=${SOCKJS_CONTROL:-/run/sockjs-fcgi/control.sock}
exec curl --silent --show-error --fail-with-body --unix-socket "$socket" http://localhost/publish \
	--data "{\"channel\": \"$1\", \"data\": \"$2\"}"
