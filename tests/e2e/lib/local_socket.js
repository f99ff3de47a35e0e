'use strict';

// A raw peer of the local socket (doc/local-socket.md): messages go out as they are asked for,
// right or wrong.

const net = require('node:net');
const { withTimeout } = require('./daemon');

const TYPE = { hello: 1, goodbye: 2, services: 0x10, state: 0x11, api: 0x12, daemons: 0x13, receive: 0x20, send: 0x21, abort: 0x22, written: 0x23, counts: 0x24, ask: 0x25, frame: 0x30, sent: 0x31, refused: 0x32, cookie: 0x33, answer: 0x34, handover: 0x40, taken: 0x41 };
const ROLE = { daemon: 1, responder: 2, worker: 3 };
const FLAG = { oneFrame: 1, alone: 4, end: 1 }; // of RECEIVE, and of FRAME
const HEADER_SIZE = 16;

// length: what is announced, if it is not the payload's.
function encodeMessage(type, { payload = Buffer.alloc(0), flags = 0, request = 0, length = payload.length } = {}) {
	const head = Buffer.alloc(HEADER_SIZE);
	head.writeUInt32BE(length, 0);
	head.writeUInt16BE(type, 4);
	head.writeUInt16BE(flags, 6);
	head.writeBigUInt64BE(BigInt(request), 8);
	return Buffer.concat([head, payload]);
}

function encodeHello({ role = ROLE.responder, major = 2, minor = 0, pid = process.pid, instance = 1n, connection = role === ROLE.daemon ? 1n : 0n, frames = 0n } = {}) {
	const payload = Buffer.alloc(33);
	payload.writeUInt8(role, 0);
	payload.writeUInt16BE(major, 1);
	payload.writeUInt16BE(minor, 3);
	payload.writeUInt32BE(pid, 5);
	payload.writeBigUInt64BE(instance, 9);
	payload.writeBigUInt64BE(connection, 17);
	payload.writeBigUInt64BE(frames, 25);
	return encodeMessage(TYPE.hello, { payload });
}

function string16(text) {
	const bytes = Buffer.from(text);
	return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes, Buffer.from([0])]);
}

// messages: texts.
function encodeSend(session, messages, { service = 0, request = 1, sequence = 1n, instance = 1n } = {}) {
	const ids = Buffer.alloc(16);
	ids.writeBigUInt64BE(instance, 0);
	ids.writeBigUInt64BE(sequence, 8);
	const bytes = Buffer.concat(messages.flatMap((message) => [Buffer.from(message), Buffer.from([0xff])]));
	const length = Buffer.alloc(4);
	length.writeUInt32BE(bytes.length);
	const payload = Buffer.concat([Buffer.from([service >> 8, service & 255]), string16(session), ids, string16(''), Buffer.from([0]), length, bytes]);
	return encodeMessage(TYPE.send, { payload, request });
}

// transport: 5 is xhr-polling.
function encodeReceive(session, { service = 0, transport = 5, request = 1, flags = 0 } = {}) {
	const url = `/echo/000/${session}/xhr`;
	const payload = Buffer.concat([
		Buffer.from([service >> 8, service & 255, transport]), string16(session), string16(''), string16(''),
		string16(url), Buffer.from([0]), // no query
		Buffer.from([0, '/echo'.length]), Buffer.from([0, 0, 0]), // addresses that are not known, no headers
	]);
	return encodeMessage(TYPE.receive, { payload, flags, request });
}

class LocalPeer {
	static open(path) {
		return new Promise((resolve, reject) => {
			const socket = net.connect(path, () => resolve(new LocalPeer(socket)));
			socket.once('error', reject);
		});
	}

	constructor(socket) {
		Object.assign(this, { socket, pending: Buffer.alloc(0), messages: [], wake: () => {} });
		socket.on('data', (bytes) => {
			this.pending = Buffer.concat([this.pending, bytes]);
			this.split();
			this.wake();
		});
		socket.on('error', () => {});
		this.ended = new Promise((resolve) => socket.on('end', resolve).on('close', resolve));
		this.closed = new Promise((resolve) => socket.on('close', resolve));
	}

	split() {
		while (this.pending.length >= HEADER_SIZE) {
			const size = HEADER_SIZE + this.pending.readUInt32BE(0);
			if (this.pending.length < size)
				return;
			this.messages.push({
				type: this.pending.readUInt16BE(4), flags: this.pending.readUInt16BE(6), request: Number(this.pending.readBigUInt64BE(8)),
				payload: this.pending.subarray(HEADER_SIZE, size),
			});
			this.pending = this.pending.subarray(size);
		}
	}

	write(bytes) {
		this.socket.write(bytes);
	}

	// The next message.
	async read(timeout = 8000) {
		await withTimeout(Promise.race([this.ended, new Promise((resolve) => {
			this.wake = () => this.messages.length > 0 && resolve();
			this.wake();
		})]), timeout, `no message within ${timeout} ms`);
		if (this.messages.length === 0)
			throw new Error('the connection ended');
		return this.messages.shift();
	}

	expectEnd(timeout = 8000) {
		return withTimeout(this.ended, timeout, `the connection goes on after ${timeout} ms`);
	}

	expectClose(timeout = 8000) {
		return withTimeout(this.closed, timeout, `the connection is not closed after ${timeout} ms`);
	}

	close() {
		this.socket.destroy();
	}
}

module.exports = { LocalPeer, encodeMessage, encodeHello, encodeSend, encodeReceive, string16, TYPE, ROLE, FLAG };
