'use strict';

// What sockjs.fcgi tells the daemon of its answers: which frames it took, and which answers reached
// the web server. The daemon and the web server are the test.

const assert = require('node:assert');
const crypto = require('node:crypto');
const { test } = require('node:test');
const { FastCgi, request } = require('./lib/fastcgi');
const { FakeDaemon, frame, sent, refused, readCounts, FLAG } = require('./lib/fake_daemon');
const { eventually } = require('./lib/guard');
const { encodeHello, encodeMessage, TYPE, ROLE } = require('./lib/local_socket');
const { Pair } = require('./lib/responder');
const { freePort } = require('./lib/stack');

const LARGE = 12 << 20; // bytes: more than the sockets on the way take
const PIECE = 1 << 20; // bytes of a FRAME at most
const FLAGS_OF_ABORT = { gone: 0, unwritten: FLAG.unwritten };

function check(name, { fcgi, tcp }, body) {
	test(`answers: ${name}`, async () => {
		const pair = new Pair({ fcgi });
		const daemon = await FakeDaemon.start(pair.socket);
		try {
			const port = tcp && await freePort();
			const responder = await pair.startResponder({ args: port ? ['--listen', `127.0.0.1:${port}`] : [] });
			await body({ pair, daemon, responder, address: port ? { port, host: '127.0.0.1' } : responder.address });
		} catch (error) {
			process.stderr.write(`--- log at the failure of "${name}":\n${pair.log().slice(-4000)}\n---\n`);
			throw error;
		} finally {
			await pair.stop();
			daemon.stop();
		}
	});
}

const newTarget = (what = 'xhr') => `/echo/000/${crypto.randomBytes(6).toString('hex')}/${what}`;

// The next message, which has these flags at least. Returns its request.
async function expectMessage(peer, type, flags = 0) {
	const message = await peer.read();
	assert.deepStrictEqual([message.type, message.flags & flags], [type, flags]);
	return message.request;
}

// A receiving request that the daemon has; `id` is what it calls it.
async function poll(address, peer, target = newTarget()) {
	const connection = await FastCgi.open(address);
	const answer = connection.begin('POST', target);
	return { connection, answer, id: await expectMessage(peer, TYPE.receive) };
}

async function expectWord(peer, id, type, flags) {
	const message = await peer.read();
	assert.deepStrictEqual([message.type, message.request, message.flags, message.payload.length], [type, id, flags ?? 0, 0]);
}

// Nothing was said meanwhile: the next thing is a new request.
const expectNothing = (address, peer) => poll(address, peer);

const textOf = async ({ connection, answer }) => (await connection.finish(answer)).text;

// An answer of many messages, which does not fit into the sockets.
function writeLarge(peer, id) {
	for (let at = 0; at < LARGE; at += PIECE)
		peer.write(frame(id, Buffer.alloc(PIECE, 'x'), at + PIECE < LARGE ? FLAG.more : FLAG.end));
}

// --- WRITTEN -------------------------------------------------------------------------------------

check('WRITTEN follows an answer that ends, once; nothing follows SENT and REFUSED', {}, async ({ daemon, address }) => {
	const peer = await daemon.serve(1n);
	for (const keep of [false, true]) {
		const connection = await FastCgi.open(address);
		for (let i = 0; i < 3; i++) {
			const answer = connection.begin('POST', newTarget(), { keep });
			const id = await expectMessage(peer, TYPE.receive);
			peer.write(frame(id, 'o\n', FLAG.end));
			assert.strictEqual((await connection.finish(answer)).text, 'o\n');
			await expectWord(peer, id, TYPE.written);
			if (!keep)
				break;
		}
	}
	const sending = request(address, 'POST', newTarget('xhr_send'), { body: '["x"]' });
	peer.write(sent(await expectMessage(peer, TYPE.send), 0));
	assert.strictEqual((await sending).status, 204);
	const held = await poll(address, peer);
	peer.write(refused(held.id, 503, 'No.\n'));
	assert.strictEqual(await textOf(held), 'No.\n');
	await expectNothing(address, peer);
});

check('many answers that come at once: each has its WRITTEN', {}, async ({ daemon, address }) => {
	const peer = await daemon.serve(1n);
	const held = [];
	// More than three times as many as it keeps to itself at once, and some.
	for (let i = 0; i < 200; i++)
		held.push(await poll(address, peer));
	peer.write(Buffer.concat(held.map(({ id }) => frame(id, 'h\n', FLAG.end))));
	for (const { id } of held)
		await expectWord(peer, id, TYPE.written);
	for (const each of held)
		assert.strictEqual(await textOf(each), 'h\n');
	await expectNothing(address, peer);
});

check('a large answer is written when the web server has taken all of it', {}, async ({ daemon, address }) => {
	const peer = await daemon.serve(1n);
	const held = await poll(address, peer);
	held.connection.socket.pause();
	writeLarge(peer, held.id);
	const next = await expectNothing(address, peer);
	peer.write(frame(next.id, 'o\n', FLAG.end));
	await expectWord(peer, next.id, TYPE.written);
	held.connection.socket.resume();
	assert.strictEqual((await held.connection.finish(held.answer, 20000)).body.length, LARGE);
	await expectWord(peer, held.id, TYPE.written);
	await expectNothing(address, peer);
});

check('a stream is confirmed at its end only', { fcgi: 'fcgi_streaming = on' }, async ({ daemon, address }) => {
	const peer = await daemon.serve(1n);
	const held = await poll(address, peer, newTarget('xhr_streaming'));
	peer.write(frame(held.id, 'o\n'));
	await held.connection.until(() => held.answer.size > 2048 && held.answer.text.endsWith('o\n'), 'the first frame');
	peer.write(frame(held.id, 'h\n'));
	await held.connection.until(() => held.answer.text.endsWith('h\n'), 'the second frame');
	await expectNothing(address, peer);
	peer.write(frame(held.id, '', FLAG.end));
	await expectWord(peer, held.id, TYPE.written);
	await held.connection.finish(held.answer);
});

// --- ABORT ---------------------------------------------------------------------------------------

check('a client that leaves before its answer: ABORT, and the answer that crosses it gets no other word', {}, async ({ daemon, address }) => {
	const peer = await daemon.serve(1n);
	const held = await poll(address, peer);
	held.connection.close();
	await expectWord(peer, held.id, TYPE.abort, FLAGS_OF_ABORT.gone);
	peer.write(frame(held.id, 'o\n', FLAG.end));
	await expectNothing(address, peer);
});

for (const tcp of [false, true])
	check(`a client that leaves in the moment of its answer, ${tcp ? 'TCP' : 'Unix socket'}: one word, and it is not WRITTEN`, { tcp }, async ({ daemon, responder, address }) => {
		const peer = await daemon.serve(1n);
		for (let i = 0; i < 20; i++) {
			const held = await poll(address, peer);
			responder.child.kill('SIGSTOP');
			// A FIN alone: TCP would take the answer.
			const steps = [(done) => held.connection.socket.end(done), (done) => peer.socket.write(frame(held.id, 'o\n', FLAG.end), done)];
			for (const step of i % 2 ? steps : steps.reverse())
				await new Promise(step);
			responder.child.kill('SIGCONT');
			const word = await peer.read();
			assert.deepStrictEqual([word.type, word.request], [TYPE.abort, held.id], `round ${i}`);
			held.connection.close();
		}
		await expectNothing(address, peer);
	});

for (const how of ['close', 'reset'])
	check(`a client that leaves in the middle of its answer (${how}): ABORT with UNWRITTEN`, { tcp: how === 'reset' }, async ({ daemon, address }) => {
		const peer = await daemon.serve(1n);
		const held = await poll(address, peer);
		writeLarge(peer, held.id);
		await held.connection.until(() => held.answer.size > 0, 'the answer has begun');
		held.connection.socket.pause();
		if (how === 'reset')
			held.connection.socket.resetAndDestroy();
		else
			held.connection.close();
		await expectWord(peer, held.id, TYPE.abort, FLAGS_OF_ABORT.unwritten);
		await expectNothing(address, peer);
	});

check('a client that leaves while its frame is here in part: ABORT with UNWRITTEN', {}, async ({ daemon, address }) => {
	const peer = await daemon.serve(1n);
	const held = await poll(address, peer);
	peer.write(frame(held.id, 'a["', FLAG.more));
	// What is answered behind it shows that it has been taken.
	const next = await poll(address, peer);
	peer.write(frame(next.id, 'o\n', FLAG.end));
	await expectWord(peer, next.id, TYPE.written);
	held.connection.close();
	await expectWord(peer, held.id, TYPE.abort, FLAGS_OF_ABORT.unwritten);
});

check('what became of an answer is not told on another connection', {}, async ({ daemon, address }) => {
	let peer = await daemon.serve(1n);
	const read = await poll(address, peer);
	const left = await poll(address, peer);
	for (const { connection, id } of [read, left]) {
		connection.socket.pause();
		writeLarge(peer, id);
	}
	const next = await poll(address, peer);
	peer.write(frame(next.id, 'o\n', FLAG.end));
	await expectWord(peer, next.id, TYPE.written);
	peer.close();
	peer = await daemon.serve(2n);
	left.connection.close();
	read.connection.socket.resume();
	assert.strictEqual((await read.connection.finish(read.answer, 20000)).body.length, LARGE);
	await expectNothing(address, peer);
});

check('a responder that stops says what became of its last answers', {}, async ({ daemon, address, responder }) => {
	const peer = await daemon.serve(1n);
	const held = await poll(address, peer);
	const stopped = responder.stop();
	await expectMessage(peer, TYPE.goodbye);
	peer.write(frame(held.id, 'h\n', FLAG.end));
	await expectWord(peer, held.id, TYPE.written);
	assert.strictEqual(await textOf(held), 'h\n');
	assert.deepStrictEqual(await stopped, { code: 0, signal: null });
});

// --- COUNTS --------------------------------------------------------------------------------------

check('a responder that stops tells what it has answered, a daemon that knows COUNTS', {}, async ({ daemon, address, responder }) => {
	const peer = await daemon.serve(1n, { minor: 1 });
	const held = await poll(address, peer);
	for (const target of ['/echo/info', '/echo/info', '/echo/nothing', '/elsewhere', '/up'])
		await request(address, 'GET', target);
	const stopped = responder.stop();
	const told = await peer.read();
	assert.deepStrictEqual([told.type, told.request], [TYPE.counts, 0]);
	assert.deepStrictEqual(readCounts(told.payload), { lines: 0, requests: [[2, 200, 2], [8, 404, 1], [9, 200, 1], [9, 404, 1]] });
	await expectMessage(peer, TYPE.goodbye);
	peer.write(frame(held.id, 'h\n', FLAG.end));
	await expectWord(peer, held.id, TYPE.written);
	const last = await peer.read();
	assert.strictEqual(last.type, TYPE.counts);
	assert.deepStrictEqual(readCounts(last.payload).requests, [[6, 200, 1]]);
	assert.deepStrictEqual(await stopped, { code: 0, signal: null });
});

check('what was answered while the daemon was away, the next one is told', { fcgi: 'backend_timeout = 100ms' }, async ({ daemon, address, responder }) => {
	let peer = await daemon.serve(1n, { minor: 1 });
	assert.strictEqual((await request(address, 'GET', '/echo')).status, 200);
	peer.close();
	const missing = await daemon.accept(); // which says nothing
	assert.strictEqual((await request(address, 'POST', newTarget())).status, 503);
	missing.close();
	peer = await daemon.serve(2n, { minor: 1 });
	await eventually(async () => (await request(address, 'GET', '/up')).status === 200, 'it is served');
	const stopped = responder.stop();
	const { requests } = readCounts((await peer.read()).payload);
	assert.deepStrictEqual(requests.filter(([endpoint]) => endpoint !== 9), [[0, 200, 1], [6, 503, 1]]);
	await stopped;
});

check('a daemon that does not know COUNTS is not sent any', {}, async ({ daemon, address, responder }) => {
	const peer = await daemon.serve(1n, { minor: 0 });
	assert.strictEqual((await request(address, 'GET', '/echo')).status, 200);
	const stopped = responder.stop();
	await expectMessage(peer, TYPE.goodbye);
	await stopped;
	await peer.expectEnd();
	assert.deepStrictEqual(peer.messages, []);
});

// --- HELLO ---------------------------------------------------------------------------------------

check('HELLO says which connection was the last, and how many FRAMEs were taken of it', {}, async ({ daemon, address }) => {
	let peer = await daemon.serve(0x1122334455667788n);
	assert.deepStrictEqual([peer.hello.connection, peer.hello.frames], [0n, 0n]);
	const { instance } = peer.hello;
	const held = await poll(address, peer);
	const gone = await poll(address, peer);
	gone.connection.close();
	await expectWord(peer, gone.id, TYPE.abort);
	// Two messages for one request, one for a request that was given up, one for none.
	peer.write(Buffer.concat([frame(held.id, 'a["', FLAG.more), frame(held.id, '"]\n', FLAG.end), frame(gone.id, 'o\n', FLAG.end), frame(999999, 'o\n')]));
	await expectWord(peer, held.id, TYPE.written);
	const sending = request(address, 'POST', newTarget('xhr_send'), { body: '["x"]' });
	peer.write(sent(await expectMessage(peer, TYPE.send), 0));
	await sending;
	// A message that is here in part is not taken.
	peer.write(frame(1, 'x'.repeat(1000)).subarray(0, 900));
	peer.close();
	peer = await daemon.accept();
	assert.deepStrictEqual(peer.hello, { instance, connection: 0x1122334455667788n, frames: 4n });
	// One that is refused, or breaks before it is greeted, does not count.
	peer.close();
	peer = await daemon.accept();
	assert.deepStrictEqual([peer.hello.connection, peer.hello.frames], [0x1122334455667788n, 4n]);
	peer.write(encodeHello({ role: ROLE.daemon, major: 1, connection: 7n }));
	peer = await daemon.serve(8n);
	assert.deepStrictEqual([peer.hello.connection, peer.hello.frames], [0x1122334455667788n, 4n]);
	peer.close();
	peer = await daemon.serve(9n);
	assert.deepStrictEqual([peer.hello.connection, peer.hello.frames], [8n, 0n]);
});

check('a daemon that is out of turn is left', {}, async ({ daemon }) => {
	const hello = encodeHello({ role: ROLE.daemon, connection: 5n });
	for (const [name, bytes] of Object.entries({
		'an answer before HELLO': frame(1, 'o\n'),
		'HELLO without an id': encodeHello({ role: ROLE.daemon, connection: 0n }),
		'HELLO twice': Buffer.concat([hello, hello]),
		'a FRAME that ends and goes on': Buffer.concat([hello, frame(1, 'x', FLAG.end | FLAG.more)]),
		'what only a responder says': Buffer.concat([hello, encodeMessage(TYPE.written, { request: 1 })]),
	})) {
		const peer = await daemon.accept();
		peer.write(bytes);
		await peer.expectClose().catch((error) => { throw new Error(`${name}: ${error.message}`); });
	}
	await daemon.serve(6n);
});

// --- requests that are sent again ----------------------------------------------------------------

check('a frame of which only a part came before the connection broke is seen once, whole', {}, async ({ daemon, address }) => {
	let peer = await daemon.serve(1n);
	const held = await poll(address, peer);
	peer.write(Buffer.concat([frame(held.id, 'a["lo', FLAG.more), frame(held.id, 'st', FLAG.more)]));
	const next = await poll(address, peer);
	peer.write(frame(next.id, 'o\n', FLAG.end));
	await expectWord(peer, next.id, TYPE.written);
	peer.close();
	peer = await daemon.serve(2n);
	assert.strictEqual(peer.hello.frames, 3n);
	const id = await expectMessage(peer, TYPE.receive, FLAG.reissued);
	peer.write(Buffer.concat([frame(id, 'a["fou', FLAG.more), frame(id, 'nd"]\n', FLAG.end)]));
	assert.strictEqual(await textOf(held), 'a["found"]\n');
	assert.strictEqual(held.answer.header('Content-Length'), '11');
	await expectWord(peer, id, TYPE.written);
});

check('a stream goes on after the connection broke, behind the frames that were whole', { fcgi: 'fcgi_streaming = on' }, async ({ daemon, address }) => {
	let peer = await daemon.serve(1n);
	const held = await poll(address, peer, newTarget('xhr_streaming'));
	peer.write(Buffer.concat([frame(held.id, 'o\n'), frame(held.id, 'a["1"]\n'), frame(held.id, 'a["lost', FLAG.more)]));
	await held.connection.until(() => held.answer.text.endsWith('a["1"]\n'), 'the frames that are whole');
	peer.close();
	peer = await daemon.serve(2n);
	assert.strictEqual(peer.hello.frames, 3n);
	const id = await expectMessage(peer, TYPE.receive, FLAG.reissued);
	peer.write(Buffer.concat([frame(id, 'a["2"]\n'), frame(id, '', FLAG.end)]));
	assert.strictEqual(await textOf(held), `${'h'.repeat(2048)}\no\na["1"]\na["2"]\n`);
	await expectWord(peer, id, TYPE.written);
});

// --- refusals ------------------------------------------------------------------------------------

check('a session or a store that is full: 503 with Retry-After', {}, async ({ daemon, address }) => {
	const peer = await daemon.serve(1n);
	for (const [target, type, answer, text] of [
		['xhr_send', TYPE.send, (id) => sent(id, 2), 'The session cannot take messages now.\n'],
		['xhr_send', TYPE.send, (id) => refused(id, 503, 'The store is full.\n'), 'The store is full.\n'],
		['xhr', TYPE.receive, (id) => refused(id, 503, 'Sessions are full.\n'), 'Sessions are full.\n'],
	]) {
		const asked = request(address, 'POST', newTarget(target), { body: type === TYPE.send ? '["x"]' : '' });
		peer.write(answer(await expectMessage(peer, type)));
		const got = await asked;
		assert.deepStrictEqual([got.status, got.header('Retry-After'), got.text], [503, '1', text]);
	}
});

// --- a request that the daemon does not survive --------------------------------------------------

// Dies of every request for which isDeadly(message) is true. Returns what it was asked on each
// connection.
async function serveMortally(daemon, isDeadly, state) {
	for (let i = 0; state.running; i++) {
		const peer = await daemon.serve(BigInt(i + 1)).catch(() => null);
		if (!peer)
			return;
		const asked = [];
		state.lives.push(asked);
		for (let lives = true; lives;) {
			const message = await peer.read(60000).catch(() => null);
			lives = message !== null && !isDeadly(message);
			if (message)
				asked.push(message);
			if (lives && message.type === TYPE.send)
				peer.write(sent(message.request, 0));
		}
		peer.close();
	}
}

const carries = (text) => (message) => message.payload.includes(text);

check('a send that the daemon dies of gets 503 after the third time; polls and other sends do not notice', {}, async ({ daemon, address, responder }) => {
	const state = { running: true, lives: [] };
	const served = serveMortally(daemon, carries('poison'), state);
	await request(address, 'GET', '/echo');
	const connections = [];
	for (let i = 0; i < 20; i++) {
		connections.push(await FastCgi.open(address));
		connections[i].begin('POST', newTarget());
	}
	await eventually(() => state.lives[0].length === 20, 'the polls are held');
	const target = newTarget('xhr_send');
	const poison = request(address, 'POST', target, { body: '["poison"]' });
	const others = [];
	for (let i = 0; i < 10; i++)
		others.push(request(address, 'POST', newTarget('xhr_send'), { body: '["x"]' }));
	const got = await poison;
	assert.deepStrictEqual([got.status, got.header('Retry-After'), got.text], [503, '1', 'The session daemon cannot handle this request.\n']);
	for (const other of others)
		assert.strictEqual((await other).status, 204);
	await eventually(() => state.lives.length > 3, 'it is there again');
	assert.strictEqual(state.lives.length - 1, 3, 'it died three times');
	await eventually(() => state.lives.at(-1).filter(({ type }) => type === TYPE.receive).length === 20, 'the polls are held again');
	assert.ok(connections.every(({ answers, closed }) => answers.size === 1 && !closed), 'no poll was answered');
	const lines = () => responder.log().split('\n').filter((line) => /error: .*503/.test(line));
	await eventually(() => lines().length > 0, 'it is told');
	assert.strictEqual(lines().length, 1, responder.log());
	const id = target.split('/')[3];
	assert.match(lines()[0], new RegExp(`lost 3 times with one request, POST /echo/000/${id.slice(0, 4)}\\.\\.\\./xhr_send \\(7 bytes`));
	assert.ok(!responder.log().includes(id), 'the session id is not whole in the log');
	assert.strictEqual((await request(address, 'POST', newTarget('xhr_send'), { body: '["y"]' })).status, 204);
	state.running = false;
	daemon.stop();
	await served;
});

check('a poll that the daemon dies of is found among others', {}, async ({ daemon, address }) => {
	const state = { running: true, lives: [] };
	const served = serveMortally(daemon, carries('poison'), state);
	await request(address, 'GET', '/echo');
	const innocent = [];
	const open = async (target) => {
		const connection = await FastCgi.open(address);
		return { connection, answer: connection.begin('POST', target) };
	};
	let poison;
	for (let i = 0; i < 24; i++) {
		innocent.push(await open(newTarget()));
		if (i === 10) // neither the first nor the last of those it is tried with
			poison = await open('/echo/000/poison/xhr');
	}
	const { connection, answer } = poison;
	assert.strictEqual((await connection.finish(answer, 20000)).status, 503);
	await eventually(() => state.lives.at(-1).length >= 24, 'the others are held');
	assert.ok(innocent.every((each) => each.answer.ended === null && !each.connection.closed), 'no other was answered');
	assert.ok(state.lives.length - 1 <= 12, `it died ${state.lives.length - 1} times`);
	state.running = false;
	daemon.stop();
	await served;
});

check('polls that are held over many quick restarts stay', {}, async ({ daemon, address }) => {
	const connection = await FastCgi.open(address);
	const answer = connection.begin('POST', newTarget());
	let peer = await daemon.serve(1n);
	for (let i = 2n; i < 8n; i++) {
		await expectMessage(peer, TYPE.receive);
		// Longer than it is on trial.
		await new Promise((resolve) => setTimeout(resolve, 400));
		peer.close();
		peer = await daemon.serve(i);
	}
	const id = await expectMessage(peer, TYPE.receive);
	peer.write(frame(id, 'h\n', FLAG.end));
	assert.strictEqual((await connection.finish(answer)).text, 'h\n');
});
