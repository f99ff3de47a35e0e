'use strict';

// What a peer can cause at will does not fill the log: some lines of a kind are written, the others are counted.

const assert = require('node:assert');
const { FastCgi, request } = require('./lib/fastcgi');
const { Connection, formatRequest } = require('./lib/http');
const { LocalPeer } = require('./lib/local_socket');
const { checkPairs } = require('./lib/responder');
const { freePort } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');

const FLOOD = 300;
const LINES = 100; // of which some are written: 6 a window of 10 s, on a machine as slow as you like

const check = checkPairs('log');

// Every event is written or counted once (events: undefined if nobody can know how many they are); the counts are all there when the program has ended.
async function checkCounted(daemon, line, events) {
	await daemon.stop();
	const lines = daemon.stderr.split('\n').filter((text) => line.test(text));
	const said = lines.reduce((sum, text) => sum + Number((/: (\d+) more in \d+ s: /.exec(text) || [0, 1])[1]), 0);
	if (events === undefined)
		assert.ok(said > LINES, `${said} times`);
	else
		assert.strictEqual(said, events);
	assert.ok(lines.length <= LINES, `${lines.length} lines`);
}

check('connections over connection_limit', { server: 'connection_limit = 3' }, async (pair) => {
	const { url } = await pair.startSessiond({ listen: `127.0.0.1:${await freePort()}` });
	for (let i = 0; i < 3; i++)
		await WebSocketClient.connect(url, '/echo/websocket');
	for (let i = 0; i < FLOOD; i++) {
		const refused = await Connection.open(url);
		refused.write(formatRequest('GET', '/echo', { host: 'x' }));
		assert.strictEqual((await refused.readAnswer()).status, 503);
		refused.close();
	}
	await checkCounted(pair.sessiond, /connection_limit \(3\) reached/, FLOOD);
});

check('sessions over session_limit', { server: 'session_limit = 1' }, async (pair) => {
	const { url } = await pair.startSessiond({ listen: `127.0.0.1:${await freePort()}` });
	const client = await Connection.open(url);
	assert.strictEqual((await client.request('POST', '/echo/000/first/xhr')).status, 200);
	for (let i = 0; i < FLOOD; i++)
		assert.strictEqual((await client.request('POST', `/echo/000/s${i}/xhr`)).status, 503);
	client.close();
	await checkCounted(pair.sessiond, /session_limit \(1\) reached/, FLOOD);
});

check('local peers that send garbage', {}, async (pair) => {
	await pair.startSessiond();
	for (let i = 0; i < FLOOD; i++) {
		const peer = await LocalPeer.open(pair.socket);
		peer.write(Buffer.alloc(16, 0));
		await peer.closed;
	}
	await checkCounted(pair.sessiond, /breaks the protocol/, FLOOD);
});

check('a responder without room', { fcgi: 'connection_limit = 1' }, async (pair) => {
	await pair.startSessiond();
	await pair.startResponder();
	for (let i = 0; i < FLOOD; i++)
		assert.strictEqual((await request(pair.address, 'GET', '/echo')).status, 200);
	await checkCounted(pair.responder, /connection_limit \(1\) reached/);
});

check('web servers that speak no FastCGI', { fcgi: 'log_level = info' }, async (pair) => {
	await pair.startSessiond();
	await pair.startResponder();
	for (let i = 0; i < FLOOD; i++) {
		const connection = await FastCgi.open(pair.address);
		connection.write('GET / HTTP/1.1\r\n\r\n');
		await connection.whenClosed;
	}
	await checkCounted(pair.responder, /no FastCGI/, FLOOD);
});
