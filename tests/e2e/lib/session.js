'use strict';

// The SockJS session transports as a client sees them (sections 1, 4 and 5 of the protocol): how
// each asks, what comes before its first frame, and how it wraps a frame.

const assert = require('node:assert/strict');
const { DEFAULT_TIMEOUT, now } = require('./http');

const CALLBACK = 'cb_1';
const LOOK_AGAIN = 50; // ms, between two looks whether a session is there
const JAVASCRIPT = 'application/javascript; charset=UTF-8';

function htmlfilePage(callback) {
	const page = `<!doctype html>
<html><head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
</head><body><h2>Don't panic!</h2>
  <script>
    document.domain = document.domain;
    var c = parent.${callback};
    c.start();
    function p(d) {c.message(d);};
    window.onload = function() {c.stop();};
  </script>`;
	return page;
}

const escapeEventsource = (frame) =>
	frame.replace(
		/[%\r\n\0]/g,
		(c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
	);

const transports = {
	xhr: {
		method: 'POST',
		path: '/xhr',
		streaming: false,
		contentType: JAVASCRIPT,
		protocol: 'xhr-polling',
		begin: '',
		end: '\n',
		encode: (frame) => frame,
		decode: (text) => text,
	},
	jsonp: {
		method: 'GET',
		path: `/jsonp?c=${CALLBACK}`,
		streaming: false,
		contentType: JAVASCRIPT,
		protocol: 'jsonp-polling',
		begin: `/**/${CALLBACK}(`,
		end: ');\r\n',
		encode: JSON.stringify,
		decode: JSON.parse,
	},
	xhr_streaming: {
		method: 'POST',
		path: '/xhr_streaming',
		streaming: true,
		contentType: JAVASCRIPT,
		protocol: 'xhr-streaming',
		prelude: `${'h'.repeat(2048)}\n`,
		begin: '',
		end: '\n',
		encode: (frame) => frame,
		decode: (text) => text,
	},
	eventsource: {
		method: 'GET',
		path: '/eventsource',
		streaming: true,
		contentType: 'text/event-stream',
		protocol: 'eventsource',
		prelude: '\r\n',
		begin: 'data: ',
		end: '\r\n\r\n',
		encode: escapeEventsource,
		decode: decodeURIComponent,
	},
	htmlfile: {
		method: 'GET',
		path: `/htmlfile?c=${CALLBACK}`,
		streaming: true,
		contentType: 'text/html; charset=UTF-8',
		protocol: 'htmlfile',
		page: htmlfilePage(CALLBACK),
		begin: '<script>\np(',
		end: ');\n</script>\r\n',
		encode: (frame) => JSON.stringify(frame).replaceAll('<', '\\u003c'),
		decode: JSON.parse,
	},
};

for (const [name, transport] of Object.entries(transports)) transport.name = name;

const streams = Object.values(transports).filter(({ streaming }) => streaming);
const polls = Object.values(transports).filter(({ streaming }) => !streaming);

// The bytes of a frame on the wire.
function wrap(transport, frame) {
	return transport.begin + transport.encode(frame) + transport.end;
}

function unwrap(transport, text) {
	assert.ok(
		text.startsWith(transport.begin) && text.endsWith(transport.end),
		`no ${transport.name} frame: ${JSON.stringify(text)}`,
	);
	return transport.decode(text.slice(transport.begin.length, -transport.end.length));
}

// One receiving request: sent at once; its answer, prelude and frames are read when they are asked
// for.
class Receiver {
	constructor(transport, connection, path, options) {
		this.transport = transport;
		this.connection = connection;
		this.answer = connection.open(transport.method, path, options);
		this.answer.catch(() => {}); // seen by whoever waits for it
		this.started = null;
	}

	// Resolves with the answer when its head, and a stream's prelude, are there.
	start(timeout) {
		this.started ??= this.readPrelude(timeout);
		return this.started;
	}

	async readPrelude(timeout) {
		const answer = await this.answer;
		const { prelude, page } = this.transport;

		assert.equal(answer.status, 200, answer.head);
		if (prelude) assert.equal(String(await answer.readBytes(prelude.length, timeout)), prelude);
		else if (page) this.prelude = String(await answer.readUntil('\r\n\r\n', timeout));
		return answer;
	}

	async readFrame(timeout = DEFAULT_TIMEOUT) {
		const answer = await this.start(timeout);
		const text = String(await answer.readUntil(this.transport.end, timeout));
		return unwrap(this.transport, text);
	}

	// Frames until there are `count` messages; a heartbeat on the way is skipped.
	async readMessages(count, timeout = DEFAULT_TIMEOUT) {
		const deadline = now() + timeout;
		const messages = [];

		while (messages.length < count) {
			const frame = await this.readFrame(Math.max(0, deadline - now()));
			if (frame !== 'h') messages.push(...messagesOf(frame));
		}
		assert.equal(messages.length, count);
		return messages;
	}

	async expectEnd(timeout) {
		await (await this.start(timeout)).expectEnd(timeout);
	}
}

function messagesOf(frame) {
	assert.equal(frame[0], 'a', `no message frame: ${frame}`);
	return JSON.parse(frame.slice(1));
}

// A session of a service, reached with any transport. `context` opens (and later closes) the
// connections.
class Session {
	constructor(context, prefix, { server = '000', id } = {}) {
		this.context = context;
		this.prefix = prefix;
		this.id = id || context.uniqueId();
		this.path = `${prefix}/${server}/${this.id}`;
	}

	// Sends a receiving request and does not wait for anything; on a connection of its own, unless
	// one is given.
	async receive(name, { connection, ...options } = {}) {
		const transport = transports[name];
		return new Receiver(
			transport,
			connection || (await this.context.connect()),
			this.path + transport.path,
			options,
		);
	}

	// A receiving request for one frame, of a polling transport or a stream that ends after it.
	async poll(name = 'xhr', options = {}) {
		const receiver = await this.receive(name, options);
		const frame = await receiver.readFrame(options.timeout);
		await receiver.expectEnd(options.timeout);
		return frame;
	}

	// Opens the session with a poll.
	async open(name = 'xhr', options) {
		assert.equal(await this.poll(name, options), 'o');
		return this;
	}

	// Opens the session with a stream, which stays: resolves with the receiver.
	async stream(name = 'xhr_streaming') {
		const receiver = await this.receive(name);
		assert.equal(await receiver.readFrame(), 'o');
		return receiver;
	}

	// Sends messages; anything but success throws.
	async send(messages, options) {
		const answer = await this.sendRaw(JSON.stringify(messages), options);
		assert.equal(answer.status, 204, answer.head + answer.text);
	}

	// Sends any body to xhr_send; resolves with the answer.
	sendRaw(body, options = {}) {
		return this.context.request('POST', `${this.path}/xhr_send`, { body, ...options });
	}

	// Sends any body to jsonp_send, as a form unless told otherwise.
	sendJsonp(body, type = 'application/x-www-form-urlencoded') {
		const headers = type === null ? {} : { 'Content-Type': type };
		return this.context.request('POST', `${this.path}/jsonp_send`, { body, headers });
	}

	// Whether the session exists, seen without disturbing it.
	async exists() {
		const { status } = await this.sendRaw('[]');
		assert.ok(status === 204 || status === 404, `status ${status}`);
		return status === 204;
	}

	// Resolves with the ms it took until the session was gone; throws after the limit.
	async gone(limit) {
		const begin = now();
		while (await this.exists()) {
			assert.ok(now() - begin < limit, `the session is still there after ${limit} ms`);
			await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
		}
		return now() - begin;
	}
}

module.exports = {
	Session,
	Receiver,
	transports,
	streams,
	polls,
	wrap,
	unwrap,
	messagesOf,
	htmlfilePage,
	CALLBACK,
};
