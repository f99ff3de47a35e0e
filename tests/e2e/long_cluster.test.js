'use strict';

// Chaos for minutes with two boxes behind HAProxy (examples/haproxy.cfg), which share a Redis: daemons
// are killed, boxes drained and taken away, HAProxy reloaded, Redis killed, stopped and emptied.
// haproxy.test.js has what it can of that in seconds.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after } = require('node:test');
const { checkChaos } = require('./lib/chaos');
const { isThere } = require('./lib/installation');
const redis = require('./lib/redis');
const { srcdir } = require('./lib/stack');

const SECONDS = 120;
const skip = ['haproxy', 'lighttpd'].every(isThere) ? redis.skip : 'there is no haproxy, or no lighttpd';
const least = { 'kills': 1, 'messages acknowledged': 100, 'publications acknowledged': 20, 'subscriptions recovered': 5 };
// What shows that the kills did what they are for.
const shown = { node: { 'sessions of killed boxes': 1 }, flush: { 'subscriptions recovered': 0, 'histories gone, and said to be': 1 } };
const promises = {
	mixed: 'kills, restarts and reloads of the daemons: nothing is lost, doubled or out of order',
	drain: 'boxes that drain: nothing is lost, doubled or out of order, and no request fails',
	haproxy: 'reloads of HAProxy: nothing is lost, doubled or out of order, and no request fails',
	node: 'boxes that are killed: their sessions end, nothing is lost, doubled or out of order in any other, and no publication',
	redis: 'a Redis that is killed or stopped, or loses its subscribers: no publication is lost that was answered with 200',
	flush: 'a Redis that is emptied: whoever misses a publication is told that it cannot be had',
	any: 'all of that at random, but for reloads of HAProxy and an empty Redis',
};

for (const [kill, promise] of Object.entries(promises))
	checkChaos(`cluster: ${SECONDS} s of ${promise}`, 'cluster', SECONDS, { kill, publish: true },
		{ ...least, ...shown[kill] }, skip);

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-cluster-'));
const conf = path.join(directory, 'services.conf');
fs.writeFileSync(conf, `[server]\ndaemons = 2\n\n${fs.readFileSync(path.join(srcdir, 'tests/services.conf'), 'utf8')}`);
after(() => fs.rmSync(directory, { recursive: true, force: true }));

checkChaos(`cluster: ${SECONDS} s of the same with two daemons in each box`, 'cluster', SECONDS, { kill: 'any', publish: true, conf }, least, skip);
