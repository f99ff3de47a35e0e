# The session daemon alone: every URL goes straight to it.

kind_programs() {
	supervised sessiond "$builddir/sessiond/sockjs-sessiond" --supervise \
		--config "$conf" --listen "127.0.0.1:$port"
}
