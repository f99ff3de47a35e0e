# Apache with mod_proxy_fcgi. The responder is a service of its own. Streams and websockets go
# straight to sessiond.

# shellcheck source=webserver.inc
. "$here/stack.d/webserver.inc"

kind_programs() {
	web_prepare
	web_apache
	web_fill apache-proxy.conf apache2
	web_sessiond
	web_responder
	web_server apache apache2 -f "$dir/apache-proxy.conf" -DFOREGROUND
}
