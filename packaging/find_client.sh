#!/bin/sh
# Prints the file of sockjs-client that the page loads; fails if there is none.
#
#     packaging/find_client.sh SRCDIR
#
# A release has it beside the page, npm puts it into node_modules, and Debian's package is
# node-sockjs-client.

for folder in "$1/www" "$1/node_modules/sockjs-client/dist" "${NODE_PATH:-none}/sockjs-client/dist" \
	/usr/share/nodejs/sockjs-client/dist; do
	if [ -r "$folder/sockjs.min.js" ]; then
		echo "$folder/sockjs.min.js"
		exit
	fi
done
exit 1
