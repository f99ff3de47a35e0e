'use strict';

// In the place of sockjs-sessiond: a daemon whose every message a test decides.

const net = require('node:net');
const { withTimeout } = require('./daemon');
const { LocalPeer, encodeMessage, encodeHello, string16, TYPE, ROLE } = require('./local_socket');

const FLAG = { end: 1, more: 2, reissued: 2, unwritten: 1 };
const ALL_TRANSPORTS = 0x7f;

function encodeServices(names) {
	const options = Buffer.alloc(54); // absent, 0 or off what is not set here
	options.writeBigUInt64BE(131072n, 0); // response_limit
	options.writeUInt32BE(ALL_TRANSPORTS, 8);
	options.writeUInt8(1, 12); // websocket
	options.writeBigUInt64BE(25000n, 15); // heartbeat_delay
	options.writeBigUInt64BE(5000n, 23); // disconnect_delay
	options.writeBigUInt64BE(4n << 20n, 31); // body_limit
	options.writeUInt32BE(1000, 39); // messages_limit
	options.writeUInt32BE(1, 45); // session_id_min
	const services = names.map((name, number) => Buffer.concat([Buffer.from([0, number, 0]), string16(name), string16('u'), Buffer.from([0]), options]));
	return encodeMessage(TYPE.services, { payload: Buffer.concat([Buffer.from([0, names.length]), string16('unix'), ...services]) });
}

// Requests below path are to be passed on whole.
function encodeApi(path, limit) {
	const bytes = Buffer.alloc(8);
	bytes.writeBigUInt64BE(BigInt(limit));
	return encodeMessage(TYPE.api, { payload: Buffer.concat([string16(path), bytes]) });
}

// Which of how many.
const encodeDaemons = (index, count) => encodeMessage(TYPE.daemons, { payload: Buffer.from([0, index, 0, count]) });

class FakeDaemon {
	static start(path) {
		const daemon = new FakeDaemon();
		return new Promise((resolve) => daemon.server.listen(path, () => resolve(daemon)));
	}

	constructor() {
		Object.assign(this, { waiting: [], peers: [], wake: () => {} });
		this.server = net.createServer((socket) => {
			const peer = new LocalPeer(socket);
			this.waiting.push(peer);
			this.peers.push(peer);
			this.wake();
		});
	}

	// The next connection of a responder, with its HELLO in .hello; nothing is answered yet.
	async accept(timeout = 8000) {
		await withTimeout(new Promise((resolve) => {
			this.wake = () => this.waiting.length > 0 && resolve();
			this.wake();
		}), timeout, `no connection within ${timeout} ms`);
		const peer = this.waiting.shift();
		const { type, payload } = await peer.read(timeout);
		if (type !== TYPE.hello)
			throw new Error(`a message of type ${type} instead of HELLO`);
		peer.hello = { instance: payload.readBigUInt64BE(9), connection: payload.readBigUInt64BE(17), frames: payload.readBigUInt64BE(25) };
		return peer;
	}

	// Likewise, and it is served. minor: the daemon's version; api: what encodeApi takes; place:
	// [index, count] where there are several.
	async serve(connection, { minor = 0, api, services = ['/echo'], place } = {}) {
		const peer = await this.accept();
		const told = [...(place ? [encodeDaemons(...place)] : []), ...(api ? [encodeApi(...api)] : [])];
		peer.write(Buffer.concat([encodeHello({ role: ROLE.daemon, connection, minor }), ...told, encodeServices(services)]));
		return peer;
	}

	stop() {
		this.server.close();
		this.peers.forEach((peer) => peer.close());
	}
}

const frame = (request, text, flags = 0) => encodeMessage(TYPE.frame, { request, flags, payload: Buffer.from(text) });
const sent = (request, result) => encodeMessage(TYPE.sent, { request, payload: Buffer.from([result]) });
const refused = (request, status, text) => encodeMessage(TYPE.refused, { request, payload: Buffer.concat([Buffer.from([status >> 8, status & 255]), string16(text)]) });

function answer(request, status, contentType, body) {
	const head = Buffer.alloc(2);
	const length = Buffer.alloc(4);
	head.writeUInt16BE(status);
	length.writeUInt32BE(Buffer.byteLength(body));
	return encodeMessage(TYPE.answer, { request, payload: Buffer.concat([head, string16(contentType), length, Buffer.from(body)]) });
}

// What COUNTS says: lines of the log, and [endpoint, status, requests] in the order of the numbers.
function readCounts(payload) {
	const places = Array.from({ length: payload.readUInt16BE(4) }, (_, i) => 6 + 7 * i);
	return {
		lines: payload.readUInt32BE(0),
		requests: places.map((at) => [payload[at], payload.readUInt16BE(at + 1), payload.readUInt32BE(at + 3)])
			.sort((a, b) => a[0] - b[0] || a[1] - b[1]),
	};
}

module.exports = { FakeDaemon, encodeServices, encodeApi, frame, sent, refused, answer, readCounts, FLAG };
