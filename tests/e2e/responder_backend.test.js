'use strict';

// What sockjs.fcgi and sockjs-sessiond do when one of them, or the socket between them, is gone or
// broken.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');
const { allAsleep } = require('./lib/asleep');
const { unsanitized } = require('./lib/daemon');
const { FastCgi, request, encodeRequest } = require('./lib/fastcgi');
const { eventually, expectLogged, sleep } = require('./lib/guard');
const { request: requestHttp } = require('./lib/http');
const { LocalPeer, encodeMessage, encodeHello, encodeSend, TYPE, ROLE } = require('./lib/local_socket');
const { Pair, Relay, startPair, responderProgram } = require('./lib/responder');
const { freePort } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');

const PATIENCE = 60000; // ms
const GREETING_WAIT = 10000; // ms that sessiond gives a connection to say what it is

const newSession = (service = 'echo') => `/${service}/000/${crypto.randomBytes(6).toString('hex')}`;
const listenAnywhere = async () => `127.0.0.1:${await freePort()}`;

// Runs a body with a Pair, and shows its logs if it fails.
function check(name, options, body) {
	const { skip, ...rest } = options;
	test(`backend: ${name}`, { skip }, async () => {
		const pair = rest.alone ? new Pair(rest) : await startPair({ ...rest, listen: rest.listen && await listenAnywhere() });
		try {
			await body(pair);
		} catch (error) {
			process.stderr.write(`--- log at the failure of "${name}":\n${pair.log().slice(-4000)}\n---\n`);
			throw error;
		} finally {
			await pair.stop();
		}
	});
}

async function openSession(address, service) {
	const session = newSession(service);
	assert.strictEqual((await request(address, 'POST', `${session}/xhr`)).text, 'o\n');
	return session;
}

// A poll on a session that is open already; nothing says yet that sessiond has it.
async function poll(address, session) {
	const connection = await FastCgi.open(address);
	return { session, connection, answer: connection.begin('POST', `${session}/xhr`) };
}

// A poll that is held: of two the session takes the one that comes first, and refuses the other.
async function holdPoll(address, session) {
	const name = session || await openSession(address);
	const polls = [await poll(address, name), await poll(address, name)];
	const ends = polls.map(({ connection, answer }) => connection.finish(answer, PATIENCE));
	ends.forEach((end) => end.catch(() => {})); // of the one that is held the test has to know
	const { text } = await Promise.race(ends);
	assert.ok(text.startsWith('c[2010,'), text);
	return polls.find(({ answer }) => answer.ended === null);
}

const textOf = async ({ connection, answer }, timeout) => (await connection.finish(answer, timeout)).text;
const send = (address, session, text, options) => request(address, 'POST', `${session}/xhr_send`, { body: JSON.stringify([text]), ...options });

// --- sessiond goes and comes ---------------------------------------------------------------------

check('sessiond is killed and started again: what is held or comes meanwhile stays, and is answered', {}, async (pair) => {
	const held = await Promise.all(Array.from({ length: 50 }, async () => holdPoll(pair.address)));
	await pair.sessiond.stop('SIGKILL');
	const sends = held.slice(0, 20).map(({ session }) => send(pair.address, session, 'meanwhile', { timeout: PATIENCE }));
	const fresh = await Promise.all(Array.from({ length: 20 }, () => poll(pair.address, newSession())));
	await sleep(300);
	assert.ok(held.every(({ answer, connection }) => answer.ended === null && !connection.closed), 'nothing was answered');
	assert.strictEqual((await request(pair.address, 'GET', '/echo')).status, 200);
	await pair.startSessiond();
	// The sessions went with the daemon: each poll opens one anew.
	for (const each of [...held, ...fresh])
		assert.strictEqual(await textOf(each, PATIENCE), 'o\n');
	for (const sent of await Promise.all(sends))
		assert.ok([204, 404].includes(sent.status), `${sent.status}`);
	const { session } = fresh[0];
	assert.strictEqual((await send(pair.address, session, 'again')).status, 204);
	assert.strictEqual((await request(pair.address, 'POST', `${session}/xhr`)).text, 'a["again"]\n');
});

check('sessiond that comes after the responder: requests wait for it', { alone: true }, async (pair) => {
	await pair.startResponder();
	const first = await poll(pair.address, newSession());
	const greeting = request(pair.address, 'GET', '/echo', { timeout: PATIENCE });
	const nothing = request(pair.address, 'GET', '/nothing', { timeout: PATIENCE });
	await sleep(200);
	await pair.startSessiond();
	assert.strictEqual(await textOf(first, PATIENCE), 'o\n');
	assert.strictEqual((await greeting).status, 200);
	assert.strictEqual((await nothing).status, 404);
});

check('requests that came before the services are known, on a connection with more behind them, are asked once', { alone: true }, async (pair) => {
	await pair.startResponder();
	const connections = await Promise.all(Array.from({ length: 30 }, async () => {
		const connection = await FastCgi.open(pair.address);
		const first = connection.expect();
		connection.write(Buffer.concat([encodeRequest('GET', '/echo', { keep: true }), encodeRequest('POST', `${newSession()}/xhr`, { id: 2, keep: true })]));
		return { connection, first, second: connection.expect(2) };
	}));
	await sleep(100);
	await pair.startSessiond();
	for (const { connection, first, second } of connections) {
		assert.strictEqual((await connection.finish(first, PATIENCE)).text, 'Welcome to SockJS!\n');
		assert.strictEqual((await connection.finish(second, PATIENCE)).text, 'o\n');
	}
	assert.doesNotMatch(pair.log().replace(/^.*cannot be reached.*$/m, ''), /error/);
});

check('after backend_timeout: 503 with Retry-After, before any service is known', { alone: true, fcgi: 'backend_timeout = 700ms' }, async (pair) => {
	await pair.startResponder();
	for (const target of ['/echo', '/echo/0/a/xhr']) {
		const start = Date.now();
		const answer = await request(pair.address, 'POST', target);
		assert.deepStrictEqual([answer.status, answer.header('Retry-After')], [503, '1']);
		assert.ok(Date.now() - start >= 650, `after ${Date.now() - start} ms`);
	}
	await expectLogged(pair, new RegExp(`error: .*${pair.socket}`));
	assert.strictEqual(pair.log().match(/error: /g).length, 1, 'and says it once');
});

check('after backend_timeout: 503 with Retry-After for held polls and sends', { fcgi: 'backend_timeout = 700ms' }, async (pair) => {
	const held = await holdPoll(pair.address);
	await pair.sessiond.stop('SIGKILL');
	const start = Date.now();
	const sent = await send(pair.address, held.session, 'x');
	assert.deepStrictEqual([sent.status, sent.header('Retry-After')], [503, '1']);
	await held.connection.finish(held.answer);
	assert.deepStrictEqual([held.answer.status, held.answer.header('Retry-After')], [503, '1']);
	assert.ok(Date.now() - start >= 600, `after ${Date.now() - start} ms`);
	// It comes back all the same.
	await pair.startSessiond();
	await eventually(async () => (await request(pair.address, 'POST', `${newSession()}/xhr`)).text === 'o\n', 'it is served again');
});

check('sessiond stops in order: polls have the close frame, and new ones wait for the next daemon', {}, async (pair) => {
	const held = await Promise.all(Array.from({ length: 10 }, () => holdPoll(pair.address)));
	const stopped = pair.sessiond.stop();
	const later = [];
	for (let i = 0; i < 10; i++) {
		later.push(await poll(pair.address, newSession()));
		await sleep(5);
	}
	for (const each of held)
		assert.match(await textOf(each), /^c\[1001,"The server is stopping"\]\n$/);
	assert.deepStrictEqual(await stopped, { code: 0, signal: null });
	await pair.startSessiond();
	for (const each of later)
		assert.match(await textOf(each, PATIENCE), /^(o|c\[1001,"The server is stopping"\])\n$/);
});

// --- the socket between them breaks --------------------------------------------------------------

// A pair whose responder goes through a relay; sessiond also speaks HTTP, past the responder.
function checkRelayed(name, options, body) {
	check(name, { services: '[service /echo]\nmodule = echo\ndisconnect_delay = 60s\n[service /broadcast]\nmodule = broadcast\ndisconnect_delay = 60s\n', ...options, alone: true }, async (pair) => {
		await pair.startSessiond({ listen: await listenAnywhere() });
		const between = path.join(pair.directory, 'relay');
		const relay = await Relay.start(between, pair.socket);
		try {
			await pair.startResponder({ args: ['--socket', between] });
			await body(pair, relay);
		} finally {
			relay.stop();
		}
	});
}

for (const direction of ['down', 'up'])
	checkRelayed(`a send whose ${direction === 'up' ? 'request' : 'answer'} is lost with the connection is delivered once`, {}, async (pair, relay) => {
		const session = await openSession(pair.address);
		const direct = (method, target, options) => requestHttp(pair.sessiond.url, method, target, options);
		const { up } = relay.bytes;
		relay.hold(direction);
		const sent = send(pair.address, session, 'once');
		await eventually(() => relay.bytes.up > up, 'the send is on its way');
		if (direction === 'down')
			assert.strictEqual((await direct('POST', `${session}/xhr`)).text, 'a["once"]\n');
		relay.cut();
		assert.strictEqual((await sent).status, 204);
		assert.strictEqual((await send(pair.address, session, 'next')).status, 204);
		assert.strictEqual((await request(pair.address, 'POST', `${session}/xhr`)).text, direction === 'up' ? 'a["once","next"]\n' : 'a["next"]\n');
	});

checkRelayed('a held poll outlives the connection, and its session too', {}, async (pair, relay) => {
	const held = await Promise.all(Array.from({ length: 20 }, () => holdPoll(pair.address)));
	for (let i = 0; i < 3; i++) {
		const { up } = relay.bytes;
		relay.cut();
		await eventually(() => relay.bytes.up > up + 20 * 30, 'the polls are sent again');
	}
	for (const [i, each] of held.entries()) {
		assert.strictEqual((await send(pair.address, each.session, `${i}`)).status, 204);
		assert.strictEqual(await textOf(each), `a["${i}"]\n`);
	}
});

checkRelayed('sends over a connection that breaks with each of them arrive once, in order', {}, async (pair, relay) => {
	const session = newSession('broadcast');
	assert.strictEqual((await requestHttp(pair.sessiond.url, 'POST', `${session}/xhr`)).text, 'o\n');
	const listener = await WebSocketClient.connect(pair.sessiond.url, `${newSession('broadcast')}/websocket`);
	assert.strictEqual(await listener.readText(), 'o');
	for (let i = 0; i < 100; i++) {
		const { up } = relay.bytes;
		if (i % 3 > 0)
			relay.hold(i % 3 === 1 ? 'up' : 'down');
		const sent = send(pair.address, session, `${i}`, { timeout: PATIENCE });
		while (relay.bytes.up === up)
			await new Promise(setImmediate);
		relay.cut();
		assert.strictEqual((await sent).status, 204, `send ${i}`);
	}
	assert.strictEqual((await send(pair.address, session, 'end', { timeout: PATIENCE })).status, 204);
	const got = [];
	while (got.at(-1) !== 'end')
		got.push(...JSON.parse((await listener.readText()).slice(1)));
	assert.deepStrictEqual(got, [...Array(100).keys()].map(String).concat('end'));
	listener.connection.close();
});

// --- the responder goes --------------------------------------------------------------------------

check('SIGTERM: polls end with h, sends under way are answered, exit 0; the session lives on through another responder', {}, async (pair) => {
	const other = await pair.startResponder();
	const held = await Promise.all(Array.from({ length: 20 }, () => holdPoll(pair.address)));
	const waiting = await openSession(pair.address);
	pair.sessiond.child.kill('SIGSTOP');
	const sent = send(pair.address, waiting, 'under way', { timeout: PATIENCE });
	await allAsleep(pair.responder);
	const stopped = pair.responder.stop();
	await allAsleep(pair.responder);
	pair.sessiond.child.kill('SIGCONT');
	assert.strictEqual((await sent).status, 204);
	for (const each of held)
		assert.strictEqual(await textOf(each), 'h\n');
	assert.deepStrictEqual(await stopped, { code: 0, signal: null });
	assert.ok(!fs.existsSync(pair.address), 'its socket is gone');
	assert.strictEqual((await request(other.address, 'POST', `${waiting}/xhr`)).text, 'a["under way"]\n');
	for (const { session } of held) {
		assert.strictEqual((await send(other.address, session, 'on')).status, 204);
		assert.strictEqual((await request(other.address, 'POST', `${session}/xhr`)).text, 'a["on"]\n');
	}
	assert.doesNotMatch(pair.responder.log(), /error/);
});

check('SIGTERM with requests half here: they are answered too, without delay', {}, async (pair) => {
	const session = await openSession(pair.address);
	const open = async (target, body) => {
		const connection = await FastCgi.open(pair.address);
		const answer = connection.expect();
		const bytes = encodeRequest('POST', `${session}/${target}`, { body, keep: true });
		connection.write(bytes.subarray(0, 60));
		return { connection, answer, rest: bytes.subarray(60) };
	};
	const half = [await open('xhr'), await open('xhr_send', '["x"]'), await open('xhr_streaming'), await open('unknown')];
	const idle = await FastCgi.open(pair.address);
	await idle.request('GET', '/echo', { keep: true });
	// One that is held keeps the responder from ending before the others are whole.
	pair.sessiond.child.kill('SIGSTOP');
	const held = await poll(pair.address, session);
	await allAsleep(pair.responder);
	const stopped = pair.responder.stop();
	await idle.expectClose();
	half.forEach(({ connection, rest }) => connection.write(rest));
	const [polled, sent, streamed, unknown] = await Promise.all(half.map(({ connection, answer }) => connection.finish(answer, PATIENCE)));
	assert.strictEqual(polled.text, 'h\n');
	assert.deepStrictEqual([sent.status, sent.header('Retry-After')], [503, '1']);
	assert.strictEqual(streamed.text, `${'h'.repeat(2048)}\nh\n`);
	assert.strictEqual(unknown.status, 404);
	pair.sessiond.child.kill('SIGCONT');
	assert.strictEqual(await textOf(held), 'h\n');
	assert.deepStrictEqual(await stopped, { code: 0, signal: null });
});

check('SIGTERM while sessiond is away: polls end with h, sends with 503, at once', {}, async (pair) => {
	const held = await holdPoll(pair.address);
	await pair.sessiond.stop('SIGKILL');
	const sent = send(pair.address, held.session, 'x');
	await allAsleep(pair.responder);
	const stopped = pair.responder.stop();
	assert.strictEqual(await textOf(held), 'h\n');
	assert.strictEqual((await sent).status, 503);
	assert.deepStrictEqual(await stopped, { code: 0, signal: null });
});

// A client that polls and sends, echo by echo, until it is told to stop or something fails.
async function echoing(address, state) {
	const session = newSession();
	try {
		assert.strictEqual((await request(address, 'POST', `${session}/xhr`)).text, 'o\n');
		while (state.running) {
			const held = await poll(address, session);
			assert.strictEqual((await send(address, session, `${state.echoes}`)).status, 204);
			assert.match(await textOf(held), /^a\["\d+"\]\n$/);
			state.echoes++;
		}
	} catch (error) {
		state.failures.push(error);
	}
}

check('SIGKILL of one of two responders under load: its own requests fail, nobody else\'s', {}, async (pair) => {
	const other = await pair.startResponder();
	const [mine, theirs] = [{ running: true, echoes: 0, failures: [] }, { running: true, echoes: 0, failures: [] }];
	const clients = Array.from({ length: 20 }, (_, i) => (i % 2 ? echoing(pair.address, mine) : echoing(other.address, theirs)));
	await eventually(() => mine.echoes > 100 && theirs.echoes > 100, 'both echo', PATIENCE);
	assert.deepStrictEqual([...mine.failures, ...theirs.failures], []);
	await pair.responder.stop('SIGKILL');
	const before = theirs.echoes;
	await eventually(() => mine.failures.length === 10 && theirs.echoes > before + 100, 'the other goes on', PATIENCE);
	theirs.running = false;
	await Promise.all(clients);
	assert.deepStrictEqual(theirs.failures, []);
});

check('a poll of a killed responder does not keep its session: another responder can take it', {}, async (pair) => {
	const other = await pair.startResponder();
	const held = await holdPoll(pair.address);
	await pair.responder.stop('SIGKILL');
	assert.strictEqual((await send(other.address, held.session, 'x')).status, 204);
	await eventually(async () => (await request(other.address, 'POST', `${held.session}/xhr`)).text === 'a["x"]\n', 'another poll gets it');
});

// --- garbage on the local socket -----------------------------------------------------------------

const hello = encodeHello();
const refusedAtOnce = {
	'random bytes': Buffer.concat([Buffer.from([0]), crypto.randomBytes(4000)]),
	'zeros': Buffer.alloc(4000),
	'a message before HELLO': encodeMessage(TYPE.abort, { request: 1 }),
	'HELLO twice': Buffer.concat([hello, hello]),
	'a HELLO that is cut short': encodeMessage(TYPE.hello, { payload: hello.subarray(16, 16 + 17) }),
	'a HELLO with more behind it': encodeMessage(TYPE.hello, { payload: Buffer.concat([hello.subarray(16), Buffer.alloc(1)]) }),
	'a HELLO that announces 16 MB': encodeMessage(TYPE.hello, { length: (16 << 20) - 1 }),
	'a WRITTEN with something in it': Buffer.concat([hello, encodeMessage(TYPE.written, { request: 1, payload: Buffer.alloc(1) })]),
	'an unknown type': Buffer.concat([hello, encodeMessage(0x99)]),
	'what only a daemon says': Buffer.concat([hello, encodeMessage(TYPE.frame, { request: 1 })]),
	'a length over the limit': Buffer.concat([hello, encodeMessage(TYPE.send, { request: 1, length: 20 << 20 })]),
	'a payload of nothing': Buffer.concat([hello, encodeMessage(TYPE.receive, { request: 1 })]),
	'a SEND for a service that is not there': Buffer.concat([hello, encodeSend('a', ['x'], { service: 99 })]),
	'a SEND without a session': Buffer.concat([hello, encodeSend('', ['x'])]),
	'a RECEIVE of garbage': Buffer.concat([hello, encodeMessage(TYPE.receive, { request: 1, payload: Buffer.concat([Buffer.from([0, 0]), crypto.randomBytes(60)]) })]),
};

// One echo after the other, all the while.
async function bystander(pair) {
	const state = { running: true, echoes: 0, failures: [] };
	const finished = echoing(pair.address, state);
	await eventually(() => state.echoes > 3, 'the bystander echoes');
	return async () => {
		const before = state.echoes;
		await eventually(() => state.echoes > before + 3 || state.failures.length > 0, 'the bystander goes on');
		state.running = false;
		await finished;
		assert.deepStrictEqual(state.failures, []);
		assert.strictEqual(pair.sessiond.child.exitCode, null);
	};
}

check('a bad peer costs its own connection only', {}, async (pair) => {
	const done = await bystander(pair);
	for (const [name, bytes] of Object.entries(refusedAtOnce)) {
		const peer = await LocalPeer.open(pair.socket);
		peer.write(bytes);
		await peer.expectClose(PATIENCE).catch((error) => { throw new Error(`${name}: ${error.message}`); });
	}
	await done();
});

check('a peer in pieces, byte by byte, is understood', {}, async (pair) => {
	const session = await openSession(pair.address);
	const peer = await LocalPeer.open(pair.socket);
	for (const byte of Buffer.concat([hello, encodeSend(session.split('/')[3], ['pieces'])])) {
		await new Promise((resolve) => peer.socket.write(Buffer.from([byte]), resolve));
		await new Promise(setImmediate);
	}
	assert.strictEqual((await peer.read()).type, TYPE.hello);
	assert.strictEqual((await peer.read()).type, TYPE.services);
	const sent = await peer.read();
	assert.deepStrictEqual([sent.type, sent.request, sent.payload[0]], [TYPE.sent, 1, 0]);
	assert.strictEqual((await request(pair.address, 'POST', `${session}/xhr`)).text, 'a["pieces"]\n');
	peer.close();
});

for (const [name, options, words] of [['another major version', { major: 1 }, /version/], ['a role that is not served', { role: ROLE.worker }, /role/], ['the role of the daemon', { role: ROLE.daemon }, /role/],
	['a role that does not exist', { role: 77 }, /role/]])
	check(`a peer with ${name} is told so, is not listened to, and is gone soon`, {}, async (pair) => {
		const done = await bystander(pair);
		const session = await openSession(pair.address);
		const peer = await LocalPeer.open(pair.socket);
		peer.socket.allowHalfOpen = true;
		peer.write(Buffer.concat([encodeHello(options), encodeSend(session.split('/')[3], ['smuggled'])]));
		assert.strictEqual((await peer.read()).type, TYPE.hello);
		const goodbye = await peer.read();
		assert.strictEqual(goodbye.type, TYPE.goodbye);
		assert.match(goodbye.payload.toString(), words);
		await peer.expectEnd();
		assert.strictEqual((await send(pair.address, session, 'mine')).status, 204);
		assert.strictEqual((await request(pair.address, 'POST', `${session}/xhr`)).text, 'a["mine"]\n');
		await done();
	});

check('peers that are silent, or refused and stay, are closed after a while', {}, async (pair) => {
	const done = await bystander(pair);
	const start = Date.now();
	const silent = await LocalPeer.open(pair.socket);
	const half = await LocalPeer.open(pair.socket);
	half.write(hello.subarray(0, 20));
	const stays = new net.Socket({ allowHalfOpen: true });
	const gone = new Promise((resolve) => stays.on('error', resolve).on('close', resolve));
	stays.resume().connect(pair.socket);
	stays.write(encodeHello({ major: 9 }));
	// It goes on talking; sooner or later nobody is there any more.
	const timer = setInterval(() => stays.write('x'), 100);
	await Promise.all([silent.expectClose(GREETING_WAIT + PATIENCE), half.expectClose(GREETING_WAIT + PATIENCE)]);
	assert.ok(Date.now() - start >= GREETING_WAIT - 500, `after ${Date.now() - start} ms`);
	await Promise.race([gone, sleep(PATIENCE).then(() => assert.fail('the refused one is still there'))]);
	clearInterval(timer);
	await done();
});

check('HTTP on the same socket works', {}, async (pair) => {
	const done = await bystander(pair);
	for (let i = 0; i < 3; i++) {
		const text = await new Promise((resolve, reject) => {
			const socket = net.connect(pair.socket, () => socket.write('GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'));
			let got = '';
			socket.on('data', (data) => { got += data; }).on('end', () => resolve(got)).on('error', reject);
		});
		assert.match(text, /^HTTP\/1\.1 200 [^]*Welcome to SockJS!\n$/);
	}
	await done();
});

check('a daemon that talks nonsense is left and tried again', { alone: true, fcgi: 'backend_timeout = 10s' }, async (pair) => {
	let connections = 0;
	const answers = [Buffer.from('nonsense'.repeat(4)), encodeHello({ role: ROLE.responder }), Buffer.concat([encodeHello({ role: ROLE.daemon }), encodeMessage(TYPE.services, { payload: Buffer.from([0, 9]) })]),
		encodeHello({ role: ROLE.daemon, major: 1 }), encodeMessage(TYPE.receive, { payload: Buffer.alloc(40) })];
	const impostor = net.createServer((socket) => {
		socket.on('error', () => {}).on('data', () => {});
		socket.write(answers[connections++ % answers.length]);
	});
	await new Promise((resolve) => impostor.listen(pair.socket, resolve));
	let waiting;
	try {
		await pair.startResponder();
		waiting = await poll(pair.address, newSession());
		await eventually(() => connections >= answers.length, 'it tries again', PATIENCE);
	} finally {
		impostor.close();
	}
	await eventually(() => !fs.existsSync(pair.socket), 'the socket is free');
	await pair.startSessiond();
	assert.strictEqual(await textOf(waiting, PATIENCE), 'o\n');
});

// --- autostart -----------------------------------------------------------------------------------

// It may have ended meanwhile.
function killIfThere(pid) {
	try {
		process.kill(pid, 'SIGKILL');
	} catch (error) {
		assert.strictEqual(error.code, 'ESRCH');
	}
}

// Processes of sessiond that have this configuration; supervisors are not daemons.
function daemonsOf(file, supervisors = false) {
	return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
		try {
			const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
			return path.basename(words[0]) === 'sockjs-sessiond' && words.includes(file) && words.includes('--supervise') === supervisors;
		} catch {
			return false;
		}
	});
}

check('autostart: 20 responders at once start exactly one sessiond; killed, it comes back, as often as it takes', { alone: true, fcgi: 'autostart = on\nbackend_timeout = 60s' }, async (pair) => {
	try {
		const responders = await Promise.all(Array.from({ length: 20 }, () => pair.startResponder()));
		const allServe = () => Promise.all(responders.map(async ({ address }) =>
			assert.strictEqual((await request(address, 'POST', `${newSession()}/xhr`, { timeout: PATIENCE })).text, 'o\n')));
		await allServe();
		for (let i = 0; i < 3; i++) {
			const [pid, ...more] = daemonsOf(pair.file);
			assert.ok(pid && more.length === 0, `${1 + more.length} daemons`);
			process.kill(pid, 'SIGKILL');
			await eventually(() => !daemonsOf(pair.file).includes(pid), 'it is dead', PATIENCE);
			await allServe();
		}
		assert.strictEqual(daemonsOf(pair.file).length, 1);
		// Its supervisor has done that so far. When that one is killed, the daemon stops in good
		// order, and both are started anew.
		const [supervisor, ...others] = daemonsOf(pair.file, true);
		const [orphan] = daemonsOf(pair.file);
		assert.ok(supervisor && others.length === 0, `${1 + others.length} supervisors`);
		process.kill(supervisor, 'SIGKILL');
		await eventually(() => ![...daemonsOf(pair.file, true), ...daemonsOf(pair.file)].some((pid) => [supervisor, orphan].includes(pid)), 'both are dead', PATIENCE);
		await allServe();
		assert.strictEqual(daemonsOf(pair.file, true).length, 1);
		// It belongs to nobody: it outlives those that have started it.
		for (const { child } of responders.slice(1)) {
			const ended = new Promise((resolve) => child.once('exit', resolve));
			child.kill('SIGTERM');
			assert.strictEqual(await ended, 0);
		}
		assert.strictEqual((await request(pair.address, 'POST', `${newSession()}/xhr`)).text, 'o\n');
	} finally {
		// It has the standard error of the one that started it; and nobody must be left to start
		// another.
		pair.daemons.forEach(({ child }) => child.kill('SIGKILL'));
		await eventually(() => {
			const left = [...daemonsOf(pair.file, true), ...daemonsOf(pair.file)];
			left.forEach(killIfThere);
			return left.length === 0 && pair.daemons.every(({ child }) => child.exitCode !== null || child.signalCode !== null);
		}, 'everything has ended');
	}
});

check('autostart: a program that is not there is said in the log, and requests get 503', { alone: true, fcgi: 'autostart = on\nsessiond = /nonexistent/sessiond\nbackend_timeout = 500ms' }, async (pair) => {
	await pair.startResponder();
	assert.strictEqual((await request(pair.address, 'POST', `${newSession()}/xhr`)).status, 503);
	await eventually(() => /\/nonexistent\/sessiond/.test(pair.log()), 'the log says it');
	assert.ok(!/nonexistent/.test((await request(pair.address, 'POST', `${newSession()}/xhr`)).text), 'it is nobody\'s business');
});

check('autostart: with show_reason, the 503 says why, long before backend_timeout', { alone: true, fcgi: 'autostart = on\nsessiond = /nonexistent/sessiond\nshow_reason = on\nbackend_timeout = 10m' }, async (pair) => {
	const responders = await Promise.all(Array.from({ length: 10 }, () => pair.startResponder()));
	const answers = await Promise.all(responders.map(({ address }) => request(address, 'POST', `${newSession()}/xhr`, { timeout: PATIENCE })));
	for (const { status, text } of answers) {
		assert.strictEqual(status, 503);
		assert.strictEqual(text, 'The session daemon is not running: it was started, and has not become ready: ' +
			'sockjs.fcgi: autostart: /nonexistent/sessiond: No such file or directory.\n');
	}
	assert.strictEqual(pair.log().match(/nonexistent/g).length, 1, pair.log());
});

check('without autostart, show_reason says what a connect does', { alone: true, fcgi: 'show_reason = on\nbackend_timeout = 500ms' }, async (pair) => {
	await pair.startResponder();
	const { status, text } = await request(pair.address, 'POST', `${newSession()}/xhr`);
	assert.strictEqual(status, 503);
	assert.strictEqual(text, `The session daemon is not running: it cannot be reached at ${pair.socket}: No such file or directory.\n`);
});

// --- jsessionid = module -------------------------------------------------------------------------

const cookieModule = path.join(process.env.SOCKJS_BUILDDIR || path.join(__dirname, '../..'), 'tests/modules/cookie.so');

check('jsessionid = module: the application makes the cookie, behind the responder as without it', {
	listen: true, services: `[service /cookie]\nmodule = ${cookieModule}\njsessionid = module\n`,
	skip: !fs.existsSync(cookieModule) && `${cookieModule} is not built`,
}, async (pair) => {
	const ways = [(...args) => request(pair.address, ...args), (...args) => requestHttp(pair.sessiond.url, ...args)];
	for (const ask of ways) {
		const cookieOf = async (method, target, cookie, body) => (await ask(method, target, { body, headers: cookie && { Cookie: cookie } })).header('Set-Cookie');
		const session = newSession('cookie');
		assert.strictEqual(await cookieOf('POST', `${session}/xhr`), 'JSESSIONID=fresh; path=/');
		assert.strictEqual(await cookieOf('POST', `${session}/xhr_send`, 'a=b; JSESSIONID=mine', '["x"]'), 'JSESSIONID=seen-mine; path=/');
		assert.strictEqual(await cookieOf('POST', `${session}/xhr`, 'JSESSIONID=mine'), 'JSESSIONID=seen-mine; path=/');
		assert.strictEqual(await cookieOf('POST', `${newSession('cookie')}/xhr`, 'JSESSIONID=none'), undefined);
		assert.strictEqual(await cookieOf('POST', `${newSession('cookie')}/xhr`, 'JSESSIONID=bad'), undefined);
		assert.strictEqual(await cookieOf('POST', `${newSession('cookie')}/xhr_send`, 'JSESSIONID=gone', '["x"]'), 'JSESSIONID=seen-gone; path=/');
		assert.strictEqual(await cookieOf('GET', '/cookie/info', 'JSESSIONID=mine'), undefined);
	}
});

// --- no leaks ------------------------------------------------------------------------------------

// Everything a responder does, once or a few times, ending with requests that are left open.
async function exercise(pair) {
	const ask = (method, target, options) => request(pair.address, method, target, { timeout: PATIENCE, ...options });
	for (const [method, target, status] of [['GET', '/', 404], ['GET', '/echo', 200], ['GET', '/echo/iframe.html', 200], ['GET', '/echo/info', 200], ['OPTIONS', '/echo/0/a/xhr', 204],
		['POST', '/echo/info', 405], ['GET', '/echo/0/a/jsonp', 500], ['GET', '/echo/websocket', 400], ['POST', '/echo/0/none/xhr_send', 500]])
		assert.strictEqual((await ask(method, target, { headers: { Origin: 'http://x', Cookie: 'JSESSIONID=a' } })).status, status, target);
	const session = newSession();
	await ask('POST', `${session}/xhr`);
	for (const body of ['["a","b"]', '[', '', `["${'x'.repeat(1000000)}"]`, Buffer.alloc(5000000)])
		await ask('POST', `${session}/xhr_send`, { body });
	assert.strictEqual((await ask('POST', `${session}/xhr`)).body.length, 1000014);
	for (const [method, target] of [['POST', 'xhr_streaming'], ['GET', 'htmlfile?c=f'], ['GET', 'jsonp?c=f']])
		await ask(method, `${newSession()}/${target}`);
	const kept = await FastCgi.open(pair.address);
	for (let i = 0; i < 5; i++)
		await kept.request('POST', `${newSession()}/xhr`, { keep: true, timeout: PATIENCE });
	for (const bytes of ['GET / HTTP/1.1\r\n\r\n', encodeRequest('POST', '/echo/0/a/xhr').subarray(0, 90), encodeRequest('POST', '/echo/chunking_test')]) {
		const connection = await FastCgi.open(pair.address);
		connection.expect();
		connection.write(bytes);
		await sleep(50);
		connection.close();
	}
	const left = await poll(pair.address, session);
	await sleep(200);
	left.connection.close();
	const held = await poll(pair.address, newSession());
	assert.strictEqual(await textOf(held, PATIENCE), 'o\n');
	const again = await poll(pair.address, held.session);
	await sleep(200);
	await pair.sessiond.stop('SIGKILL');
	await pair.startSessiond();
	assert.strictEqual(await textOf(again, PATIENCE), 'o\n');
	await Promise.all(Array.from({ length: 5 }, () => poll(pair.address, newSession())));
	await poll(pair.address, held.session);
	const half = await FastCgi.open(pair.address);
	half.write(encodeRequest('POST', '/echo/0/a/xhr').subarray(0, 90));
	(await FastCgi.open(pair.address)).begin('POST', '/echo/chunking_test');
	await sleep(200);
}

const isScript = fs.existsSync(responderProgram) && fs.readFileSync(responderProgram).subarray(0, 2).toString() === '#!';

unsanitized(check)('valgrind finds no error and no leak in the responder', {
	alone: true,
	skip: spawnSync('valgrind', ['--version']).status !== 0 ? 'valgrind is not installed' : isScript && 'the program is a script',
}, async (pair) => {
	await pair.startSessiond();
	await pair.startResponder({ wrapper: ['valgrind', '-q', '--leak-check=full', '--show-leak-kinds=definite,indirect,possible',
		'--errors-for-leak-kinds=definite,indirect,possible', '--error-exitcode=99', '--child-silent-after-fork=yes'] });
	await exercise(pair);
	const { code } = await pair.responder.stop();
	assert.strictEqual(code, 0, pair.responder.log());
});
