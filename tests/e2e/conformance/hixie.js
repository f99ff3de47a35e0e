'use strict';

// Section 6: hixie-76, the draft of the first browsers with WebSockets: on in /echo, off elsewhere.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { messagesOf } = require('../lib/session');

// The keys, body and answer of the draft's own example (draft-ietf-hybi-thewebsocketprotocol-00,
// section 1.3).
const EXAMPLE = {
	key1: '4 @1  46546xW%0l 1 5',
	key2: '12998 5 Y3 1  .P00',
	body: '^n:ds[4U',
	answer: "8jKS'y:G*Co,Wxa-",
};

const numberOf = (key) => Number(key.replace(/[^0-9]/g, '')) / key.replace(/[^ ]/g, '').length;

function answerTo(key1, key2, body) {
	const bytes = Buffer.alloc(16);
	bytes.writeUInt32BE(numberOf(key1), 0);
	bytes.writeUInt32BE(numberOf(key2), 4);
	body.copy(bytes, 8);
	return crypto.createHash('md5').update(bytes).digest();
}

const hixieHeaders = ({ key1, key2 } = EXAMPLE) => ({
	Upgrade: 'WebSocket',
	Connection: 'Upgrade',
	'Sec-WebSocket-Version': null,
	'Sec-WebSocket-Key': null,
	Origin: 'http://example.com',
	'Sec-WebSocket-Key1': key1,
	'Sec-WebSocket-Key2': key2,
});

const urlOf = (c, prefix) => `${prefix}/000/${c.uniqueId()}/websocket`;

const handshake = (c, url, options) =>
	c.websocket(url, { headers: hixieHeaders(), check: false, ...options });

// A websocket of the draft, opened; `o` is read.
async function openHixie(c, prefix = '/echo') {
	const { connection, answer } = await handshake(c, urlOf(c, prefix), { early: EXAMPLE.body });
	assert.equal(answer.status, 101, answer.head);
	assert.equal(String(await connection.readBytes(16)), EXAMPLE.answer);
	assert.equal(await readHixie(connection), 'o');
	return connection;
}

async function readHixie(connection) {
	const [begin] = await connection.readBytes(1);
	assert.equal(begin, 0, 'a text frame begins with 0x00');
	const bytes = [];
	for (
		let [byte] = await connection.readBytes(1);
		byte !== 0xff;
		[byte] = await connection.readBytes(1)
	)
		bytes.push(byte);
	return Buffer.from(bytes).toString('utf8');
}

const hixieFrame = (text) =>
	Buffer.concat([Buffer.from([0]), Buffer.from(text), Buffer.from([0xff])]);

function handshakes({ test }) {
	test("s6: hixie-76: the handshake and the draft's own answer", async (c) => {
		const url = urlOf(c, '/echo');
		const { connection, answer } = await handshake(c, url, { early: EXAMPLE.body });
		assert.equal(answer.status, 101);
		assert.equal(answer.header('Upgrade'), 'WebSocket');
		assert.equal(answer.header('Connection'), 'Upgrade');
		assert.equal(answer.header('Sec-WebSocket-Origin'), 'http://example.com');
		assert.equal(
			answer.header('Sec-WebSocket-Location'),
			`ws://${connection.hostName()}${url}`,
		);
		assert.equal(answer.header('Content-Length'), undefined);
		assert.equal(String(await connection.readBytes(16)), EXAMPLE.answer);
	});

	test('s6: hixie-76: the head of the answer leaves before the eight bytes arrive', async (c) => {
		const { connection, answer } = await handshake(c, urlOf(c, '/echo'), { timeout: 20000 });
		assert.equal(answer.status, 101);
		connection.write(EXAMPLE.body.slice(0, 3));
		await new Promise((resolve) => {
			setTimeout(resolve, 30);
		});
		assert.equal(connection.pending.length, 0, 'an answer to three of eight bytes');
		connection.write(EXAMPLE.body.slice(3));
		assert.equal(String(await connection.readBytes(16)), EXAMPLE.answer);
		assert.equal(await readHixie(connection), 'o');
	});

	test('s6: hixie-76: any key, any eight bytes', async (c) => {
		const keys = [
			['1 0', '2 0'],
			['z 1', '4294967295 z'],
			['18 x6]8vM;54 *(5:  {   U1]8  z [  8', '1_ tx7X d  <  nw  334J702) 7]o}` 0'],
		];
		for (const [key1, key2] of keys) {
			const body = Buffer.concat([crypto.randomBytes(7), Buffer.from([0xff])]);
			const { connection, answer } = await handshake(c, urlOf(c, '/echo'), {
				headers: hixieHeaders({ key1, key2 }),
				early: body,
			});
			assert.equal(answer.status, 101, key1);
			assert.deepEqual(await connection.readBytes(16), answerTo(key1, key2, body));
		}
	});

	for (const prefix of ['/hixie_off', '/defaults']) {
		test(`s6: hixie-76 is 400 where it is off: ${prefix}`, async (c) => {
			const { answer } = await handshake(c, urlOf(c, prefix), { early: EXAMPLE.body });
			assert.equal(answer.status, 400);
		});
	}
}

function talking({ test }) {
	test('s6: hixie-76: text frames between 0x00 and 0xFF', async (c) => {
		const connection = await openHixie(c);
		for (const message of ['x', 'é€\u2028', 'y'.repeat(3000)]) {
			connection.write(hixieFrame(JSON.stringify([message])));
			assert.deepEqual(JSON.parse((await readHixie(connection)).slice(1)), [message]);
		}
	});

	test('s6: hixie-76: frames may arrive in parts, or several at once', async (c) => {
		const connection = await openHixie(c);
		for (const byte of hixieFrame('["slow"]')) {
			connection.write(Buffer.from([byte]));
			await new Promise(setImmediate);
		}
		assert.equal(await readHixie(connection), 'a["slow"]');
		connection.write(Buffer.concat([hixieFrame('["a"]'), hixieFrame('"b"')]));
		const messages = [];
		while (messages.length < 2) messages.push(...messagesOf(await readHixie(connection)));
		assert.deepEqual(messages, ['a', 'b']);
	});

	test('s6: hixie-76: frames behind the eight bytes are data', async (c) => {
		const early = Buffer.concat([Buffer.from(EXAMPLE.body), hixieFrame('["early"]')]);
		const { connection } = await handshake(c, urlOf(c, '/echo'), { early });
		await connection.readBytes(16);
		assert.equal(await readHixie(connection), 'o');
		assert.equal(await readHixie(connection), 'a["early"]');
	});

	test('s6: hixie-76: a close is 0xFF 0x00, and answered so', async (c) => {
		const connection = await openHixie(c);
		connection.write(Buffer.from([0xff, 0x00]));
		assert.deepEqual([...(await connection.readBytes(2))], [0xff, 0x00]);
		await connection.expectClose();
	});
}

exports.register = (target) => {
	handshakes(target);
	talking(target);
};
