'use strict';

// pusher-js and laravel-echo in node, through each kind of web server, with FastCGI alone, too; and
// in Chromium through one. long_pusher_browser.test.js has Chromium through all of them.

const browser = require('./client/pusher_browser');
const { register } = require('./client/pusher_js');

for (const kind of ['lighttpd', 'nginx', 'apache-proxy', 'apache-fcgid', 'htaccess'])
	register(kind);
register('lighttpd', { fcgiOnly: true });
browser.register('lighttpd', { transports: ['xhr_streaming'] });
