'use strict';

// sockjs-client through Apache with mod_fcgid, with streams and websockets passed on. With FastCGI
// alone: client_htaccess.test.js, and long_client_fcgid.test.js.

const { register } = require('./client/sockjs_client');

register('apache-fcgid', { hidesHangUps: true, processes: 14, timeout: 20000 });
