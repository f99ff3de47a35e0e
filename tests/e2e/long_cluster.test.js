'use strict';

// Chaos for minutes with two boxes behind HAProxy (examples/haproxy.cfg): daemons are killed, boxes
// drained and taken away, HAProxy reloaded. haproxy.test.js has the same in seconds.

const { checkChaos } = require('./lib/chaos');
const { isThere } = require('./lib/installation');

const SECONDS = 120;
const least = { 'kills': 1, 'messages acknowledged': 100 };
const skip = ['haproxy', 'lighttpd'].every(isThere) ? false : 'there is no haproxy, or no lighttpd';
const promises = {
	mixed: 'kills, restarts and reloads of the daemons: nothing is lost, doubled or out of order',
	drain: 'boxes that drain: nothing is lost, doubled or out of order, and no request fails',
	haproxy: 'reloads of HAProxy: nothing is lost, doubled or out of order, and no request fails',
	node: 'boxes that are killed: their sessions end, and nothing is lost, doubled or out of order in any other',
};

for (const [kill, promise] of Object.entries(promises))
	checkChaos(`cluster: ${SECONDS} s of ${promise}`, 'cluster', SECONDS, { kill }, { ...least, ...(kill === 'node' ? { 'sessions of killed boxes': 1 } : {}) }, skip);
