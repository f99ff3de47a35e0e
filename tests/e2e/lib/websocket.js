'use strict';

// A raw WebSocket client (RFC 6455) over a Connection of http.js: the handshake is the caller's to
// form, frames go out exactly as asked for, right or wrong, and come back one by one.

const crypto = require('node:crypto');
const { Connection, formatRequest, now, DEFAULT_TIMEOUT } = require('./http');

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

const acceptOf = (key) =>
	crypto
		.createHash('sha1')
		.update(key + GUID)
		.digest('base64');

// The headers of a proper handshake; `overrides` replaces or (null) removes some.
function handshakeHeaders(key, overrides = {}) {
	return {
		Upgrade: 'websocket',
		Connection: 'Upgrade',
		'Sec-WebSocket-Version': '13',
		'Sec-WebSocket-Key': key,
		...overrides,
	};
}

function xor(payload, mask) {
	const out = Buffer.alloc(payload.length);
	for (let i = 0; i < payload.length; i++) out[i] = payload[i] ^ mask[i & 3];
	return out;
}

// form: how the length is written: 7, 16 or 64 bits; default: the shortest. length: what is
// announced, default the payload's. mask: 4 bytes, or null for an unmasked frame.
function encodeFrame(opcode, data = '', { fin = true, rsv = 0, mask, form, length } = {}) {
	const payload = Buffer.from(data);
	const announced = length === undefined ? payload.length : length;
	const bits = form || (announced < 126 ? 7 : announced < 65536 ? 16 : 64);
	const key = mask === undefined ? crypto.randomBytes(4) : mask;
	const head = Buffer.alloc(2 + (bits === 7 ? 0 : bits / 8));

	head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
	head[1] = (key ? 0x80 : 0) | (bits === 7 ? announced : bits === 16 ? 126 : 127);
	if (bits === 16) head.writeUInt16BE(announced, 2);
	else if (bits === 64) head.writeBigUInt64BE(BigInt(announced), 2);
	return key
		? Buffer.concat([head, Buffer.from(key), xor(payload, key)])
		: Buffer.concat([head, payload]);
}

function closePayload(code, reason = '') {
	if (code === undefined) return Buffer.alloc(0);
	const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
	payload.writeUInt16BE(code, 0);
	payload.write(reason, 2);
	return payload;
}

class WebSocketClient {
	// Opens a connection and sends the handshake, with the bytes `early` in the same segment.
	// headers: overrides of the proper ones. With `check` (default) an answer that is no right 101
	// throws; else look at `answer`.
	static async connect(url, path, options = {}) {
		return WebSocketClient.handshake(await Connection.open(url), path, options);
	}

	static async handshake(
		connection,
		path,
		{ headers = {}, early = '', check = true, version, timeout } = {},
	) {
		const key = crypto.randomBytes(16).toString('base64');
		const head = formatRequest('GET', path, {
			version,
			host: connection.hostName(),
			headers: handshakeHeaders(key, headers),
		});

		connection.write(Buffer.concat([head, Buffer.from(early)]));
		const answer = await connection.readAnswer('GET', timeout);
		if (check) checkHandshake(answer, headers['Sec-WebSocket-Key'] || key);
		return new WebSocketClient(connection, answer, key);
	}

	constructor(connection, answer, key) {
		this.connection = connection;
		this.answer = answer;
		this.key = key;
	}

	sendFrame(opcode, data, options) {
		this.connection.write(encodeFrame(opcode, data, options));
	}

	send(text) {
		this.sendFrame(OPCODE.text, text);
	}

	sendBinary(bytes) {
		this.sendFrame(OPCODE.binary, bytes);
	}

	sendClose(code, reason) {
		this.sendFrame(OPCODE.close, closePayload(code, reason));
	}

	// The next frame: {fin, rsv, opcode, masked, payload}.
	async readFrame(timeout = DEFAULT_TIMEOUT) {
		const deadline = now() + timeout;
		const read = (size) => this.connection.readBytes(size, Math.max(0, deadline - now()));
		const head = await read(2);
		let length = head[1] & 0x7f;

		if (length === 126) length = (await read(2)).readUInt16BE(0);
		else if (length === 127) length = Number((await read(8)).readBigUInt64BE(0));
		const masked = (head[1] & 0x80) !== 0;
		const mask = masked ? await read(4) : null;
		const payload = await read(length);
		return {
			fin: (head[0] & 0x80) !== 0,
			rsv: (head[0] >> 4) & 7,
			opcode: head[0] & 15,
			masked,
			payload: masked ? xor(payload, mask) : Buffer.from(payload),
		};
	}

	// The next message or control frame, its fragments joined: {opcode, payload, text}, for a close
	// {code, reason} too.
	async read(timeout = DEFAULT_TIMEOUT) {
		const deadline = now() + timeout;
		const parts = [];
		let opcode = null;

		for (;;) {
			const frame = await this.readFrame(Math.max(0, deadline - now()));
			if (frame.masked || frame.rsv)
				throw new Error('a frame from the server is masked or has reserved bits');
			if (frame.opcode >= 8) return controlOf(frame);
			if (frame.opcode !== OPCODE.continuation) opcode = frame.opcode;
			parts.push(frame.payload);
			if (frame.fin) {
				const payload = Buffer.concat(parts);
				return { opcode, payload, text: payload.toString('utf8') };
			}
		}
	}

	// The next text message; anything else but a ping or pong throws.
	async readText(timeout = DEFAULT_TIMEOUT) {
		const deadline = now() + timeout;

		for (;;) {
			const message = await this.read(Math.max(0, deadline - now()));
			if (message.opcode === OPCODE.text) return message.text;
			if (message.opcode !== OPCODE.ping && message.opcode !== OPCODE.pong)
				throw new Error(
					`no text message: opcode ${message.opcode}, code ${message.code} ${message.reason}`,
				);
		}
	}

	// Reads up to the close frame and resolves with it; what comes before it is skipped.
	async readClose(timeout = DEFAULT_TIMEOUT) {
		const deadline = now() + timeout;

		for (;;) {
			const message = await this.read(Math.max(0, deadline - now()));
			if (message.opcode === OPCODE.close) return message;
		}
	}

	// The server has nothing to say for the time, and stays connected.
	async expectSilence(ms) {
		const end = now() + ms;

		while (now() < end && !this.connection.pending.length && !this.connection.closed)
			await this.connection.pause(end - now());
		if (this.connection.pending.length || this.connection.closed)
			throw new Error(
				`no silence: ${JSON.stringify(this.connection.pending.toString('latin1'))}`,
			);
	}
}

function controlOf({ opcode, payload }) {
	const control = { opcode, payload, text: payload.toString('utf8') };
	if (opcode === OPCODE.close && payload.length) {
		control.code = payload.readUInt16BE(0);
		control.reason = payload.toString('utf8', 2);
	}
	return control;
}

function checkHandshake(answer, key) {
	const accept = answer.header('Sec-WebSocket-Accept');

	if (answer.status !== 101) throw new Error(`no handshake: ${answer.head}`);
	if (accept !== acceptOf(key))
		throw new Error(`Sec-WebSocket-Accept: ${accept} instead of ${acceptOf(key)}`);
}

module.exports = { WebSocketClient, OPCODE, encodeFrame, closePayload, handshakeHeaders, acceptOf };
