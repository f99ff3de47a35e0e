'use strict';

// sockjs-client through nginx: with streams and websockets passed on, and with FastCGI alone.

const { register } = require('./client/sockjs_client');

register('nginx');
register('nginx', { fcgiOnly: true });
