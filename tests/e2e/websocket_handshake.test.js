'use strict';

// The opening handshake of RFC 6455, section 4.2, as clients and proxies really write it, on both
// websocket URLs.

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const { startDaemon, withLog } = require('./lib/daemon');
const { sockjs, dialects, open, bytesOf, expectEcho } = require('./lib/dialects');
const { Connection, request } = require('./lib/http');
const { WebSocketClient, handshakeHeaders } = require('./lib/websocket');

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

const conf = `
[service /echo]
module = echo

[service /plain]
module = echo
`;

let daemon;
before(async () => { daemon = await startDaemon({ conf }); });
after(async () => { if (daemon) await daemon.stop(); });
const check = (name, body) => test(`handshake: ${name}`, withLog(() => daemon, body));

const accepted = {
	'Connection: keep-alive, Upgrade': { Connection: 'keep-alive, Upgrade' },
	'Connection: Upgrade, keep-alive': { Connection: 'Upgrade, keep-alive' },
	'Connection: ,, upgrade ,': { Connection: ',, upgrade ,' },
	'Connection: UPGRADE': { Connection: 'UPGRADE' },
	'Upgrade: WebSocket': { Upgrade: 'WebSocket' },
	'Upgrade: WEBSOCKET': { Upgrade: 'WEBSOCKET' },
	'header names in lower case': { 'Upgrade': null, 'Connection': null, 'upgrade': 'websocket', 'connection': 'upgrade' },
	'header names in upper case': { 'Upgrade': null, 'Connection': null, 'UPGRADE': 'websocket', 'CONNECTION': 'Upgrade' },
	'blanks around values': { Upgrade: '  websocket \t', Connection: '\tUpgrade  ' },
	'version 8': { 'Sec-WebSocket-Version': '8' },
	'an Origin': { Origin: 'http://example.com' },
	'Origin: null': { Origin: 'null' },
	'a long head': { 'Cookie': 'x'.repeat(3000), 'User-Agent': 'y'.repeat(500) },
	'subprotocols, none of which is chosen': { 'Sec-WebSocket-Protocol': 'chat, superchat' },
	'unknown extensions, none of which is chosen': { 'Sec-WebSocket-Extensions': 'x-webkit-deflate-frame, foo; bar=1' },
};
for (const dialect of dialects)
	for (const [name, headers] of Object.entries(accepted))
		check(`${dialect.name}: handshake with ${name}`, async () => {
			const peer = await open(dialect, daemon.url, 'echo', { headers });
			assert.match(peer.answer.header('upgrade'), /^websocket$/i);
			assert.match(peer.answer.header('connection'), /^upgrade$/i);
			assert.strictEqual(peer.answer.header('sec-websocket-protocol'), undefined);
			assert.strictEqual(peer.answer.header('sec-websocket-extensions'), undefined);
			assert.strictEqual(peer.answer.header('transfer-encoding'), undefined);
			assert.strictEqual(peer.answer.header('content-length'), undefined);
			peer.send(dialect.wrap('x'));
			await expectEcho(dialect, peer, 'x');
			peer.connection.close();
		});

const key = (bytes) => ({ 'Sec-WebSocket-Key': Buffer.alloc(bytes).toString('base64') });
const refused = {
	'no key': { 'Sec-WebSocket-Key': null },
	'an empty key': { 'Sec-WebSocket-Key': '' },
	'a key of 15 bytes': key(15),
	'a key of 17 bytes': key(17),
	'a key that is not base64': { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' },
	'no Upgrade': { Upgrade: null },
	'another Upgrade': { Upgrade: 'h2c' },
	'no Connection': { Connection: null },
	'Connection: close': { Connection: 'close' },
	'Connection: keep-alive': { Connection: 'keep-alive' },
	'Connection: upgraded': { Connection: 'upgraded' },
	...Object.fromEntries(['0', '7', '9', '12', '14', '130', '-13', '13x', ''].map((version) =>
		[`version "${version}"`, { 'Sec-WebSocket-Version': version }])),
};
for (const dialect of dialects)
	for (const [name, headers] of Object.entries(refused))
		check(`${dialect.name}: a handshake with ${name} gets 400`, async () => {
			// Without keys and version a request is neither hixie-76 nor RFC 6455, on any service.
			const { status } = await request(daemon.url, 'GET', dialect.target('plain'), { headers: handshakeHeaders(KEY, headers) });
			assert.strictEqual(status, 400);
		});

for (const dialect of dialects)
	check(`${dialect.name}: a handshake in HTTP/1.0 gets 400`, async () => {
		const { status } = await request(daemon.url, 'GET', dialect.target('plain'), { version: '1.0', headers: handshakeHeaders(KEY) });
		assert.strictEqual(status, 400);
	});

for (const dialect of dialects)
	check(`${dialect.name}: a connection that served requests before can be upgraded`, async () => {
		const connection = await Connection.open(daemon.url);
		assert.strictEqual((await connection.request('GET', '/echo/info')).status, 200);
		assert.strictEqual((await connection.request('GET', '/echo')).status, 200);
		const early = bytesOf({ payload: dialect.wrap('after info') });
		const peer = await WebSocketClient.handshake(connection, dialect.target('echo'), { early });
		await dialect.greet(peer);
		await expectEcho(dialect, peer, 'after info');
		connection.close();
	});

check('the server says `o` without waiting for the client', async () => {
	const peer = await WebSocketClient.connect(daemon.url, sockjs.target('echo'));
	assert.strictEqual(await peer.readText(1000), 'o');
	peer.connection.close();
});
