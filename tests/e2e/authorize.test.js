'use strict';

// A module refuses connections before they open (authorize in sockjs.h), now or later, by every
// transport: straight, over the Unix socket, through the responder, and behind lighttpd.
// tests/modules/gate.c does what the URL asks for.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { ALL, Client } = require('./lib/addresses');
const { withLog } = require('./lib/daemon');
const { FastCgi } = require('./lib/fastcgi');
const { eventually, expectLogged } = require('./lib/guard');
const { Connection, request } = require('./lib/http');
const { startPair } = require('./lib/responder');
const { transports } = require('./lib/session');
const { startStack, srcdir } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');

const GATE = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'tests', 'modules', 'gate.so');
const services = `
[service /gate]
module = ${GATE}
disconnect_delay = 100ms
websocket_hixie76 = on

[service /limited]
module = ${GATE}

[service /hasty]
module = ${GATE}
authorize_timeout = 50ms
`;
const STATUSES = [400, 401, 403, 429, 503];
const LATER = ['later=1', 'later=run'];
const texts = { 401: 'Unauthorized\n', 403: 'Forbidden\n' };

let pair;
before(async () => {
	pair = await startPair({ services, server: 'session_limit = 40\nstore = sessions.db', listen: '127.0.0.1:0' });
});
after(() => pair.stop());

const check = (name, body) => test(`authorize: ${name}`, withLog(() => pair, body));
const newId = () => `${Math.random()}`.slice(2);

// How each transport asks for the first time: [method, path].
function firstRequest(name, query, prefix = '/gate') {
	if (name === 'websocket-raw')
		return ['GET', `${prefix}/websocket?${query}`];
	if (name === 'websocket')
		return ['GET', `${prefix}/000/${newId()}/websocket?${query}`];
	const { method, path: suffix } = transports[name];
	return [method, `${prefix}/000/${newId()}${suffix}${suffix.includes('?') ? '&' : '?'}${query}`];
}

async function answerTo(url, name, query, prefix) {
	const [method, target] = firstRequest(name, query, prefix);
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

// Says something to the module; resolves with the answer.
async function say(text) {
	const client = await WebSocketClient.connect(pair.sessiond.url, '/gate/websocket');
	await client.readText();
	client.send(text);
	const answer = await client.readText();
	client.connection.close();
	return answer;
}

// What the module has been told: how often it was asked, of how many connections and of how many
// ends; and how many wait for its answer.
async function events() {
	const [asked, opened, closed, waiting] = (await say('events')).split(' ').map(Number);
	return { asked: asked - 1, opened: opened - 1, closed, waiting };
}

const waiting = (n) => eventually(async () => (await events()).waiting === n, `${n} wait`);

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
			for (const status of [2, 200, 302, 600])
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

// --- answered later ------------------------------------------------------------------------------

// A connection that has its close event without a connection event was let in by nobody.
async function settledLater(lost) {
	let counts;
	await eventually(async () => {
		counts = await events();
		return counts.opened + lost === counts.closed && counts.waiting === 0;
	}, () => `every connection has ended: ${JSON.stringify(counts)}`);
}

let lost = 0; // so far

for (const [way, urlOf] of [['TCP', () => pair.sessiond.url], ['the Unix socket', () => pair.socket]])
	for (const name of ALL)
		check(`${name} over ${way}: answered later`, async () => {
			for (const later of LATER) {
				assertRefused(await answerTo(urlOf(), name, `refuse=403&${later}`), 403, `${name} ${later}`);
				lost++;
				const client = new Client(urlOf(), { headers: {} });
				const [method, target] = firstRequest(name, later);
				if (name.startsWith('websocket')) {
					const socket = await WebSocketClient.handshake(await client.connect(), target);
					assert.match(await socket.readText(), name === 'websocket' ? /^o$/ : / websocket-raw NULL$/);
				} else {
					const answer = await (await client.connect()).open(method, target);
					assert.strictEqual(answer.status, 200);
				}
				client.close();
			}
			await settledLater(lost);
		});

for (const name of Object.keys(transports))
	check(`${name} through the responder: answered later`, async () => {
		const web = await FastCgi.open(pair.address);
		for (const later of LATER) {
			const refused = await web.request(...firstRequest(name, `refuse=401&${later}`), { keep: true });
			assertRefused(refused, 401, later);
			lost++;
			const answer = await web.request(...firstRequest(name, later), { keep: true });
			assert.strictEqual(answer.status, 200);
		}
		web.close();
		await settledLater(lost);
	});

check('while a client waits, nobody else has its session', async () => {
	const client = new Client(pair.sessiond.url);
	const url = `/gate/000/${newId()}`;
	const first = client.request('POST', `${url}/xhr?later=go`);
	await waiting(1);
	assert.strictEqual((await client.request('POST', `${url}/xhr`)).text, 'c[2010,"Another connection still open"]\n');
	assert.strictEqual((await client.request('POST', `${url}/xhr_send`, { body: '["x"]' })).status, 404);
	await say('go');
	assert.strictEqual((await first).text, 'o\n');
	client.close();
	await settledLater(lost);
});

check('clients that do not wait', async () => {
	const web = await FastCgi.open(pair.address);
	web.begin(...firstRequest('xhr', 'later=go'), { keep: true });
	const connections = await Promise.all(ALL.map(async (name) => {
		const connection = await Connection.open(pair.sessiond.url);
		const [method, target] = firstRequest(name, 'later=go');
		if (name.startsWith('websocket'))
			WebSocketClient.handshake(connection, target, { check: false }).catch(() => {});
		else
			connection.request(method, target).catch(() => {});
		return connection;
	}));
	await waiting(connections.length + 1);
	connections.forEach((connection, i) => (i % 2 ? connection.reset() : connection.close()));
	web.abort();
	lost += connections.length + 1;
	await settledLater(lost);
	web.close();
});

check('a module that does not answer', async () => {
	const web = await FastCgi.open(pair.address);
	const answers = [
		await answerTo(pair.sessiond.url, 'xhr', 'later=go', '/hasty'), await answerTo(pair.sessiond.url, 'websocket', 'later=go', '/hasty'),
		await web.request(...firstRequest('eventsource', 'later=go', '/hasty'), { keep: true }),
	];
	for (const answer of answers) {
		assert.strictEqual(answer.status, 503);
		assert.strictEqual(answer.text, 'The application does not answer.\n');
	}
	web.close();
	lost += answers.length;
	await settledLater(lost);
	await expectLogged(pair.sessiond, /\/hasty: authorize_timeout \(50 ms\) reached/);
});

// The service is another one then: who waits may ask that.
check('a reload that replaces the service', async () => {
	const client = new Client(pair.sessiond.url);
	const first = client.request(...firstRequest('xhr', 'later=go', '/limited'));
	await waiting(1);
	pair.rewrite((text) => text.replace('[service /limited]', '[service /unlimited]'));
	pair.sessiond.child.kill('SIGHUP');
	const answer = await first;
	assert.strictEqual(answer.status, 503);
	assert.strictEqual(answer.text, 'The service has been replaced.\n');
	client.close();
	lost++;
	await settledLater(lost);
});

// Behind the responder a client notices nothing: the next daemon's module lets it in.
check('a restart of the daemon', async () => {
	const client = new Client(pair.sessiond.url);
	const direct = client.request(...firstRequest('xhr', 'later=go'));
	const web = await FastCgi.open(pair.address);
	const answer = web.begin(...firstRequest('xhr', 'later=go'), { keep: true });
	await waiting(2);
	const former = pair.sessiond;
	former.child.kill('SIGTERM');
	assert.strictEqual((await direct).text, 'The server is stopping.\n');
	client.close();
	Connection.closeAll();
	await former.exited;
	await pair.startSessiond({ listen: '127.0.0.1:0' });
	await waiting(1);
	assert.strictEqual(answer.size, 0);
	await say('go');
	await eventually(() => answer.ended !== null, 'it is answered');
	assert.strictEqual(answer.text, 'o\n');
	web.close();
});

check('behind lighttpd', async () => {
	const conf = path.join(pair.directory, 'stack.conf');
	fs.writeFileSync(conf, `[service /gate]\nmodule = ${GATE}\n`);
	const stack = await startStack('lighttpd', { conf });
	try {
		const { method, path: suffix } = transports.xhr;
		const ask = (query) => request(stack.url, method, `/gate/000/${newId()}${suffix}?${query}`);
		assertRefused(await ask('refuse=403&later=1'), 403);
		const answer = await ask('later=1');
		assert.strictEqual(answer.text, 'o\n');
	} finally {
		await stack.stop();
	}
});
