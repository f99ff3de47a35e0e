'use strict';

// sockjs-client through the two ways to mod_fcgid, as client_apache_fcgid.test.js and
// client_htaccess.test.js have each of them once.

const { register } = require('./client/sockjs_client');

const there = { hidesHangUps: true, processes: 14, timeout: 20000 };

register('apache-fcgid', { ...there, fcgiOnly: true });
register('htaccess', { ...there, bodyLimit: 131072 }); // FcgidMaxRequestLen, as a host has it
