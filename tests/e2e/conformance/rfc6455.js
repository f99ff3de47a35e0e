'use strict';

// Section 6: RFC 6455 on the raw websocket of echo.

const assert = require('node:assert/strict');
const { now } = require('../lib/http');
const { encodeFrame, closePayload, OPCODE } = require('../lib/websocket');

const open = (c) => c.websocket('/echo/websocket');

// The bytes must end the connection with that code.
async function assertFails(c, bytes, code, what) {
	const socket = await open(c);
	socket.connection.write(bytes);
	const close = await socket.readClose();
	assert.equal(close.code, code, what);
	socket.sendClose(code);
	await socket.connection.expectClose();
}

function fragments({ test }) {
	test('s6: control frames may come between fragments', async (c) => {
		const socket = await open(c);
		socket.sendFrame(OPCODE.text, 'a', { fin: false });
		socket.sendFrame(OPCODE.ping, 'p1');
		socket.sendFrame(OPCODE.continuation, 'b', { fin: false });
		socket.sendFrame(OPCODE.pong, 'unasked');
		socket.sendFrame(OPCODE.ping, 'p2');
		socket.sendFrame(OPCODE.continuation, 'c');
		let pong = await socket.read();
		// Of pings that come together, the last may be the only one that is answered (5.5.3).
		if (pong.text === 'p1') pong = await socket.read();
		assert.deepEqual([pong.opcode, pong.text], [OPCODE.pong, 'p2']);
		assert.equal(await socket.readText(), 'abc');
	});

	test('s6: fragments may be empty', async (c) => {
		const socket = await open(c);
		socket.sendFrame(OPCODE.text, '', { fin: false });
		socket.sendFrame(OPCODE.continuation, 'x', { fin: false });
		socket.sendFrame(OPCODE.continuation, '', { fin: false });
		socket.sendFrame(OPCODE.continuation, '');
		assert.equal(await socket.readText(), 'x');
	});

	test('s6: a character may be split between fragments', async (c) => {
		const socket = await open(c);
		const bytes = Buffer.from('aé€\u{1f600}');
		for (let i = 0; i < bytes.length; i++)
			socket.sendFrame(i ? OPCODE.continuation : OPCODE.text, bytes.subarray(i, i + 1), {
				fin: i === bytes.length - 1,
			});
		assert.equal(await socket.readText(), 'aé€\u{1f600}');
	});

	test('s6: frames may arrive byte by byte, or many at once', async (c) => {
		const socket = await open(c);
		for (const byte of encodeFrame(OPCODE.text, 'x'.repeat(130))) {
			socket.connection.write(Buffer.from([byte]));
			await new Promise(setImmediate);
		}
		assert.equal(await socket.readText(), 'x'.repeat(130));
		const texts = Array.from({ length: 200 }, (_, i) => `t${i}`);
		socket.connection.write(Buffer.concat(texts.map((text) => encodeFrame(OPCODE.text, text))));
		for (const text of texts) assert.equal(await socket.readText(), text);
	});

	test('s6: a continuation of nothing is 1002', async (c) => {
		await assertFails(c, encodeFrame(OPCODE.continuation, 'x'), 1002);
		await assertFails(c, encodeFrame(OPCODE.continuation, 'x', { fin: false }), 1002);
	});

	test('s6: a new message within a fragmented one is 1002', async (c) => {
		const begin = encodeFrame(OPCODE.text, 'a', { fin: false });
		await assertFails(c, Buffer.concat([begin, encodeFrame(OPCODE.text, 'b')]), 1002);
		await assertFails(c, Buffer.concat([begin, encodeFrame(OPCODE.binary, 'b')]), 1002);
	});
}

function frames({ test }) {
	test('s6: any mask is a mask', async (c) => {
		const socket = await open(c);
		for (const mask of [
			[0, 0, 0, 0],
			[255, 255, 255, 255],
			[1, 2, 3, 4],
			[0x80, 0, 0x7f, 0xff],
		]) {
			socket.sendFrame(OPCODE.text, 'masked text', { mask });
			assert.equal(await socket.readText(), 'masked text');
		}
	});

	test('s6: the server does not mask and sets no reserved bits', async (c) => {
		const socket = await open(c);
		for (const size of [0, 125, 126, 70000]) {
			socket.sendBinary('x'.repeat(size));
			const frame = await socket.readFrame();
			assert.deepEqual([frame.masked, frame.rsv], [false, 0]);
			if (frame.fin) assert.equal(frame.payload.length, size);
			else await socket.read();
		}
	});

	test('s6: an unmasked frame is 1002', async (c) => {
		await assertFails(c, encodeFrame(OPCODE.text, 'x', { mask: null }), 1002);
		await assertFails(c, encodeFrame(OPCODE.ping, '', { mask: null }), 1002);
	});

	test('s6: a reserved bit is 1002', async (c) => {
		for (const rsv of [1, 2, 4, 7]) {
			await assertFails(c, encodeFrame(OPCODE.text, 'x', { rsv }), 1002);
			await assertFails(c, encodeFrame(OPCODE.ping, '', { rsv }), 1002);
		}
	});

	test('s6: a reserved opcode is 1002', async (c) => {
		for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
			await assertFails(c, encodeFrame(opcode, 'x'), 1002, `opcode ${opcode}`);
	});

	test('s6: a fragmented or long control frame is 1002', async (c) => {
		for (const opcode of [OPCODE.close, OPCODE.ping, OPCODE.pong]) {
			await assertFails(c, encodeFrame(opcode, '', { fin: false }), 1002);
			await assertFails(c, encodeFrame(opcode, 'x'.repeat(126)), 1002);
		}
	});

	test('s6: a message that is announced as too big is 1009', async (c) => {
		await assertFails(c, encodeFrame(OPCODE.binary, '', { form: 64, length: 2 ** 40 }), 1009);
		await assertFails(
			c,
			encodeFrame(OPCODE.text, '', { form: 64, length: Number.MAX_SAFE_INTEGER }),
			1009,
		);
	});

	test('s6: a ping is answered with its payload', async (c) => {
		const socket = await open(c);
		for (const payload of ['', 'x', 'y'.repeat(125), '\0\r\n\u00ff']) {
			socket.sendFrame(OPCODE.ping, payload);
			const pong = await socket.read();
			assert.deepEqual([pong.opcode, pong.text], [OPCODE.pong, payload]);
		}
	});

	test('s6: an unasked pong is ignored', async (c) => {
		const socket = await open(c);
		socket.sendFrame(OPCODE.pong, 'x');
		socket.send('text');
		assert.equal((await socket.read()).text, 'text');
	});
}

function utf8({ test }) {
	const invalid = {
		'a stray continuation': [0x80],
		'an overlong form': [0xc0, 0x80],
		'a surrogate': [0xed, 0xa0, 0x80],
		'above U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
		'five bytes': [0xf8, 0x88, 0x80, 0x80, 0x80],
		'a cut sequence': [0xc3, 0x41],
		'an overlong three-byte form': [0xe0, 0x80, 0xaf],
		'a byte that is never valid': [0xff],
	};

	for (const [name, bytes] of Object.entries(invalid)) {
		test(`s6: invalid UTF-8 is 1007: ${name}`, async (c) => {
			await assertFails(
				c,
				encodeFrame(OPCODE.text, Buffer.concat([Buffer.from('ok '), Buffer.from(bytes)])),
				1007,
			);
		});
	}

	test('s6: a message that ends within a character is 1007', async (c) => {
		await assertFails(c, encodeFrame(OPCODE.text, Buffer.from([0x41, 0xe2, 0x82])), 1007);
	});

	test('s6: the same bytes are fine in a binary message', async (c) => {
		const socket = await open(c);
		const bytes = Buffer.from(Object.values(invalid).flat());
		socket.sendBinary(bytes);
		assert.deepEqual((await socket.read()).payload, bytes);
	});

	test('s6: invalid UTF-8 is 1007 before the message has ended', async (c) => {
		await assertFails(
			c,
			encodeFrame(OPCODE.text, Buffer.from([0x41, 0xff]), { fin: false }),
			1007,
		);
	});

	test('s6: invalid UTF-8 is 1007 before the frame has ended', async (c) => {
		const frame = encodeFrame(
			OPCODE.text,
			Buffer.concat([Buffer.from([0x41, 0xff]), Buffer.alloc(1000, 'x')]),
		);
		await assertFails(c, frame.subarray(0, 100), 1007);
	});

	test('s6: invalid UTF-8 on a SockJS websocket is 1007', async (c) => {
		const socket = await c.sockjs('/echo');
		socket.sendFrame(OPCODE.text, Buffer.from('["\xff"]', 'latin1'));
		assert.equal((await socket.readClose()).code, 1007);
	});
}

function closing({ test }) {
	test('s6: a close is echoed with its code', async (c) => {
		for (const code of [
			1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
		]) {
			const socket = await open(c);
			socket.sendClose(code, 'reason');
			assert.equal((await socket.read()).code, code);
			await socket.connection.expectClose();
		}
	});

	test('s6: a close without a code is answered with a close', async (c) => {
		const socket = await open(c);
		socket.sendClose();
		const close = await socket.read();
		assert.equal(close.opcode, OPCODE.close);
		assert.ok([undefined, 1000].includes(close.code), `code ${close.code}`);
		await socket.connection.expectClose();
	});

	test('s6: a close code that must not be sent is 1002', async (c) => {
		for (const code of [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
			await assertFails(
				c,
				encodeFrame(OPCODE.close, closePayload(code)),
				1002,
				`code ${code}`,
			);
	});

	test('s6: a close with half a code is 1002', async (c) => {
		await assertFails(c, encodeFrame(OPCODE.close, Buffer.from([3])), 1002);
	});

	test('s6: a close reason that is not UTF-8 is refused', async (c) => {
		const socket = await open(c);
		socket.sendFrame(OPCODE.close, Buffer.from([3, 0xe8, 0xff, 0xfe]));
		const { code } = await socket.readClose();
		assert.ok(code === 1007 || code === 1002, `code ${code}`);
		await socket.connection.expectClose();
	});

	test('s6: nothing is delivered after a close', async (c) => {
		const socket = await open(c);
		socket.connection.write(
			Buffer.concat([
				encodeFrame(OPCODE.close, closePayload(1000)),
				encodeFrame(OPCODE.text, 'late'),
			]),
		);
		assert.equal((await socket.read()).opcode, OPCODE.close);
		await socket.connection.expectClose();
	});

	test('s6: a client that just goes away disturbs nobody', async (c) => {
		const other = await open(c);
		for (const how of ['end', 'reset', 'close']) (await open(c)).connection[how]();
		other.send('x');
		assert.equal(await other.readText(), 'x');
	});

	test("s6: the end of the client's side ends the websocket", async (c) => {
		const socket = await open(c);
		socket.connection.end();
		const deadline = now() + 8000;
		while (!socket.connection.closed) await socket.connection.more(deadline);
	});
}

exports.register = (target) => {
	for (const group of [fragments, frames, utf8, closing]) group(target);
};
