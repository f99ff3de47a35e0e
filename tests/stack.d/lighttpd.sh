# lighttpd, which starts the responder and passes streams and websockets on to sessiond.

# shellcheck source=webserver.inc
. "$here/stack.d/webserver.inc"

kind_programs() {
	web_prepare
	web_fill lighttpd.conf
	web_sessiond
	web_server lighttpd lighttpd -D -f "$dir/lighttpd.conf"
}

kind_pids() { web_responders "${pid[lighttpd]}"; }
