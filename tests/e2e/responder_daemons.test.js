'use strict';

// sockjs.fcgi before several daemons: it learns how many there are, and each request comes to the
// one that has its session. The daemons are the test's.

const assert = require('node:assert');
const { test } = require('node:test');
const { FastCgi, request } = require('./lib/fastcgi');
const { FakeDaemon, frame, sent, answer } = require('./lib/fake_daemon');
const { TYPE } = require('./lib/local_socket');
const { Pair } = require('./lib/responder');

// Where they live with two daemons and with three, as tests/unit/wire/test_wire_home.c has it.
const HOMES = { abc: [0, 0], 'session-0002': [1, 0], '8hsv4d2x': [1, 2], '0123456789abcdef': [0, 2] };
const MINOR = 3;

class Daemons {
	constructor(pair) {
		this.pair = pair;
		this.own = [];
	}

	// The socket that they share, and each one's own.
	async start(count) {
		this.count = count;
		this.shared = await FakeDaemon.start(this.pair.socket);
		for (let i = 0; count > 1 && i < count; i++)
			await this.startOne(i);
	}

	async startOne(i) {
		this.own[i] = await FakeDaemon.start(`${this.pair.socket}.${i}`);
	}

	// The responder asks at the shared socket, of daemon `index`, and then comes to each.
	async greet(index = 0, options = {}) {
		const peer = await this.shared.serve(100n, { minor: MINOR, place: [index, this.count], ...options });
		await peer.expectEnd();
		const peers = [];
		for (let i = 0; i < this.count; i++)
			peers.push(await this.serveOne(i, options));
		return peers;
	}

	serveOne(i, options = {}) {
		return this.own[i].serve(BigInt(i + 1), { minor: MINOR, place: [i, this.count], ...options });
	}

	stop() {
		[this.shared, ...this.own].filter(Boolean).forEach((daemon) => daemon.stop());
		this.own = [];
	}
}

function check(name, body) {
	test(`daemons: ${name}`, async () => {
		const pair = new Pair({ fcgi: 'log_level = debug\n' });
		const daemons = new Daemons(pair);
		try {
			await body(daemons, async () => (await pair.startResponder()).address);
		} catch (error) {
			process.stderr.write(`--- log at the failure of "${name}":\n${pair.log().slice(-4000)}\n---\n`);
			throw error;
		} finally {
			daemons.stop();
			await pair.stop();
		}
	});
}

const send = (address, session) => request(address, 'POST', `/echo/000/${session}/xhr_send`, { body: '["x"]' });
const poll = (address, session) => request(address, 'POST', `/echo/000/${session}/xhr`);

// Of a SEND or RECEIVE.
function sessionOf({ type, payload }) {
	const at = type === TYPE.send ? 2 : 3;
	return payload.toString('latin1', at + 2, at + 2 + payload.readUInt16BE(at));
}

// The next request that comes, which names that session.
async function expectRequest(peer, type, session) {
	const message = await peer.read();
	assert.strictEqual(message.type, type);
	assert.strictEqual(sessionOf(message), session);
	return message;
}

check('each request comes to the daemon that has its session', async (daemons, start) => {
	await daemons.start(2);
	const address = await start();
	const peers = await daemons.greet(1);
	for (const [session, [home]] of Object.entries(HOMES)) {
		const sending = send(address, session);
		const { request: id } = await expectRequest(peers[home], TYPE.send, session);
		peers[home].write(sent(id, 0));
		assert.strictEqual((await sending).status, 204);
		const polling = poll(address, session);
		const receive = await expectRequest(peers[home], TYPE.receive, session);
		peers[home].write(frame(receive.request, 'o\n', 1));
		assert.strictEqual((await polling).text, 'o\n');
		assert.strictEqual((await peers[home].read()).type, TYPE.written);
	}
	peers.forEach((peer) => assert.deepStrictEqual(peer.messages, []));
});

check('where one is away its requests wait, and the others do not', async (daemons, start) => {
	await daemons.start(2);
	const address = await start();
	const peers = await daemons.greet();
	const waiting = send(address, 'session-0002');
	const first = await expectRequest(peers[1], TYPE.send, 'session-0002');
	daemons.own[1].stop();
	const other = send(address, 'abc');
	const { request: id } = await expectRequest(peers[0], TYPE.send, 'abc');
	peers[0].write(sent(id, 0));
	assert.strictEqual((await other).status, 204);
	// It comes again, as it was, to the daemon that follows, and to that alone.
	await daemons.startOne(1);
	const peer = await daemons.serveOne(1);
	assert.strictEqual(peer.hello.connection, 2n);
	const again = await expectRequest(peer, TYPE.send, 'session-0002');
	assert.deepStrictEqual(again.payload, first.payload);
	peer.write(sent(again.request, 0));
	assert.strictEqual((await waiting).status, 204);
	assert.deepStrictEqual(peers[0].messages, []);
});

check('a responder is the same one to each, and tells each of its own frames', async (daemons, start) => {
	await daemons.start(2);
	const address = await start();
	const peers = await daemons.greet();
	assert.strictEqual(peers[0].hello.instance, peers[1].hello.instance);
	const polling = poll(address, 'abc');
	const { request: id } = await expectRequest(peers[0], TYPE.receive, 'abc');
	peers[0].write(frame(id, 'a["x"]\n', 1));
	await polling;
	peers.forEach((peer) => peer.close());
	const again = [await daemons.serveOne(0), await daemons.serveOne(1)];
	assert.deepStrictEqual(again.map(({ hello }) => [hello.connection, hello.frames]), [[1n, 1n], [2n, 0n]]);
});

// What is sent before the change was not answered by then: it comes to the new home, as it was.
for (const [from, to] of [[1, 2], [2, 3], [3, 2], [2, 1]])
	check(`${from} of them become ${to}`, async (daemons, start) => {
		await daemons.start(from);
		const address = await start();
		const one = (count) => (count === 1 ? daemons.shared.serve(50n, { minor: MINOR }) : null);
		const before = await one(from);
		const peers = before ? [before] : await daemons.greet(from - 1);
		const home = (session, count) => (count === 1 ? 0 : HOMES[session][count - 2]);
		const sessions = Object.keys(HOMES);
		const sends = sessions.map((session) => send(address, session));
		const payloads = {};
		for (const session of sessions) {
			const peer = peers[home(session, from)];
			const message = await peer.read();
			payloads[sessionOf(message)] = message.payload;
		}
		daemons.stop();
		await daemons.start(to);
		const after = await one(to);
		const followers = after ? [after] : await daemons.greet();
		for (let i = 0; i < sessions.length; i++) {
			const count = sessions.filter((session) => home(session, to) === i).length;
			for (let n = 0; n < count; n++) {
				const message = await followers[i].read();
				const session = sessionOf(message);
				assert.strictEqual(home(session, to), i);
				assert.deepStrictEqual(message.payload, payloads[session]);
				followers[i].write(sent(message.request, 0));
			}
		}
		assert.deepStrictEqual((await Promise.all(sends)).map(({ status }) => status), sessions.map(() => 204));
	});

check('what names no session goes to one that is there', async (daemons, start) => {
	await daemons.start(2);
	const address = await start();
	const peers = await daemons.greet(0, { api: ['/apps/', 1000] });
	daemons.own[0].stop();
	for (let i = 0; i < 3; i++) {
		const asking = request(address, 'GET', '/apps/1/channels');
		const { type, request: id } = await peers[1].read();
		assert.strictEqual(type, TYPE.ask);
		peers[1].write(answer(id, 200, 'application/json', '{}'));
		assert.strictEqual((await asking).status, 200);
	}
	assert.match((await request(address, 'GET', '/echo/info')).text, /entropy/);
	assert.strictEqual((await request(address, 'GET', '/up')).status, 200);
});

// One was lost with it, and may be asked again anywhere.
check('what was lost with one daemon, and names no session, goes to another', async (daemons, start) => {
	await daemons.start(2);
	const address = await start();
	const peers = await daemons.greet(0, { api: ['/apps/', 1000] });
	const asking = request(address, 'GET', '/apps/1/channels');
	const took = await Promise.any(peers.map(async (peer, i) => (await peer.read(), i)));
	daemons.own[took].stop();
	const { request: id } = await peers[1 - took].read();
	peers[1 - took].write(answer(id, 200, 'application/json', '{}'));
	assert.strictEqual((await asking).status, 200);
});

// A service that is retired is known only where sessions of it are left.
check('a session of a service that only its own daemon knows still is found', async (daemons, start) => {
	await daemons.start(2);
	const address = await start();
	const asked = await daemons.shared.serve(100n, { minor: MINOR, place: [0, 2] });
	await asked.expectEnd();
	const peers = [await daemons.serveOne(0, { services: ['/other'] }), await daemons.serveOne(1)];
	const sending = send(address, 'session-0002');
	const { request: id } = await expectRequest(peers[1], TYPE.send, 'session-0002');
	peers[1].write(sent(id, 0));
	assert.strictEqual((await sending).status, 204);
	assert.strictEqual((await send(address, 'abc')).status, 404);
});

check('a responder that stops lets each daemon end what it holds', async (daemons, start) => {
	await daemons.start(2);
	const address = await start();
	const peers = await daemons.greet();
	const polls = ['abc', 'session-0002'].map((session) => poll(address, session));
	const ids = [];
	for (const peer of peers)
		ids.push((await peer.read()).request);
	daemons.pair.responder.child.kill('SIGTERM');
	for (const [i, peer] of peers.entries()) {
		let message;
		do
			message = await peer.read();
		while (message.type !== TYPE.goodbye);
		peer.write(frame(ids[i], 'h\n', 1));
	}
	assert.deepStrictEqual((await Promise.all(polls)).map(({ text }) => text), ['h\n', 'h\n']);
});
