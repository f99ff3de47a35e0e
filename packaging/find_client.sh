#!/bin/sh
# Prints the file of a client library that the pages load; fails if it is not there.
#
#     packaging/find_client.sh SRCDIR sockjs.min.js|pusher.min.js
#
# A release has them beside the pages, npm puts them into node_modules. Debian has sockjs-client, in
# the package node-sockjs-client.

case $2 in
sockjs.min.js) package=sockjs-client/dist ;;
pusher.min.js) package=pusher-js/dist/web ;;
esac
for folder in "$1/www" "$1/node_modules/$package" "${NODE_PATH:-none}/$package" "/usr/share/nodejs/$package"; do
	if [ -r "$folder/$2" ]; then
		echo "$folder/$2"
		exit
	fi
done
exit 1
