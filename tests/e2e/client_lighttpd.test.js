'use strict';

// sockjs-client through lighttpd: with streams and websockets passed on, and with FastCGI alone.

const { register } = require('./client/sockjs_client');

register('lighttpd');
register('lighttpd', { fcgiOnly: true });
