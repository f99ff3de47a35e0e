'use strict';

// Requests of the HTTP API that sockjs.fcgi passes on whole, to a daemon that is the test: what it
// is sent, what becomes of the answer, and what is asked twice.

const assert = require('node:assert');
const { test } = require('node:test');
const { FastCgi, request } = require('./lib/fastcgi');
const { FakeDaemon, answer, refused, encodeApi, encodeServices } = require('./lib/fake_daemon');
const { eventually } = require('./lib/guard');
const { encodeMessage, string16, TYPE } = require('./lib/local_socket');
const { Pair } = require('./lib/responder');

const LIMIT = 1000;
const NEW = { minor: 2, api: ['/apps/', LIMIT] };
const TEXT = 'text/plain; charset=UTF-8';
const PATIENCE = 30000; // ms

function check(name, fcgi, body) {
	test(`API requests: ${name}`, async () => {
		const pair = new Pair({ fcgi });
		const daemon = await FakeDaemon.start(pair.socket);
		try {
			const responder = await pair.startResponder();
			await body({ pair, daemon, responder, address: responder.address });
		} catch (error) {
			process.stderr.write(`--- log at the failure of "${name}":\n${pair.log().slice(-4000)}\n---\n`);
			throw error;
		} finally {
			await pair.stop();
			daemon.stop();
		}
	});
}

function readAsk({ type, request: id, payload }) {
	assert.strictEqual(type, TYPE.ask);
	let at = 0;
	const take = (count) => payload.subarray(at, at += count);
	const takeString = () => {
		const text = take(take(2).readUInt16BE()).toString('latin1');
		assert.strictEqual(take(1)[0], 0);
		return text;
	};
	const ask = { method: takeString(), path: takeString() };
	ask.query = take(1)[0] ? takeString() : null;
	ask.client = take({ 0: 0, 4: 6, 6: 18 }[take(1)[0]]);
	ask.body = take(take(4).readUInt32BE());
	assert.strictEqual(at, payload.length);
	return { id, ...ask };
}

const nextAsk = async (peer) => readAsk(await peer.read(PATIENCE));

// A request that the daemon has. Its answer is awaited with `end`.
async function begin(address, peer, method, target, options) {
	const connection = await FastCgi.open(address);
	const result = connection.begin(method, target, options);
	const end = () => connection.finish(result, PATIENCE);
	return { ask: await nextAsk(peer), end, connection };
}

const goodbye = () => encodeMessage(TYPE.goodbye, { payload: string16('stopping') });

check('all of a request is passed on, and all of the answer comes back', '', async ({ daemon, address }) => {
	const peer = await daemon.serve(1n, NEW);
	const body = Buffer.from([0, 255, 123, 10]);
	const event = await begin(address, peer, 'POST', '/apps/1/events?auth_key=a%20b&x=1?2', { body });
	const { id, client, ...rest } = event.ask;
	assert.deepStrictEqual(rest, { method: 'POST', path: '/apps/1/events', query: 'auth_key=a%20b&x=1?2', body });
	assert.deepStrictEqual([...client.subarray(0, 4)], [192, 0, 2, 7]);
	peer.write(answer(id, 201, 'application/json', '{"ä":1}'));
	const made = await event.end();
	assert.deepStrictEqual([made.status, made.header('Content-Type'), made.text], [201, 'application/json', '{"ä":1}']);
	assert.strictEqual(made.header('Content-Length'), '8');
	assert.match(made.header('Cache-Control'), /no-store/);

	const head = await begin(address, peer, 'HEAD', '/apps/1/channels/a%20b');
	assert.deepStrictEqual([head.ask.path, head.ask.query, head.ask.body.length], ['/apps/1/channels/a%20b', null, 0]);
	peer.write(answer(head.ask.id, 429, TEXT, 'slowly'));
	const slowly = await head.end();
	assert.deepStrictEqual([slowly.status, slowly.text, slowly.header('Retry-After'), slowly.header('Content-Length')], [429, '', '1', '6']);

	// What the web server has made of the path counts, where it is nobody's.
	const moved = await begin(address, peer, 'GET', '/moved/1', { params: { PATH_INFO: '/apps/1/a b' } });
	assert.strictEqual(moved.ask.path, '/apps/1/a%20b');
	peer.write(answer(moved.ask.id, 200, TEXT, ''));
	await moved.end();

	const refusedOne = await begin(address, peer, 'DELETE', '/apps/1');
	peer.write(refused(refusedOne.ask.id, 503, 'not now\n'));
	assert.strictEqual((await refusedOne.end()).status, 503);
});

check('the path counts from where the program lies, and what is nobody else\'s alone is passed on', '', async ({ daemon, address }) => {
	const peer = await daemon.serve(1n, { ...NEW, services: ['/'] });
	const places = [
		['/~me/sockjs.fcgi/apps/1', '/~me/sockjs.fcgi'],
		['/~me/apps/1', '/~me/sockjs.fcgi'],
		['/apps/1', ''],
	];
	for (const [target, script] of places) {
		const { ask, end } = await begin(address, peer, 'GET', target, { params: { SCRIPT_NAME: script } });
		assert.strictEqual(ask.path, '/apps/1', target);
		peer.write(answer(ask.id, 200, TEXT, 'yes'));
		assert.strictEqual((await end()).text, 'yes');
	}
	for (const target of ['/apps', '/app/', '/x/apps/1'])
		assert.strictEqual((await request(address, 'GET', target)).status, 404, target);
	assert.strictEqual((await request(address, 'GET', '/apps/000/xhr')).status, 405, 'is a URL of SockJS');
});

check('a body that is too long is refused here', '', async ({ daemon, address }) => {
	const peer = await daemon.serve(1n, NEW);
	for (const length of [LIMIT + 1, 5 << 20])
		assert.strictEqual((await request(address, 'POST', '/apps/1', { body: 'x'.repeat(length) })).status, 413);
	const { ask, end } = await begin(address, peer, 'POST', '/apps/1', { body: 'x'.repeat(LIMIT) });
	assert.strictEqual(ask.body.length, LIMIT);
	peer.write(answer(ask.id, 200, TEXT, ''));
	assert.strictEqual((await end()).status, 200);
});

check('a daemon that has no API, or is of 2.1, is asked nothing', '', async ({ daemon, address }) => {
	let peer = await daemon.serve(1n, { minor: 1 });
	assert.strictEqual((await request(address, 'GET', '/apps/1')).status, 404);
	peer.close();
	peer = await daemon.serve(2n, NEW);
	await eventually(async () => (await request(address, 'GET', '/up')).status === 200, 'it is served');
	const { ask, end } = await begin(address, peer, 'GET', '/apps/1');
	peer.write(answer(ask.id, 200, TEXT, ''));
	await end();
	// Another configuration, without it, and one with it elsewhere.
	peer.write(encodeServices(['/echo']));
	await eventually(async () => (await request(address, 'GET', '/apps/1')).status === 404, 'it is gone');
	peer.write(Buffer.concat([encodeApi('/live/apps/', LIMIT), encodeServices(['/echo'])]));
	const live = await begin(address, peer, 'GET', '/live/apps/1');
	assert.strictEqual(live.ask.path, '/live/apps/1');
	// What waits for an answer, when one comes that does not know such requests.
	peer.close();
	await daemon.serve(3n, { minor: 1 });
	assert.strictEqual((await live.end()).status, 404);
});

check('what only reads is asked again; what may have been done is not', '', async ({ daemon, address }) => {
	let peer = await daemon.serve(1n, NEW);
	const read = await begin(address, peer, 'GET', '/apps/1/channels');
	const event = await begin(address, peer, 'POST', '/apps/1/events', { body: '{}' });
	peer.close();
	const lost = await event.end();
	assert.deepStrictEqual([lost.status, lost.text], [503, 'The session daemon was lost; it may have done what was asked.\n']);
	assert.strictEqual(lost.header('Retry-After'), '1');
	peer = await daemon.serve(2n, NEW);
	const again = await nextAsk(peer);
	assert.deepStrictEqual([again.method, again.path], ['GET', '/apps/1/channels']);
	peer.write(answer(again.id, 200, TEXT, 'here'));
	assert.strictEqual((await read.end()).text, 'here');
});

check('what a daemon has not done that said goodbye, the next one is asked', '', async ({ daemon, address }) => {
	let peer = await daemon.serve(1n, NEW);
	const done = await begin(address, peer, 'POST', '/apps/1/events', { body: '1' });
	const crossed = await begin(address, peer, 'POST', '/apps/1/events', { body: '2' });
	peer.write(Buffer.concat([answer(done.ask.id, 200, TEXT, 'done'), goodbye()]));
	assert.strictEqual((await done.end()).text, 'done');
	peer.close();
	peer = await daemon.serve(2n, NEW);
	const again = await nextAsk(peer);
	assert.deepStrictEqual([again.id, again.body.toString()], [crossed.ask.id, '2']);
	peer.write(answer(again.id, 200, TEXT, 'here'));
	assert.strictEqual((await crossed.end()).text, 'here');
});

async function goAway(daemon, address) {
	const peer = await daemon.serve(1n, NEW);
	await eventually(async () => (await request(address, 'GET', '/up')).status === 200, 'it is served');
	peer.close();
	await eventually(async () => (await request(address, 'GET', '/up')).status === 503, 'it is away');
}

check('while the daemon is away so many requests wait for it', 'backend_timeout = 60s', async ({ daemon, address }) => {
	const MOST = 128;
	await goAway(daemon, address);
	const asked = await Promise.all(Array.from({ length: MOST + 2 }, async () => {
		const connection = await FastCgi.open(address);
		return { connection, result: connection.begin('POST', '/apps/1', { body: '{}' }) };
	}));
	const refusedOnes = () => asked.filter(({ result }) => result.ended !== null);
	await eventually(() => refusedOnes().length >= 2, () => `${refusedOnes().length} are refused`);
	assert.deepStrictEqual(refusedOnes().map(({ result }) => [result.status, result.text]), Array(2).fill([503, 'Too many requests of the API wait.\n']));
	await daemon.serve(2n, { minor: 1 });
	const answers = await Promise.all(asked.filter(({ result }) => result.ended === null).map(({ connection, result }) => connection.finish(result, PATIENCE)));
	assert.deepStrictEqual(answers.map(({ status }) => status), Array(MOST).fill(404));
});

check('they wait so long', 'backend_timeout = 100ms', async ({ daemon, address }) => {
	await goAway(daemon, address);
	const { status, text } = await request(address, 'POST', '/apps/1', { body: '{}' });
	assert.deepStrictEqual([status, text], [503, 'The session daemon is not running.\n']);
});

check('a client that leaves is told of, and its answer is not waited for', '', async ({ daemon, address }) => {
	const peer = await daemon.serve(1n, NEW);
	const gone = await begin(address, peer, 'GET', '/apps/1');
	gone.connection.close();
	const { type, request: id } = await peer.read();
	assert.deepStrictEqual([type, id], [TYPE.abort, gone.ask.id]);
	peer.write(answer(id, 200, TEXT, 'late'));
	const next = await begin(address, peer, 'GET', '/apps/2');
	peer.write(answer(next.ask.id, 200, TEXT, 'x'.repeat(3 << 20)));
	assert.strictEqual((await next.end()).text.length, 3 << 20);
});
