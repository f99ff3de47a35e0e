'use strict';

// Section 6: the WebSocket handshake, right and wrong, on both kinds of websocket URL.

const assert = require('node:assert/strict');
const { acceptOf } = require('../lib/websocket');

const urls = { SockJS: '/echo/000/handshake/websocket', raw: '/echo/websocket' };

async function refused(c, url, headers) {
	const { answer } = await c.websocket(url, { headers, check: false });
	await answer.readToEnd();
	assert.equal(answer.status, 400, `${JSON.stringify(headers)}: ${answer.head}`);
	return answer;
}

function right({ test }, kind, url) {
	test(`s6: ${kind}: the handshake is RFC 6455's`, async (c) => {
		const key = 'dGhlIHNhbXBsZSBub25jZQ==';
		const { answer } = await c.websocket(url, { headers: { 'Sec-WebSocket-Key': key } });
		assert.equal(answer.status, 101);
		assert.equal(answer.version, '1.1');
		assert.equal(answer.header('Upgrade').toLowerCase(), 'websocket');
		assert.equal(answer.header('Connection').toLowerCase(), 'upgrade');
		assert.equal(answer.header('Sec-WebSocket-Accept'), acceptOf(key));
		assert.equal(answer.header('Sec-WebSocket-Accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
		assert.equal(answer.header('Content-Length'), undefined);
		assert.equal(answer.header('Transfer-Encoding'), undefined);
	});

	test(`s6: ${kind}: Upgrade and Connection are read as lists, in any case`, async (c) => {
		for (const headers of [
			{ Connection: 'keep-alive, Upgrade' },
			{ Connection: 'Upgrade,keep-alive' },
			{ Connection: 'UPGRADE' },
			{ Connection: 'upgrade', Upgrade: 'WebSocket' },
			{ Upgrade: 'WEBSOCKET', Connection: 'x , upgrade' },
		])
			assert.equal((await c.websocket(url, { headers })).answer.status, 101);
	});

	test(`s6: ${kind}: no subprotocol and no extension is chosen unasked`, async (c) => {
		const { answer } = await c.websocket(url);
		assert.equal(answer.header('Sec-WebSocket-Protocol'), undefined);
		assert.equal(answer.header('Sec-WebSocket-Extensions'), undefined);
	});

	test(`s6: ${kind}: permessage-deflate is off by default`, async (c) => {
		const headers = {
			'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
		};
		const { answer } = await c.websocket(url, { headers });
		assert.equal(answer.header('Sec-WebSocket-Extensions'), undefined);
	});

	test(`s6: ${kind}: Origin and Cookie do not matter`, async (c) => {
		for (const headers of [
			{ Origin: 'http://elsewhere.example' },
			{ Origin: 'null' },
			{ Cookie: 'a=b; JSESSIONID="x; ,;=;' },
		])
			assert.equal((await c.websocket(url, { headers })).answer.status, 101);
	});
}

function wrong({ test }, kind, url) {
	test(`s6: ${kind}: GET without an upgrade is 400 Not a valid websocket request`, async (c) => {
		for (const headers of [
			{},
			{ Connection: 'keep-alive' },
			{ 'Sec-WebSocket-Version': '13' },
		]) {
			const answer = await c.request('GET', url, { headers });
			assert.equal(answer.status, 400);
			assert.equal(answer.text, 'Not a valid websocket request');
		}
	});

	test(`s6: ${kind}: an upgrade to something else is 400 Not a valid websocket request`, async (c) => {
		for (const upgrade of ['h2c', 'xwebsocket', 'websocket2', '']) {
			const answer = await refused(c, url, { Upgrade: upgrade });
			assert.equal(answer.text, 'Not a valid websocket request');
		}
	});

	test(`s6: ${kind}: Upgrade: websocket with a Connection that does not name it is 400`, async (c) => {
		for (const connection of ['close', 'keep-alive', 'Upgradex', 'xUpgrade', null])
			await refused(c, url, { Connection: connection });
	});

	test(`s6: ${kind}: a handshake without a key is 400`, async (c) => {
		await refused(c, url, { 'Sec-WebSocket-Key': null });
	});

	test(`s6: ${kind}: POST and others are 405 with Allow: GET and no Content-Type`, async (c) => {
		const upgrade = {
			Upgrade: 'websocket',
			Connection: 'Upgrade',
			'Sec-WebSocket-Version': '13',
			'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
		};
		for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
			for (const headers of [{}, upgrade]) {
				const answer = await c.request(method, url, { headers });
				assert.equal(answer.status, 405, method);
				assert.equal(answer.header('Allow'), 'GET');
				assert.equal(answer.header('Content-Type'), undefined);
				assert.equal(answer.text, '');
			}
		}
	});
}

exports.register = (target) => {
	for (const [kind, url] of Object.entries(urls)) {
		right(target, kind, url);
		wrong(target, kind, url);
	}

	target.test('s6: SockJS: an unknown version is 400', async (c) => {
		for (const version of ['7', '14', 'x'])
			await refused(c, '/echo/000/versions/websocket', { 'Sec-WebSocket-Version': version });
	});
};
