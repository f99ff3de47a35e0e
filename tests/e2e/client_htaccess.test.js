'use strict';

// sockjs-client through an .htaccess on a shared Apache, with FastCGI alone. With streams and
// websockets passed on: client_apache_fcgid.test.js, and long_client_fcgid.test.js.

const { register } = require('./client/sockjs_client');

register('htaccess', {
	hidesHangUps: true,
	bodyLimit: 131072, // FcgidMaxRequestLen, as a host has it
	processes: 14,
	timeout: 20000,
	fcgiOnly: true,
});
