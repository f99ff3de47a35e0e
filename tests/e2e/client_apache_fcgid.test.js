'use strict';

// sockjs-client through Apache with mod_fcgid: with streams and websockets passed on, and with
// FastCGI alone.

const { register } = require('./client/sockjs_client');

const there = { hidesHangUps: true, processes: 14, timeout: 20000 };

register('apache-fcgid', there);
register('apache-fcgid', { ...there, fcgiOnly: true });
