'use strict';

// pusher-js and laravel-echo against an [app], through one kind of stack: each transport alone, the
// default strategy where websockets are refused, and what close codes make of them. Entry files
// call register(kind), with what is different there:
//   fcgiOnly   the web server passes nothing to sessiond itself: clients poll

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { temporaryDirectory, withLog } = require('../lib/daemon');
const { freePort, srcdir, startStack } = require('../lib/stack');
const clients = require('../lib/pusher_clients');

const { APP, ID, closeAll, open, openEcho, publisher, trigger, Client } = clients;

const sockjsctl = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'sessiond/ctl/sockjsctl');
const TRANSPORTS = ['ws', 'xhr_streaming', 'xhr_polling'];
const TIMEOUT = 120000; // ms

let channels = 0; // each case has channels of its own

async function subscribeAndHear(url, transports) {
	const n = ++channels;
	const ann = await open(url, { transports, user: 'ann' });
	assert.match(ann.socketId, /^\d+\.\d+$/);
	if (transports.length === 1)
		assert.strictEqual(ann.transport, transports[0]);
	for (const name of [`news${n}`, `private-news${n}`, `presence-room${n}`]) {
		await ann.subscribe(name);
		await trigger(url, name, 'added', { title: `ä "${n}"` });
		const [{ data }] = await ann.received(name, 'added');
		assert.deepStrictEqual(data, { title: `ä "${n}"` });
	}
	const both = [`news${n}`, `private-news${n}`];
	await trigger(url, both, 'second', 'text', { socket_id: ann.socketId });
	await trigger(url, `news${n}`, 'third', 'text');
	await ann.received(`news${n}`, 'third');
	assert.strictEqual(ann.named(`news${n}`, 'second').length, 0, 'who is left out gets nothing');
	ann.pusher.unsubscribe(`private-news${n}`);
	ann.close();
}

// Two tabs of Ann, one of Bob.
async function beInPresence(url, transports) {
	const room = `presence-tabs${++channels}`;
	const enter = (user) => open(url, { transports, user });
	const [one, two, bob] = await Promise.all(['ann', 'ann', 'bob'].map(enter));
	await bob.subscribe(room, 'client-typing');
	await bob.hasMembers(room, 'bob');
	await one.subscribe(room);
	await two.subscribe(room);
	for (const client of [one, two, bob])
		await client.hasMembers(room, 'ann', 'bob');
	assert.strictEqual(bob.pusher.channel(room).members.count, 2);
	assert.deepStrictEqual(bob.pusher.channel(room).members.get('ann').info, { name: 'name of ann' });

	one.pusher.channel(room).trigger('client-typing', { text: 'hi' });
	const typing = [{ data: { text: 'hi' }, from: 'ann' }];
	assert.deepStrictEqual(await bob.received(room, 'client-typing'), typing);
	await two.received(room, 'client-typing');
	assert.strictEqual(one.named(room, 'client-typing').length, 0, 'not to who sent it');

	one.pusher.unsubscribe(room);
	two.pusher.channel(room).trigger('client-still', {});
	await bob.received(room, 'client-still');
	assert.deepStrictEqual(bob.members(room), ['ann', 'bob'], 'she is there in the other tab');
	assert.strictEqual(bob.named(room, 'pusher:member_removed').length, 0);
	two.close();
	await bob.hasMembers(room, 'bob');
	assert.strictEqual(bob.named(room, 'pusher:member_added').length, 1);
	assert.strictEqual(bob.named(room, 'pusher:member_removed').length, 1);
	one.close();
	bob.close();
}

async function useEcho(url, transports) {
	const n = ++channels;
	const { client: ann, echo } = await openEcho(url, { transports, user: 'ann' });
	const { client: bob, echo: other } = await openEcho(url, { transports, user: 'bob' });
	const heard = [];
	const note = (what) => (...args) => heard.push([what, ...args]);
	const has = (what) => ann.until(() => heard.some(([each]) => each === what), what);
	echo.private(`orders.${n}`)
		.listen('OrderShipped', note('shipped')).listen('.order.paid', note('paid'));
	echo.join(`room.${n}`)
		.here(note('here')).joining(note('joining')).leaving(note('leaving'))
		.listenForWhisper('typing', note('whisper'));
	await has('here');
	let isIn = false;
	const room = other.join(`room.${n}`).here(() => { isIn = true; });
	await bob.until(() => isIn, 'Bob is in the room');
	await has('joining');
	room.whisper('typing', { name: 'bob' });
	await has('whisper');
	await ann.until(() => ann.isIn(`private-orders.${n}`), 'subscribed');
	await trigger(url, `private-orders.${n}`, 'App\\Events\\OrderShipped', { id: 7 });
	await trigger(url, `private-orders.${n}`, 'order.paid', { id: 8 });
	await has('shipped');
	await has('paid');
	other.leave(`room.${n}`);
	await has('leaving');
	assert.deepStrictEqual(Object.fromEntries(heard), {
		here: [{ name: 'name of ann' }], joining: { name: 'name of bob' }, whisper: { name: 'bob' },
		shipped: { id: 7 }, paid: { id: 8 }, leaving: { name: 'name of bob' },
	});
	ann.close();
	bob.close();
}

// Who signs in is sent to as a user, and can be sent away.
async function signIn(url, transports) {
	const user = `user${++channels}`;
	const tabs = await Promise.all([1, 2].map(() => open(url, { transports, user })));
	const heard = [];
	for (const { pusher } of tabs) {
		pusher.user.bind('greeting', (data) => heard.push(data));
		pusher.signin();
	}
	for (const tab of tabs)
		await tab.until(() => tab.pusher.user.user_data?.id === user, 'signed in');
	assert.strictEqual((await publisher(url).sendToUser(user, 'greeting', { hi: 1 })).status, 200);
	await tabs[0].until(() => heard.length === 2, 'greeted');
	assert.deepStrictEqual(heard, [{ hi: 1 }, { hi: 1 }]);
	assert.strictEqual((await publisher(url).terminateUserConnections(user)).status, 200);
	for (const tab of tabs) {
		await tab.until(() => tab.state === 'disconnected', 'sent away');
		assert.ok(tab.errors.includes(4009), tab.story());
		tab.close();
	}
}

async function subscribeToCache(url, transports) {
	const name = `private-cache-prices${++channels}`;
	const early = await open(url, { transports });
	await early.subscribe(name);
	await early.received(name, 'pusher:cache_miss');
	await trigger(url, name, 'price', 1);
	await trigger(url, name, 'price', 2);
	const late = await open(url, { transports });
	await late.subscribe(name);
	assert.deepStrictEqual((await late.received(name, 'price')).map(({ data }) => data), [2]);
	early.close();
	late.close();
}

// A stream is not ended by us. pusher-js leaves it after 256 KiB, and takes the next one: it is the
// same connection for all that.
async function readMuch(url, transports) {
	const channel = `news${++channels}`;
	const client = await open(url, { transports });
	await client.subscribe(channel);
	const { socketId } = client;
	client.states = [];
	for (let i = 1; i <= 110; i++) {
		await trigger(url, channel, 'much', `${i} ${'x'.repeat(10000)}`);
		await client.received(channel, 'much', i);
	}
	const numbers = client.named(channel, 'much').map(([, , data]) => parseInt(data, 10));
	assert.deepStrictEqual(numbers, Array.from({ length: 110 }, (_, i) => i + 1));
	assert.strictEqual(client.socketId, socketId);
	assert.deepStrictEqual(client.states, []);
	client.close();
}

// 4001 gives up.
async function beRefused(url, transports) {
	const client = new Client(url, { transports, key: 'nobody' });
	await client.until(() => client.state === 'disconnected', 'given up');
	assert.ok(client.errors.includes(4001), client.story());
	client.close();
}

// 4100 backs off for a second, 4200 comes back at once; 4009 gives up. close(code) closes all.
async function beClosed(url, transports, close) {
	const openOne = (transport) => open(url, { transports: [transport] });
	const all = await Promise.all(transports.map(openOne));
	const channel = `news${++channels}`;
	await Promise.all(all.map((client) => client.subscribe(channel)));
	const comeBack = async (code, states) => {
		const former = all.map(({ socketId }) => socketId);
		for (const client of all)
			client.states = [];
		close(code);
		await Promise.all(all.map(async (client, i) => {
			await client.until(() => client.state === 'connected' && client.socketId !== former[i],
				`back after ${code}`);
			await client.until(() => client.isIn(channel), 'subscribed again');
			assert.deepStrictEqual(client.states, states, client.transport);
		}));
	};
	// It says once whenever a connection has ended that it waits a second, and once more if it does.
	await comeBack(4100, ['connecting in 1', 'connecting in 1', 'connecting', 'connected']);
	await comeBack(4200, ['connecting in 1', 'connecting', 'connected']);
	close(4009);
	for (const client of all) {
		await client.until(() => client.state === 'disconnected', 'given up');
		assert.ok(client.errors.includes(4009), client.story());
		client.close();
	}
}

// A daemon that stops says so to those whose connection ends with it: they come back at once, and
// pusher-js does not think that the way is bad, which it would after two streams that just ended.
async function outliveRestart(url, transports, restart) {
	const channel = `news${++channels}`;
	const all = await Promise.all(transports.map((each) => open(url, { transports: [each] })));
	await Promise.all(all.map((client) => client.subscribe(channel)));
	const former = all.map(({ socketId }) => socketId);
	restart();
	await Promise.all(all.map(async (client, i) => {
		await client.until(() => client.state === 'connected' && client.socketId !== former[i], 'back');
		await client.until(() => client.isIn(channel), 'subscribed again');
		assert.ok(client.errors.includes(4200), client.story());
		client.close();
	}));
}

// Nobody listens where the websocket is looked for.
async function fallBack(url, transports) {
	const wsUrl = `http://127.0.0.1:${await freePort()}`;
	const client = await open(url, { transports: TRANSPORTS, wsUrl });
	assert.ok(transports.includes(client.transport), client.transport);
	await client.subscribe('private-fallback');
	await trigger(url, 'private-fallback', 'added', 1);
	await client.received('private-fallback', 'added');
	client.close();
}

// A daemon that is told something over `control`.
const teller = (control) => (...args) => {
	const done = spawnSync(sockjsctl, ['--socket', control, ...args], { encoding: 'utf8' });
	assert.strictEqual(done.status, 0, done.stdout + done.stderr);
};

async function tryAll(url, transports, tell, check) {
	const close = (code) => tell('close', 'all', '--app', ID, '--code', String(code));
	const others = transports.filter((name) => name !== 'ws');
	// It takes some seconds in which nothing happens.
	const fallingBack = check('without websockets it falls back by itself',
		() => fallBack(url, others));
	for (const transport of transports)
		for (const [what, body] of [
			['subscribed, and an event received', subscribeAndHear],
			['presence with two tabs of one user, and client events', beInPresence],
			['laravel-echo', useEcho],
			['users who sign in', signIn],
			['a channel with a cache', subscribeToCache],
			['an unknown key gives up', beRefused],
		])
			await check(`${transport}: ${what}`, () => body(url, [transport]));
	if (transports.includes('xhr_streaming'))
		await check('1 MB over xhr_streaming', () => readMuch(url, ['xhr_streaming']));
	await fallingBack;
	await check('close codes are acted upon', () => beClosed(url, transports, close));
	const ending = transports.filter((name) => name !== 'xhr_polling');
	if (ending.length > 0)
		await check('a restart of the daemon', () => outliveRestart(url, ending, () => tell('restart')));
}

function register(kind, { fcgiOnly = false } = {}) {
	const transports = fcgiOnly ? ['xhr_polling'] : TRANSPORTS;
	const env = fcgiOnly ? { SOCKJS_STACK_FCGI_ONLY: '1' } : {};
	const name = `pusher-js: ${kind}${fcgiOnly ? ', FastCGI only' : ''}`;
	test(name, { timeout: 4 * TIMEOUT }, async (t) => {
		const directory = temporaryDirectory();
		const control = path.join(directory, 'control.sock');
		const conf = path.join(directory, 'sockjs.conf');
		// Behind Apache a heartbeat is what finds out that a client has gone.
		fs.writeFileSync(conf, `[server]
control = ${control}
store = ${directory}/sessions.db
disconnect_delay = 2s
heartbeat_delay = 1s
${APP}`);
		const stack = await startStack(kind, { conf, env });
		const check = (what, body) => t.test(what, { timeout: TIMEOUT }, withLog(() => stack, body));
		try {
			await tryAll(stack.url, transports, teller(control), check);
		} finally {
			closeAll();
			await stack.stop();
			fs.rmSync(directory, { recursive: true, force: true });
		}
	});
}

module.exports = { register };
