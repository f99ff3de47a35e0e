# Apache with mod_fcgid, which starts the responders. Streams and websockets go straight to
# sessiond.

# shellcheck source=webserver.inc
. "$here/stack.d/webserver.inc"

kind_programs() {
	web_prepare
	web_apache
	web_fill apache-fcgid.conf apache2
	web_sessiond
	web_server apache apache2 -f "$dir/apache-fcgid.conf" -DFOREGROUND
}

kind_pids() { web_responders "${pid[apache]}"; }
