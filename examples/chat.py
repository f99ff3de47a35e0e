#!/usr/bin/env python3
# A chat with rooms. In sockjs.conf, in [service /chat]: program = python3 /path/of/chat.py
# chat.c as a worker: each line that comes is an event, each that goes is a call (doc/workers.md).
import json, platform, sys

HELP = "join a room by its name and yours; then say something, or leave"
people = {}  # who is in a room: id -> [room, name]

def call(name, **members):
    print(json.dumps({"call": name, **members}))

def answer(id, **what):
    call("write", id=id, data=json.dumps({"id": id, **what}))

def tell_room(room, about, **what):
    call("publish", channel=room, data=json.dumps({"id": about, **what}))

def enter(id, room, name):
    leave(id)
    people[id] = [room, name]
    call("state", id=id, value=people[id])  # comes back with "resume"
    call("subscribe", id=id, channel=room)
    answer(id, names={other: person[1] for other, person in people.items() if person[0] == room})
    tell_room(room, id, joined=name)

def leave(id, is_closed=False):
    if id not in people:
        return
    room, name = people.pop(id)
    if not is_closed:
        call("state", id=id, value=None)
        call("unsubscribe", id=id, channel=room)
    tell_room(room, id, left=name)

def hear(id, text):
    try:
        asked = json.loads(text) if len(text) <= 4096 else None
    except (ValueError, RecursionError):
        asked = None
    match asked, people.get(id):
        case {"join": str(room), "name": str(name)}, _: enter(id, room, name)
        case {"say": str(said)}, [room, _]: tell_room(room, id, said=said)
        case {"leave": _}, _: leave(id)
        case _: answer(id, error=HELP)

for line in sys.stdin.buffer:
    event = json.loads(line)
    match event:
        case {"event": "connection", "id": id}:
            answer(id, welcome=HELP, by=f"Python {platform.python_version()}")
        case {"event": "resume", "id": id, "state": [*person]}: people[id] = person
        case {"event": "data", "id": id, **got}: hear(id, got.get("data", ""))
        case {"event": "close", "id": id}: leave(id, is_closed=True)
        case {"event": "error", "code": code, "message": text}: print(code, text, file=sys.stderr)
    if "seq" in event:
        call("ack", seq=event["seq"])
    sys.stdout.flush()  # all at once
