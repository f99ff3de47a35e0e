'use strict';

// RFC 6455 byte by byte, over real sockets, on the raw websocket URL and on the SockJS one. The
// frame codec has unit tests of its own: these show that the daemon uses it right.

const assert = require('node:assert');
const crypto = require('node:crypto');
const { test, before, after } = require('node:test');
const { startDaemon, withLog } = require('./lib/daemon');
const { dialects, open, openInPieces, dribble, bytesOf, send, expectEcho, readClose, expectFailure } = require('./lib/dialects');
const { Connection, formatRequest, now } = require('./lib/http');
const { WebSocketClient, OPCODE, closePayload, handshakeHeaders } = require('./lib/websocket');

const { text: TEXT, binary: BINARY, close: CLOSE, ping: PING, pong: PONG } = OPCODE;
const LIMIT = 4 * 1024 * 1024;

const conf = `
[server]
message_limit = ${LIMIT}
queue_limit = ${8 * LIMIT}

[service /echo]
module = echo

[service /small]
module = echo
message_limit = 1024

[service /close]
module = close

[service /heartbeat]
module = echo
heartbeat_delay = 100
`;

let daemon;
let silence; // resolves when the server lets go of a peer that never says anything; begun first, because it lasts
before(async () => {
	daemon = await startDaemon({ conf });
	silence = silentPeer().catch((error) => error);
});
after(async () => { if (daemon) await daemon.stop(); });
const check = (name, body) => test(`rfc6455: ${name}`, withLog(() => daemon, body));

for (const dialect of dialects) {
	registerFrames(dialect);
	registerViolations(dialect);
	registerUtf8(dialect);
	registerCloses(dialect);
	registerLimits(dialect);
	registerSegments(dialect);
}
registerHeartbeat();

function registerFrames(dialect) {
	const checkHere = (name, body) => check(`${dialect.name}: ${name}`, body);

	checkHere('a fragmented message with control frames between its fragments', async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		const bytes = Buffer.from(dialect.wrap('fragmented'));
		send(peer, { opcode: TEXT, fin: false, payload: bytes.subarray(0, 3) });
		send(peer, { opcode: PING, payload: 'one' });
		send(peer, { opcode: 0, fin: false, payload: bytes.subarray(3, 6) });
		send(peer, { opcode: PONG, payload: 'unasked' });
		send(peer, { opcode: PING, payload: 'two' });
		send(peer, { opcode: 0, payload: bytes.subarray(6) });
		// One that came together with a later one need not be answered (5.5.3).
		let pong = await peer.readFrame();
		if (pong.payload.toString() === 'one')
			pong = await peer.readFrame();
		assert.deepStrictEqual([pong.opcode, pong.payload.toString()], [PONG, 'two']);
		await expectEcho(dialect, peer, 'fragmented');
		peer.connection.close();
	});

	checkHere('a message in fragments of one byte, empty ones among them', async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		const text = 'aä€\u{1f600}'.repeat(20);
		const bytes = Buffer.from(dialect.wrap(text));
		send(peer, { opcode: TEXT, fin: false });
		for (const byte of bytes) {
			send(peer, { opcode: 0, fin: false, payload: Buffer.of(byte) });
			send(peer, { opcode: 0, fin: false });
		}
		send(peer, { opcode: 0 });
		await expectEcho(dialect, peer, text);
		peer.connection.close();
	});

	for (const length of [0, 1, 125])
		checkHere(`a ping of ${length} bytes is answered with the same bytes`, async () => {
			const peer = await open(dialect, daemon.url, 'echo');
			const payload = crypto.randomBytes(length);
			send(peer, { opcode: PING, payload });
			const pong = await peer.readFrame();
			assert.deepStrictEqual([pong.opcode, pong.fin, pong.rsv], [PONG, true, 0]);
			assert.deepStrictEqual(Buffer.from(pong.payload), payload);
			peer.connection.close();
		});

	for (const length of [0, 125])
		checkHere(`a pong nobody asked for, of ${length} bytes, is ignored`, async () => {
			const peer = await open(dialect, daemon.url, 'echo');
			send(peer, { opcode: PONG, payload: Buffer.alloc(length) });
			peer.send(dialect.wrap('still here'));
			await expectEcho(dialect, peer, 'still here');
			peer.connection.close();
		});

	// 125/126 and 65535/65536 are where the length's encoding changes; the SockJS frame adds a few
	// bytes of its own.
	for (const length of [1, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 65527, 65530, 65535, 65536, 65537, 200000])
		checkHere(`a text of ${length} bytes`, async () => {
			const peer = await open(dialect, daemon.url, 'echo');
			const text = 'x'.repeat(length);
			peer.send(dialect.wrap(text));
			await expectEcho(dialect, peer, text);
			peer.connection.close();
		});
}

function registerViolations(dialect) {
	const violations = [
		...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`opcode ${opcode}`, { opcode }]),
		...[3, 11].map((opcode) => [`opcode ${opcode} with a payload`, { opcode, payload: 'x' }]),
		...[1, 2, 4, 3, 7].map((rsv) => [`reserved bits ${rsv} on a text`, { opcode: TEXT, rsv, payload: dialect.wrap('x') }]),
		...[1, 2, 4].map((rsv) => [`reserved bits ${rsv} on a ping`, { opcode: PING, rsv }]),
		...[1, 2, 4].map((rsv) => [`reserved bits ${rsv} on a close`, { opcode: CLOSE, rsv, payload: closePayload(1000) }]),
		['an unmasked text', { opcode: TEXT, payload: dialect.wrap('x'), masked: false }],
		['an unmasked empty text', { opcode: TEXT, masked: false }],
		['an unmasked ping', { opcode: PING, masked: false }],
		['an unmasked close', { opcode: CLOSE, payload: closePayload(1000), masked: false }],
		...[0, 1, 125].map((length) => [`${length} bytes in the 16-bit length form`,
			{ opcode: TEXT, payload: 'x'.repeat(length), form: 16 }]),
		...[0, 125, 126, 65535].map((length) => [`${length} bytes in the 64-bit length form`,
			{ opcode: TEXT, payload: 'x'.repeat(length), form: 64 }]),
		['a length with the top bit set', { opcode: TEXT, form: 64, length: 1n << 63n }],
		['a length of all ones', { opcode: TEXT, form: 64, length: (1n << 64n) - 1n }],
		...[CLOSE, PING, PONG].map((opcode) => [`opcode ${opcode} without FIN`, { opcode, fin: false }]),
		...[PING, PONG].map((opcode) => [`opcode ${opcode} with 126 bytes`, { opcode, payload: 'x'.repeat(126) }]),
		['a close with 126 bytes', { opcode: CLOSE, payload: closePayload(1000, 'x'.repeat(124)) }],
		['a continuation of nothing', { opcode: 0, payload: 'x' }],
		['a first fragment that says it continues', { opcode: 0, fin: false, payload: 'x' }],
	];
	for (const [name, frame] of violations)
		check(`${dialect.name}: ${name} is a protocol error (1002)`, async () => {
			const peer = await open(dialect, daemon.url, 'echo');
			send(peer, frame);
			await expectFailure(peer, 1002);
		});

	for (const opcode of [TEXT, BINARY])
		check(`${dialect.name}: opcode ${opcode} inside a fragmented message is a protocol error (1002)`, async () => {
			const peer = await open(dialect, daemon.url, 'echo');
			send(peer, { opcode: TEXT, fin: false, payload: '[' });
			send(peer, { opcode, payload: ']' });
			await expectFailure(peer, 1002);
		});

	check(`${dialect.name}: a continuation after the message was complete is a protocol error (1002)`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		const bytes = Buffer.from(dialect.wrap('whole'));
		send(peer, { opcode: TEXT, fin: false, payload: bytes.subarray(0, 2) });
		send(peer, { opcode: 0, payload: bytes.subarray(2) });
		await expectEcho(dialect, peer, 'whole');
		send(peer, { opcode: 0, payload: 'more' });
		await expectFailure(peer, 1002);
	});

	check(`${dialect.name}: what stands before an error in the same segment is still answered`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		peer.connection.write(Buffer.concat([
			bytesOf({ opcode: TEXT, payload: dialect.wrap('before') }),
			bytesOf({ opcode: 3 }),
			bytesOf({ opcode: TEXT, payload: dialect.wrap('after') }),
		]));
		await expectEcho(dialect, peer, 'before');
		await expectFailure(peer, 1002);
	});
}

function registerUtf8(dialect) {
	const invalid = {
		'a continuation byte alone': [0x80],
		'a lead byte alone': [0xc3, 0x22],
		'an overlong slash in two bytes': [0xc0, 0xaf],
		'an overlong slash in three bytes': [0xe0, 0x80, 0xaf],
		'an overlong slash in four bytes': [0xf0, 0x80, 0x80, 0xaf],
		'a high surrogate': [0xed, 0xa0, 0x80],
		'a low surrogate': [0xed, 0xbf, 0xbf],
		'a pair of surrogates': [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
		'a code point over U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
		'a five-byte form': [0xf8, 0x88, 0x80, 0x80, 0x80],
		'0xFE': [0xfe],
		'0xFF': [0xff],
		'three of four bytes': [0xf0, 0x9f, 0x98, 0x22],
	};
	const [open1, close1] = dialect.name === 'sockjs' ? ['["', '"]'] : ['', ''];
	for (const [name, bytes] of Object.entries(invalid)) {
		const payload = Buffer.concat([Buffer.from(`${open1}good `), Buffer.from(bytes), Buffer.from(close1)]);
		check(`${dialect.name}: ${name} is not UTF-8 (1007)`, async () => {
			const peer = await open(dialect, daemon.url, 'echo');
			peer.send(payload);
			await expectFailure(peer, 1007);
		});
		check(`${dialect.name}: ${name} is noticed before the message ends`, async () => {
			const peer = await open(dialect, daemon.url, 'echo');
			// Only the beginning of a frame of 100,000 bytes is ever sent. The byte after the
			// sequence makes it wrong for sure.
			const frame = bytesOf({ opcode: TEXT, payload: Buffer.concat([payload, Buffer.alloc(100000, 0x22)]) });
			peer.connection.write(frame.subarray(0, 8 + 6 + payload.length + 4));
			await expectFailure(peer, 1007);
		});
	}

	check(`${dialect.name}: bad UTF-8 is noticed in a fragment, before the last one`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		send(peer, { opcode: TEXT, fin: false, payload: Buffer.concat([Buffer.from(open1), Buffer.of(0xe2, 0x82)]) });
		send(peer, { opcode: 0, fin: false, payload: Buffer.of(0x22) });
		await expectFailure(peer, 1007);
	});

	check(`${dialect.name}: a message that ends inside a character is not UTF-8 (1007)`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		send(peer, { opcode: TEXT, fin: false, payload: Buffer.concat([Buffer.from(open1), Buffer.of(0xf0, 0x9f)]) });
		send(peer, { opcode: 0, payload: Buffer.of(0x98) });
		await expectFailure(peer, 1007);
	});

	check(`${dialect.name}: characters split between fragments and segments are whole again`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		const text = '\u{1f600}€ä';
		const bytes = Buffer.from(dialect.wrap(text));
		for (let at = 1; at < bytes.length; at++) {
			await dribble(peer.connection, Buffer.concat([
				bytesOf({ opcode: TEXT, fin: false, payload: bytes.subarray(0, at) }),
				bytesOf({ opcode: 0, payload: bytes.subarray(at) }),
			]), 5);
			await expectEcho(dialect, peer, text);
		}
		peer.connection.close();
	});
}

function registerCloses(dialect) {
	for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])
		check(`${dialect.name}: close ${code} is answered with the same code`, async () => {
			const peer = await open(dialect, daemon.url, 'echo');
			send(peer, { opcode: CLOSE, payload: closePayload(code, 'reason') });
			assert.strictEqual((await readClose(peer)).code, code);
			await peer.connection.expectClose();
			peer.connection.close();
		});

	for (const code of [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65535])
		check(`${dialect.name}: close ${code} is a protocol error (1002)`, async () => {
			const peer = await open(dialect, daemon.url, 'echo');
			send(peer, { opcode: CLOSE, payload: closePayload(code) });
			await expectFailure(peer, 1002);
		});

	check(`${dialect.name}: a close without a code is answered`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		send(peer, { opcode: CLOSE });
		const { code } = await readClose(peer);
		assert.ok(code === undefined || code === 1000, `code ${code}`);
		await peer.connection.expectClose();
		peer.connection.close();
	});

	check(`${dialect.name}: a close of one byte is a protocol error (1002)`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		send(peer, { opcode: CLOSE, payload: Buffer.of(3) });
		await expectFailure(peer, 1002);
	});

	check(`${dialect.name}: a close reason of 123 bytes is accepted`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		send(peer, { opcode: CLOSE, payload: closePayload(1000, 'ä'.repeat(61) + 'x') });
		assert.strictEqual((await readClose(peer)).code, 1000);
		await peer.connection.expectClose();
		peer.connection.close();
	});

	check(`${dialect.name}: a close reason that is not UTF-8 (1007)`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		send(peer, { opcode: CLOSE, payload: Buffer.concat([closePayload(1000), Buffer.of(0xc0, 0xaf)]) });
		await expectFailure(peer, 1007);
	});

	check(`${dialect.name}: what follows a close is ignored`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		peer.connection.write(Buffer.concat([
			bytesOf({ opcode: CLOSE, payload: closePayload(1000) }),
			bytesOf({ opcode: TEXT, payload: dialect.wrap('too late') }),
			bytesOf({ opcode: PING }),
			bytesOf({ opcode: 3 }),
		]));
		await expectFailure(peer, 1000);
	});

	check(`${dialect.name}: a close between fragments ends the connection`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		send(peer, { opcode: TEXT, fin: false, payload: '["unfin' });
		send(peer, { opcode: CLOSE, payload: closePayload(1001) });
		await expectFailure(peer, 1001);
	});

	check(`${dialect.name}: messages sent before a close are answered before it`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		peer.connection.write(Buffer.concat([
			bytesOf({ opcode: TEXT, payload: dialect.wrap('first') }),
			bytesOf({ opcode: CLOSE, payload: closePayload(1000) }),
		]));
		await expectEcho(dialect, peer, 'first');
		await expectFailure(peer, 1000);
	});

	check(`${dialect.name}: the application's close comes with code and reason, and is over when the peer answers it`, async () => {
		const peer = await WebSocketClient.connect(daemon.url, dialect.target('close'));
		await dialect.greet(peer);
		if (dialect.name === 'sockjs') {
			assert.strictEqual(await peer.readText(), 'c[3000,"Go away!"]');
			await readClose(peer);
		} else {
			assert.deepStrictEqual(await readClose(peer), { code: 3000, reason: 'Go away!' });
		}
		send(peer, { opcode: CLOSE, payload: closePayload(3000) });
		await peer.connection.expectClose();
		peer.connection.close();
	});

	check(`${dialect.name}: after the application's close the peer's messages are ignored`, async () => {
		const peer = await WebSocketClient.connect(daemon.url, dialect.target('close'));
		peer.send(dialect.wrap('x'));
		await peer.readClose();
		peer.sendClose(1000);
		await peer.connection.expectClose();
		peer.connection.close();
	});

	check(`${dialect.name}: a peer that only closes its sending side gets its answers, then the end`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		peer.send(dialect.wrap('last words'));
		peer.connection.end();
		await expectEcho(dialect, peer, 'last words');
		await peer.connection.expectClose();
		peer.connection.close();
	});

	check(`${dialect.name}: a peer that closes its sending side inside a frame is let go`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		peer.connection.write(bytesOf({ opcode: TEXT, payload: 'x'.repeat(1000) }).subarray(0, 500));
		peer.connection.end();
		await peer.connection.expectClose();
		peer.connection.close();
	});
}

function registerLimits(dialect) {
	const overhead = Buffer.byteLength(dialect.wrap(''));

	check(`${dialect.name}: a message of exactly message_limit bytes is accepted`, async () => {
		const peer = await open(dialect, daemon.url, 'small');
		const text = 'x'.repeat(1024 - overhead);
		peer.send(dialect.wrap(text));
		await expectEcho(dialect, peer, text);
		peer.connection.close();
	});

	check(`${dialect.name}: one byte more is too big (1009)`, async () => {
		const peer = await open(dialect, daemon.url, 'small');
		peer.send(dialect.wrap('x'.repeat(1025 - overhead)));
		await expectFailure(peer, 1009);
	});

	for (const length of [1025, 70000, 1n << 40n, (1n << 63n) - 1n])
		check(`${dialect.name}: a header that announces ${length} bytes is too big (1009) at once`, async () => {
			const peer = await open(dialect, daemon.url, 'small');
			send(peer, { opcode: TEXT, length });
			await expectFailure(peer, 1009);
		});

	check(`${dialect.name}: fragments that add up to too much are too big (1009)`, async () => {
		const peer = await open(dialect, daemon.url, 'small');
		send(peer, { opcode: TEXT, fin: false, payload: 'x'.repeat(1000) });
		send(peer, { opcode: 0, fin: false, payload: 'x'.repeat(25) });
		await expectFailure(peer, 1009);
	});

	check(`${dialect.name}: a huge message in 4,000 fragments comes back`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		const text = 'abcdefgh'.repeat((LIMIT - 1024) / 8);
		const bytes = Buffer.from(dialect.wrap(text));
		const size = Math.ceil(bytes.length / 4000);
		for (let at = 0; at < bytes.length; at += size)
			send(peer, { opcode: at === 0 ? TEXT : 0, fin: at + size >= bytes.length, payload: bytes.subarray(at, at + size) });
		await expectEcho(dialect, peer, text);
		peer.connection.close();
	});

	check(`${dialect.name}: a huge message in one frame comes back`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		const text = 'abcdefgh'.repeat((LIMIT - 1024) / 8);
		peer.send(dialect.wrap(text));
		await expectEcho(dialect, peer, text);
		peer.connection.close();
	});
}

function registerSegments(dialect) {
	check(`${dialect.name}: handshake and frames one byte at a time`, async () => {
		const peer = await openInPieces(dialect, daemon.url, 'echo', 1);
		const frames = [
			bytesOf({ opcode: TEXT, payload: dialect.wrap('drop by drop') }),
			bytesOf({ opcode: TEXT, fin: false, payload: dialect.wrap('x'.repeat(200)).slice(0, 150) }),
			bytesOf({ opcode: PONG, payload: 'p' }),
			bytesOf({ opcode: 0, payload: dialect.wrap('x'.repeat(200)).slice(150) }),
		];
		await dribble(peer.connection, Buffer.concat(frames));
		await expectEcho(dialect, peer, 'drop by drop');
		await expectEcho(dialect, peer, 'x'.repeat(200));
		await dribble(peer.connection, bytesOf({ opcode: CLOSE, payload: closePayload(1000) }));
		await expectFailure(peer, 1000);
	});

	check(`${dialect.name}: 1,000 frames in one segment are answered in order`, async () => {
		const peer = await open(dialect, daemon.url, 'echo');
		const frames = Array.from({ length: 1000 }, (_, i) => bytesOf({ opcode: TEXT, payload: dialect.wrap(`${i}`) }));
		peer.connection.write(Buffer.concat(frames));
		let next = 0;
		while (next < 1000) {
			const payload = await peer.readText();
			const messages = dialect.name === 'sockjs' ? JSON.parse(payload.slice(1)) : [payload];
			for (const message of messages)
				assert.strictEqual(message, `${next++}`);
		}
		peer.connection.close();
	});

	check(`${dialect.name}: a frame in the handshake's packet is data`, async () => {
		const peer = await open(dialect, daemon.url, 'echo', { early: bytesOf({ opcode: TEXT, payload: dialect.wrap('early') }) });
		await expectEcho(dialect, peer, 'early');
		peer.send(dialect.wrap('later'));
		await expectEcho(dialect, peer, 'later');
		peer.connection.close();
	});

	check(`${dialect.name}: half a frame in the handshake's packet, its rest later`, async () => {
		const frame = bytesOf({ opcode: TEXT, payload: dialect.wrap('in two halves') });
		for (let at = 1; at < frame.length; at++) {
			const peer = await open(dialect, daemon.url, 'echo', { early: frame.subarray(0, at) });
			peer.connection.write(frame.subarray(at));
			await expectEcho(dialect, peer, 'in two halves');
			peer.connection.close();
		}
	});

	for (const size of [1000, 4000, 16000, 40000, 70000, 300000])
		check(`${dialect.name}: ${size} bytes of early data`, async () => {
			const text = 'e'.repeat(size);
			const peer = await open(dialect, daemon.url, 'echo', { early: bytesOf({ opcode: TEXT, payload: dialect.wrap(text) }) });
			await expectEcho(dialect, peer, text);
			peer.connection.close();
		});

	// Only the last of several has to be answered (5.5.3).
	check(`${dialect.name}: of a hundred early pings the last is answered`, async () => {
		const frames = Array.from({ length: 100 }, (_, i) => bytesOf({ opcode: PING, payload: `${i}` }));
		const peer = await open(dialect, daemon.url, 'echo', { early: Buffer.concat(frames) });
		let answered = -1;
		while (answered < 99) {
			const payload = Number((await peer.readFrame()).payload.toString());
			assert.ok(payload > answered, `${payload} after ${answered}`);
			answered = payload;
		}
		peer.connection.close();
	});

	check(`${dialect.name}: an early close is answered`, async () => {
		const peer = await open(dialect, daemon.url, 'echo', { early: bytesOf({ opcode: CLOSE, payload: closePayload(4321) }) });
		await expectFailure(peer, 4321);
	});

	check(`${dialect.name}: an early protocol error is told`, async () => {
		const peer = await open(dialect, daemon.url, 'echo', { early: bytesOf({ opcode: TEXT, masked: false, payload: 'x' }) });
		await expectFailure(peer, 1002);
	});

	check(`${dialect.name}: the handshake's packet followed by the end`, async () => {
		const connection = await Connection.open(daemon.url);
		connection.write(formatRequest('GET', dialect.target('echo'), { host: 'x', headers: handshakeHeaders('AAAAAAAAAAAAAAAAAAAAAA==') }));
		connection.end();
		assert.strictEqual((await connection.readAnswer()).status, 101);
		while (await connection.more(now() + 5000));
		connection.close();
	});
}

// When the server gives up on a peer that says nothing, and when it has ended the connection, in
// ms.
async function silentPeer() {
	const peer = await WebSocketClient.connect(daemon.url, '/heartbeat/000/silent/websocket');
	const start = now();
	await peer.readClose(25000);
	const given = now() - start;
	await peer.connection.expectClose(25000);
	return { given, ended: now() - start };
}

function registerHeartbeat() {
	check('sockjs: the server pings after heartbeat_delay and a pong keeps the connection', async () => {
		const peer = await WebSocketClient.connect(daemon.url, '/heartbeat/000/x/websocket');
		assert.strictEqual(await peer.readText(), 'o');
		for (let i = 0; i < 3; i++) {
			const ping = await peer.readFrame();
			assert.strictEqual(ping.opcode, PING);
			send(peer, { opcode: PONG, payload: ping.payload });
		}
		peer.send('["alive"]');
		for (let frame; (frame = await peer.readFrame()).opcode !== TEXT;)
			assert.strictEqual(frame.opcode, PING);
		peer.connection.close();
	});

	check('sockjs: a peer that never answers a ping is let go after ten seconds', async () => {
		const { given, ended } = await silence;
		assert.ok(given > 9000, `a close frame after ${given} ms`);
		assert.ok(ended >= given, `the end after ${ended} ms`);
	});
}
