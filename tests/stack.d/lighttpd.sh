# lighttpd, which starts the responder and passes streams and websockets on to sessiond. With
# SOCKJS_STACK_RESPONDER_SERVICE the responder is a service of its own: only then can lighttpd
# reload without anybody noticing. With SOCKJS_STACK_PHP=/path/of/php-cgi, lighttpd runs the page's
# PHP, which publishes over the socket that SOCKJS_CONTROL names.

# shellcheck source=webserver.inc
. "$here/stack.d/webserver.inc"

kind_programs() {
	web_prepare
	web_fill lighttpd.conf lighttpd
	web_sessiond
	if [ -n "${SOCKJS_STACK_RESPONDER_SERVICE-}" ]; then
		sed -i -e 's/^#SERVICE //' "$dir/lighttpd.conf"
		sed -i -e '/"bin-path"/d' -e '/"max-procs"/d' "$dir"/deploy/lighttpd/conf-available/50-sockjs.conf
		web_responder
	fi
	if [ -n "${SOCKJS_STACK_PHP-}" ]; then
		cat >>"$dir/lighttpd.conf" <<-'END'
			server.modules += ("mod_cgi")
			cgi.assign = (".php" => env.SOCKJS_STACK_PHP)
			setenv.add-environment = ("SOCKJS_CONTROL" => env.SOCKJS_CONTROL)
		END
	fi
	web_server lighttpd "$(command -v lighttpd)" -D -f "$dir/lighttpd.conf"
}

kind_pids() { [ -n "${SOCKJS_STACK_RESPONDER_SERVICE-}" ] || web_responders "${pid[lighttpd]}"; }
