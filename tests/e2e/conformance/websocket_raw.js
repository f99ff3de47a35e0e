'use strict';

// Section 6: the raw websocket of a service, and the versions of the protocol.

const assert = require('node:assert/strict');
const { encodeFrame, OPCODE } = require('../lib/websocket');

const VERSION_TEXT = 'Only supported WebSocket protocol is RFC 6455.';

function messages({ test }) {
	test('s6: raw: no o, no framing', async (c) => {
		const socket = await c.websocket('/echo/websocket');
		await socket.expectSilence(150);
		for (const text of ['x', '["a"]', '"a"', '[]', 'Hello, wörld', '\u2028']) {
			socket.send(text);
			const message = await socket.read();
			assert.equal(message.opcode, OPCODE.text);
			assert.equal(message.text, text);
		}
	});

	test('s6: raw: each message is one application message', async (c) => {
		const socket = await c.websocket('/echo/websocket');
		socket.connection.write(
			Buffer.concat(['a', 'b', '', 'c'].map((text) => encodeFrame(OPCODE.text, text))),
		);
		for (const text of ['a', 'b', '', 'c']) assert.equal(await socket.readText(), text);
	});

	test('s6: raw: a message of several fragments is one message', async (c) => {
		const socket = await c.websocket('/echo/websocket');
		socket.sendFrame(OPCODE.text, 'one, ', { fin: false });
		socket.sendFrame(OPCODE.continuation, 'two, ', { fin: false });
		socket.sendFrame(OPCODE.continuation, 'three');
		assert.equal(await socket.readText(), 'one, two, three');
	});

	test('s6: raw: echo answers a binary message with a binary one', async (c) => {
		const socket = await c.websocket('/echo/websocket');
		const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
		socket.sendBinary(bytes);
		const message = await socket.read();
		assert.equal(message.opcode, OPCODE.binary);
		assert.deepEqual(message.payload, bytes);
		socket.send('text');
		assert.equal((await socket.read()).opcode, OPCODE.text);
	});

	test('s6: raw: an empty binary message is one', async (c) => {
		const socket = await c.websocket('/echo/websocket');
		socket.sendBinary('');
		const message = await socket.read();
		assert.deepEqual([message.opcode, message.payload.length], [OPCODE.binary, 0]);
	});

	test('s6: raw: long messages', async (c) => {
		const socket = await c.websocket('/echo/websocket');
		for (const size of [125, 126, 65535, 65536, 200000]) {
			socket.send('y'.repeat(size));
			assert.equal(await socket.readText(), 'y'.repeat(size));
		}
	});

	test('s6: raw: frames in the segment of the handshake are data', async (c) => {
		const socket = await c.websocket('/echo/websocket', {
			early: encodeFrame(OPCODE.text, 'early'),
		});
		assert.equal(await socket.readText(), 'early');
	});

	test('s6: raw: the application may speak first', async (c) => {
		const socket = await c.websocket('/ticker/websocket');
		assert.equal(await socket.readText(6000), 'tick!');
	});
}

function closing({ test }) {
	test("s6: raw: the application's close carries code and reason", async (c) => {
		const socket = await c.websocket('/close/websocket');
		const { opcode, code, reason } = await socket.read();
		assert.deepEqual([opcode, code, reason], [OPCODE.close, 3000, 'Go away!']);
		socket.sendClose(3000);
		await socket.connection.expectClose();
	});

	test('s6: raw: a closing handshake of the client is answered, then the connection ends', async (c) => {
		const socket = await c.websocket('/echo/websocket');
		socket.sendClose(3001, 'bye');
		const { opcode, code } = await socket.read();
		assert.deepEqual([opcode, code], [OPCODE.close, 3001]);
		await socket.connection.expectClose();
	});
}

function versions({ test }) {
	for (const version of ['13', '8']) {
		test(`s6: raw: version ${version} is spoken`, async (c) => {
			const socket = await c.websocket('/echo/websocket', {
				headers: { 'Sec-WebSocket-Version': version },
			});
			socket.send('x');
			assert.equal(await socket.readText(), 'x');
		});
	}

	test('s6: raw: any other version is 400', async (c) => {
		for (const version of ['0', '7', '9', '12', '14', '80', '13, 8', 'x', '', null]) {
			const headers = { 'Sec-WebSocket-Version': version };
			const { answer } = await c.websocket('/echo/websocket', { headers, check: false });
			assert.equal(answer.status, 400, version);
			await answer.readToEnd();
			assert.equal(answer.text, VERSION_TEXT, version);
		}
	});

	test('s6: raw: the messages of old drafts are not spoken', async (c) => {
		const headers = {
			'Sec-WebSocket-Version': null,
			'Sec-WebSocket-Key': null,
			'Sec-WebSocket-Key1': '4 @1  46546xW%0l 1 5',
			'Sec-WebSocket-Key2': '12998 5 Y3 1  .P00',
			Origin: 'http://example.com',
		};
		const { answer } = await c.websocket('/echo/websocket', {
			headers,
			early: '^n:ds[4U',
			check: false,
		});
		assert.equal(answer.status, 400);
		await answer.readToEnd();
		assert.equal(answer.text, VERSION_TEXT);
	});
}

exports.register = (target) => {
	for (const group of [messages, closing, versions]) group(target);
};
