# Builds the programs; makes Debian packages of them, or serves the page. A part of ./bootstrap.

# --- building

# configured_as ARG...: whether the tree was configured with just these arguments.
configured_as() {
	[ -x config.status ] && [ "$(./config.status --config | tr -d "'")" = "$*" ]
}

# build_tree [ARG...]: with arguments for configure these count, without any configuration will do.
build_tree() {
	[ -x configure ] || must 300 autoreconf autoreconf -i
	if [ ! -f Makefile ] || { [ $# -gt 0 ] && ! configured_as "$@"; }; then
		must 300 configure ./configure "$@"
		# Objects do not depend on the flags they were made with.
		must 60 clean make clean
	fi
	must 600 make make -j"$jobs"
}

# The pages, as the server hands them out: our files and the clients beside them.
assemble_page() {
	local client
	mkdir -p build/www
	cp -Rp www/. build/www/
	for client in sockjs.min.js pusher.min.js; do
		cp -p "$(packaging/find_client.sh . $client)" build/www/
	done
}

build() {
	need "$build_needs"
	need_clients
	say "building"
	build_tree
	assemble_page
}

# --- deb

deb() {
	need "$build_needs$deb_needs"
	need_clients
	[ -x configure ] || must 300 autoreconf autoreconf -i
	[ -f Makefile ] || must 300 configure ./configure
	say "building Debian packages"
	must 900 deb packaging/build_deb.sh . build/deb
	cat $logs/deb.log
}

# --- run

# The daemon starts an application in a process of its own only if it is not root itself. Root's
# becomes this user, who may not look into root's tree: it gets copies.
readonly daemon_user=nobody
as_daemon=(env)
state=

remove_state() { [ -z "$state" ] || rm -rf "$state"; }

# Copies what the daemon opens as its user: modules, the chats, the page. The store lies there, too.
make_state() {
	as_daemon=(chroot --userspec=$daemon_user / env)
	state=$(mktemp -d /tmp/sockjs-fcgi.XXXXXX) || die 1 "no folder for the daemon's user"
	trap 'end_child; remove_state' EXIT
	mkdir "$state/examples"
	cp examples/*.so examples/chat.p* "$state/examples/"
	cp -R build/www "$state/"
	chmod -R a+rX "$state"
	chown $daemon_user "$state"
}

# Prints the command of the page's chat in FOLDER: in PHP where it is installed, else in Python, or
# nothing if neither is.
chat_program() {
	local folder=$1 name ending program
	while read -r name ending; do
		for program in "/usr/bin/$name" "$(command -v "$name")"; do
			"${as_daemon[@]}" "$program" --version >/dev/null 2>&1 || continue
			printf '"%s" "%s/chat.%s"' "$program" "$folder" "$ending"
			return
		done
	done <<-'END'
		php php
		python3 py
	END
}

# Prints sockjs.conf: examples/sockjs.conf with the chat in another language, as the page says.
page_conf() {
	local control=$1 folder=${state:-$root} program
	program=$(chat_program "$folder/examples")
	sed -e "s|^\[server\]|&\ncontrol = $control|" \
		${state:+-e "s|^\[server\]|&\nuser = $daemon_user\nmodule_path = $state/examples|"} \
		${program:+-e "s|^module = chat\$|program = $program|"} \
		-e "s|\.\./build/www|${state:-$root/build}/www|" examples/sockjs.conf
}

run() {
	local kind=$1 port=$2 dir=run/$2 stack=$1 control=$root/run/$2/control.sock line
	case $kind in
	lighttpd) need "$lighttpd_needs" ;;
	nginx) need "$nginx_needs" ;;
	apache)
		need "$apache_needs"
		stack=apache-fcgid
		;;
	esac
	build
	if (exec 4<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
		die $exit_unavailable "port $port is taken; choose another: ./bootstrap run $kind --port $((port < 65535 ? port + 1 : 9000))"
	fi
	mkdir -p "$dir"
	[ ${#control} -le 107 ] || control=none # which is as long as a socket's path may be
	[ "$(id -u)" -ne 0 ] || make_state
	page_conf "$control" >"$dir/sockjs.conf"
	# Stays open: a line comes whenever a program was replaced.
	# In STATE_DIRECTORY the daemon keeps its sessions, so that they survive it.
	exec 3< <(exec env --default-signal=INT,QUIT STATE_DIRECTORY="${state:-$root/$dir}" \
		SOCKJS_CONTROL="$control" SOCKJS_STACK_PHP="$(command -v php-cgi)" \
		tests/stack "$stack" "$port" "$dir/sockjs.conf" </dev/null 2>"$dir/log")
	child=$!
	if ! read -r -t 60 line <&3; then
		end_child
		sed 's/^/    /' "$dir/log" >&2
		die 1 "the server did not start"
	fi
	say "sockjs-fcgi is running on http://127.0.0.1:$port/ (Ctrl-C stops it)"
	say "in front is $kind; the log is $dir/log, the store ${state:-$dir}/sessions.db"
	[ "$control" = none ] || say "it is told what to do by sessiond/ctl/sockjsctl --socket $dir/control.sock"
	while read -r line <&3; do
		say "running: ${line#pids }"
	done
	wait "$child"
	child=
	tail -n 20 "$dir/log" | sed 's/^/    /' >&2
	die 1 "the server ended by itself"
}
