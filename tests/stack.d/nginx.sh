# nginx, with the responder as a service of its own. Streams and websockets go straight to sessiond.

# shellcheck source=webserver.inc
. "$here/stack.d/webserver.inc"

kind_programs() {
	web_prepare
	web_fill nginx.conf nginx
	web_sessiond
	web_responder
	# Without -e, nginx logs to a file of the system until it has read its configuration.
	web_server nginx nginx -e stderr -p "$run" -c "$dir/nginx.conf" -g 'daemon off;'
}
