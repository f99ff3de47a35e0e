'use strict';

// Section 6: SockJS over WebSocket.

const assert = require('node:assert/strict');
const { messagesOf } = require('../lib/session');
const { encodeFrame, OPCODE } = require('../lib/websocket');

const path = (c, prefix = '/echo') => `${prefix}/000/${c.uniqueId()}/websocket`;

// Messages of as many frames as it takes.
async function readMessages(socket, count) {
	const messages = [];
	while (messages.length < count) messages.push(...messagesOf(await socket.readText()));
	return messages;
}

function talking({ test }) {
	test('s6: the first message of a websocket is o', async (c) => {
		const socket = await c.websocket(path(c));
		const frame = await socket.readFrame();
		assert.equal(frame.opcode, OPCODE.text);
		assert.equal(String(frame.payload), 'o');
	});

	test('s6: a websocket takes ["m1","m2"]', async (c) => {
		const socket = await c.sockjs('/echo');
		socket.send('["m1","m2"]');
		assert.deepEqual(await readMessages(socket, 2), ['m1', 'm2']);
	});

	test('s6: a websocket takes one JSON string', async (c) => {
		const socket = await c.sockjs('/echo');
		socket.send('"m1"');
		assert.equal(await socket.readText(), 'a["m1"]');
		socket.send('""');
		assert.equal(await socket.readText(), 'a[""]');
		socket.send('"[\\"x\\"]"');
		assert.equal(await socket.readText(), 'a["[\\"x\\"]"]');
	});

	test('s6: a websocket ignores an empty message and []', async (c) => {
		const socket = await c.sockjs('/echo');
		for (const message of ['', '[]', '', '[ ]', '"x"']) socket.send(message);
		assert.equal(await socket.readText(), 'a["x"]');
	});

	test('s6: messages of a websocket keep their order', async (c) => {
		const socket = await c.sockjs('/echo');
		const wanted = Array.from({ length: 500 }, (_, i) => `m${i}`);
		socket.connection.write(
			Buffer.concat(wanted.map((each) => encodeFrame(OPCODE.text, JSON.stringify([each])))),
		);
		assert.deepEqual(await readMessages(socket, wanted.length), wanted);
	});

	test('s6: long messages of a websocket', async (c) => {
		const socket = await c.sockjs('/echo');
		for (const size of [117, 118, 119, 125, 126, 127, 65525, 65535, 65536, 200000]) {
			const message = 'x'.repeat(size);
			socket.send(JSON.stringify([message]));
			assert.deepEqual(await readMessages(socket, 1), [message]);
		}
	});

	test('s6: response_limit does not end a websocket', async (c) => {
		const socket = await c.sockjs('/limit_1');
		for (const message of ['a', 'b', 'c']) {
			socket.send(`["${message}"]`);
			assert.equal(await socket.readText(), `a["${message}"]`);
		}
	});
}

async function assertClosed(c, message, send = (socket) => socket.send(message)) {
	const socket = await c.sockjs('/echo');
	send(socket);
	socket.send('["after"]');
	const close = await socket.readClose();
	socket.sendClose(close.code);
	await socket.connection.expectClose();
	return close;
}

function badMessages({ test }) {
	test('s6: a websocket message that is not JSON closes with 3000 Broken framing.', async (c) => {
		for (const message of [
			'x',
			'[',
			'["a"',
			'"a',
			"['a']",
			'["a"]x',
			'["a",]',
			' ',
			'{',
			'undefined',
		]) {
			const { code, reason } = await assertClosed(c, message);
			assert.deepEqual([code, reason], [3000, 'Broken framing.'], message);
		}
	});

	for (const message of ['{}', '{"a":1}', '1', 'null', 'true', '[1]', '["a",null]', '[["a"]]']) {
		test(`s6: the websocket message ${message} closes the connection`, async (c) => {
			await assertClosed(c, message);
		});
	}

	test('s6: a binary message closes a SockJS websocket', async (c) => {
		await assertClosed(c, null, (socket) => socket.sendBinary('["a"]'));
	});

	test('s6: a bad message disturbs no other websocket', async (c) => {
		const other = await c.sockjs('/echo');
		await assertClosed(c, 'x');
		other.send('["x"]');
		assert.equal(await other.readText(), 'a["x"]');
	});
}

function closing({ test }) {
	test("s6: the application's close is c[...], then a WebSocket close, then the end", async (c) => {
		const socket = await c.websocket(path(c, '/close'));
		assert.equal(await socket.readText(), 'o');
		assert.equal(await socket.readText(), 'c[3000,"Go away!"]');
		const close = await socket.read();
		assert.equal(close.opcode, OPCODE.close);
		socket.sendClose(close.code);
		await socket.connection.expectClose();
	});

	test('s6: a closing handshake of the client is answered, then the connection ends', async (c) => {
		const socket = await c.sockjs('/echo');
		socket.sendClose(1000, 'bye');
		assert.equal((await socket.read()).opcode, OPCODE.close);
		await socket.connection.expectClose();
	});
}

function identity({ test }) {
	test('s6: a session id is reused by websockets one after the other', async (c) => {
		const url = path(c);
		for (let i = 0; i < 3; i++) {
			const socket = await c.websocket(url);
			assert.equal(await socket.readText(), 'o');
			socket.send(`["${i}"]`);
			assert.equal(await socket.readText(), `a["${i}"]`);
			socket.connection.reset();
		}
	});

	test('s6: websockets with the same session id at the same time are sessions of their own', async (c) => {
		const url = path(c);
		const sockets = [await c.websocket(url), await c.websocket(url), await c.websocket(url)];
		for (const socket of sockets) assert.equal(await socket.readText(), 'o');
		for (const [index, socket] of sockets.entries()) socket.send(`["${index}"]`);
		for (const [index, socket] of sockets.entries())
			assert.equal(await socket.readText(), `a["${index}"]`);
	});

	test('s6: a websocket and a polling session with the same id are apart', async (c) => {
		const s = await c.session('/echo').open();
		const socket = await c.websocket(`${s.path}/websocket`);
		assert.equal(await socket.readText(), 'o');
		await s.send(['polled']);
		socket.send('["pushed"]');
		assert.equal(await socket.readText(), 'a["pushed"]');
		assert.equal(await s.poll(), 'a["polled"]');
	});

	test('s6: a websocket opens no session that xhr_send could reach', async (c) => {
		const s = c.session('/echo');
		const socket = await c.websocket(`${s.path}/websocket`);
		assert.equal(await socket.readText(), 'o');
		assert.equal(await s.exists(), false);
	});
}

function early({ test }) {
	const first = encodeFrame(OPCODE.text, '["early"]');

	test('s6: frames in the segment of the handshake are data', async (c) => {
		const socket = await c.websocket(path(c), {
			early: Buffer.concat([first, encodeFrame(OPCODE.text, '"two"')]),
		});
		assert.equal(await socket.readText(), 'o');
		assert.deepEqual(await readMessages(socket, 2), ['early', 'two']);
	});

	test('s6: a part of a frame in the segment of the handshake is data', async (c) => {
		for (const cut of [1, 2, 5, first.length - 1]) {
			const socket = await c.websocket(path(c), { early: first.subarray(0, cut) });
			assert.equal(await socket.readText(), 'o');
			socket.connection.write(first.subarray(cut));
			assert.equal(await socket.readText(), 'a["early"]');
		}
	});

	test("s6: the server's first message may come right behind the handshake", async (c) => {
		const socket = await c.websocket(path(c));
		assert.equal(await socket.readText(1000), 'o');
	});
}

exports.register = (target) => {
	for (const group of [talking, badMessages, closing, identity, early]) group(target);
};
