'use strict';

// Section 5: how a session begins, who may receive, how it ends.

const assert = require('node:assert/strict');
const { now } = require('../lib/http');
const { transports, streams, polls } = require('../lib/session');

const OPEN_ELSEWHERE = 'c[2010,"Another connection still open"]';
const GO_AWAY = 'c[3000,"Go away!"]';
const names = Object.keys(transports);
const pause = (ms) =>
	new Promise((resolve) => {
		setTimeout(resolve, ms);
	});

function opening({ test }) {
	for (const name of names) {
		test(`s5: ${name} with an unknown id opens a session: o at once`, async (c) => {
			const s = c.session('/echo');
			assert.equal(await s.exists(), false);
			const receiver = await s.receive(name);
			assert.equal(await receiver.readFrame(1000), 'o');
			assert.equal(await s.exists(), true);
		});

		test(`s5: a session opened with ${name} is received with every transport`, async (c) => {
			const s = c.session('/limit_1');
			assert.equal(await s.poll(name), 'o');
			for (const other of names) {
				await s.send([other]);
				assert.equal(await s.poll(other), `a["${other}"]`);
			}
		});
	}

	test('s5: messages sent right after o reach the application', async (c) => {
		const s = c.session('/echo');
		const receiver = await s.stream('xhr_streaming');
		await s.send(['first']);
		assert.equal(await receiver.readFrame(), 'a["first"]');
	});

	test('s5: sessions are apart from each other', async (c) => {
		const a = await c.session('/echo').open();
		const b = await c.session('/echo').open();
		await a.send(['a']);
		await b.send(['b']);
		assert.equal(await b.poll(), 'a["b"]');
		assert.equal(await a.poll(), 'a["a"]');
	});

	test('s1: sessions of two services never mix, even with the same id', async (c) => {
		const a = await c.session('/echo').open();
		const b = c.session('/disabled_websocket_echo', { id: a.id });
		assert.equal(await b.exists(), false);
		await b.open();
		await a.send(['a']);
		await b.send(['b']);
		assert.equal(await b.poll(), 'a["b"]');
		assert.equal(await a.poll(), 'a["a"]');
	});
}

function oneReceiver({ test }) {
	for (const first of streams.map(({ name }) => name)) {
		for (const second of names) {
			test(`s5: with ${first} receiving, ${second} gets 2010 and ends, the first is not disturbed`, async (c) => {
				const s = c.session('/echo');
				const receiver = await s.stream(first);
				assert.equal(await s.poll(second), OPEN_ELSEWHERE);
				await s.send(['still here']);
				assert.equal(await receiver.readFrame(), 'a["still here"]');
				assert.equal(await s.poll(second), OPEN_ELSEWHERE);
				await (await receiver.answer).expectSilence(50);
			});
		}
	}

	for (const { name } of polls) {
		test(`s5: of two polls of ${name} one gets 2010 and the other the message`, async (c) => {
			const s = await c.session('/echo').open();
			const receivers = [await s.receive(name), await s.receive(name)];
			const frames = receivers.map((receiver) => receiver.readFrame());
			const refused = await Promise.race(
				frames.map((frame, index) => frame.then(() => index)),
			);
			assert.equal(await frames[refused], OPEN_ELSEWHERE);
			await receivers[refused].expectEnd();
			await s.send(['for the first']);
			assert.equal(await frames[1 - refused], 'a["for the first"]');
			await receivers[1 - refused].expectEnd();
		});
	}

	test('s5: after the first receiver has ended another one receives', async (c) => {
		const s = await c.session('/limit_1').open();
		const receiver = await s.receive('xhr_streaming');
		await receiver.start();
		assert.equal(await s.poll(), OPEN_ELSEWHERE);
		await s.send(['x']);
		assert.equal(await receiver.readFrame(), 'a["x"]');
		await receiver.expectEnd();
		await s.send(['y']);
		assert.equal(await s.poll(), 'a["y"]');
	});
}

const DELAY = 9000; // ms, disconnect_delay of /short_disconnect and /short_close
const HALF = DELAY / 2;
const LONGER = 1.5 * DELAY;
const AT_ONCE = 10000; // ms; a poll whose end nobody notices ends by its heartbeat, after 25 s
const PATIENCE = 20000; // ms that a busy machine may be late

// Without a receiver the session lives for `delay`, and not for ever.
async function assertLifetime(session, begin, delay) {
	while (now() - begin < delay / 2) {
		assert.equal(await session.exists(), true, `gone after ${now() - begin} ms`);
		await pause(delay / 10);
	}
	await session.gone(delay + PATIENCE);
	assert.ok(now() - begin >= delay - 20, `gone after ${now() - begin} ms`);
}

function disconnecting({ test }) {
	test(
		's5: with no receiver for disconnect_delay the session ends',
		{ wait: true },
		async (c) => {
			const begin = now();
			const s = await c.session('/short_disconnect').open();
			await assertLifetime(s, begin, DELAY);
			assert.equal(await s.poll(), 'o');
		},
	);

	test('s5: disconnect_delay is 5000 ms by default', { wait: true }, async (c) => {
		const begin = now();
		const s = await c.session('/defaults').open();
		await assertLifetime(s, begin, 5000);
	});

	for (const { name } of streams) {
		test(
			`s5: a receiver of ${name} keeps the session beyond disconnect_delay`,
			{ wait: true },
			async (c) => {
				const s = c.session('/short_disconnect');
				const receiver = await s.stream(name);
				await pause(LONGER);
				await s.send(['x']);
				assert.equal(await receiver.readFrame(), 'a["x"]');
			},
		);
	}

	for (const { name } of polls) {
		test(
			`s5: a held poll of ${name} keeps the session beyond disconnect_delay`,
			{ wait: true },
			async (c) => {
				const s = await c.session('/short_disconnect').open();
				const receiver = await s.receive(name);
				await pause(LONGER);
				await s.send(['x']);
				assert.equal(await receiver.readFrame(), 'a["x"]');
			},
		);
	}

	test(
		's5: each receiver starts disconnect_delay anew when it ends',
		{ wait: true },
		async (c) => {
			const s = await c.session('/short_disconnect').open();
			let begin;
			for (let i = 0; i < 4; i++) {
				await pause(DELAY / 3);
				await s.send([`${i}`]);
				begin = now();
				assert.equal(await s.poll(), `a["${i}"]`);
			}
			await assertLifetime(s, begin, DELAY);
		},
	);

	test('s5: sending does not keep a session without a receiver', { wait: true }, async (c) => {
		const begin = now();
		const s = await c.session('/short_disconnect').open();
		let status;
		while ((status = (await s.sendRaw('["x"]')).status) === 204) {
			assert.ok(now() - begin < DELAY + PATIENCE, 'it is still there');
			await pause(50);
		}
		assert.equal(status, 404);
		assert.ok(now() - begin >= DELAY - 20, `gone after ${now() - begin} ms`);
	});

	test(
		's5: undelivered messages wait for a receiver',
		{ wait: true },
		async (c) => {
			const s = await c.session('/echo').open();
			await s.send(['kept']);
			await pause(HALF);
			assert.equal(await s.poll(), 'a["kept"]');
		},
	);
}

const breakings = [
	['an end of the connection', (connection) => connection.end()],
	['a reset of the connection', (connection) => connection.reset()],
	['a closed connection', (connection) => connection.close()],
];

// lighttpd watches for the end of a connection only after its first request, if that was there when
// the connection was accepted. Browsers mostly have such a connection; so a test gets one.
async function usedConnection(c) {
	const connection = await c.connect();
	assert.equal((await connection.request('GET', '/echo')).status, 200);
	return connection;
}

function broken({ test }) {
	for (const { name, streaming } of Object.values(transports)) {
		for (const [how, breakIt] of breakings) {
			test(`s5: ${how} of ${name} ends the session at once`, async (c) => {
				const s = await c.session('/echo').open();
				await s.send(['mark']);
				assert.equal(await s.poll(), 'a["mark"]');
				const receiver = await s.receive(name, { connection: await usedConnection(c) });
				if (streaming) await receiver.start();
				const held = streaming ? receiver : await whichIsHeld(c, s, receiver);
				breakIt(held.connection);
				await s.gone(AT_ONCE);
				assert.match(await s.poll(), /^(o|c\[1002,"Connection interrupted"\])$/);
			});
		}

		test(`s5: a connection that closes after the server ended ${name} does not end the session`, async (c) => {
			const s = c.session('/limit_1');
			const receiver = await s.receive(name);
			assert.equal(await receiver.readFrame(), 'o');
			await receiver.expectEnd();
			receiver.connection.reset();
			await pause(100);
			assert.equal(await s.exists(), true);
		});
	}

	test('s5: a refused second receiver that breaks does not end the session', async (c) => {
		const s = c.session('/echo');
		const receiver = await s.stream();
		const second = await s.receive('xhr');
		assert.equal(await second.readFrame(), OPEN_ELSEWHERE);
		second.connection.reset();
		await s.send(['x']);
		assert.equal(await receiver.readFrame(), 'a["x"]');
	});
}

// Resolves with the poll that the session holds: that shows nothing itself, so a second one asks. A
// web server may pass on the second before the first, which is then the one that is refused.
async function whichIsHeld(c, s, receiver) {
	const probe = await s.receive(receiver.transport.name, { connection: await usedConnection(c) });
	const refusal = (of, other) =>
		of.readFrame().then(
			(frame) => ({ frame, held: other }),
			() => null, // it was broken
		);
	const answer = await Promise.race([
		refusal(probe, receiver),
		refusal(receiver, probe),
		pause(2000).then(() => ({ frame: null })),
	]);
	assert.equal(answer.frame, OPEN_ELSEWHERE, 'no poll was held');
	return answer.held;
}

function closing({ test }) {
	for (const name of names) {
		test(`s5: the application's close ends a receiver of ${name} with the close frame`, async (c) => {
			const s = c.session('/close');
			const receiver = await s.receive(name);
			assert.equal(await receiver.readFrame(), 'o');
			if (transports[name].streaming) {
				assert.equal(await receiver.readFrame(), GO_AWAY);
				await receiver.expectEnd();
			}
		});
	}

	test('s5: after a close every receiving request gets the same close frame', async (c) => {
		const s = await c.session('/close').open();
		for (const name of [...names, ...names]) assert.equal(await s.poll(name), GO_AWAY, name);
	});

	test('s5: disconnect_delay after a close the id is free again', { wait: true }, async (c) => {
		const s = await c.session('/short_close').open();
		const begin = now();
		while (now() - begin < HALF) {
			assert.equal(await s.poll(), GO_AWAY);
			await pause(200);
		}
		await pause(LONGER);
		assert.equal(await s.poll(), 'o');
		assert.equal(await s.poll(), GO_AWAY);
	});
}

exports.register = (target) => {
	for (const group of [opening, oneReceiver, disconnecting, broken, closing]) group(target);
};
