'use strict';

// Section 10: what the standard test services do.

const assert = require('node:assert/strict');
const { now } = require('../lib/http');
const { transports } = require('../lib/session');

const names = Object.keys(transports);
const inTurn = ['xhr', 'jsonp'];

function echo({ test }) {
	for (const name of names) {
		test(`s10: echo over ${name}`, async (c) => {
			const s = c.session('/echo');
			const receiver = await s.receive(name);
			assert.equal(await receiver.readFrame(), 'o');
			await s.send(['x', 'y']);
			const next = inTurn.includes(name) ? await s.receive(name) : receiver;
			assert.deepEqual(await next.readMessages(2), ['x', 'y']);
		});
	}

	test('s10: the echo of disabled_websocket_echo and cookie_needed_echo', async (c) => {
		for (const prefix of ['/disabled_websocket_echo', '/cookie_needed_echo']) {
			const s = await c.session(prefix).open();
			await s.send(['x']);
			assert.equal(await s.poll(), 'a["x"]');
		}
		const socket = await c.sockjs('/cookie_needed_echo');
		socket.send('"x"');
		assert.equal(await socket.readText(), 'a["x"]');
	});
}

function ticker({ test }) {
	test('s10: ticker sends tick! each second over a websocket', { wait: true }, async (c) => {
		const begin = now();
		const socket = await c.sockjs('/ticker');
		for (let i = 1; i <= 3; i++) {
			assert.equal(await socket.readText(), 'a["tick!"]');
			assert.ok(now() - begin >= i * 1000 - 30, `tick ${i} after ${now() - begin} ms`);
		}
	});

	for (const name of names) {
		test(`s10: ticker over ${name}`, { wait: true }, async (c) => {
			const s = c.session('/ticker');
			let receiver = await s.receive(name);
			assert.equal(await receiver.readFrame(), 'o');
			for (let i = 0; i < 2; i++) {
				if (inTurn.includes(name)) receiver = await s.receive(name);
				// Several, if they came while a busy machine did something else.
				assert.match(await receiver.readFrame(), /^a\["tick!"(,"tick!")*\]$/);
			}
		});
	}
}

function amplify({ test }) {
	test('s10: amplify answers N of 1..18 with 2^N letters x', async (c) => {
		const socket = await c.sockjs('/amplify');
		for (let power = 1; power <= 18; power++) {
			socket.send(`["${power}"]`);
			assert.equal(await socket.readText(), `a["${'x'.repeat(2 ** power)}"]`);
		}
	});

	test('s10: amplify answers anything else with 2 letters', async (c) => {
		const socket = await c.sockjs('/amplify');
		for (const message of [
			'0',
			'19',
			'20',
			'-1',
			'100',
			'999999999999',
			'abc',
			'',
			'NaN',
			'x5',
		]) {
			socket.send(JSON.stringify([message]));
			assert.equal(await socket.readText(), 'a["xx"]', message);
		}
	});

	for (const name of names) {
		test(`s10: amplify over ${name}: 2^17 letters in one frame`, async (c) => {
			const s = await c.session('/amplify').open();
			await s.send(['17']);
			const receiver = await s.receive(name);
			assert.equal(await receiver.readFrame(), `a["${'x'.repeat(131072)}"]`);
			await receiver.expectEnd();
		});
	}
}

// The next message of a session or socket that is ours: other tests broadcast too.
async function untilMessage(read, wanted) {
	for (;;) {
		const text = await read();
		if (text === 'h') continue;
		assert.equal(text[0], 'a', text);
		if (JSON.parse(text.slice(1)).includes(wanted)) return;
	}
}

function broadcast({ test }) {
	test('s10: broadcast sends each message to every connection, of every transport', async (c) => {
		const socket = await c.sockjs('/broadcast');
		const raw = await c.websocket('/broadcast/websocket');
		const streams = [];
		for (const name of ['xhr_streaming', 'eventsource', 'htmlfile'])
			streams.push(await c.session('/broadcast').stream(name));
		const polled = await c.session('/broadcast').open('xhr');
		const jsonp = await c.session('/broadcast').open('jsonp');
		const everybody = async (message) => {
			await untilMessage(() => socket.readText(), message);
			while ((await raw.readText()) !== message);
			for (const stream of streams) await untilMessage(() => stream.readFrame(), message);
			await untilMessage(() => polled.poll(), message);
			await untilMessage(() => jsonp.poll('jsonp'), message);
		};
		const ids = ['ws', 'raw', 'xhr'].map((each) => each + c.uniqueId());

		await new Promise(setImmediate);
		socket.send(JSON.stringify([ids[0]]));
		await everybody(ids[0]);
		raw.send(ids[1]);
		await everybody(ids[1]);
		await polled.send([ids[2]]);
		await everybody(ids[2]);
	});

	test('s10: broadcast goes on when a connection has gone', async (c) => {
		const staying = await c.sockjs('/broadcast');
		const going = [await c.sockjs('/broadcast'), await c.websocket('/broadcast/websocket')];
		const stream = await c.session('/broadcast').stream();
		going.forEach((socket) => socket.connection.reset());
		stream.connection.reset();
		for (let i = 0; i < 5; i++) {
			const id = c.uniqueId();
			staying.send(JSON.stringify([id]));
			await untilMessage(() => staying.readText(), id);
		}
	});
}

exports.register = (target) => {
	for (const group of [echo, ticker, amplify, broadcast]) group(target);
};
