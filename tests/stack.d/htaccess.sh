# An account on a shared Apache (htaccess.conf). All that it has is in one folder: an .htaccess, the
# program, its configuration and the page. With SOCKJS_STACK_FOLDER=/FOLDER this is a folder of the
# site (but for the page), not its top. With SOCKJS_STACK_FCGI_ONLY the host has no proxy
# modules. With `autostart = on` in the configuration, only the responder starts sessiond.

# shellcheck source=webserver.inc
. "$here/stack.d/webserver.inc"

kind_programs() {
	web_prepare
	web_apache
	account=$dir/www${SOCKJS_STACK_FOLDER-}
	mkdir -p "$account"
	web_program=$account/sockjs.fcgi
	mv "$dir/sockjs.fcgi" "$web_program"
	ln -s sockjs.fcgi "$account/sockjs-send.fcgi"
	cp "$web_conf" "$account/sockjs.conf"
	web_fill_file "$srcdir/examples/htaccess" "$account/.htaccess"
	web_fill_file "$here/stack.d/htaccess.conf" "$dir/htaccess.conf"
	if [ -n "${SOCKJS_STACK_FCGI_ONLY-}" ]; then
		sed -i '/^LoadModule proxy_/d' "$dir/htaccess.conf"
	fi
	if grep -q '^[[:space:]]*autostart[[:space:]]*=[[:space:]]*on' "$conf"; then
		let_it_start_itself
	else
		web_sessiond
	fi
	web_server apache apache2 -f "$dir/htaccess.conf" -DFOREGROUND
}

# Puts sessiond where the responder looks for it, and lets it make its socket.
let_it_start_itself() {
	mkdir "$dir/sessiond" "$dir/examples"
	cp "$builddir/sessiond/sockjs-sessiond" "$dir/sessiond/"
	cp "$builddir"/examples/*.so "$dir/examples/"
	chmod -R a+rX "$dir/sessiond" "$dir/examples"
	if [ "$(id -u)" -eq 0 ]; then
		chown "$web_user" "$run"
	fi
}

# daemons yes|no: prints the processes of sessiond that run with this configuration, separated by
# commas: the supervisors (yes) or the others (no).
daemons() {
	ps -e -o pid=,stat=,args= | awk -v conf="$account/sockjs.conf" -v supervisors="$1" '
		$2 !~ /^Z/ && $3 ~ /sockjs-sessiond$/ && index($0, conf) && (/ --supervise / ? "yes" : "no") == supervisors {
			list = list (list == "" ? "" : ",") $1
		}
		END { print list }'
}

kind_pids() {
	printf '%s' "$(web_responders "${pid[apache]}")"
	if [ -d "$dir/sessiond" ]; then
		printf ' sessiond=%s supervisor=%s' "$(daemons no)" "$(daemons yes)"
	fi
}

kind_leave() {
	local each
	[ -d "$dir/sessiond" ] || return
	for each in $(daemons yes | tr ',' ' ') $(daemons no | tr ',' ' '); do
		kill -TERM "$each" 2>/dev/null
		bury "$each"
	done
}
