'use strict';

/*
 * A SockJS connection that comes back.
 *
 * SockJS itself never reconnects: a closed connection stays closed. This opens a new one after a
 * pause that doubles each time, with some chance in it, so that the tabs of a thousand visitors do
 * not all return in the same instant after a restart of the server.
 *
 * Events, as functions of `handlers`:
 *   state(name, detail)  "connecting", "connected" (detail: the transport in use) or "waiting"
 *                        (detail: {reason, seconds}; called once for each second)
 *   message(text)
 */
class Connection {
  static firstPause = 0.5; // seconds
  static longestPause = 30;

  constructor(url, handlers) {
    this.url = new URL(url, location.href).href; // the page may lie in a folder of its site
    this.handlers = handlers;
    this.transports = [];
    this.pause = Connection.firstPause;
    this.timer = null;
    this.socket = null;
  }

  /* Connects, or connects anew; `transports` are names of sockjs-client, none of them means all. */
  open(transports = this.transports) {
    this.transports = transports;
    this.drop();
    const socket = new SockJS(this.url, null, transports.length ? {transports} : {});
    this.socket = socket;
    this.handlers.state('connecting');
    socket.onopen = () => {
      this.pause = Connection.firstPause;
      this.handlers.state('connected', socket.transport);
    };
    socket.onmessage = (event) => this.handlers.message(event.data);
    socket.onclose = (event) => {
      this.socket = null;
      this.comeBack(event.reason || `closed with code ${event.code}`);
    };
  }

  /* Returns false, and sends nothing, while there is no connection. */
  send(text) {
    if (!this.socket || this.socket.readyState !== SockJS.OPEN) {
      return false;
    }
    this.socket.send(text);
    return true;
  }

  drop() {
    clearTimeout(this.timer);
    if (!this.socket) {
      return;
    }
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close();
    this.socket = null;
  }

  comeBack(reason) {
    const due = Date.now() + this.pause * 1000 * (0.75 + Math.random() / 2);
    this.pause = Math.min(this.pause * 2, Connection.longestPause);
    const tick = () => {
      const left = due - Date.now();
      if (left <= 0) {
        this.open();
        return;
      }
      this.handlers.state('waiting', {reason, seconds: Math.ceil(left / 1000)});
      this.timer = setTimeout(tick, Math.min(left, 1000));
    };
    tick();
  }
}
