'use strict';

// What a peer can cause at will does not fill the log: some lines of a kind are written, the others
// are counted.

const assert = require('node:assert');
const { allAsleep } = require('./lib/asleep');
const { FastCgi } = require('./lib/fastcgi');
const { Connection, formatRequest } = require('./lib/http');
const { LocalPeer } = require('./lib/local_socket');
const { checkPairs } = require('./lib/responder');
const { freePort } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');

const FLOOD = 300;
const LINES = 6; // in a window: those that are written, and their count
const WINDOW = 10000; // ms

const checkPair = checkPairs('log');

// As checkPair; body is told when the flood began, too.
const check = (name, options, body) => checkPair(name, options, (pair) => body(pair, performance.now()));

// Every event is written or counted once; the counts are all there when the program has ended. A
// slow machine has more windows.
async function checkCounted(daemon, line, start) {
	await daemon.stop();
	const windows = 1 + Math.ceil((performance.now() - start) / WINDOW);
	const lines = daemon.stderr.split('\n').filter((text) => line.test(text));
	const said = lines.reduce((sum, text) => sum + Number((/: (\d+) more in \d+ s: /.exec(text) || [0, 1])[1]), 0);
	assert.strictEqual(said, FLOOD);
	assert.ok(lines.length <= LINES * windows, `${lines.length} lines in ${windows} windows`);
}

check('connections over connection_limit', { server: 'connection_limit = 3' }, async (pair, start) => {
	const { url } = await pair.startSessiond({ listen: `127.0.0.1:${await freePort()}` });
	for (let i = 0; i < 3; i++)
		await WebSocketClient.connect(url, '/echo/websocket');
	for (let i = 0; i < FLOOD; i++) {
		const refused = await Connection.open(url);
		refused.write(formatRequest('GET', '/echo', { host: 'x' }));
		assert.strictEqual((await refused.readAnswer()).status, 503);
		refused.close();
	}
	await checkCounted(pair.sessiond, /connection_limit \(3\) reached/, start);
});

check('sessions over session_limit', { server: 'session_limit = 1' }, async (pair, start) => {
	const { url } = await pair.startSessiond({ listen: `127.0.0.1:${await freePort()}` });
	const client = await Connection.open(url);
	assert.strictEqual((await client.request('POST', '/echo/000/first/xhr')).status, 200);
	for (let i = 0; i < FLOOD; i++)
		assert.strictEqual((await client.request('POST', `/echo/000/s${i}/xhr`)).status, 503);
	client.close();
	await checkCounted(pair.sessiond, /session_limit \(1\) reached/, start);
});

check('local peers that send garbage', {}, async (pair, start) => {
	await pair.startSessiond();
	for (let i = 0; i < FLOOD; i++) {
		const peer = await LocalPeer.open(pair.socket);
		peer.write(Buffer.alloc(16, 0));
		await peer.closed;
	}
	await checkCounted(pair.sessiond, /breaks the protocol/, start);
});

check('a responder without room', { fcgi: 'connection_limit = 1' }, async (pair, start) => {
	await pair.startSessiond();
	await pair.startResponder();
	// Each is accepted and stays: a request that is there by then would be answered at once, and
	// take no room.
	for (let i = 0; i < FLOOD; i++) {
		const connection = await FastCgi.open(pair.address);
		await allAsleep(pair.responder);
		connection.close();
	}
	await checkCounted(pair.responder, /connection_limit \(1\) reached/, start);
});

check('web servers that speak no FastCGI', { fcgi: 'log_level = info' }, async (pair, start) => {
	await pair.startSessiond();
	await pair.startResponder();
	for (let i = 0; i < FLOOD; i++) {
		const connection = await FastCgi.open(pair.address);
		connection.write('GET / HTTP/1.1\r\n\r\n');
		await connection.whenClosed;
	}
	await checkCounted(pair.responder, /no FastCGI/, start);
});
