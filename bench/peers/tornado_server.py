"""Usage: tornado_server.py PORT
Tornado's websockets: /echo answers who has sent, /broadcast tells everybody."""
import logging
import signal
import sys

import tornado.ioloop
import tornado.web
import tornado.websocket

everybody = set()


class Echo(tornado.websocket.WebSocketHandler):
    def check_origin(self, origin):
        return True

    def get_compression_options(self):
        return {}  # for those who offer it

    def on_message(self, message):
        self.write_message(message)


class Broadcast(Echo):
    def open(self):
        everybody.add(self)

    def on_close(self):
        everybody.discard(self)

    def on_message(self, message):
        for each in everybody:
            each.write_message(message)


logging.getLogger("tornado.access").setLevel(logging.ERROR)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
application = tornado.web.Application([("/echo", Echo), ("/broadcast", Broadcast)])
application.listen(int(sys.argv[1]), address="127.0.0.1", backlog=4096)
print("ready", flush=True)
tornado.ioloop.IOLoop.current().start()
