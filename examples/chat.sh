#!/bin/sh
# A chat with rooms. In sockjs.conf, in [service /chat]: program = sh /path/of/chat.sh FOLDER
# and processes = each: a line that comes is a message, and so is one that goes (doc/workers.md).
# The messages are those of chat.c. A room is a folder in FOLDER, which keeps all that is said.

help='"join a room by its name and yours; then say something, or leave"'
# A text of JSON, which is passed on as it came.
text='("([^"\\[:cntrl:]]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*")'
folder=${1:?the folder of the rooms} room=
answer() { printf '{"id":"%s","%s":%s%s}\n' $$ "$1" "$2" "$3"; }

tell_room() { answer "$@" >>"$room/said"; }

# Prints the members of "names". A process that was killed has left its file.
names() {
	comma=
	for file in "$room"/[0-9]*; do
		if kill -0 "${file##*/}" 2>/dev/null; then
			printf '%s"%s":%s' "$comma" "${file##*/}" "$(cat "$file")"
			comma=,
		else
			rm -f "$file"
		fi
	done
}

enter() { # ROOM NAME
	leave
	room=$folder/$1 name=$2
	mkdir -p "$room" && printf %s "$name" >"$room/$$" && : >>"$room/said" || exit 1
	next=$(($(wc -l <"$room/said") + 1))
	answer names "{$(names)}"
	tail -n +$next -f "$room/said" & listener=$!
	tell_room joined "$name"
}

leave() {
	[ -n "$room" ] || return 0
	kill "$listener"
	rm -f "$room/$$"
	tell_room left "$name"
	room=
}

# got PATTERN N: what the message has at the Nth parenthesis, if it matches.
got() { printf '%s\n' "$line" | sed -nE "s/^\{$1\}\$/\\$2/p"; }

trap leave EXIT
trap exit HUP INT TERM
answer welcome "$help" ',"by":"POSIX shell"'
while IFS= read -r line; do
	to=$(got "\"join\":\"([A-Za-z0-9_-]+)\",\"name\":$text" 1)
	said=$(got "\"say\":$text" 1)
	if [ ${#line} -gt 3000 ]; then answer error "$help" # longer ones would mix in the pipe
	elif [ -n "$to" ]; then enter "$to" "$(got "\"join\":\"$to\",\"name\":$text" 1)"
	elif [ -n "$room" ] && [ -n "$said" ]; then tell_room said "$said"
	elif [ "$line" = '{"leave":true}' ]; then leave
	else answer error "$help"; fi
done
