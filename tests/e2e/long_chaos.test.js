'use strict';

// Chaos for minutes, with every kind of stack and whatever of it can be killed: see the
// chaos_*.test.js for what is promised.

const { checkChaos } = require('./lib/chaos');

const SECONDS = 180;
const least = { 'kills': 1, 'messages acknowledged': 100 };
const killed = {
	sessiond: ['direct', 'lighttpd', 'apache-fcgid', 'apache-proxy', 'nginx'],
	responder: ['lighttpd', 'apache-fcgid'],
	webserver: ['lighttpd', 'apache-proxy', 'nginx'],
};

for (const [kill, kinds] of Object.entries(killed))
	for (const kind of kinds)
		checkChaos(`${kind}: ${SECONDS} s of kills or reloads of the ${kill}: nothing is lost, doubled or out of order`, kind, SECONDS,
			kill === 'sessiond' ? {} : { kill }, least);

for (const [kill, kinds] of Object.entries({ worker: ['lighttpd', 'apache-fcgid', 'nginx'], callback: ['lighttpd'] }))
	for (const kind of kinds)
		checkChaos(`${kind}: ${SECONDS} s of kills of the application (${kill}) and sessiond: each event is handled once, in order`,
			kind, SECONDS, { kill }, { ...least, 'effects': 1000, 'websocket echoes': 100 });

for (const kind of ['direct', 'lighttpd', 'nginx'])
	checkChaos(`${kind}: ${SECONDS} s of kills, restarts and reloads of sessiond: no publication is lost`,
		kind, SECONDS, { publish: true, kill: 'mixed' }, { ...least, 'subscriptions recovered': 100 });

for (const [kill, kinds] of Object.entries({ sessiond: ['direct', 'lighttpd', 'apache-fcgid', 'apache-proxy', 'nginx'], responder: ['lighttpd', 'apache-fcgid'] }))
	for (const kind of kinds)
		checkChaos(`${kind}: ${SECONDS} s of kills of the ${kill} with three daemons: nothing is lost, doubled or out of order`,
			kind, SECONDS, { kill, daemons: 3 }, least);
