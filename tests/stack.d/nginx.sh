# nginx, with the responder as a service of its own; streams and websockets go straight to sessiond.

# shellcheck source=webserver.inc
. "$here/stack.d/webserver.inc"

kind_programs() {
	web_prepare
	web_fill nginx.conf
	web_sessiond
	web_responder
	# What nginx has to say before it has read its configuration would go to a file of the system's.
	web_server nginx nginx -e stderr -p "$run" -c "$dir/nginx.conf" -g 'daemon off;'
}
