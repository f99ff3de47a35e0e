'use strict';

// Every peer-sized thing has a cap: peers that read too slowly, connect too often or open too many
// sessions cost only themselves.

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const { test } = require('node:test');
const { allAsleep } = require('./lib/asleep');
const { startDaemon, isSanitized, withTimeout } = require('./lib/daemon');
const { bytesOf } = require('./lib/dialects');
const { guard, eventually, sleep } = require('./lib/guard');
const { Connection, formatRequest, now, request } = require('./lib/http');
const { WebSocketClient } = require('./lib/websocket');

const CONNECTION_LIMIT = 2000;
const SILENT = 10000;
const QUEUE_LIMIT = 1024 * 1024;
const AMPLIFIED = 262144; // bytes that `18` makes of itself
// What the kernel keeps for a socket of 127.0.0.1 that nobody reads, both ends, at most (tcp_wmem,
// tcp_rmem).
const KERNEL = 16 * 1024 * 1024;
const MEMORY = 24 * 1024 * 1024;
const PATIENCE = 20000; // ms in which a session that closes loses its connection too

const services = `
[service /echo]
module = echo

[service /amplify]
module = amplify
response_limit = 1G

[service /broadcast]
module = broadcast
response_limit = 1G

[service /close]
module = close
`;

const { check, checkUnharmed } = guard('limits', `
[server]
connection_limit = ${CONNECTION_LIMIT}
queue_limit = ${QUEUE_LIMIT}
disconnect_delay = 60s
keepalive_timeout = 10s
${services}`);

const newSession = (service) => `/${service}/000/${crypto.randomBytes(6).toString('hex')}`;

// --- slow readers --------------------------------------------------------------------------------

// Opens a receiver that reads its first frame and then nothing more.
async function stalledStream(url, session, path) {
	const connection = await Connection.open(url);
	const answer = await connection.open(path === 'xhr_streaming' ? 'POST' : 'GET', `${session}/${path}`);
	await answer.readUntil('o');
	connection.socket.pause();
	return connection;
}

const TOO_SLOW = 'c[1008,"Messages are not read fast enough"]\n';
const MOST = Math.ceil((KERNEL + 4 * QUEUE_LIMIT) / AMPLIFIED); // messages that nobody can take

async function ask(connection, session) {
	assert.strictEqual((await connection.request('POST', `${session}/xhr_send`, { body: '["18"]' })).status, 204);
}

// Asks for big messages until the session has closed, which another poll is told.
async function sendUntilClosed(url, session) {
	const connection = await Connection.open(url);
	for (let count = 0; ; count++) {
		assert.ok(count < MOST, `the session still takes messages after ${count} of ${AMPLIFIED} bytes`);
		await ask(connection, session);
		const { text } = await request(url, 'POST', `${session}/xhr`);
		if (text === TOO_SLOW)
			break;
		assert.strictEqual(text, 'c[2010,"Another connection still open"]\n');
	}
	connection.close();
}

function bounded(daemon) {
	const before = daemon.residentBytes();
	return () => {
		const grown = daemon.residentBytes() - before;
		assert.ok(isSanitized || grown < MEMORY, `grew by ${grown} bytes`);
	};
}

for (const path of ['xhr_streaming', 'eventsource', 'htmlfile?c=cb'])
	check(`a stream (${path}) that nobody reads: the session closes over queue_limit, memory is bounded`, async (daemon) => {
		const session = newSession('amplify');
		const requireBounded = bounded(daemon);
		const before = daemon.openDescriptors();
		const connection = await stalledStream(daemon.url, session, path);
		await sendUntilClosed(daemon.url, session);
		requireBounded();
		await eventually(() => daemon.openDescriptors() <= before, 'the connection is closed too', PATIENCE);
		connection.close();
	});

check('a session that nobody polls closes over queue_limit', async (daemon) => {
	const session = newSession('amplify');
	const requireBounded = bounded(daemon);
	const connection = await Connection.open(daemon.url);
	assert.strictEqual((await connection.request('POST', `${session}/xhr`)).text, 'o\n');
	for (let bytes = 0; bytes <= QUEUE_LIMIT; bytes += AMPLIFIED)
		await ask(connection, session);
	assert.strictEqual((await connection.request('POST', `${session}/xhr`)).text, TOO_SLOW);
	connection.close();
	requireBounded();
});

check('a session whose queue is just under queue_limit delivers all of it', async (daemon) => {
	const session = newSession('amplify');
	const connection = await Connection.open(daemon.url);
	assert.strictEqual((await connection.request('POST', `${session}/xhr`)).text, 'o\n');
	for (let bytes = 0; bytes + AMPLIFIED < QUEUE_LIMIT; bytes += AMPLIFIED)
		await ask(connection, session);
	const { text } = await connection.request('POST', `${session}/xhr`);
	assert.ok(JSON.parse(text.slice(1)).every((message) => message.length === AMPLIFIED));
	connection.close();
});

// Sends what is answered with more than the kernel and queue_limit hold; resolves when the server
// has closed.
async function stallWebsocket(daemon, target, message) {
	const before = daemon.openDescriptors();
	const client = await WebSocketClient.connect(daemon.url, target);
	client.connection.socket.pause();
	for (let count = 0; count < MOST; count++)
		client.send(message);
	await eventually(() => daemon.openDescriptors() <= before, 'the connection is closed', PATIENCE);
	client.connection.close();
}

for (const [name, target, message] of [
	['SockJS', () => `${newSession('amplify')}/websocket`, '["18"]'],
	['raw', () => '/amplify/websocket', '18'],
])
	check(`a ${name} websocket that nobody reads is closed over queue_limit, memory is bounded`, async (daemon) => {
		const requireBounded = bounded(daemon);
		await stallWebsocket(daemon, target(), message);
		requireBounded();
	});

check('a slow reader of a broadcast delays nobody', async (daemon) => {
	const open = async () => {
		const client = await WebSocketClient.connect(daemon.url, `${newSession('broadcast')}/websocket`);
		assert.strictEqual(await client.readText(), 'o');
		return client;
	};
	const [slow, fast, sender] = [await open(), await open(), await open()];
	slow.connection.socket.pause();
	const before = daemon.openDescriptors();
	const message = 'b'.repeat(AMPLIFIED);
	for (let count = 0; count < MOST; count++) {
		sender.send(JSON.stringify([message]));
		for (const client of [fast, sender])
			assert.strictEqual((await client.readText()).length, message.length + 5);
	}
	await eventually(() => daemon.openDescriptors() < before, 'the slow reader is closed', PATIENCE);
	for (const client of [slow, fast, sender])
		client.connection.close();
});

check('pings of a peer that reads no pong cost bounded memory', async (daemon) => {
	const requireBounded = bounded(daemon);
	const client = await WebSocketClient.connect(daemon.url, '/echo/websocket');
	client.connection.socket.pause();
	const before = daemon.openDescriptors();
	const pings = Buffer.concat(Array(1000).fill(bytesOf({ opcode: 9, payload: Buffer.alloc(125) })));
	const socket = client.connection.socket;
	const end = now() + 4000;
	// The server may close the connection or stop reading it; then our own writes stop.
	while (now() < end && daemon.openDescriptors() >= before && socket.writableLength < 4 * 1024 * 1024) {
		socket.write(pings);
		await sleep(1);
	}
	requireBounded();
	client.connection.close();
});

// --- connections ---------------------------------------------------------------------------------

// `count` connections that say nothing; a few at a time, as the server's backlog is short.
async function silentConnections(url, count) {
	const connections = [];
	while (connections.length < count)
		connections.push(...await Promise.all(Array.from({ length: Math.min(100, count - connections.length) }, () => Connection.open(url))));
	return connections;
}

check(`${SILENT} connections that say nothing, at a limit of ${CONNECTION_LIMIT}: real clients get in at once`, async (daemon) => {
	const count = Math.min(SILENT, Number(/^Max open files\s+(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8'))[1]) - 200);
	assert.ok(count > CONNECTION_LIMIT, `only ${count} connections can be opened here`);
	const connections = await silentConnections(daemon.url, count);
	await eventually(() => daemon.openDescriptors() <= CONNECTION_LIMIT + 50, () => `${daemon.openDescriptors()} descriptors`);
	for (let i = 0; i < 20; i++) {
		assert.strictEqual((await request(daemon.url, 'GET', '/echo')).status, 200);
		const client = await WebSocketClient.connect(daemon.url, `${newSession('echo')}/websocket`);
		assert.strictEqual(await client.readText(), 'o');
		client.connection.close();
	}
	for (const connection of connections)
		connection.close();
});

check('connections over the limit do not end those that talk', async (daemon) => {
	const clients = [];
	for (let i = 0; i < 200; i++)
		clients.push(await WebSocketClient.connect(daemon.url, '/echo/websocket'));
	const connections = await silentConnections(daemon.url, CONNECTION_LIMIT + 500);
	for (const [i, client] of clients.entries()) {
		client.send(`still here ${i}`);
		assert.strictEqual(await client.readText(), `still here ${i}`);
		client.connection.close();
	}
	for (const connection of connections)
		connection.close();
});

checkUnharmed();

// Tests with a daemon of their own, since their limits leave no room for bystanders.
function alone(name, conf, body, wrapper) {
	test(`limits: ${name}`, async () => {
		const daemon = await startDaemon({ conf: conf + services, wrapper });
		try {
			await body(daemon);
		} catch (error) {
			process.stderr.write(`--- log at the failure of "${name}":\n${daemon.log().slice(-4000)}\n---\n`);
			throw error;
		} finally {
			Connection.closeAll();
			await daemon.stop();
		}
	});
}

alone('with every place taken by a client that talks, the next one is refused, until one leaves', '[server]\nconnection_limit = 20\n', async ({ url }) => {
	const clients = [];
	for (let i = 0; i < 20; i++)
		clients.push(await WebSocketClient.connect(url, '/echo/websocket'));
	const refused = await Connection.open(url);
	refused.write(formatRequest('GET', '/echo', { host: 'x' }));
	assert.strictEqual((await refused.readAnswer()).status, 503);
	refused.close();
	clients.pop().connection.close();
	await eventually(async () => (await request(url, 'GET', '/echo')).status === 200, 'there is a place again');
	for (const client of clients) {
		client.send('x');
		assert.strictEqual(await client.readText(), 'x');
		client.connection.close();
	}
});

for (const [option, others] of [['session_limit', ''], ['sessions_per_address', '']])
	alone(`${option}: one session more is refused, over each transport, until one ends`, `[server]\n${option} = 5\n${others}disconnect_delay = 60s\n`,
		async ({ url }) => {
			const streams = [];
			for (let i = 0; i < 5; i++) {
				const stream = await Connection.open(url);
				await (await stream.open('POST', `${newSession('echo')}/xhr_streaming`)).readUntil('o\n');
				streams.push(stream);
			}
			for (const [method, path] of [['POST', 'xhr'], ['POST', 'xhr_streaming'], ['GET', 'eventsource'], ['GET', 'htmlfile?c=x'], ['GET', 'jsonp?c=x'], ['GET', 'websocket']]) {
				const headers = path === 'websocket' ? { 'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' } : {};
				const { status } = await request(url, method, `${newSession('echo')}/${path}`, { headers });
				assert.strictEqual(status, 503, path);
			}
			assert.strictEqual((await request(url, 'GET', '/echo/info')).status, 200);
			streams.pop().close();
			await eventually(async () => (await request(url, 'POST', `${newSession('echo')}/xhr`)).text === 'o\n', 'there is a place again');
			for (const stream of streams)
				stream.close();
		});

alone('the system\'s limit of open files is survived', '', async (daemon) => {
	const connections = await silentConnections(daemon.url, 300);
	assert.strictEqual((await request(daemon.url, 'GET', '/echo')).status, 200);
	// What it cannot accept does not keep it busy.
	await withTimeout(allAsleep(daemon), PATIENCE, 'it never sleeps');
	for (const connection of connections)
		connection.close();
	// While there is no descriptor yet, whoever is first in the queue is closed.
	await eventually(() => request(daemon.url, 'GET', '/echo').then(({ status }) => status === 200, () => false), 'it answers again');
}, ['prlimit', '--nofile=100:100']);

// A turn handles some of them. Nothing else happens that would begin another.
alone('large sends that come together are all answered', '[server]\nrequest_timeout = 600s\nkeepalive_timeout = 600s\ndisconnect_delay = 600s\n', async ({ url }) => {
	const session = newSession('echo');
	await request(url, 'POST', `${session}/xhr`);
	const send = formatRequest('POST', `${session}/xhr_send`, { host: 'x', body: JSON.stringify(['x'.repeat(60000)]) });
	const connections = await Promise.all([1, 2, 3].map(() => Connection.open(url)));
	for (let round = 0; round < 10; round++) {
		for (const connection of connections)
			connection.write(send.subarray(0, -1));
		await sleep(50);
		for (const connection of connections)
			connection.write(send.subarray(-1));
		for (const connection of connections)
			assert.strictEqual((await connection.readAnswer()).status, 204);
	}
	for (const connection of connections)
		connection.close();
});
