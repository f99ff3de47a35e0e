'use strict';

// Clients that vanish: in every phase of a request or a connection, politely (FIN) or not (RST). A
// session whose receiver is gone ends at once, and nothing stays open.

const assert = require('node:assert');
const crypto = require('node:crypto');
const { allAsleep } = require('./lib/asleep');
const { withTimeout } = require('./lib/daemon');
const { bytesOf } = require('./lib/dialects');
const { guard, eventually } = require('./lib/guard');
const { Connection, formatRequest, request } = require('./lib/http');
const { WebSocketClient } = require('./lib/websocket');

const PATIENCE = 20000; // ms; the session would last for a minute, a connection for ten
const ROUNDS = 20;

const { check, checkUnharmed } = guard('hang up', `
[server]
disconnect_delay = 60s
request_timeout = 10m
keepalive_timeout = 10m

[service /echo]
module = echo

[service /short]
module = echo
response_limit = 1

[service /broadcast]
module = broadcast

[service /amplify]
module = amplify

[service /ticker]
module = ticker
`);

const newSession = (service = 'echo') => `/${service}/000/${crypto.randomBytes(6).toString('hex')}`;
const leave = { FIN: (connection) => connection.close(), RST: (connection) => connection.reset() };

const receivers = {
	'xhr poll': { method: 'POST', path: 'xhr', held: true },
	'jsonp poll': { method: 'GET', path: 'jsonp?c=cb', held: true },
	'xhr stream': { method: 'POST', path: 'xhr_streaming', opening: 'o\n' },
	'eventsource': { method: 'GET', path: 'eventsource', opening: 'data: o\r\n\r\n' },
	'htmlfile': { method: 'GET', path: 'htmlfile?c=cb', opening: 'p("o");\n</script>\r\n' },
};

// A receiver that waits for a frame: {connection, session}.
async function waitingReceiver(daemon, { method, path, held, opening }) {
	const { url } = daemon;
	const session = newSession();
	const connection = await Connection.open(url);
	if (held) {
		await connection.request(method, `${session}/${path}`);
		connection.write(formatRequest(method, `${session}/${path}`, { host: 'x' }));
		await allAsleep(daemon); // it has read the poll: the probe does not overtake it
		await isHeld(url, session);
	} else {
		await (await connection.open(method, `${session}/${path}`)).readUntil(opening);
	}
	return { connection, session };
}

// Resolves once the server holds a poll: a second receiver is then told that there is another one.
async function isHeld(url, session) {
	const { text } = await request(url, 'POST', `${session}/xhr`);
	assert.strictEqual(text, 'c[2010,"Another connection still open"]\n');
}

async function isNew(url, session) {
	const { text } = await request(url, 'POST', `${session}/xhr`);
	return text === 'o\n' || text === 'c[1002,"Connection interrupted"]\n';
}

for (const [name, receiver] of Object.entries(receivers))
	for (const [how, leaveNow] of Object.entries(leave))
		check(`a ${name} that ends with ${how} ends its session at once`, async (daemon) => {
			const { url } = daemon;
			const { connection, session } = await waitingReceiver(daemon, receiver);
			leaveNow(connection);
			await eventually(() => isNew(url, session), 'the session is gone', PATIENCE);
		});

for (const [name, receiver] of Object.entries(receivers))
	check(`a ${name} with bytes of a next request behind it, then RST, ends its session`, async (daemon) => {
		const { url } = daemon;
		const { connection, session } = await waitingReceiver(daemon, receiver);
		connection.write('GET /echo HTTP/1.1\r\nHost: x\r\n\r\n');
		connection.reset();
		await eventually(() => isNew(url, session), 'the session is gone', PATIENCE);
	});

check('a held poll whose client only closes its sending side is a client that left', async (daemon) => {
	const { url } = daemon;
	const { connection, session } = await waitingReceiver(daemon, receivers['xhr poll']);
	connection.end();
	await eventually(() => isNew(url, session), 'the session is gone', PATIENCE);
	connection.close();
});

check('a websocket that vanishes is closed', async (daemon) => {
	const before = daemon.openDescriptors();
	for (const leaveNow of Object.values(leave)) {
		const client = await WebSocketClient.connect(daemon.url, `${newSession()}/websocket`);
		await client.readText();
		leaveNow(client.connection);
	}
	await eventually(() => daemon.openDescriptors() <= before, 'both are closed');
});

const websocketHeaders = {
	'Upgrade': 'websocket',
	'Connection': 'Upgrade',
	'Sec-WebSocket-Version': '13',
	'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

// Each phase gets a connection and brings it to the point where its client vanishes.
const phases = {
	'right after connecting': async () => {},
	'in the request line': async (connection) => connection.write('GET /ec'),
	'in the head': async (connection) => connection.write('POST /echo/000/x/xhr HTTP/1.1\r\nHost:'),
	'in the body': async (connection) => connection.write('POST /echo/000/x/xhr_send HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n["a'),
	'in a chunked body': async (connection) =>
		connection.write('POST /echo/000/x/xhr_send HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n["a'),
	'before the answer is read': async (connection) => connection.write('GET /echo HTTP/1.1\r\nHost: x\r\n\r\n'),
	'with a websocket handshake on its way': async (connection) =>
		connection.write(formatRequest('GET', `${newSession()}/websocket`, { host: 'x', headers: websocketHeaders })),
	'with half a websocket handshake on its way': async (connection) =>
		connection.write(formatRequest('GET', `${newSession()}/websocket`, { host: 'x', headers: websocketHeaders }).subarray(0, 90)),
	'inside a websocket frame': async (connection) => {
		const client = await WebSocketClient.handshake(connection, `${newSession()}/websocket`);
		connection.write(bytesOf({ payload: `["${'x'.repeat(100)}"]` }).subarray(0, 50));
		await client.readText();
	},
	'with websocket echoes on their way': async (connection) => {
		const client = await WebSocketClient.handshake(connection, `${newSession()}/websocket`);
		for (let i = 0; i < 50; i++)
			client.send(JSON.stringify(['x'.repeat(1000)]));
	},
	'with an amplified answer on its way': async (connection) => {
		const client = await WebSocketClient.handshake(connection, `${newSession('amplify')}/websocket`);
		client.send('["18"]');
	},
	'in a websocket closing handshake': async (connection) => {
		const client = await WebSocketClient.handshake(connection, `${newSession()}/websocket`);
		client.sendClose(1000);
	},
	'with a first poll on its way': async (connection) => connection.write(formatRequest('POST', `${newSession()}/xhr`, { host: 'x' })),
	'with a held poll on its way': async (connection) => {
		const session = newSession();
		await connection.request('POST', `${session}/xhr`);
		connection.write(formatRequest('POST', `${session}/xhr`, { host: 'x' }));
	},
	'with a stream on its way': async (connection) => connection.write(formatRequest('POST', `${newSession()}/xhr_streaming`, { host: 'x' })),
	'in the middle of a stream': async (connection) => {
		const answer = await connection.open('GET', `${newSession('ticker')}/eventsource`);
		await answer.readUntil('data: o\r\n\r\n');
	},
	'with a send on its way': async (connection, url) => {
		const session = newSession();
		await request(url, 'POST', `${session}/xhr`);
		connection.write(formatRequest('POST', `${session}/xhr_send`, { host: 'x', body: '["a"]' }));
		const stream = await Connection.open(url);
		await stream.open('POST', `${session}/xhr_streaming`);
		stream.close();
	},
	'with ten pipelined requests on their way': async (connection) =>
		connection.write(Buffer.concat(Array(10).fill(formatRequest('GET', '/echo', { host: 'x' })))),
	'with the probe of chunking on its way': async (connection) => connection.open('POST', '/echo/chunking_test'),
};
for (const [how, leaveNow] of Object.entries(leave))
	for (const [name, bring] of Object.entries(phases))
		check(`${ROUNDS} clients leave with ${how} ${name}: nothing of them stays open`, async (daemon) => {
			const before = daemon.openDescriptors();
			await Promise.all(Array.from({ length: ROUNDS }, async () => {
				const connection = await Connection.open(daemon.url);
				await bring(connection, daemon.url);
				await new Promise((resolve) => connection.socket.write('', resolve));
				leaveNow(connection);
			}));
			const left = () => daemon.openDescriptors() - before;
			await eventually(() => left() <= 0, () => `${left()} of ${ROUNDS} connections are still open`, PATIENCE);
		});

// libmicrohttpd looks at what it has closed in the order of the connections' ages: older ones must
// not keep it from that.
const older = {
	'one that idles between two requests': (connection) => connection.request('GET', '/echo'),
	'one in the middle of a request': (connection) => connection.write('GET /ec'),
	'one that has said nothing': () => {},
};
for (const [how, leaveNow] of Object.entries(leave))
	for (const [name, bring] of Object.entries(older))
		check(`receivers leave with ${how} while there is an older connection, ${name}: nothing of them stays open`, async (daemon) => {
			const atRest = daemon.openDescriptors();
			const old = await Connection.open(daemon.url);
			await bring(old);
			await eventually(() => daemon.openDescriptors() > atRest, 'the older connection is accepted');
			const before = daemon.openDescriptors();
			for (const receiver of Object.values(receivers))
				leaveNow((await waitingReceiver(daemon, receiver)).connection);
			await eventually(() => daemon.openDescriptors() <= before, () => `${daemon.openDescriptors() - before} are still open`, PATIENCE);
			old.close();
		});

// Web servers are told to ask for streams with HTTP/1.0 (examples/). A stream that is full ends its
// connection then.
check('streams of HTTP/1.0 that are full: nothing of them stays open, and the daemon sleeps', async (daemon) => {
	const atRest = daemon.openDescriptors();
	const old = await Connection.open(daemon.url);
	await old.request('GET', '/echo');
	await eventually(() => daemon.openDescriptors() > atRest, 'the older connection is accepted');
	const before = daemon.openDescriptors();
	for (const path of ['xhr_streaming', 'eventsource', 'htmlfile?c=cb']) {
		const stream = await Connection.open(daemon.url);
		stream.write(`${path === 'xhr_streaming' ? 'POST' : 'GET'} ${newSession('short')}/${path} HTTP/1.0\r\nContent-Length: 0\r\n\r\n`);
		await (await stream.readAnswer(PATIENCE)).readToEnd(PATIENCE);
		stream.close();
	}
	await withTimeout(allAsleep(daemon), PATIENCE, () => 'the daemon does not come to rest');
	await eventually(() => daemon.openDescriptors() <= before, () => `${daemon.openDescriptors() - before} are still open`, PATIENCE);
	old.close();
});

check('of many clients that hear a broadcast, half leave while it is sent; the others get it', async ({ url }) => {
	const clients = await Promise.all(Array.from({ length: 60 }, async () => {
		const client = await WebSocketClient.connect(url, `${newSession('broadcast')}/websocket`);
		assert.strictEqual(await client.readText(), 'o');
		return client;
	}));
	const message = 'b'.repeat(20000);
	clients[0].send(JSON.stringify([message]));
	for (const [i, client] of clients.entries()) {
		if (i % 2)
			leave[i % 4 === 1 ? 'FIN' : 'RST'](client.connection);
	}
	for (const [i, client] of clients.entries()) {
		if (i % 2 === 0) {
			assert.strictEqual(await client.readText(), `a["${message}"]`);
			client.connection.close();
		}
	}
});

// --- pipelining ----------------------------------------------------------------------------------

check('pipelined requests are answered one by one, in order', async ({ url }) => {
	const connection = await Connection.open(url);
	const session = newSession();
	connection.write(Buffer.concat([
		formatRequest('GET', '/echo', { host: 'x' }),
		formatRequest('POST', `${session}/xhr`, { host: 'x' }),
		formatRequest('POST', `${session}/xhr_send`, { host: 'x', body: '["one"]' }),
		formatRequest('POST', `${session}/xhr_send`, { host: 'x', body: '["two","three"]' }),
		formatRequest('GET', '/nothing/here', { host: 'x' }),
		formatRequest('POST', `${session}/xhr`, { host: 'x' }),
		formatRequest('OPTIONS', `${session}/xhr`, { host: 'x' }),
	]));
	const expected = [[200, 'Welcome to SockJS!\n'], [200, 'o\n'], [204, ''], [204, ''], [404], [200, 'a["one","two","three"]\n'], [204, '']];
	for (const [status, text] of expected) {
		const answer = await connection.readAnswer();
		await answer.readToEnd();
		assert.strictEqual(answer.status, status);
		if (text !== undefined)
			assert.strictEqual(answer.text, text);
	}
	connection.close();
});

check('a request behind a held poll waits for the poll\'s answer', async ({ url }) => {
	const connection = await Connection.open(url);
	const session = newSession();
	await connection.request('POST', `${session}/xhr`);
	connection.write(Buffer.concat([
		formatRequest('POST', `${session}/xhr`, { host: 'x' }),
		formatRequest('GET', '/echo', { host: 'x' }),
	]));
	assert.strictEqual((await request(url, 'POST', `${session}/xhr_send`, { body: '["now"]' })).status, 204);
	for (const text of ['a["now"]\n', 'Welcome to SockJS!\n']) {
		const answer = await connection.readAnswer();
		await answer.readToEnd();
		assert.strictEqual(answer.text, text);
	}
	connection.close();
});

check('5,000 pipelined requests are answered', async ({ url }) => {
	const connection = await Connection.open(url);
	connection.write(Buffer.concat(Array(5000).fill(formatRequest('GET', '/echo', { host: 'x' }))));
	for (let i = 0; i < 5000; i++) {
		const answer = await connection.readAnswer();
		await answer.readToEnd();
		assert.strictEqual(answer.text, 'Welcome to SockJS!\n');
	}
	connection.close();
});

checkUnharmed();
