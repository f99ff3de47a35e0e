'use strict';

// sockjs-client with several daemons through each way in, as client*.test.js have it with one.

const { register } = require('./client/sockjs_client');

const fcgid = { hidesHangUps: true, processes: 14, timeout: 20000 };

register('direct', { daemons: 3 });
register('lighttpd', { daemons: 2 });
register('lighttpd', { daemons: 3, fcgiOnly: true });
register('nginx', { daemons: 3 });
register('nginx', { daemons: 2, fcgiOnly: true });
register('apache-proxy', { daemons: 2, hidesHangUps: true });
register('apache-proxy', { daemons: 3, hidesHangUps: true, fcgiOnly: true });
register('apache-fcgid', { daemons: 2, ...fcgid });
register('htaccess', { daemons: 2, ...fcgid, bodyLimit: 131072, fcgiOnly: true });
