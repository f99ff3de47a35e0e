'use strict';

// What the peers of the local socket may cost: their number, what they leave unread, and
// descriptors that run out.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const { allAsleep } = require('./lib/asleep');
const { withTimeout } = require('./lib/daemon');
const { request } = require('./lib/fastcgi');
const { eventually, expectLogged } = require('./lib/guard');
const { LocalPeer, encodeHello, encodeSend, TYPE } = require('./lib/local_socket');
const { checkPairs } = require('./lib/responder');

const PATIENCE = 20000; // ms

const check = checkPairs('local peers');

async function checkServed(pair) {
	assert.strictEqual((await request(pair.address, 'GET', '/echo')).status, 200);
}

async function greet(peer) {
	peer.write(encodeHello());
	assert.strictEqual((await peer.read()).type, TYPE.hello);
	assert.strictEqual((await peer.read()).type, TYPE.services);
}

check('those that say nothing make room', { server: 'local_peers = 3' }, async (pair) => {
	await pair.startSessiond();
	const silent = [];
	for (let i = 0; i < 10; i++)
		silent.push(await LocalPeer.open(pair.socket));
	// These have begun to say something.
	for (let i = 0; i < 10; i++) {
		const peer = await LocalPeer.open(pair.socket);
		peer.write(Buffer.alloc(1));
		silent.push(peer);
	}
	await pair.startResponder();
	await checkServed(pair);
	await Promise.all(silent.slice(0, -3).map((peer) => peer.closed));
	silent.forEach((peer) => peer.close());
});

check('at the limit one more is refused, and nobody else notices', { server: 'local_peers = 2' }, async (pair) => {
	await pair.startSessiond();
	await pair.startResponder();
	await checkServed(pair);
	const second = await LocalPeer.open(pair.socket);
	await greet(second);
	const third = await LocalPeer.open(pair.socket);
	await third.closed;
	assert.deepStrictEqual(third.messages, []);
	await checkServed(pair);
	await expectLogged(pair.sessiond, /local_peers \(2\) reached/);
	second.close();
	await eventually(async () => {
		const fourth = await LocalPeer.open(pair.socket);
		const isIn = await greet(fourth).then(() => true, () => false);
		fourth.close();
		return isIn;
	}, 'there is a place again');
});

check('one that does not read is dropped, and nobody else', { server: 'local_backlog = 64K' }, async (pair) => {
	await pair.startSessiond();
	await pair.startResponder();
	const peer = await LocalPeer.open(pair.socket);
	await greet(peer);
	peer.socket.pause();
	const sends = Buffer.concat(Array.from({ length: 100 }, (_, i) => encodeSend('nobody', ['x'], { request: i + 1, sequence: BigInt(i + 1) })));
	for (let i = 0; i < 300 && !/local_backlog/.test(pair.sessiond.log()); i++) {
		peer.write(sends);
		await checkServed(pair);
	}
	await eventually(() => /local_backlog \(65536 bytes\) reached/.test(pair.sessiond.log()), 'it is dropped');
	peer.socket.resume();
	await peer.closed;
	await checkServed(pair);
});

// Files that are open stay so.
const limitOpenFiles = ({ pid }, limit) => assert.strictEqual(spawnSync('prlimit', ['--pid', pid, `--nofile=${limit}:`]).status, 0);

check('a responder without descriptors lets requests wait, without being busy', {}, async (pair) => {
	await pair.startSessiond();
	const responder = await pair.startResponder();
	await checkServed(pair);
	limitOpenFiles(responder, 4);
	const waiting = request(pair.address, 'GET', '/echo', { timeout: PATIENCE });
	await eventually(() => /out of file descriptors/.test(responder.log()), 'it says so');
	await withTimeout(allAsleep(responder), PATIENCE, 'it never sleeps');
	limitOpenFiles(responder, 1024);
	assert.strictEqual((await waiting).status, 200);
});

check('a daemon without descriptors lets responders wait, without being busy', {}, async (pair) => {
	await pair.startSessiond();
	limitOpenFiles(pair.sessiond, 4);
	await pair.startResponder();
	await eventually(() => /out of file descriptors/.test(pair.sessiond.log()), 'it says so');
	await withTimeout(allAsleep(pair.sessiond), PATIENCE, 'it never sleeps');
	limitOpenFiles(pair.sessiond, 1024);
	await checkServed(pair);
});
