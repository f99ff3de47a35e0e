#!/usr/bin/env python3
# publish.py CHANNEL TEXT: publishes a text over the daemon's control socket.
import http.client, json, os, socket, sys

connection = http.client.HTTPConnection("localhost")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect(os.environ.get("SOCKJS_CONTROL", "/run/sockjs-fcgi/control.sock"))
connection.request("POST", "/publish", json.dumps({"channel": sys.argv[1], "data": sys.argv[2]}))
answer = connection.getresponse()
text = answer.read().decode()
if answer.status != 200:
    sys.exit(text)
print(text)
