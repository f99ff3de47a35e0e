#!/bin/sh
# Makes the archive that an account on a shared host unpacks into its site.
#
#     packaging/build_portable.sh SRCDIR BUILDDIR NAME
#
# BUILDDIR/portable has the programs, linked so that they find their libraries in private/lib; this
# puts together NAME/ and NAME.tar.gz in BUILDDIR. All that the programs and modules need is in it,
# but libc.

set -eu
srcdir=$1
builddir=$2
name=$3
tree=$builddir/portable/$name
private=$tree/private

rm -rf "$tree" "$builddir/$name.tar.gz"
mkdir -p "$private/lib" "$private/modules" "$private/run" "$private/log" "$private/commands"

cp "$builddir/portable/sockjs.fcgi" "$tree/"
cp "$srcdir/packaging/portable/sockjs-send.fcgi" "$tree/"
cp "$builddir/portable/sockjs-sessiond" "$builddir/portable/sockjsctl" "$private/"
for module in "$builddir"/examples/*.so; do
	cp "$module" "$private/modules/"
done

# What belongs to libc comes from the host, since it must fit its kernel and its other programs.
is_libc() {
	case $1 in
	ld-linux* | linux-vdso* | libc.so* | libm.so* | libpthread.so* | libdl.so* | librt.so* | libresolv.so* | libutil.so*) return 0 ;;
	esac
	return 1
}
ldd "$tree/sockjs.fcgi" "$private/sockjs-sessiond" "$private/sockjsctl" "$private"/modules/*.so |
	awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }' | sort -u |
	while read -r library path; do
		is_libc "$library" || cp -L "$path" "$private/lib/$library"
	done

for file in "$srcdir"/www/*; do
	cp "$file" "$tree/"
done
for client in sockjs.min.js pusher.min.js; do
	if file=$("$srcdir/packaging/find_client.sh" "$srcdir" $client); then
		cp "$file" "$tree/"
	else
		echo "The pages lack $client; call \`npm ci --omit=dev'" >&2
	fi
done

# The rules are those of examples/htaccess, with the socket found by the folder's place.
{
	cat "$srcdir/packaging/portable/htaccess.head"
	sed -n '/^# The rules below/,$p' "$srcdir/examples/htaccess" |
		sed 's|@RUN@|%{DOCUMENT_ROOT}%{ENV:SOCKJS_FOLDER}/private/run|g'
} >"$tree/.htaccess"
cp "$srcdir/packaging/portable/private.htaccess" "$private/.htaccess"
cp "$srcdir/packaging/portable/sockjs.conf" "$tree/"
cp "$builddir/packaging/sockjs.conf.default" "$private/"
cp "$srcdir/doc/shared-hosting.md" "$private/README.md"
cp "$srcdir/doc/workers.md" "$private/"
# The chat in other languages.
for language in js php pl py sh; do
	cp "$srcdir/examples/chat.$language" "$private/"
done
cp "$srcdir/examples/chat_callback.php" "$private/"
cp "$srcdir/LICENSE" "$private/"

find "$tree" -type d -exec chmod 755 {} +
find "$tree" -type f -exec chmod 644 {} +
chmod 755 "$tree/sockjs.fcgi" "$tree/sockjs-send.fcgi" "$private/sockjs-sessiond" "$private/sockjsctl"
tar -C "$builddir/portable" --owner=0 --group=0 --numeric-owner -czf "$builddir/$name.tar.gz" "$name"
echo "$name.tar.gz is for hosts with the libc of this machine, or a newer one: $(getconf GNU_LIBC_VERSION)"
