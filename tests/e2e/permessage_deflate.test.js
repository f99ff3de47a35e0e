'use strict';

// permessage-deflate (RFC 7692): with `ws` as an independent client, and with frames made by hand
// for what is wrong.

const assert = require('node:assert');
const crypto = require('node:crypto');
const { test, before, after } = require('node:test');
const zlib = require('node:zlib');
const WebSocket = require('ws');
const { startDaemon, withLog, withTimeout, unsanitized } = require('./lib/daemon');
const { send, readClose, expectFailure } = require('./lib/dialects');
const { WebSocketClient, OPCODE } = require('./lib/websocket');

const { text: TEXT, binary: BINARY, ping: PING } = OPCODE;

const conf = `
[server]
message_limit = 4M
queue_limit = 32M

[service /plain]
module = echo

[service /deflate]
module = echo
websocket_deflate = on

[service /deflate_small]
module = echo
websocket_deflate = on
message_limit = 4096
`;

let daemon;
before(async () => { daemon = await startDaemon({ conf }); });
after(async () => { if (daemon) await daemon.stop(); });
const check = (name, ...rest) => test(`deflate: ${name}`, ...rest.slice(0, -1), withLog(() => daemon, rest.at(-1)));

const text = 'a compressible text '.repeat(100);

// One client of the `ws` package: {socket, next()}.
async function client(service, options) {
	const socket = new WebSocket(`ws://127.0.0.1:${daemon.port}/${service}/websocket`, { perMessageDeflate: options });
	const queue = [];
	let wake = null;
	socket.on('message', (data, isBinary) => { queue.push(isBinary ? data : data.toString()); if (wake) wake(); });
	await withTimeout(new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)), 10000, 'no open event');
	const next = async () => {
		if (queue.length === 0)
			await withTimeout(new Promise((resolve) => { wake = resolve; }), 10000, 'no message within 10 s');
		wake = null;
		return queue.shift();
	};
	return { socket, next };
}

const offers = {
	'no parameter': true,
	'server_no_context_takeover': { serverNoContextTakeover: true },
	'client_no_context_takeover': { clientNoContextTakeover: true },
	'both without context': { serverNoContextTakeover: true, clientNoContextTakeover: true },
	'server_max_window_bits=9': { serverMaxWindowBits: 9 },
	'server_max_window_bits=15': { serverMaxWindowBits: 15 },
	'client_max_window_bits=9': { clientMaxWindowBits: 9 },
	'client_max_window_bits without a value': { clientMaxWindowBits: true },
	'all four': { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 10, clientMaxWindowBits: 10 },
};
for (const [name, options] of Object.entries(offers))
	check(`ws, offering ${name}, echoes`, async () => {
		const { socket, next } = await client('deflate', typeof options === 'object' ? { threshold: 0, ...options } : options);
		assert.match(socket.extensions, /permessage-deflate/);
		const random = crypto.randomBytes(50000);
		const messages = [text, text, '', 'short', 'ä€\u{1f600}'.repeat(3000), random.toString('base64'), text, random, 'x'.repeat(1000000)];
		for (const message of messages)
			socket.send(message);
		for (const message of messages)
			assert.deepStrictEqual(await next(), message);
		socket.terminate();
	});

check('ws sends a compressed message in fragments', async () => {
	const { socket, next } = await client('deflate', { threshold: 0 });
	for (let i = 0; i < 10; i++)
		socket.send(text, { fin: i === 9 });
	assert.strictEqual(await next(), text.repeat(10));
	socket.terminate();
});

// The header offered -> what the answer must look like; null: no extension.
const negotiations = [
	['permessage-deflate', /^permessage-deflate(;|$)/],
	['permessage-deflate; server_no_context_takeover', /;\s*server_no_context_takeover/],
	['permessage-deflate; client_no_context_takeover', /^permessage-deflate/],
	['permessage-deflate; server_max_window_bits=10', /;\s*server_max_window_bits=(8|9|10)\b/],
	['permessage-deflate; server_max_window_bits="10"', /;\s*server_max_window_bits="?(8|9|10)\b/],
	['permessage-deflate; client_max_window_bits=10', /^permessage-deflate(?!.*client_max_window_bits=1[1-5])/],
	['permessage-deflate; client_max_window_bits', /^permessage-deflate/],
	['foo, permessage-deflate', /^permessage-deflate/],
	['permessage-deflate; unknown=1, permessage-deflate', /^permessage-deflate(?!.*unknown)/],
	['permessage-deflate; server_max_window_bits=99, permessage-deflate; server_no_context_takeover', /server_no_context_takeover/],
	['permessage-deflate; unknown', null],
	['permessage-deflate; server_max_window_bits', null],
	['permessage-deflate; server_max_window_bits=7', null],
	['permessage-deflate; server_max_window_bits=16', null],
	['permessage-deflate; server_max_window_bits=09', null],
	['permessage-deflate; server_max_window_bits=ten', null],
	['permessage-deflate; client_max_window_bits=16', null],
	['permessage-deflate; server_no_context_takeover=1', null],
	['permessage-deflate; client_no_context_takeover; client_no_context_takeover', null],
	['x-permessage-deflate', null],
];
for (const [offer, expected] of negotiations)
	check(`the answer to "${offer}"`, async () => {
		const headers = { 'Sec-WebSocket-Extensions': offer };
		const peer = await WebSocketClient.connect(daemon.url, '/deflate/websocket', { headers });
		const answer = peer.answer.header('sec-websocket-extensions');
		if (expected)
			assert.match(String(answer), expected);
		else
			assert.strictEqual(answer, undefined);
		peer.send('x');
		const frame = await peer.readFrame();
		assert.strictEqual(expected ? frame.opcode : `${frame.rsv} ${frame.payload}`, expected ? TEXT : '0 x');
		peer.connection.close();
	});

check('is not agreed to where it is off', async () => {
	const { socket, next } = await client('plain', true);
	assert.strictEqual(socket.extensions, '');
	socket.send(text);
	assert.strictEqual(await next(), text);
	socket.terminate();
});

check('works on the SockJS URL too', async () => {
	const socket = new WebSocket(`ws://127.0.0.1:${daemon.port}/deflate/000/x/websocket`);
	const frames = [];
	await withTimeout(new Promise((resolve, reject) => {
		socket.on('error', reject);
		socket.on('open', () => { socket.send(JSON.stringify([text])); socket.send(JSON.stringify([text])); });
		socket.on('message', (data) => {
			frames.push(data.toString());
			if (frames.join('').split(text).length === 3)
				resolve();
		});
	}), 10000, () => `frames: ${frames}`);
	assert.match(socket.extensions, /permessage-deflate/);
	assert.strictEqual(frames[0], 'o');
	socket.terminate();
});

const deflated = (data) => {
	const bytes = zlib.deflateRawSync(data, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
	return bytes.subarray(0, bytes.length - 4);
};
const openDeflate = (service) => WebSocketClient.connect(daemon.url, `/${service}/websocket`,
	{ headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_no_context_takeover' } });

check('a peer may send uncompressed messages', async () => {
	const peer = await openDeflate('deflate');
	peer.send('plain');
	send(peer, { opcode: TEXT, rsv: 4, payload: deflated('compressed') });
	peer.send('plain again');
	for (let i = 0; i < 3; i++)
		assert.strictEqual((await peer.readFrame()).opcode, TEXT);
	peer.connection.close();
});

const wrong = [
	['the compressed bit on a continuation (1002)', [{ opcode: TEXT, fin: false, payload: 'x' }, { opcode: 0, rsv: 4, payload: 'x' }], [1002]],
	['the compressed bit on a ping (1002)', [{ opcode: PING, rsv: 4 }], [1002]],
	['RSV2 (1002)', [{ opcode: TEXT, rsv: 2, payload: 'x' }], [1002]],
	['RSV1 and RSV3 (1002)', [{ opcode: TEXT, rsv: 5, payload: 'x' }], [1002]],
	['what cannot be inflated (1002 or 1007)', [{ opcode: TEXT, rsv: 4, payload: Buffer.alloc(64, 0xff) }], [1002, 1007]],
	['a distance before the beginning (1002 or 1007)', [{ opcode: TEXT, rsv: 4, payload: Buffer.of(0x03, 0x7e) }], [1002, 1007]],
	['compressed bytes that are not UTF-8 (1007)', [{ opcode: TEXT, rsv: 4, payload: deflated(Buffer.of(0x41, 0xc0, 0xaf)) }], [1007]],
];
for (const [name, frames, codes] of wrong)
	check(`${name}`, async () => {
		const peer = await openDeflate('deflate');
		for (const frame of frames)
			send(peer, frame);
		const { code } = await readClose(peer);
		assert.ok(codes.includes(code), `close code ${code}`);
		await peer.connection.expectClose();
		peer.connection.close();
	});

check('a message that inflates over message_limit is too big (1009)', async () => {
	const peer = await openDeflate('deflate_small');
	const bomb = deflated(Buffer.alloc(1000000));
	assert.ok(bomb.length < 4096, 'the bomb itself is under the limit');
	send(peer, { opcode: TEXT, rsv: 4, payload: bomb });
	await expectFailure(peer, 1009);
});

unsanitized(check)('a bomb of 1 GB costs no memory', {}, async () => {
	const unit = deflated(Buffer.alloc(16 * 1024 * 1024));
	const separated = Buffer.concat([unit, Buffer.of(0, 0, 0, 0xff, 0xff)]);
	const peer = await openDeflate('deflate');
	const before = daemon.residentBytes();
	send(peer, { opcode: BINARY, rsv: 4, payload: Buffer.concat(Array(64).fill(separated)) });
	// The rest of the bomb may still be on its way when the server gives up, and then TCP may cut
	// off the close frame.
	const told = await readClose(peer).catch(() => null);
	assert.ok(told === null || told.code === 1009, JSON.stringify(told));
	assert.ok(peer.connection.closed || await peer.connection.expectClose().then(() => true));
	const grown = daemon.residentBytes() - before;
	assert.ok(grown < 64 * 1024 * 1024, `grew by ${grown} bytes`);
	peer.connection.close();
});
