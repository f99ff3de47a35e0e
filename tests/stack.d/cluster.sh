# HAProxy in front of SOCKJS_STACK_BOXES boxes (default: 2). What would be a machine of its own is a
# folder here, box1 and so on, with lighttpd on a port of 127.0.0.1, a responder and sessiond.
# They share a Redis, where it is installed and redis.so was built. HAProxy's socket is haproxy.sock
# in the stack's folder, where it works.

# shellcheck source=webserver.inc
. "$here/stack.d/webserver.inc"

cluster_boxes=${SOCKJS_STACK_BOXES-2}
cluster_addresses=
cluster_engine= # a line of [server]

# cluster_free_port VARIABLE: stores a port that nobody listens on.
cluster_free_port() {
	local n=$((20000 + RANDOM % 12000))
	while accepts $n; do
		n=$((20000 + RANDOM % 12000))
	done
	printf -v "$1" %s $n
}

# It loses nothing that it has answered.
cluster_redis() {
	local server port
	server=$(command -v valkey-server || command -v redis-server) || return 0
	[ -e "$builddir/sessiond/redis/redis.so" ] || return 0
	cluster_free_port port
	mkdir "$dir/redis"
	program redis "$server" --bind 127.0.0.1 --port "$port" --dir "$dir/redis" --save '' \
		--appendonly yes --appendfsync always
	ready_at[redis]=$port
	cluster_engine="engine = redis://127.0.0.1:$port"
}

# cluster_box N: what webserver.inc calls a stack's is the box's here.
cluster_box() {
	local dir=$dir/box$1 port
	local run=$dir/run web_conf=$dir/sockjs.conf web_socket=$dir/run/sessiond.sock
	mkdir "$dir" "$dir/state"
	cluster_free_port port
	web_prepare
	sed -i "s|^[[:space:]]*\[server\]|&\ntrusted_proxies = unix 127.0.0.1\n$cluster_engine|" "$web_conf"
	web_fill lighttpd.conf lighttpd
	supervised "sessiond$1" env STATE_DIRECTORY="$dir/state" \
		"$builddir/sessiond/sockjs-sessiond" --supervise --config "$web_conf"
	web_server "lighttpd$1" "$(command -v lighttpd)" -D -f "$dir/lighttpd.conf"
	cluster_addresses+=" 127.0.0.1:$port"
}

# The example has two lines for the boxes in each backend. Here there is one for each box.
cluster_haproxy() {
	local run=$dir
	web_fill_file "$srcdir/examples/haproxy.cfg" "$dir/haproxy.example"
	awk -v list="$cluster_addresses" '
		/server box2 / { next }
		!/server box1 / { print; next }
		{
			count = split(list, address, " ")
			for (n = 1; n <= count; n++) {
				line = $0
				sub(/192[.]0[.]2[.]1:80/, address[n], line)
				gsub(/box1/, "box" n, line)
				print line
			}
		}' "$dir/haproxy.example" >"$dir/haproxy.cfg"
	mkdir -m 700 "$dir/sockjs-peers"
	web_server haproxy haproxy -W -f "$dir/haproxy.cfg"
}

kind_programs() {
	local n
	chmod 711 "$dir"
	cluster_redis
	for ((n = 1; n <= cluster_boxes; n++)); do
		cluster_box "$n"
	done
	cluster_haproxy
}

kind_pids() {
	local n words=
	for ((n = 1; n <= cluster_boxes; n++)); do
		words+=" fcgi$n=$(web_descendants "${pid[lighttpd$n]}")"
	done
	printf '%s\n' "${words# }"
}
