'use strict';

// `headers` says which further headers a module sees, by every transport and way in;
// `headers_limit` how much of a request is kept.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { ALL, PROBE, Client, ask } = require('./lib/addresses');
const { runDaemon, temporaryDirectory, withLog } = require('./lib/daemon');
const { FastCgi } = require('./lib/fastcgi');
const { Connection } = require('./lib/http');
const { startPair } = require('./lib/responder');
const { transports } = require('./lib/session');
const { WebSocketClient } = require('./lib/websocket');

const LIMIT = 2048;
const services = `
[service /more]
module = ${PROBE}
headers = Authorization x-request-id

[service /cookie]
module = ${PROBE}
headers = cookie
allowed_origins = https://example.org

[service /few]
module = ${PROBE}
headers_limit = ${LIMIT}
`;
const sent = { Authorization: 'Bearer x', 'X-Request-ID': '7', Cookie: 'a=b' };

let pair;
before(async () => {
	pair = await startPair({ services, listen: '127.0.0.1:0' });
});
after(() => pair.stop());

const check = (name, body) => test(`headers: ${name}`, withLog(() => pair, body));
const newId = () => `${Math.random()}`.slice(2);

for (const name of ALL) {
	const seen = (prefix, header, headers = {}) => ask(new Client(pair.sessiond.url, { headers: { ...sent, ...headers } }), prefix, name, `header ${header}`);

	check(`${name}: those that are listed, in that service`, async () => {
		assert.strictEqual(await seen('/more', 'authorization'), 'Bearer x');
		assert.strictEqual(await seen('/more', 'x-request-id'), '7');
		assert.strictEqual(await seen('/more', 'cookie'), 'NULL');
		assert.strictEqual(await seen('/few', 'authorization'), 'NULL');
	});

	check(`${name}: the cookie, where pages are chosen`, async () => {
		const origin = { Origin: 'https://example.org', Referer: 'https://example.org/page', 'Sec-Fetch-Site': 'cross-site' };
		assert.strictEqual(await seen('/cookie', 'cookie', origin), 'a=b');
		assert.strictEqual(await seen('/cookie', 'authorization', origin), 'NULL');
	});
}

check('through the responder', async () => {
	const web = await FastCgi.open(pair.address);
	const seen = async (prefix, header) => {
		const id = newId();
		const options = { headers: { ...sent, Origin: 'https://example.org' }, keep: true };
		assert.strictEqual((await web.request('POST', `${prefix}/000/${id}/xhr`, options)).text, 'o\n');
		assert.strictEqual((await web.request('POST', `${prefix}/000/${id}/xhr_send`, { ...options, body: `["header ${header}"]` })).status, 204);
		return JSON.parse((await web.request('POST', `${prefix}/000/${id}/xhr`, options)).text.slice(1))[0];
	};
	assert.strictEqual(await seen('/more', 'authorization'), 'Bearer x');
	assert.strictEqual(await seen('/more', 'x-request-id'), '7');
	assert.strictEqual(await seen('/more', 'cookie'), 'NULL');
	assert.strictEqual(await seen('/few', 'authorization'), 'NULL');
	assert.strictEqual(await seen('/cookie', 'cookie'), 'a=b');
	web.close();
});

// --- headers_limit -------------------------------------------------------------------------------

const large = { 'User-Agent': 'u'.repeat(LIMIT) };
const firstRequest = (name, prefix, id = newId()) => (name.startsWith('websocket')
	? ['GET', name === 'websocket' ? `${prefix}/000/${id}/websocket` : `${prefix}/websocket`]
	: [transports[name].method, `${prefix}/000/${id}${transports[name].path}`]);

async function statusOf(name, target, headers) {
	const connection = await Connection.open(pair.sessiond.url);
	try {
		if (name.startsWith('websocket'))
			return (await WebSocketClient.handshake(connection, target[1], { check: false, headers })).answer.status;
		return (await connection.open(...target, { headers })).status;
	} finally {
		connection.close();
	}
}

for (const name of ALL)
	check(`${name}: too much to keep opens no session`, async () => {
		assert.strictEqual(await statusOf(name, firstRequest(name, '/few'), large), 431);
		assert.strictEqual(await statusOf(name, firstRequest(name, '/more'), large), name.startsWith('websocket') ? 101 : 200);
		assert.strictEqual(await statusOf(name, firstRequest(name, '/few'), {}), name.startsWith('websocket') ? 101 : 200);
		if (name !== 'websocket-raw')
			assert.strictEqual(await statusOf(name, firstRequest(name, '/few', 'i'.repeat(LIMIT)), {}), 431);
	});

check('too much, through the responder', async () => {
	const web = await FastCgi.open(pair.address);
	for (const name of Object.keys(transports)) {
		const [method, target] = firstRequest(name, '/few');
		const answer = await web.request(method, target, { headers: large, keep: true });
		assert.strictEqual(answer.status, 431, name);
		assert.strictEqual(answer.text, 'The request\'s head is too large.\n');
	}
	web.close();
});

check('a later request that is larger goes on, and what was known stays', async () => {
	const client = new Client(pair.sessiond.url, { headers: { 'User-Agent': 'first' } });
	const id = newId();
	const post = (suffix, options) => client.request('POST', `/few/000/${id}${suffix}`, options);
	assert.strictEqual((await post('/xhr')).text, 'o\n');
	assert.strictEqual((await post('/xhr_send', { body: '["header user-agent"]' })).status, 204);
	assert.strictEqual((await post('/xhr', { headers: large })).text, 'a["first"]\n');
	client.close();
});

test('headers: cookie without allowed_origins is a mistake, with its place and reason', async () => {
	const directory = temporaryDirectory();
	const file = path.join(directory, 'sockjs.conf');
	fs.writeFileSync(file, '[service /echo]\nmodule = echo\nheaders = cookie\n');
	const { code, stderr } = await runDaemon(['--config', file, '--check']);
	fs.rmSync(directory, { recursive: true });
	assert.strictEqual(code, 78);
	assert.match(stderr, /sockjs\.conf:1: \[service \/echo\] has cookie in headers, but no allowed_origins: .* \(CSRF\)/);
});
