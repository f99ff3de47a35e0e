'use strict';

// A raw FastCGI client over sockets, in the place of a web server: exact records go out, in
// whatever pieces a test wants, and what comes back is taken apart strictly. Source: the FastCGI
// specification 1.0.

const net = require('node:net');
const { withTimeout } = require('./daemon');

const TYPE = { begin: 1, abort: 2, end: 3, params: 4, stdin: 5, stdout: 6, stderr: 7, getValues: 9, unknown: 11 };
const KEEP_CONN = 1;
const ROLE_RESPONDER = 1;
const RECORD_MAX = 65535;
const DEFAULT_TIMEOUT = 60000; // ms; a busy machine is slow

function encodeRecord(type, id, content = '', padding = 0) {
	const bytes = Buffer.from(content);
	const head = Buffer.from([1, type, id >> 8, id & 255, bytes.length >> 8, bytes.length & 255, padding, 0]);
	return Buffer.concat([head, bytes, Buffer.alloc(padding)]);
}

// A stream: its content in records of at most `size` bytes, and the empty one that ends it.
function encodeStream(type, id, content, { size = RECORD_MAX, padding = 0 } = {}) {
	const bytes = Buffer.from(content);
	const records = [];
	for (let at = 0; at < bytes.length; at += size)
		records.push(encodeRecord(type, id, bytes.subarray(at, at + size), padding));
	return Buffer.concat([...records, encodeRecord(type, id)]);
}

function encodeLength(length) {
	if (length < 128)
		return Buffer.from([length]);
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE((length | 0x80000000) >>> 0);
	return bytes;
}

function encodeParams(params) {
	return Buffer.concat(Object.entries(params).filter(([, value]) => value !== undefined).flatMap(([name, value]) => {
		const [nameBytes, valueBytes] = [Buffer.from(name), Buffer.from(String(value))];
		return [encodeLength(nameBytes.length), encodeLength(valueBytes.length), nameBytes, valueBytes];
	}));
}

// The CGI variables of a request, as a web server passes them where the program answers every URL.
function paramsOf(method, target, { headers = {}, body = '', params = {} } = {}) {
	const [path, query] = target.split('?');
	const variables = {
		GATEWAY_INTERFACE: 'CGI/1.1', SERVER_PROTOCOL: 'HTTP/1.1', SERVER_ADDR: '127.0.0.1', SERVER_PORT: 80, REMOTE_ADDR: '192.0.2.7', REMOTE_PORT: 40000,
		REQUEST_METHOD: method, REQUEST_URI: target, SCRIPT_NAME: '', PATH_INFO: path, QUERY_STRING: query || '', HTTP_HOST: 'localhost',
	};
	if (body.length > 0)
		variables.CONTENT_LENGTH = Buffer.byteLength(body);
	for (const [name, value] of Object.entries(headers)) {
		const variable = name.toUpperCase().replace(/-/g, '_');
		variables[variable === 'CONTENT_TYPE' ? variable : `HTTP_${variable}`] = value;
	}
	return { ...variables, ...params };
}

// A whole request. keep: FCGI_KEEP_CONN. size, padding: of the records of the body. more: variables
// behind all others.
function encodeRequest(method, target, { id = 1, keep = false, role = ROLE_RESPONDER, size, padding, body = '', more = {}, ...rest } = {}) {
	return Buffer.concat([
		encodeRecord(TYPE.begin, id, [role >> 8, role & 255, keep ? KEEP_CONN : 0, 0, 0, 0, 0, 0]),
		encodeStream(TYPE.params, id, Buffer.concat([encodeParams(paramsOf(method, target, { body, ...rest })), encodeParams(more)])),
		encodeStream(TYPE.stdin, id, body, { size, padding }),
	]);
}

// What a program answers to one request: CGI headers and a body.
class Answer {
	constructor(id) {
		Object.assign(this, { id, chunks: [], size: 0, errors: [], ended: null, appStatus: null });
	}

	split() {
		const bytes = Buffer.concat(this.chunks);
		this.chunks = [bytes];
		const end = bytes.indexOf('\r\n\r\n');
		return end < 0 ? null : [bytes.subarray(0, end).toString('latin1'), bytes.subarray(end + 4)];
	}

	get headers() {
		const [head] = this.split() || [''];
		return head.split('\r\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]);
	}

	header(name) {
		const found = this.headers.filter(([each]) => each.toLowerCase() === name.toLowerCase());
		if (found.length > 1)
			throw new Error(`${name} is there ${found.length} times`);
		return found.length === 0 ? undefined : found[0][1];
	}

	get status() {
		return this.split() ? parseInt(this.header('Status') || '200', 10) : undefined;
	}

	get body() {
		return (this.split() || [, Buffer.alloc(0)])[1];
	}

	get text() {
		return this.body.toString('utf8');
	}
}

// A connection of a web server. It is torn down by a record that breaks the specification.
class FastCgi {
	// address: what net.connect takes, a path or {port, host}.
	static open(address) {
		return new Promise((resolve, reject) => {
			const socket = net.connect(address, () => resolve(new FastCgi(socket)));
			socket.once('error', reject);
		});
	}

	constructor(socket) {
		Object.assign(this, { socket, pending: Buffer.alloc(0), answers: new Map(), records: [], closed: false, failure: null, wakers: new Set() });
		socket.on('data', (bytes) => {
			try {
				this.take(bytes);
			} catch (error) {
				this.failure = error;
				socket.destroy();
			}
			this.wake();
		});
		socket.on('error', () => {});
		this.whenClosed = new Promise((resolve) => socket.on('close', () => {
			this.closed = true;
			this.wake();
			resolve();
		}));
	}

	wake() {
		for (const waker of [...this.wakers])
			waker();
	}

	take(bytes) {
		this.pending = this.pending.length > 0 ? Buffer.concat([this.pending, bytes]) : bytes;
		while (this.pending.length >= 8) {
			const [version, type, high, low] = this.pending;
			const size = this.pending.readUInt16BE(4);
			const whole = 8 + size + this.pending[6];
			if (version !== 1)
				throw new Error(`a record of version ${version}`);
			if (this.pending.length < whole)
				return;
			this.takeRecord(type, high << 8 | low, this.pending.subarray(8, 8 + size));
			this.pending = this.pending.subarray(whole);
		}
	}

	takeRecord(type, id, content) {
		if (id === 0) {
			this.records.push({ type, content: Buffer.from(content) });
			return;
		}
		const answer = this.answers.get(id);
		if (!answer)
			throw new Error(`a record of type ${type} for request ${id}, which is not open`);
		if (type === TYPE.stdout && content.length > 0) {
			answer.chunks.push(Buffer.from(content));
			answer.size += content.length;
		} else if (type === TYPE.stderr && content.length > 0) {
			answer.errors.push(content.toString());
		} else if (type === TYPE.end) {
			answer.appStatus = content.readUInt32BE(0);
			answer.ended = content[4];
			this.answers.delete(id);
		} else if (type !== TYPE.stdout && type !== TYPE.stderr) {
			throw new Error(`a record of type ${type}`);
		}
	}

	write(bytes) {
		this.socket.write(bytes);
	}

	expect(id = 1) {
		if (this.answers.has(id))
			throw new Error(`request ${id} is open already`);
		const answer = new Answer(id);
		this.answers.set(id, answer);
		return answer;
	}

	// Sends a request; its answer fills as it comes.
	begin(method, target, options = {}) {
		const answer = this.expect(options.id);
		this.write(encodeRequest(method, target, options));
		return answer;
	}

	abort(id = 1) {
		this.write(encodeRecord(TYPE.abort, id));
	}

	// Waits until the condition holds; not longer than the connection lasts.
	async until(condition, what, timeout = DEFAULT_TIMEOUT) {
		let waker;
		const met = new Promise((resolve, reject) => {
			waker = () => {
				if (condition())
					resolve();
				else if (this.closed)
					reject(this.failure || new Error(`the connection was closed: ${what}`));
			};
			this.wakers.add(waker);
			waker();
		});
		try {
			await withTimeout(met, timeout, `not within ${timeout} ms: ${what}`);
		} finally {
			this.wakers.delete(waker);
		}
	}

	async finish(answer, timeout) {
		await this.until(() => answer.ended !== null, `the end of an answer (${answer.size} bytes of it so far)`, timeout);
		if (answer.ended !== 0 || answer.appStatus !== 0)
			throw new Error(`protocol status ${answer.ended}, application status ${answer.appStatus}`);
		return answer;
	}

	// A request and its whole answer.
	async request(method, target, options = {}) {
		return this.finish(this.begin(method, target, options), options.timeout);
	}

	async expectClose(timeout = DEFAULT_TIMEOUT) {
		await withTimeout(this.whenClosed, timeout, `the connection is not closed after ${timeout} ms`);
		if (this.failure)
			throw this.failure;
	}

	close() {
		this.socket.destroy();
	}
}

// One request on a connection of its own.
async function request(address, method, target, options) {
	const connection = await FastCgi.open(address);
	try {
		return await connection.request(method, target, options);
	} finally {
		connection.close();
	}
}

module.exports = { FastCgi, request, encodeRecord, encodeStream, encodeRequest, encodeParams, paramsOf, TYPE };
