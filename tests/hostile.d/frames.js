'use strict';

// What attackers write: requests and frames as bytes, made once and written again and again.

const zlib = require('node:zlib');

const MASK = Buffer.alloc(4); // of zeros: the payload stays as it is

// A masked frame. length: what is announced, default the payload's.
function frame(first, payload = Buffer.alloc(0), length = payload.length) {
	const head = length < 126 ? Buffer.from([first, 0x80 | length]) : Buffer.alloc(length < 65536 ? 4 : 10);
	if (head.length > 2) {
		head[0] = first;
		head[1] = 0x80 | (head.length === 4 ? 126 : 127);
		if (head.length === 4) head.writeUInt16BE(length, 2);
		else head.writeBigUInt64BE(BigInt(length), 2);
	}
	return Buffer.concat([head, MASK, payload]);
}

// At least `size` bytes of it.
function repeat(bytes, size = 1 << 18) {
	return Buffer.concat(Array(Math.ceil(size / bytes.length)).fill(bytes));
}

function request(method, path, { headers = [], body, length = body === undefined ? undefined : Buffer.byteLength(body) } = {}) {
	const lines = [`${method} ${path} HTTP/1.1`, 'Host: hostile', ...headers];
	if (length !== undefined) lines.push(`Content-Length: ${length}`);
	return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body || ''}`);
}

function handshake(path, headers = []) {
	return request('GET', path, {
		headers: ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', ...headers],
	});
}

// A compressed frame whose payload inflates to `payload`.
function deflated(first, payload) {
	const packed = zlib.deflateRawSync(payload, { level: 9, finishFlush: zlib.constants.Z_SYNC_FLUSH });
	return frame(first | 0x40, packed.subarray(0, packed.length - 4));
}

module.exports = { frame, repeat, request, handshake, deflated };
