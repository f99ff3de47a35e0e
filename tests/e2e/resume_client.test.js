'use strict';

// sockjs-resume.js by itself: its SockJS, its server and its clock are the test's, and so is the old
// browser that it runs in.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const vm = require('node:vm');
const { srcdir } = require('./lib/stack');

const script = fs.readFileSync(path.join(srcdir, 'www/sockjs-resume.js'), 'utf8');
const KEY = 'k'.repeat(32);
const PATIENCE = 1000;

class World {
	constructor({ crypto, transport = 'websocket', ...options } = {}) {
		const world = this;
		this.now = 0;
		this.timers = new Set();
		this.legs = [];
		this.events = [];
		this.thrown = [];
		function SockJS() {
			world.legs.push(this);
			this.transport = transport;
			this.readyState = 0;
			this.sent = [];
			this.send = (text) => this.sent.push(text);
			this.close = () => { this.readyState = 2; };
		}
		Object.assign(SockJS, { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 });
		const context = vm.createContext({
			SockJS,
			crypto,
			setTimeout: (what, ms) => {
				const timer = { what, at: this.now + ms };
				this.timers.add(timer);
				return timer;
			},
			clearTimeout: (timer) => this.timers.delete(timer),
		});
		vm.runInContext('delete Uint8Array.prototype.map', context);
		vm.runInContext('Date', context).now = () => this.now;
		vm.runInContext(script, context);
		this.socket = new context.ResumingSockJS('/echo', null, { patience: PATIENCE, ...options });
		for (const type of ['open', 'message', 'reconnecting', 'resume', 'close'])
			this.socket.addEventListener(type, ({ data, code, wasClean }) => {
				this.events.push([type, data, code, wasClean].filter((value) => value !== undefined).join(' '));
			});
	}

	get leg() {
		return this.legs[this.legs.length - 1];
	}

	// Time goes by.
	pass(ms) {
		const end = this.now + ms;
		for (;;) {
			const [next] = [...this.timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
			if (!next)
				break;
			this.timers.delete(next);
			this.now = next.at;
			try {
				next.what();
			} catch (error) {
				this.thrown.push(error.message);
			}
		}
		this.now = end;
	}

	open() {
		this.leg.readyState = 1;
		this.leg.onopen();
		return this;
	}

	say(...messages) {
		for (const data of messages)
			this.leg.onmessage({ data });
		return this;
	}

	// With a session.
	begin() {
		return this.open().say(`~o60000 ${KEY}`);
	}

	// The leg is closed; the next one comes.
	cut(code = 1006) {
		const had = this.legs.length;
		this.leg.readyState = 3;
		this.leg.onclose({ code, reason: '' });
		for (let i = 0; i < 100 && this.legs.length === had && this.socket.readyState < 2; i++)
			this.pass(100);
		return this;
	}

	took() {
		return this.events.splice(0);
	}
}

test('a handler that throws: the next message, and the other listeners, are there all the same', () => {
	const world = new World().begin();
	world.socket.onmessage = ({ data }) => { throw new Error(data); };
	world.say('a', 'b');
	assert.deepStrictEqual(world.took(), ['open', 'message a', 'message b']);
	world.pass(0);
	assert.deepStrictEqual(world.thrown, ['a', 'b']);
	world.cut().open();
	assert.deepStrictEqual(world.leg.sent, [`~r2 ${KEY}`]);
});

test('names of its own, with and without a source of them', () => {
	const getRandomValues = (bytes) => bytes.fill(33);
	for (const crypto of [undefined, {}, { getRandomValues }]) {
		const { sessionId } = new World({ crypto }).socket._options;
		assert.match(sessionId(), /^resume-[a-z2-7]{16}~[a-z2-7]{8}$/);
		if (crypto && crypto.getRandomValues)
			assert.strictEqual(sessionId(), `resume-${'b'.repeat(16)}~${'b'.repeat(8)}`);
		else
			assert.notStrictEqual(sessionId(), sessionId());
	}
});

test('closed before it is open: no open, and the server is told', () => {
	const world = new World().open();
	world.socket.close(3000, 'enough');
	world.say(`~o60000 ${KEY}`);
	assert.deepStrictEqual(world.leg.sent, ['~n', '~c']);
	assert.strictEqual(world.socket.readyState, 2);
	world.cut(1000);
	world.pass(0);
	assert.deepStrictEqual(world.took(), ['close 3000 true']);
});

test('cut before it is open: it begins again by itself, and nobody notices', () => {
	const world = new World().open();
	assert.deepStrictEqual(world.leg.sent, ['~n']);
	world.cut(1001).cut(1002).open();
	assert.strictEqual(world.legs.length, 3);
	assert.deepStrictEqual(world.leg.sent, ['~n']);
	assert.deepStrictEqual([world.socket.readyState, world.socket.reconnecting], [0, false]);
	world.say(`~o60000 ${KEY}`, 'a');
	assert.deepStrictEqual(world.took(), ['open', 'message a']);
	// What it may be away begins with the next break.
	world.pass(20000);
	world.cut().open().say('~r0');
	assert.deepStrictEqual(world.took(), ['reconnecting', 'resume']);
});

test('cut before it is open, for long: one close', () => {
	const world = new World().open();
	while (world.socket.readyState === 0 && world.now < 100000)
		world.cut();
	world.pass(0);
	assert.ok(world.now > 30000 && world.now < 50000, `closed after ${world.now}`);
	assert.deepStrictEqual(world.took(), ['close 1006 false']);
});

test('not let in, or nobody is there: that is a close', () => {
	for (const [world, code] of [[new World().open(), 2023], [new World(), 1002], [new World(), 2000]]) {
		world.cut(code);
		world.pass(0);
		assert.deepStrictEqual(world.took(), [`close ${code} false`]);
		assert.strictEqual(world.legs.length, 1);
	}
});

test('closed while it begins again: nothing waits, so that is clean', () => {
	const world = new World().open().cut();
	world.socket.close();
	world.pass(60000);
	assert.deepStrictEqual(world.took(), ['close 1000 true']);
	assert.deepStrictEqual([world.legs.length, world.leg.readyState], [2, 2]);
});

test('closed while it is let in again: no resume, and its messages go before the close', () => {
	const world = new World().begin().cut().open();
	world.socket.send('a');
	world.socket.close();
	world.say('~r0');
	assert.deepStrictEqual(world.leg.sent, [`~r0 ${KEY}`, 'a', '~c']);
	world.cut(1000);
	world.pass(0);
	assert.deepStrictEqual(world.took(), ['open', 'reconnecting', 'close 1000 true']);
});

test('closed while the network is away: clean if nothing waits', () => {
	for (const messages of [[], ['a']]) {
		const world = new World().begin().cut();
		messages.forEach((message) => world.socket.send(message));
		world.socket.close();
		world.pass(0);
		assert.strictEqual(world.took().pop(), `close 1000 ${messages.length === 0}`);
	}
});

test('closed, and the server does not answer: not clean if something waits', () => {
	for (const end of [(world) => world.cut(), (world) => world.pass(60000)]) {
		const world = new World().begin();
		world.socket.send('a');
		world.socket.close();
		end(world);
		world.pass(0);
		assert.deepStrictEqual(world.took(), ['open', 'close 1000 false']);
	}
});

test('empty messages count, too', () => {
	const world = new World({ bufferLimit: 6400 }).begin().cut();
	for (let i = 0; i < 101; i++)
		world.socket.send('');
	assert.strictEqual(world.socket.readyState, 1);
	world.socket.send('');
	world.pass(0);
	assert.strictEqual(world.took().pop(), 'close 1008 false');
});

// How long a leg is left to a server that does not answer.
function given(world) {
	const { leg } = world;
	const begin = world.now;
	while (leg.readyState === 1 && world.now < begin + 1000 * PATIENCE)
		world.pass(PATIENCE / 2);
	return (world.now - begin) / PATIENCE;
}

test('a message that takes long is given more time, until there is progress', () => {
	const world = new World().begin();
	const next = () => {
		while (world.leg.readyState !== 0)
			world.pass(100);
		world.open().say('~r0');
	};
	world.socket.send('long');
	assert.strictEqual(given(world), 2);
	next();
	assert.strictEqual(given(world), 4);
	next();
	assert.strictEqual(given(world), 8);
	next();
	world.say('~a1 0');
	assert.strictEqual(given(world), 2);
});

test('who is let in again and gets no further waits longer between attempts', () => {
	const waits = (progress) => {
		const world = new World().begin();
		let longest = 0;
		for (let i = 0; i < 8; i++) {
			const begin = world.now;
			world.cut();
			longest = Math.max(longest, world.now - begin);
			world.open().say('~r0', ...progress);
		}
		return longest;
	};
	assert.ok(waits([]) > 2000);
	assert.ok(waits(['~a0 0']) <= 300);
});
