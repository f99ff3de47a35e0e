# The session daemon alone: every URL goes straight to it.

kind_programs() {
	program sessiond "$builddir/sessiond/sockjs-sessiond" \
		--config "$conf" --listen "127.0.0.1:$port"
}
