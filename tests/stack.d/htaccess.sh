# An account on a shared Apache (htaccess.conf), with all that it has in one folder: an .htaccess, the
# program, its configuration and the page. With SOCKJS_STACK_FCGI_ONLY the host has no proxy modules.

# shellcheck source=webserver.inc
. "$here/stack.d/webserver.inc"

kind_programs() {
	web_prepare
	web_apache
	web_program=$dir/www/sockjs.fcgi
	mv "$dir/sockjs.fcgi" "$web_program"
	cp "$web_conf" "$dir/www/sockjs.conf"
	web_fill_file "$srcdir/examples/htaccess" "$dir/www/.htaccess"
	web_fill_file "$here/stack.d/htaccess.conf" "$dir/htaccess.conf"
	if [ -n "${SOCKJS_STACK_FCGI_ONLY-}" ]; then
		sed -i '/^LoadModule proxy_/d' "$dir/htaccess.conf"
	fi
	web_sessiond
	web_server apache apache2 -f "$dir/htaccess.conf" -DFOREGROUND
}

kind_pids() { web_responders "${pid[apache]}"; }
