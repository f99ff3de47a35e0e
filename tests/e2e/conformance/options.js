'use strict';

// Section 8: the options of a service that other sections do not show, and where they come from.

const assert = require('node:assert/strict');
const { now } = require('../lib/http');
const { transports } = require('../lib/session');

const upgrade = {
	Upgrade: 'websocket',
	Connection: 'Upgrade',
	'Sec-WebSocket-Version': '13',
	'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

const enabled = {
	'/only_polling': ['xhr', 'jsonp'],
	'/only_streaming': ['xhr_streaming', 'eventsource', 'htmlfile'],
	'/only_websocket': ['websocket'],
	'/only_raw': ['raw'],
};

// Whether a transport answers on the service; statuses that show neither throw.
async function answers(c, prefix, name) {
	const s = c.session(prefix);
	const { method, path } = transports[name] || {};
	const answer = await (method
		? c.openStream(method, s.path + path)
		: c.openStream('GET', name === 'raw' ? `${prefix}/websocket` : `${s.path}/websocket`, {
				headers: upgrade,
			}));
	assert.ok([101, 200, 404].includes(answer.status), answer.head);
	return answer.status !== 404;
}

function limitedTransports({ test }) {
	for (const [prefix, list] of Object.entries(enabled)) {
		test(`s8: transports: ${prefix} has ${list.join(', ')}, the others are 404`, async (c) => {
			for (const name of [...Object.keys(transports), 'websocket', 'raw'])
				assert.equal(await answers(c, prefix, name), list.includes(name), name);
		});
	}

	test('s8: transports: OPTIONS of a disabled one is 404', async (c) => {
		assert.equal((await c.request('OPTIONS', '/only_streaming/000/abc/xhr')).status, 404);
		assert.equal(
			(await c.request('OPTIONS', '/only_polling/000/abc/xhr_streaming')).status,
			404,
		);
	});

	test('s8: transports: xhr_send works for the transports that are there', async (c) => {
		const polling = await c.session('/only_polling').open();
		await polling.send(['x']);
		assert.equal(await polling.poll('jsonp'), 'a["x"]');
		for (const name of ['xhr_streaming', 'eventsource', 'htmlfile']) {
			const s = c.session('/only_streaming');
			const receiver = await s.stream(name);
			await s.send(['x']);
			assert.equal(await receiver.readFrame(), 'a["x"]');
		}
	});

	test('s8: transports: jsonp_send works where jsonp is there', async (c) => {
		const s = await c.session('/only_polling').open('jsonp');
		assert.equal((await s.sendJsonp('d=["x"]')).text, 'ok');
		assert.equal(await s.poll('jsonp'), 'a["x"]');
	});

	test('s8: transports: info, greeting and iframe are there with any', async (c) => {
		for (const prefix of Object.keys(enabled)) {
			for (const path of ['', '/info', '/iframe.html'])
				assert.equal((await c.request('GET', prefix + path)).status, 200, prefix + path);
		}
	});
}

function patterns({ test }) {
	test('s8: a prefix may be a regular expression', async (c) => {
		for (const prefix of ['/pattern/abc_12', '/pattern/x_00']) {
			assert.equal((await c.request('GET', prefix)).text, 'Welcome to SockJS!\n');
			assert.equal((await c.request('GET', `${prefix}/info`)).status, 200);
			const s = await c.session(prefix).open();
			await s.send(['x']);
			assert.equal(await s.poll(), 'a["x"]');
			const socket = await c.sockjs(prefix);
			socket.send('"x"');
			assert.equal(await socket.readText(), 'a["x"]');
		}
	});

	test('s8: a prefix that is a regular expression is matched at the start of the path', async (c) => {
		for (const path of [
			'/x/pattern/abc_12',
			'/pattern/abc_1',
			'/pattern/ABC_12',
			'/pattern/_12',
			'/pattern/abc_123',
			'/pattern/abc_12x/info',
			'/pattern',
		])
			assert.equal((await c.request('GET', path)).status, 404, path);
	});
}

async function infoOf(c, prefix) {
	return JSON.parse((await c.request('GET', `${prefix}/info`)).text);
}

function serverWide({ test: plain }) {
	const test = (name, body) => plain(name, { conf: 'defaults', wait: true }, body);

	test('s8: server-wide values are the defaults of a service', async (c) => {
		const info = await infoOf(c, '/inherits');
		assert.equal(info.websocket, false);
		assert.equal(info.cookie_needed, true);
		assert.equal(info.base_url, 'http://sockjs.example/server');
		assert.match(
			(await c.request('GET', '/inherits/iframe.html')).text,
			/src="http:\/\/cdn\.example\/server\.js"/,
		);
		assert.equal((await c.request('GET', '/inherits/websocket')).status, 404);
	});

	test('s8: a service may override each server-wide value', async (c) => {
		const info = await infoOf(c, '/overrides');
		assert.equal(info.websocket, true);
		assert.equal(info.cookie_needed, false);
		assert.equal(info.base_url, 'http://sockjs.example/service');
		assert.match(
			(await c.request('GET', '/overrides/iframe.html')).text,
			/src="http:\/\/cdn\.example\/service\.js"/,
		);
		await c.sockjs('/overrides');
	});

	test('s8: a server-wide response_limit holds, and can be overridden', async (c) => {
		assert.equal(await c.session('/inherits').poll('xhr_streaming'), 'o');
		const s = c.session('/overrides');
		const receiver = await s.stream();
		await s.send(['x']);
		assert.equal(await receiver.readFrame(), 'a["x"]');
	});

	test('s8: a server-wide heartbeat_delay holds, and can be overridden', async (c) => {
		const begin = now();
		const s = await c.session('/inherits').open();
		assert.equal(await s.poll(), 'h');
		assert.ok(now() - begin >= 290);
		await (await (await c.session('/overrides').stream()).answer).expectSilence(1000);
	});
}

// A request of a page: to a transport of /no_cors, with the headers that a browser sends.
function askAsPage(c, name, headers) {
	const { path } = c.session('/no_cors');
	if (name === 'websocket' || name === 'raw')
		return c.openStream('GET', name === 'raw' ? '/no_cors/websocket' : `${path}/websocket`, {
			headers: { ...upgrade, ...headers },
		});
	if (name === 'xhr_send')
		return c.request('POST', `${path}/xhr_send`, {
			body: '["x"]',
			headers: { 'Content-Type': 'text/plain', ...headers },
		});
	return c.openStream(transports[name].method, path + transports[name].path, { headers });
}

function origins({ test }) {
	test('s8: disable_cors lets no page of another origin in', async (c) => {
		for (const [name, headers] of [
			['websocket', { Origin: 'http://example.com' }],
			['raw', { Origin: 'null' }],
			['xhr_send', { Origin: 'http://example.com' }],
			['xhr', { Origin: 'http://example.com' }],
			['jsonp', { Referer: 'http://example.com/' }],
			['jsonp', { 'Sec-Fetch-Site': 'cross-site' }],
			['htmlfile', { Referer: 'http://example.com/' }],
			['eventsource', { Origin: 'http://example.com' }],
		])
			assert.equal(
				(await askAsPage(c, name, headers)).status,
				403,
				`${name}: ${JSON.stringify(headers)}`,
			);
	});

	test('s8: disable_cors lets pages of the same origin in', async (c) => {
		for (const name of Object.keys(transports))
			for (const headers of [
				{ Origin: c.url },
				{ Referer: `${c.url}/page` },
				{ 'Sec-Fetch-Site': 'same-origin' },
			])
				assert.equal((await askAsPage(c, name, headers)).status, 200, name);
	});
}

exports.register = (target) => {
	for (const group of [limitedTransports, patterns, serverWide, origins]) group(target);
};
