'use strict';

// pusher-js and laravel-echo in Chromium, against the daemon alone and through each kind of web
// server, with FastCGI alone, too.

const { register } = require('./client/pusher_browser');

for (const kind of ['direct', 'lighttpd', 'nginx', 'apache-proxy', 'apache-fcgid', 'htaccess'])
	register(kind);
for (const kind of ['lighttpd', 'htaccess'])
	register(kind, { fcgiOnly: true });
