'use strict';

// A module refuses connections before they open (authorize in sockjs.h), by every transport:
// straight, over the Unix socket, and through the responder. tests/modules/gate.c does what the URL
// asks for.

const assert = require('node:assert');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { ALL, Client } = require('./lib/addresses');
const { withLog } = require('./lib/daemon');
const { FastCgi } = require('./lib/fastcgi');
const { eventually } = require('./lib/guard');
const { Connection } = require('./lib/http');
const { startPair } = require('./lib/responder');
const { transports } = require('./lib/session');
const { srcdir } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');

const GATE = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'tests', 'modules', 'gate.so');
const services = `
[service /gate]
module = ${GATE}
disconnect_delay = 100ms
websocket_hixie76 = on

[service /limited]
module = ${GATE}
`;
const STATUSES = [400, 401, 403, 429, 503];
const texts = { 401: 'Unauthorized\n', 403: 'Forbidden\n' };

let pair;
before(async () => {
	pair = await startPair({ services, server: 'session_limit = 40', listen: '127.0.0.1:0' });
});
after(() => pair.stop());

const check = (name, body) => test(`authorize: ${name}`, withLog(() => pair, body));
const newId = () => `${Math.random()}`.slice(2);

// How each transport asks for the first time: [method, path].
function firstRequest(name, query) {
	if (name === 'websocket-raw')
		return ['GET', `/gate/websocket?${query}`];
	if (name === 'websocket')
		return ['GET', `/gate/000/${newId()}/websocket?${query}`];
	const { method, path: suffix } = transports[name];
	return [method, `/gate/000/${newId()}${suffix}${suffix.includes('?') ? '&' : '?'}${query}`];
}

async function answerTo(url, name, query) {
	const [method, target] = firstRequest(name, query);
	const headers = { Origin: 'http://example.org' };
	const connection = await Connection.open(url);
	try {
		if (!name.startsWith('websocket'))
			return await connection.request(method, target, { headers });
		const { answer } = await WebSocketClient.handshake(connection, target, { check: false, headers });
		await answer.readToEnd();
		return answer;
	} finally {
		connection.close();
	}
}

// What the module has been told: how often it was asked, of how many connections and of how many
// ends.
async function events() {
	const client = await WebSocketClient.connect(pair.sessiond.url, '/gate/websocket');
	await client.readText();
	client.send('events');
	const counts = (await client.readText()).split(' ').map(Number);
	client.connection.close();
	return { asked: counts[0] - 1, opened: counts[1] - 1, closed: counts[2] };
}

async function settled() {
	let counts;
	await eventually(async () => {
		counts = await events();
		return counts.opened === counts.closed;
	}, 'every connection has ended');
	return counts;
}

function assertRefused(answer, status, context) {
	assert.strictEqual(answer.status, status, context);
	assert.strictEqual(String(answer.text), texts[status] || 'Refused\n', context);
	assert.strictEqual(answer.header('WWW-Authenticate'), status === 401 ? 'Bearer' : undefined);
	assert.strictEqual(answer.header('Retry-After'), status === 429 || status === 503 ? '1' : undefined);
}

for (const [way, urlOf] of [['TCP', () => pair.sessiond.url], ['the Unix socket', () => pair.socket]])
	for (const name of ALL)
		check(`${name} over ${way}: refused, and nothing remains of it`, async () => {
			const former = await settled();
			for (const status of STATUSES)
				assertRefused(await answerTo(urlOf(), name, `refuse=${status}`), status, `${name} ${status}`);
			for (const status of [1, 200, 302, 600])
				assertRefused(await answerTo(urlOf(), name, `refuse=${status}`), 403, `${name} ${status}`);
			const { opened, closed, asked } = await settled();
			const own = opened - former.opened;
			assert.strictEqual(closed - former.closed, own);
			assert.strictEqual(asked - former.asked - own, STATUSES.length + 4);
		});

check('a script of another origin can read the status', async () => {
	const answer = await answerTo(pair.sessiond.url, 'xhr', 'refuse=403');
	assert.strictEqual(answer.header('Access-Control-Allow-Origin'), 'http://example.org');
});

for (const name of Object.keys(transports))
	check(`${name} through the responder`, async () => {
		const former = await settled();
		const web = await FastCgi.open(pair.address);
		for (const status of STATUSES) {
			const [method, target] = firstRequest(name, `refuse=${status}`);
			assertRefused(await web.request(method, target, { keep: true }), status, `${name} ${status}`);
		}
		const [method, target] = firstRequest(name, 'x');
		const answer = await web.request(method, target, { keep: true });
		assert.strictEqual(answer.status, 200);
		web.close();
		const { opened, closed, asked } = await settled();
		const own = opened - former.opened;
		assert.strictEqual(closed - former.closed, own);
		assert.strictEqual(asked - former.asked - own, STATUSES.length);
	});

check('who is let in: the module has what it found out, and is asked once', async () => {
	const client = new Client(pair.socket, { headers: { 'X-Forwarded-For': '192.0.2.7' } });
	const id = client.uniqueId();
	const ask = (suffix, body) => client.request('POST', `/gate/000/${id}${suffix}`, { body });
	const former = await settled();
	assert.strictEqual((await ask('/xhr')).text, 'o\n');
	assert.strictEqual((await ask('/xhr?refuse=403')).text, 'a["192.0.2.7 xhr-polling NULL"]\n');
	assert.strictEqual((await ask('/xhr_send?refuse=403', '["x"]')).status, 204);
	assert.strictEqual((await ask('/xhr')).text, 'a["x"]\n');
	client.close();
	const { opened, asked } = await settled();
	assert.strictEqual(asked - former.asked, opened - former.opened);
});

check('a mistaken handshake is not asked for', async () => {
	const former = await settled();
	const connection = await Connection.open(pair.sessiond.url);
	const answer = await connection.request('GET', '/gate/websocket', { headers: { Upgrade: 'websocket', Connection: 'upgrade', 'Sec-WebSocket-Version': '13' } });
	assert.strictEqual(answer.status, 400);
	connection.close();
	const { asked, opened } = await settled();
	assert.strictEqual(asked - former.asked, opened - former.opened);
});

check('refused connections take none of session_limit', async () => {
	for (let i = 0; i < 60; i++)
		assertRefused(await answerTo(pair.sessiond.url, 'xhr', 'refuse=403'), 403);
	const client = await WebSocketClient.connect(pair.sessiond.url, '/limited/websocket');
	assert.match(await client.readText(), /^127\.0\.0\.1 websocket-raw/);
	client.connection.close();
	await settled();
});

// A client that leaves between its handshake and the websocket has its events all the same: what
// authorize has allocated is freed.
check('clients that leave at once', async () => {
	for (let i = 0; i < 30; i++) {
		const connection = await Connection.open(pair.sessiond.url);
		connection.write('GET /gate/websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n' +
			'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n');
		if (i % 2)
			connection.reset();
		else
			connection.close();
	}
	const { asked, opened, closed } = await settled();
	assert.ok(asked >= opened && opened === closed, `${asked} ${opened} ${closed}`);
});
