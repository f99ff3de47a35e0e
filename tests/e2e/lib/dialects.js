'use strict';

// The two ways to talk to a service over a WebSocket, so that a test about the wire can be run on
// both: raw, where a message is the application's, and SockJS, where it is an array of messages and
// the server begins with `o`.

const assert = require('node:assert');
const crypto = require('node:crypto');
const { Connection, formatRequest } = require('./http');
const { WebSocketClient, encodeFrame, handshakeHeaders } = require('./websocket');

const raw = {
	name: 'raw',
	target: (service) => `/${service}/websocket`,
	wrap: (text) => text,
	unwrap: (payload) => payload,
	greet: async () => {},
};

const sockjs = {
	name: 'sockjs',
	target: (service) => `/${service}/000/${crypto.randomBytes(4).toString('hex')}/websocket`,
	wrap: (text) => JSON.stringify([text]),
	unwrap: (payload) => {
		assert.strictEqual(payload[0], 'a', `not a message frame: ${payload}`);
		const messages = JSON.parse(payload.slice(1));
		assert.strictEqual(messages.length, 1);
		return messages[0];
	},
	greet: async (client) => assert.strictEqual(await client.readText(), 'o'),
};

async function open(dialect, url, service, options) {
	const client = await WebSocketClient.connect(url, dialect.target(service), options);
	await dialect.greet(client);
	return client;
}

// As open, with the handshake in pieces of `size` bytes.
async function openInPieces(dialect, url, service, size) {
	const connection = await Connection.open(url);
	const key = crypto.randomBytes(16).toString('base64');
	const head = formatRequest('GET', dialect.target(service), { host: connection.hostName(), headers: handshakeHeaders(key) });
	await dribble(connection, head, size);
	const client = new WebSocketClient(connection, await connection.readAnswer(), key);
	assert.strictEqual(client.answer.status, 101);
	await dialect.greet(client);
	return client;
}

// Sends pieces of `size` bytes, each in a turn of its own.
async function dribble(connection, bytes, size = 1) {
	for (let at = 0; at < bytes.length; at += size) {
		await new Promise((resolve) => connection.socket.write(bytes.subarray(at, at + size), resolve));
		await new Promise((resolve) => setImmediate(resolve));
	}
}

// A client's frame from its fields, all of which can be wrong on purpose (see encodeFrame).
function bytesOf({ opcode = 1, payload = '', masked = true, ...options }) {
	return encodeFrame(opcode, payload, { ...options, ...(masked ? {} : { mask: null }) });
}

const send = (client, fields) => client.connection.write(bytesOf(fields));

async function expectEcho(dialect, client, text) {
	const got = dialect.unwrap(await client.readText());
	if (got !== text)
		assert.fail(`sent ${text.length} characters ${JSON.stringify(text.slice(0, 80))}, got ${got.length} ${JSON.stringify(got.slice(0, 80))}`);
}

// The close frame, which must come next.
async function readClose(client) {
	const message = await client.read();
	assert.strictEqual(message.opcode, 8, `no close but opcode ${message.opcode}: ${JSON.stringify(message.text.slice(0, 200))}`);
	return { code: message.code, reason: message.reason };
}

// The server says why, and then ends the connection itself: nothing more is owed to a peer that is
// wrong.
async function expectFailure(client, code) {
	const got = await readClose(client);
	assert.strictEqual(got.code, code, `close code ${got.code} "${got.reason}"`);
	await client.connection.expectClose();
	client.connection.close();
}

module.exports = { raw, sockjs, dialects: [raw, sockjs], open, openInPieces, dribble, bytesOf, send, expectEcho, readClose, expectFailure };
