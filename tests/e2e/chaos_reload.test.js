'use strict';

// The web server told to reload, under load: it finishes what it has begun, and nobody notices. Not
// mod_fcgid, which forgets the requests that wait for a process at that moment
// (examples/apache-fcgid.conf).

const { checkChaos } = require('./lib/chaos');

// long_chaos.test.js has nginx, too.
for (const kind of ['lighttpd', 'apache-proxy'])
	checkChaos(`${kind}: 3 s of reloads: every acknowledged message comes back once, in order, no session ends`, kind, 3, { kill: 'webserver' }, {
		'kills': 1,
		'messages acknowledged': 100,
	});
