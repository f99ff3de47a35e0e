'use strict';

// A raw HTTP/1.x client over sockets: exact bytes go out, and what comes back is seen as it is
// (case of header names, duplicate headers, chunks and the time of each). It is strict: an answer
// that breaks RFC 9112 throws.

const net = require('node:net');
const { performance } = require('node:perf_hooks');

// ms; a busy machine is slow, and what daemons share takes a minute to notice that one was killed
const DEFAULT_TIMEOUT = process.env.SOCKJS_TEST_ENGINE ? 90000 : 20000;
const NO_BODY = [204, 304];

class TimeoutError extends Error {}

const now = () => performance.now();

const openOnes = new Set();
const printable = (bytes) => JSON.stringify(bytes.toString('latin1'));

// A socket with an incoming buffer. Everything read waits for what it needs, up to a time limit,
// and then throws.
class Connection {
	// url: http://HOST:PORT, or the path of a Unix socket. localAddress: of 127.0.0.0/8, say.
	// Resolves when the connection stands.
	static open(url, { allowHalfOpen = true, localAddress } = {}) {
		const { hostname, port } = url.startsWith('/') ? {} : new URL(url);
		const socket = net.connect({
			...(hostname ? { host: hostname.replace(/[[\]]/g, ''), port: Number(port || 80), localAddress } : { path: url }),
			allowHalfOpen,
			noDelay: true,
		});

		return new Promise((resolve, reject) => {
			socket.once('connect', () => resolve(new Connection(socket)));
			socket.once('error', reject);
		});
	}

	constructor(socket) {
		this.socket = socket;
		this.pending = Buffer.alloc(0); // arrived and not yet consumed
		this.consumed = 0; // bytes before `pending`
		this.arrivals = []; // {end, at}: all bytes before `end` were there at the time `at`
		this.ended = false; // the server ended its side (FIN)
		this.closed = false; // no more bytes can come, for whatever reason
		this.error = null; // code of the socket's error, e.g. ECONNRESET
		this.transcript = []; // {who, bytes, at}
		this.wake = () => {};
		socket.on('data', (bytes) => this.arrive(bytes));
		socket.on('end', () =>
			this.finish(() => {
				this.ended = true;
			}),
		);
		socket.on('error', (error) =>
			this.finish(() => {
				this.error = error.code;
			}),
		);
		socket.on('close', () => this.finish(() => {}));
		openOnes.add(socket);
		socket.on('close', () => openOnes.delete(socket));
	}

	// Closes all that this program has open. A daemon that is to stop waits for none of them then.
	static closeAll() {
		for (const socket of openOnes) socket.destroy();
	}

	arrive(bytes) {
		this.note('server', bytes);
		this.pending = this.pending.length ? Buffer.concat([this.pending, bytes]) : bytes;
		this.arrivals.push({ end: this.consumed + this.pending.length, at: now() });
		this.wake();
	}

	finish(how) {
		how();
		this.closed = true;
		this.wake();
	}

	note(who, bytes) {
		this.transcript.push({
			who,
			bytes: Buffer.from(bytes.subarray(0, 2000)),
			size: bytes.length,
			at: now(),
		});
	}

	write(data) {
		const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data, 'utf8');
		this.note('client', bytes);
		this.socket.write(bytes);
	}

	// Half-closes: the server reads the end, and can still answer.
	end() {
		this.note('client', Buffer.from('(FIN)'));
		this.socket.end();
	}

	// Closes as an ordinary client does that goes away.
	close() {
		this.socket.destroy();
	}

	// Closes with RST.
	reset() {
		this.note('client', Buffer.from('(RST)'));
		this.socket.resetAndDestroy();
	}

	// Waits until something new arrived (true) or nothing more can (false).
	async more(deadline) {
		const before = this.consumed + this.pending.length;

		while (this.consumed + this.pending.length === before) {
			if (this.closed) return false;
			const left = deadline - now();
			if (left <= 0)
				throw new TimeoutError(
					`nothing more came in time; unread so far: ${printable(this.pending)}`,
				);
			await this.pause(left);
		}
		return true;
	}

	pause(ms) {
		return new Promise((resolve) => {
			const timer = setTimeout(resolve, ms);
			this.wake = () => {
				clearTimeout(timer);
				resolve();
			};
		});
	}

	consume(size) {
		const bytes = this.pending.subarray(0, size);
		this.pending = this.pending.subarray(size);
		this.consumed += size;
		return bytes;
	}

	// When the byte before the offset (counted from the beginning of the connection) arrived.
	arrivedAt(offset) {
		return this.arrivals.find((arrival) => arrival.end >= offset).at;
	}

	async readBytes(size, timeout = DEFAULT_TIMEOUT) {
		const deadline = now() + timeout;

		while (this.pending.length < size) {
			if (!(await this.more(deadline)))
				throw new Error(
					`the connection ended (${this.error || 'FIN'}) before ${size} bytes: ${printable(this.pending)}`,
				);
		}
		return this.consume(size);
	}

	// Resolves when the server has closed; throws when it sends anything before.
	async expectClose(timeout = DEFAULT_TIMEOUT) {
		const deadline = now() + timeout;

		if (this.pending.length || (await this.more(deadline)))
			throw new Error(
				`bytes instead of the end of the connection: ${printable(this.pending)}`,
			);
	}

	// Sends a request; resolves when the head of the answer is there.
	async open(method, path, options = {}) {
		this.write(formatRequest(method, path, { host: this.hostName(), ...options }));
		return this.readAnswer(method, options.timeout);
	}

	// Sends a request; resolves with the whole answer.
	async request(method, path, options = {}) {
		const answer = await this.open(method, path, options);
		await answer.readToEnd(options.timeout);
		return answer;
	}

	hostName() {
		const { remoteAddress, remotePort } = this.socket;
		return remotePort ? `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}` : 'localhost';
	}

	async readAnswer(method = 'GET', timeout = DEFAULT_TIMEOUT) {
		const deadline = now() + timeout;
		let end;

		while ((end = this.pending.indexOf('\r\n\r\n')) < 0) {
			if (!(await this.more(deadline)))
				throw new Error(
					`the connection ended (${this.error || 'FIN'}) before an answer: ${printable(this.pending)}`,
				);
		}
		return new Answer(this, method, this.consume(end + 4).toString('latin1'));
	}

	describe() {
		const begin = this.transcript.length ? this.transcript[0].at : 0;
		return (
			this.transcript
				.map(({ who, bytes, size, at }) => {
					const cut = size > bytes.length ? ` ... (${size} bytes)` : '';
					return `  +${Math.round(at - begin)}ms ${who}: ${printable(bytes)}${cut}`;
				})
				.join('\n') + `\n  ${this.error || (this.ended ? 'ended by the server' : 'open')}`
		);
	}
}

// headers: {name: value} or [[name, value], ...]; a value of null leaves a default header out.
// `Host` and, for a body or a POST, `Content-Length` are added.
function formatRequest(
	method,
	path,
	{ version = '1.1', host, headers = [], body, length = true } = {},
) {
	const given = Array.isArray(headers) ? headers : Object.entries(headers);
	const names = given.map(([name]) => name.toLowerCase());
	const bytes = Buffer.from(body === undefined ? '' : body);
	const lines = [`${method} ${path} HTTP/${version}`];

	if (!names.includes('host') && host) lines.push(`Host: ${host}`);
	for (const [name, value] of given) {
		if (value !== null) lines.push(`${name}: ${value}`);
	}
	if (
		length &&
		(body !== undefined || method === 'POST') &&
		!names.includes('content-length') &&
		!names.includes('transfer-encoding')
	)
		lines.push(`Content-Length: ${bytes.length}`);
	return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
}

// An answer: its head is there from the beginning, its body is read as far as one asks.
class Answer {
	constructor(connection, method, head) {
		const [statusLine, ...lines] = head.slice(0, -4).split('\r\n');
		const match = /^HTTP\/(1\.[01]) ([1-5][0-9]{2}) (.*)$/.exec(statusLine);

		if (!match) throw new Error(`no status line: ${JSON.stringify(statusLine)}`);
		this.connection = connection;
		this.head = head;
		this.version = match[1];
		this.status = Number(match[2]);
		this.reason = match[3];
		this.headers = lines.map(parseHeader); // [name, value], in order and as sent
		this.pieces = []; // {data, at, begin}: chunks, or what came together when the body is not chunked
		this.unread = Buffer.alloc(0); // decoded body nobody has asked for yet
		this.body = Buffer.alloc(0); // decoded body from its beginning
		this.finished = false; // the body is complete
		this.left = this.framing(method); // bytes still to come (identity), or in this chunk
	}

	framing(method) {
		const encoding = this.header('Transfer-Encoding');
		const length = this.header('Content-Length');

		if (encoding !== undefined && length !== undefined)
			throw new Error('both Transfer-Encoding and Content-Length');
		if (method === 'HEAD' || this.status < 200 || NO_BODY.includes(this.status)) {
			this.framed = 'none';
			this.finished = true;
			return 0;
		}
		if (encoding !== undefined) {
			if (encoding !== 'chunked') throw new Error(`Transfer-Encoding: ${encoding}`);
			this.framed = 'chunked';
			return 0;
		}
		if (length !== undefined) {
			if (!/^[0-9]+$/.test(length)) throw new Error(`Content-Length: ${length}`);
			this.framed = 'length';
			this.finished = length === '0';
			return Number(length);
		}
		this.framed = 'close';
		return Infinity;
	}

	// The value of a header, undefined when it is absent; a header that comes twice throws.
	header(name) {
		const values = this.headerAll(name);
		if (values.length > 1)
			throw new Error(`${name} comes ${values.length} times: ${values.join(' | ')}`);
		return values[0];
	}

	headerAll(name) {
		const wanted = name.toLowerCase();
		return this.headers
			.filter(([key]) => key.toLowerCase() === wanted)
			.map(([, value]) => value);
	}

	get text() {
		return this.body.toString('utf8');
	}

	// Decodes one piece of what has arrived; false when more bytes are needed.
	decode() {
		return this.framed === 'chunked' ? this.decodeChunk() : this.decodePlain();
	}

	decodePlain() {
		const size = Math.min(this.connection.pending.length, this.left);

		if (size === 0) return false;
		this.left -= size;
		this.take(this.connection.consume(size));
		this.finished = this.left === 0;
		return true;
	}

	decodeChunk() {
		const { pending } = this.connection;
		const line = pending.indexOf('\r\n');

		if (line < 0) return false;
		const size = pending.toString('latin1', 0, line);
		if (!/^[0-9a-fA-F]+$/.test(size)) throw new Error(`chunk size: ${JSON.stringify(size)}`);
		const end = line + 2 + parseInt(size, 16);
		if (pending.length < end + 2) return false;
		if (pending.toString('latin1', end, end + 2) !== '\r\n')
			throw new Error('no CRLF after a chunk, or trailers');
		const chunk = this.connection.consume(end + 2).subarray(line + 2, end);
		if (chunk.length) this.take(chunk);
		else this.finished = true;
		return true;
	}

	take(data) {
		this.pieces.push({
			data,
			begin: this.body.length,
			at: this.connection.arrivedAt(this.connection.consumed),
		});
		this.body = Buffer.concat([this.body, data]);
		this.unread = Buffer.concat([this.unread, data]);
	}

	// Gets more of the body: false when it is complete. A body that is cut off throws.
	async more(deadline) {
		if (this.finished) return false;
		while (!this.decode()) {
			if (await this.connection.more(deadline)) continue;
			if (this.framed === 'close' && this.connection.ended) {
				this.finished = true;
				return false;
			}
			throw new Error(
				`the answer was cut off (${this.connection.error || 'FIN'}) after ${printable(this.body)}`,
			);
		}
		return true;
	}

	async readBytes(size, timeout = DEFAULT_TIMEOUT) {
		const deadline = now() + timeout;

		while (this.unread.length < size) {
			if (!(await this.more(deadline)))
				throw new Error(`the answer ended before ${size} bytes: ${printable(this.unread)}`);
		}
		return this.consume(size);
	}

	// Reads up to and with the delimiter.
	async readUntil(delimiter, timeout = DEFAULT_TIMEOUT) {
		const deadline = now() + timeout;
		let searched = 0;
		let at;

		while ((at = this.unread.indexOf(delimiter, searched)) < 0) {
			searched = Math.max(0, this.unread.length - delimiter.length);
			if (!(await this.more(deadline)))
				throw new Error(
					`the answer ended before ${JSON.stringify(delimiter)}: ${printable(this.unread)}`,
				);
		}
		return this.consume(at + delimiter.length);
	}

	async readToEnd(timeout = DEFAULT_TIMEOUT) {
		const deadline = now() + timeout;

		while (await this.more(deadline));
		return this.consume(this.unread.length);
	}

	consume(size) {
		const bytes = this.unread.subarray(0, size);
		this.unread = this.unread.subarray(size);
		return bytes;
	}

	// Waits for the end of the body; throws when it has more than was read.
	async expectEnd(timeout = DEFAULT_TIMEOUT) {
		const rest = await this.readToEnd(timeout);
		if (rest.length)
			throw new Error(`more than expected before the end of the answer: ${printable(rest)}`);
	}

	// Throws when anything of the body, or its end, comes within the time.
	async expectSilence(ms) {
		try {
			if (this.unread.length === 0 && !(await this.more(now() + ms)))
				throw new Error('the answer ended instead of staying open');
		} catch (error) {
			if (error instanceof TimeoutError) return;
			throw error;
		}
		throw new Error(`bytes instead of silence: ${printable(this.unread)}`);
	}
}

function parseHeader(line) {
	const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
	if (!match) throw new Error(`no header line: ${JSON.stringify(line)}`);
	return [match[1], match[2]];
}

// One request on a connection of its own, which is closed after the answer.
async function request(url, method, path, options = {}) {
	const connection = await Connection.open(url);
	try {
		return await connection.request(method, path, options);
	} finally {
		connection.close();
	}
}

// One request on a connection of its own; resolves with the head, the caller reads the body and
// closes.
async function openStream(url, method, path, options = {}) {
	const connection = await Connection.open(url);
	return connection.open(method, path, options);
}

module.exports = {
	Connection,
	Answer,
	TimeoutError,
	formatRequest,
	request,
	openStream,
	now,
	DEFAULT_TIMEOUT,
};
