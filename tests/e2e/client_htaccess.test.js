'use strict';

// sockjs-client through an .htaccess on a shared Apache: with streams and websockets passed on, and
// with FastCGI alone.

const { register } = require('./client/sockjs_client');

const there = {
	hidesHangUps: true,
	bodyLimit: 131072, // FcgidMaxRequestLen, as a host has it
	processes: 14,
	timeout: 20000,
};

register('htaccess', there);
register('htaccess', { ...there, fcgiOnly: true });
