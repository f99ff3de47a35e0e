'use strict';

// hixie-76, what browsers spoke before RFC 6455: on where the service's option says so, refused
// elsewhere.

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const { startDaemon, withLog } = require('./lib/daemon');
const { raw, sockjs, dribble } = require('./lib/dialects');
const { Connection, formatRequest, now } = require('./lib/http');

const conf = `
[service /echo]
module = echo
websocket_hixie76 = on
message_limit = 200k

[service /plain]
module = echo
`;

let daemon;
before(async () => { daemon = await startDaemon({ conf }); });
after(async () => { if (daemon) await daemon.stop(); });
const check = (name, body) => test(`hixie-76: ${name}`, withLog(() => daemon, body));

// The example of draft-hixie-thewebsocketprotocol-76, section 1.2.
const fields = {
	'Host': 'example.com',
	'Upgrade': 'WebSocket',
	'Connection': 'Upgrade',
	'Origin': 'http://example.com',
	'Sec-WebSocket-Key1': '4 @1  46546xW%0l 1 5',
	'Sec-WebSocket-Key2': '12998 5 Y3 1  .P00',
};
const key3 = '^n:ds[4U';
const answerToKeys = '8jKS\'y:G*Co,Wxa-';

const head = (target, overrides) => formatRequest('GET', target, { headers: { ...fields, ...overrides } });
const frame = (text) => Buffer.concat([Buffer.of(0), Buffer.from(text), Buffer.of(0xff)]);

async function readFrame(connection) {
	const deadline = now() + 5000;
	let end;
	while ((end = connection.pending.indexOf(0xff)) < 0)
		assert.ok(await connection.more(deadline), 'the connection ended before a frame');
	const bytes = connection.consume(end + 1);
	assert.strictEqual(bytes[0], 0, `no text frame: ${bytes.toString('latin1')}`);
	return bytes.subarray(1, -1).toString();
}

async function greet(connection) {
	assert.strictEqual(await readFrame(connection), 'o');
}

async function handshake({ early = '' } = {}) {
	const connection = await Connection.open(daemon.url);
	const target = sockjs.target('echo');
	connection.write(Buffer.concat([head(target), Buffer.from(key3), Buffer.from(early)]));
	const answer = await connection.readAnswer();
	assert.strictEqual(answer.status, 101);
	assert.match(answer.header('Upgrade'), /^websocket$/i);
	assert.match(answer.header('Connection'), /^upgrade$/i);
	assert.strictEqual(answer.header('Sec-WebSocket-Origin'), 'http://example.com');
	assert.strictEqual(answer.header('Sec-WebSocket-Location'), `ws://example.com${target}`);
	assert.strictEqual((await connection.readBytes(16)).toString(), answerToKeys);
	await greet(connection);
	return connection;
}

// The raw websocket came later than hixie-76: nobody ever spoke it there.
for (const service of ['echo', 'plain'])
	check(`is refused on the raw websocket of a service whose option is ${service === 'echo' ? 'on' : 'off'}`, async () => {
		const connection = await Connection.open(daemon.url);
		connection.write(Buffer.concat([head(raw.target(service)), Buffer.from(key3)]));
		assert.strictEqual((await connection.readAnswer()).status, 400);
		connection.close();
	});

check('the draft\'s handshake, and frames both ways', async () => {
	const connection = await handshake();
	for (const text of ['a', 'ä€\u{1f600}', 'x'.repeat(100000)]) {
		connection.write(frame(sockjs.wrap(text)));
		assert.strictEqual(sockjs.unwrap(await readFrame(connection)), text);
	}
	connection.close();
});

check('a frame right behind the key', async () => {
	const connection = await handshake({ early: frame(sockjs.wrap('early')) });
	assert.strictEqual(sockjs.unwrap(await readFrame(connection)), 'early');
	connection.close();
});

check('the head of the answer does not wait for the key', async () => {
	const connection = await Connection.open(daemon.url);
	connection.write(head(sockjs.target('echo')));
	assert.strictEqual((await connection.readAnswer()).status, 101);
	assert.strictEqual(connection.pending.length, 0);
	await dribble(connection, Buffer.from(key3));
	assert.strictEqual((await connection.readBytes(16)).toString(), answerToKeys);
	await greet(connection);
	connection.close();
});

check('everything one byte at a time', async () => {
	const connection = await Connection.open(daemon.url);
	await dribble(connection, Buffer.concat([head(sockjs.target('echo')), Buffer.from(key3), frame(sockjs.wrap('drop by drop'))]));
	assert.strictEqual((await connection.readAnswer()).status, 101);
	assert.strictEqual((await connection.readBytes(16)).toString(), answerToKeys);
	await greet(connection);
	assert.strictEqual(sockjs.unwrap(await readFrame(connection)), 'drop by drop');
	connection.close();
});

check('the closing handshake', async () => {
	const connection = await handshake();
	connection.write(Buffer.of(0xff, 0));
	assert.deepStrictEqual(Buffer.from(await connection.readBytes(2)), Buffer.of(0xff, 0));
	await connection.expectClose();
	connection.close();
});

check('text that is not UTF-8 ends the connection', async () => {
	const connection = await handshake();
	connection.write(Buffer.of(0, 0x5b, 0x22, 0xc0, 0xaf, 0x22, 0x5d, 0xff));
	while (await connection.more(now() + 5000));
	connection.close();
});

check('a message without end is cut off at message_limit', async () => {
	const connection = await handshake();
	connection.write(Buffer.concat([Buffer.of(0), Buffer.alloc(300000, 0x78)]));
	while (await connection.more(now() + 5000));
	connection.close();
});

check('is refused where it is off', async () => {
	const connection = await Connection.open(daemon.url);
	connection.write(Buffer.concat([head(sockjs.target('plain')), Buffer.from(key3)]));
	assert.strictEqual((await connection.readAnswer()).status, 400);
	connection.close();
});

for (const [name, overrides] of Object.entries({
	'a key without spaces': { 'Sec-WebSocket-Key1': '12345' },
	'a key without digits': { 'Sec-WebSocket-Key2': 'a b c' },
	'a number that the spaces do not divide': { 'Sec-WebSocket-Key1': '1 0 1 0 1x' },
	'only one key': { 'Sec-WebSocket-Key2': null },
}))
	check(`${name} is refused`, async () => {
		const connection = await Connection.open(daemon.url);
		connection.write(Buffer.concat([head(sockjs.target('echo'), overrides), Buffer.from(key3)]));
		assert.strictEqual((await connection.readAnswer()).status, 400);
		connection.close();
	});
