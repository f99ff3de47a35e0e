'use strict';

// The responder killed at random moments, under load. A web server answers the requests that it
// held with an error, and sockjs-client takes that for the end, as with any server behind a proxy;
// a client that asks again has lost nothing.

const { checkChaos } = require('./lib/chaos');

for (const kind of ['lighttpd', 'apache-fcgid'])
	checkChaos(`${kind}: 3 s of kills -9 of responders: every acknowledged message comes back once, in order`, kind, 3, { kill: 'responder' }, {
		'kills': 1,
		'messages acknowledged': 100,
	});
