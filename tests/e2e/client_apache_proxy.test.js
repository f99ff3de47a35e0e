'use strict';

// sockjs-client through Apache with mod_proxy_fcgi: with streams and websockets passed on, and with
// FastCGI alone.

const { register } = require('./client/sockjs_client');

register('apache-proxy', { hidesHangUps: true });
register('apache-proxy', { hidesHangUps: true, fcgiOnly: true });
