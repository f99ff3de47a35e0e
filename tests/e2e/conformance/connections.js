'use strict';

// Section 1: HTTP/1.0 and 1.1, the framing of answers and requests, connections that stay.

const assert = require('node:assert/strict');
const { formatRequest } = require('../lib/http');
const { transports, streams, polls, wrap } = require('../lib/session');

function http10({ test }) {
	test('s1: HTTP/1.0 answers have no Transfer-Encoding', async (c) => {
		const s = c.session('/echo');
		const requests = [
			['GET', '/echo'],
			['GET', '/echo/info'],
			['GET', '/echo/iframe.html'],
			['OPTIONS', '/echo/info'],
			['POST', `${s.path}/xhr`],
			['GET', '/echo/nothing'],
			['PUT', '/echo'],
		];
		for (const [method, path] of requests) {
			const answer = await c.request(method, path, { version: '1.0' });
			assert.equal(answer.header('Transfer-Encoding'), undefined, `${method} ${path}`);
			assert.notEqual(answer.text, undefined);
		}
	});

	for (const { name, method, path } of streams) {
		test(`s1: a stream of ${name} over HTTP/1.0 ends with the connection`, async (c) => {
			const s = c.session('/limit_1');
			const connection = await c.connect();
			const answer = await connection.request(method, s.path + path, { version: '1.0' });
			assert.equal(answer.framed, 'close');
			assert.ok(answer.text.endsWith(wrap(transports[name], 'o')), answer.text);
			assert.equal(connection.ended, true);
		});
	}

	test('s1: a stream over HTTP/1.0 delivers frames as they come', async (c) => {
		const s = c.session('/echo');
		const receiver = await s.receive('xhr_streaming', { version: '1.0' });
		assert.equal(await receiver.readFrame(), 'o');
		await s.send(['x']);
		assert.equal(await receiver.readFrame(), 'a["x"]');
	});

	test('s1: HTTP/1.0 sessions work with polling', async (c) => {
		const s = c.session('/echo');
		assert.equal(await s.poll('xhr', { version: '1.0' }), 'o');
		await s.send(['x'], { version: '1.0' });
		assert.equal(await s.poll('xhr', { version: '1.0' }), 'a["x"]');
	});

	test('s1: an HTTP/1.0 connection is closed after the answer', async (c) => {
		const connection = await c.connect();
		await connection.request('GET', '/echo', { version: '1.0' });
		await connection.expectClose();
	});
}

function framing({ test }) {
	for (const { name, method, path } of streams) {
		test(`s1: a stream of ${name} over HTTP/1.1 is chunked`, async (c) => {
			const answer = await c.openStream(method, c.session('/echo').path + path);
			assert.equal(answer.status, 200);
			assert.equal(answer.framed, 'chunked', answer.head);
		});
	}

	test('s1: answers that are whole carry Content-Length', async (c) => {
		const s = await c.session('/echo').open();
		const requests = [
			['GET', '/echo'],
			['GET', '/echo/info'],
			['GET', '/echo/iframe.html'],
			['GET', '/echo/nothing'],
			['POST', `${s.path}/xhr_send`],
			['POST', `${s.path}/jsonp_send`, '[]'],
			['PUT', '/echo'],
			['GET', '/echo/websocket'],
			['GET', `${s.path}/jsonp`],
		];
		for (const [method, path, body] of requests) {
			const answer = await c.request(method, path, { body });
			assert.equal(answer.framed, 'length', `${method} ${path}: ${answer.head}`);
			assert.equal(answer.header('Content-Length'), String(answer.body.length));
		}
	});

	for (const { name, method, path } of polls) {
		test(`s1: an answer of ${name} carries Content-Length`, async (c) => {
			const answer = await c.request(method, c.session('/echo').path + path);
			assert.equal(answer.framed, 'length', answer.head);
		});
	}

	test('s1: a 204 has neither Content-Length nor Transfer-Encoding', async (c) => {
		const s = await c.session('/echo').open();
		for (const answer of [await s.sendRaw('["x"]'), await c.request('OPTIONS', '/echo/info')]) {
			assert.equal(answer.status, 204);
			assert.equal(answer.header('Content-Length'), undefined);
			assert.equal(answer.header('Transfer-Encoding'), undefined);
		}
	});
}

function bodies({ test }) {
	test('s1: a POST without Content-Length and without a body is an empty body', async (c) => {
		const s = c.session('/echo');
		const opened = await c.request('POST', `${s.path}/xhr`, { length: false });
		assert.equal(opened.text, 'o\n');
		const sent = await c.request('POST', `${s.path}/xhr_send`, { length: false });
		assert.equal(sent.status, 500);
		assert.equal(sent.text, 'Payload expected.');
		const stream = await c.openStream('POST', `${c.session('/echo').path}/xhr_streaming`, {
			length: false,
		});
		assert.equal(stream.status, 200);
	});

	test('s1: the body of a receiving request is ignored', async (c) => {
		const s = c.session('/echo');
		assert.equal(
			(await c.request('POST', `${s.path}/xhr`, { body: '["ignored"]' })).text,
			'o\n',
		);
		await s.send(['x']);
		assert.equal(
			(await c.request('POST', `${s.path}/xhr`, { body: 'x'.repeat(1000) })).text,
			'a["x"]\n',
		);
	});

	test('s1: a chunked request body is one body', async (c) => {
		const s = await c.session('/echo').open();
		const body = '3\r\n["a\r\n6\r\nb","cd\r\n2\r\n"]\r\n0\r\n\r\n';
		const answer = await s.sendRaw(body, { headers: { 'Transfer-Encoding': 'chunked' } });
		assert.equal(answer.status, 204, answer.head + answer.text);
		const receiver = await s.receive('xhr_streaming');
		assert.deepEqual(await receiver.readMessages(2), ['ab', 'cd']);
	});

	// libmicrohttpd 1.0.1 knows none, and refuses them.
	test('s1: a chunk\'s extension changes nothing, unless it is refused', async (c) => {
		const s = await c.session('/echo').open();
		const body = '3;x=y\r\n["a\r\n2\r\n"]\r\n0\r\n\r\n';
		const { status } = await s.sendRaw(body, { headers: { 'Transfer-Encoding': 'chunked' } });
		assert.ok([204, 400].includes(status), `${status}`);
		if (status === 400) await s.send(['a']);
		assert.equal(await s.poll(), 'a["a"]');
	});

	test('s1: a request may arrive byte by byte', async (c) => {
		const s = await c.session('/echo').open();
		const connection = await c.connect();
		const bytes = formatRequest('POST', `${s.path}/xhr_send`, { host: 'x', body: '["slow"]' });
		for (const byte of bytes) {
			connection.write(Buffer.from([byte]));
			await new Promise(setImmediate);
		}
		assert.equal((await connection.readAnswer('POST')).status, 204);
		assert.equal(await s.poll(), 'a["slow"]');
	});

	test('s1: Expect: 100-continue is answered before the body comes', async (c) => {
		const s = await c.session('/echo').open();
		const connection = await c.connect();
		const headers = { Expect: '100-continue', 'Content-Length': 5 };
		connection.write(formatRequest('POST', `${s.path}/xhr_send`, { host: 'x', headers }));
		assert.equal((await connection.readAnswer('POST')).status, 100);
		connection.write('["x"]');
		assert.equal((await connection.readAnswer('POST')).status, 204);
	});
}

function staying({ test }) {
	test('s1: an HTTP/1.1 connection takes one request after another', async (c) => {
		const s = c.session('/echo');
		const connection = await c.connect();
		assert.equal((await connection.request('GET', '/echo')).text, 'Welcome to SockJS!\n');
		assert.equal((await connection.request('POST', `${s.path}/xhr`)).text, 'o\n');
		for (let i = 0; i < 20; i++) {
			assert.equal(
				(await connection.request('POST', `${s.path}/xhr_send`, { body: `["m${i}"]` }))
					.status,
				204,
			);
			assert.equal((await connection.request('POST', `${s.path}/xhr`)).text, `a["m${i}"]\n`);
		}
		assert.equal((await connection.request('GET', '/echo/nothing')).status, 404);
		assert.equal((await connection.request('PUT', '/echo')).status, 405);
		assert.equal((await connection.request('OPTIONS', '/echo/info')).status, 204);
		assert.equal((await connection.request('GET', '/echo')).status, 200);
	});

	test('s1: an HTTP/1.1 connection stays after a stream that ended', async (c) => {
		const s = c.session('/limit_1');
		const connection = await c.connect();
		for (const frame of ['o', 'a["x"]']) {
			const answer = await connection.request('POST', `${s.path}/xhr_streaming`);
			assert.ok(answer.text.endsWith(`h\n${frame}\n`), answer.text);
			assert.equal(
				(await connection.request('POST', `${s.path}/xhr_send`, { body: '["x"]' })).status,
				204,
			);
		}
	});

	test('s1: pipelined requests are answered in order', async (c) => {
		const s = c.session('/echo');
		const connection = await c.connect();
		const host = 'x';
		connection.write(
			Buffer.concat([
				formatRequest('POST', `${s.path}/xhr`, { host }),
				formatRequest('POST', `${s.path}/xhr_send`, { host, body: '["a","b"]' }),
				formatRequest('GET', '/echo', { host }),
			]),
		);
		const texts = [];
		for (const method of ['POST', 'POST', 'GET']) {
			const answer = await connection.readAnswer(method);
			await answer.readToEnd();
			texts.push(answer.text);
		}
		assert.deepEqual(texts, ['o\n', '', 'Welcome to SockJS!\n']);
	});

	test('s1: Connection: close is obeyed', async (c) => {
		const connection = await c.connect();
		await connection.request('GET', '/echo', { headers: { Connection: 'close' } });
		await connection.expectClose();
	});
}

exports.register = (target) => {
	for (const group of [http10, framing, bodies, staying]) group(target);
};
