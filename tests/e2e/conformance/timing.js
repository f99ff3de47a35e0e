'use strict';

// What happens after a time: chunking_test (section 1) and heartbeats (sections 5, 6 and 8).

const assert = require('node:assert/strict');
const { now } = require('../lib/http');
const { OPCODE } = require('../lib/websocket');
const { streams, polls } = require('../lib/session');

const HEARTBEAT = 300; // ms, of /short_heartbeat and /frame_heartbeat
const EARLY = 15; // ms that a timer may seem early: another clock, another rounding
const pause = (ms) =>
	new Promise((resolve) => {
		setTimeout(resolve, ms);
	});

// How late a machine is, only it knows.
function assertNotEarly(begin, ms, what = '') {
	const elapsed = now() - begin;
	assert.ok(elapsed >= ms - EARLY, `${what} after ${Math.round(elapsed)} ms instead of ${ms}`);
}

function chunking({ test }) {
	const steps = [0, 1, 5, 25, 125, 625, 3125]; // ms after the one before
	const writes = ['h\n', `${' '.repeat(2048)}h\n`, 'h\n', 'h\n', 'h\n', 'h\n', 'h\n'];

	test(
		's1: chunking_test sends its seven parts, none before its time, and ends',
		{ wait: true },
		async (c) => {
			const begin = now();
			const answer = await c.openStream('POST', '/echo/chunking_test');
			assert.equal(answer.status, 200);
			let planned = 0;
			for (const [index, wanted] of writes.entries()) {
				planned += steps[index];
				assert.equal(String(await answer.readBytes(wanted.length)), wanted);
				assertNotEarly(begin, planned, `part ${index}`);
			}
			await answer.expectEnd();
			assertNotEarly(begin, 3906, 'end');
		},
	);

	test('s1: chunking_test holds no part back until the next one', { wait: true }, async (c) => {
		const answer = await c.openStream('POST', '/echo/chunking_test');
		await answer.readToEnd();
		const [before, last] = [2060, 2062].map(
			(end) => answer.pieces.find(({ begin, data }) => begin + data.length >= end).at,
		);
		// Three seconds lie between these two. Were each part held back until the next, they would
		// come together.
		assert.ok(last - before > 300, `${last - before} ms between the last two`);
	});

	test('s1: chunking_test is javascript, with CORS headers', async (c) => {
		const answer = await c.openStream('POST', '/echo/chunking_test', {
			headers: { Origin: 'http://a.example' },
			body: 'ignored',
		});
		assert.equal(answer.header('Content-Type'), 'application/javascript; charset=UTF-8');
		assert.equal(answer.header('Access-Control-Allow-Origin'), 'http://a.example');
		assert.equal(answer.header('Access-Control-Allow-Credentials'), 'true');
	});

	test('s1: chunking_test over HTTP/1.0 ends with the connection', { wait: true }, async (c) => {
		const answer = await c.request('POST', '/echo/chunking_test', { version: '1.0' });
		assert.equal(answer.framed, 'close');
		assert.equal(answer.text, writes.join(''));
	});
}

function heartbeats({ test: plain }) {
	const test = (name, body) => plain(name, { wait: true }, body);

	for (const { name } of polls) {
		test(`s5: a poll of ${name} with nothing to say gets h after heartbeat_delay`, async (c) => {
			const s = await c.session('/short_heartbeat').open();
			for (let i = 0; i < 2; i++) {
				const begin = now();
				assert.equal(await s.poll(name), 'h');
				assertNotEarly(begin, HEARTBEAT);
			}
			await s.send(['x']);
			assert.equal(await s.poll(name), 'a["x"]');
		});
	}

	for (const { name } of streams) {
		test(`s5: a stream of ${name} with nothing to say gets h every heartbeat_delay`, async (c) => {
			const s = c.session('/short_heartbeat');
			const begin = now();
			const receiver = await s.stream(name);
			for (let i = 1; i <= 3; i++) {
				assert.equal(await receiver.readFrame(), 'h');
				assertNotEarly(begin, i * HEARTBEAT, `heartbeat ${i}`);
			}
			await s.send(['x']);
			assert.deepEqual(await receiver.readMessages(1), ['x']);
		});
	}

	test('s5: a receiver that is sent something else gets no h', async (c) => {
		const s = c.session('/slow_heartbeat');
		const receiver = await s.stream();
		let last = now();
		for (let i = 0; i < 20; i++) {
			await pause(250);
			const sent = now();
			await s.send([`${i}`]);
			let frame = await receiver.readFrame();
			// Unless this machine was too busy to send in time.
			for (; frame === 'h'; frame = await receiver.readFrame()) {
				assertNotEarly(last, 3000);
				last += 3000;
			}
			assert.equal(frame, `a["${i}"]`);
			last = sent;
		}
	});

	test('s8: heartbeat_delay is 25000 ms by default', async (c) => {
		const s = c.session('/defaults');
		const begin = now();
		const receiver = await s.stream();
		assert.equal(await receiver.readFrame(35000), 'h');
		assertNotEarly(begin, 25000);
	});
}

function pings({ test: plain }) {
	const test = (name, body) => plain(name, { wait: true }, body);

	// With the long delay each pong is there before the next ping, on a loaded machine too.
	for (const [kind, url, slowUrl] of [
		[
			'websocket',
			'/short_heartbeat/000/pings/websocket',
			'/slow_heartbeat/000/pings/websocket',
		],
		['raw websocket', '/short_heartbeat/websocket', '/slow_heartbeat/websocket'],
	]) {
		test(`s6: a ${kind} is pinged every heartbeat_delay`, async (c) => {
			const begin = now();
			const socket = await c.websocket(url);
			if (kind === 'websocket') assert.equal(await socket.readText(), 'o');
			for (let i = 1; i <= 3; i++) {
				const ping = await socket.read();
				assert.equal(ping.opcode, OPCODE.ping);
				assertNotEarly(begin, i * HEARTBEAT, `ping ${i}`);
				socket.sendFrame(OPCODE.pong, ping.payload);
			}
		});

		test(`s6: a ${kind} that answers its pings stays`, async (c) => {
			const socket = await c.websocket(slowUrl);
			await answerPings(socket, 20000, (ping) => socket.sendFrame(OPCODE.pong, ping.payload));
		});

		test(`s6: a ${kind} that sends anything stays, without pongs`, async (c) => {
			const socket = await c.websocket(slowUrl);
			await answerPings(socket, 20000, () => socket.send('""'));
		});

		test(`s6: a ${kind} that sends nothing for 10 s after a ping is closed`, async (c) => {
			const begin = now();
			const socket = await c.websocket(url);
			await ended(socket, 30000);
			assertNotEarly(begin, 10000, 'closed');
		});
	}
}

// Resolves when the server closes: with a close frame, or just so.
async function ended(socket, limit) {
	const deadline = now() + limit;
	try {
		await socket.readClose(limit);
	} catch (error) {
		if (!socket.connection.closed || now() > deadline) throw error;
	}
}

// Lives with a socket for some time: whatever comes must be a ping, an echo or `o`, and the
// connection must stay.
async function answerPings(socket, ms, answer) {
	const begin = now();
	let pinged = 0;
	while (now() - begin < ms) {
		const message = await socket.read();
		assert.notEqual(
			message.opcode,
			OPCODE.close,
			`closed after ${now() - begin} ms: ${message.code} ${message.reason}`,
		);
		if (message.opcode === OPCODE.ping) {
			pinged++;
			answer(message);
		}
	}
	assert.ok(pinged > 1, `${pinged} pings`);
}

function frameHeartbeats({ test: plain }) {
	const test = (name, body) => plain(name, { wait: true }, body);

	test('s6: an option sends h frames on a websocket instead of pings', async (c) => {
		const begin = now();
		const socket = await c.sockjs('/frame_heartbeat');
		for (let i = 1; i <= 3; i++) {
			const message = await socket.read();
			assert.deepEqual([message.opcode, message.text], [OPCODE.text, 'h']);
			assertNotEarly(begin, i * HEARTBEAT, `heartbeat ${i}`);
		}
		socket.send('"x"');
		let text;
		do text = await socket.readText();
		while (text === 'h');
		assert.equal(text, 'a["x"]');
	});
}

exports.register = (target) => {
	for (const group of [chunking, heartbeats, pings, frameHeartbeats]) group(target);
};
