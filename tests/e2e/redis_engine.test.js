'use strict';

// Two daemons that share their channels by one Redis: what is published, who is there and what is
// recovered are the same to both; and what becomes of it when Redis is away, forgets, or lies.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const http = require('node:http');
const net = require('node:net');
const { after, before } = require('node:test');
const { program } = require('./lib/daemon');
const { eventually, expectLogged } = require('./lib/guard');
const { LISTEN, ask, check, judge, judgeAll, open, publish, published, Reader, Traffic } = require('./lib/shared_channels');
const { haveSubscribed } = require('./lib/subscribers');
const { OPCODE, WebSocketClient, encodeFrame } = require('./lib/websocket');

const dataOf = ({ data }) => JSON.parse(data);
const conf = (pair, url) => pair.rewrite((text) => text.replace(/^engine = .*$/m, `engine = ${url}`));

check('what one publishes reaches the subscribers of both, once and in order', {}, async ([a, b]) => {
	const [ann, bob] = [await open(a), await open(b)];
	await ann.subscribe('news');
	await bob.subscribe('news');
	const { epoch } = await published(a, 'news', '1');
	await published(b, 'news', '2');
	await published(a, 'news', '3');
	for (const client of [ann, bob])
		for (const offset of [1, 2, 3])
			assert.deepStrictEqual(await client.next(), { event: 'e', channel: 'news', data: String(offset), offset, epoch });
	// The one that publishes it does not get it, on whichever daemon.
	await publish(b, { channel: 'news', data: '4', except: ann.id });
	await published(b, 'news', '5');
	const next = async (client) => (await client.next()).data;
	assert.deepStrictEqual([await next(ann), await next(bob), await next(bob)], ['5', '4', '5']);
});

check('who comes to the other daemon recovers there', {}, async ([a, b]) => {
	const first = await open(a);
	await first.subscribe('news');
	const { epoch } = await published(a, 'news', '1');
	first.close();
	for (const data of ['2', '3'])
		await published(a, 'news', data);
	const second = await open(b);
	const answer = await second.subscribe('news', { recover: { offset: 1, epoch } });
	assert.deepStrictEqual([answer.recovered, answer.offset, answer.epoch], [true, 3, epoch]);
	assert.deepStrictEqual([(await second.next()).data, (await second.next()).data], ['2', '3']);
	// One with less, when that daemon has a part of it already.
	const third = await open(b);
	assert.strictEqual((await third.subscribe('news', { recover: { offset: 0, epoch } })).recovered, true);
	for (const data of ['1', '2', '3'])
		assert.strictEqual((await third.next()).data, data);
	const stranger = await open(b);
	assert.strictEqual((await stranger.subscribe('news', { recover: { offset: 0, epoch: '0123456789abcdef' } })).recovered, false);
});

check('an offset that nothing can have costs its client alone', {}, async ([a, b]) => {
	const { epoch } = await published(a, 'news', '1');
	// The daemon knows nothing of the channel yet: it asks from where the client says.
	for (const offset of [-5, -1, 2 ** 60, 2 ** 53]) {
		const client = await open(b);
		assert.strictEqual((await client.subscribe('news', { recover: { offset, epoch } })).recovered, false);
		client.close();
		await published(b, 'news', '2');
	}
	assert.doesNotMatch(b.log(), /error: engine/);
});

check('a user of both is one member; the API, client events and ends are of all', {}, async ([a, b]) => {
	const room = 'presence-room';
	const [ann, bob] = [await open(a), await open(b)];
	await ann.subscribe(room, { user: { user_id: 'ann' } });
	const { presence } = dataOf(await bob.subscribe(room, { user: { user_id: 'bob', user_info: { name: 'Bob' } } }));
	assert.deepStrictEqual([presence.count, presence.ids.sort()], [2, ['ann', 'bob']]);
	const added = await ann.next();
	assert.deepStrictEqual([added.event, dataOf(added)], ['pusher_internal:member_added', { user_id: 'bob', user_info: { name: 'Bob' } }]);
	// A second tab, at the other daemon: nobody hears of it, until both are gone.
	const tab = await open(a);
	await tab.subscribe(room, { user: { user_id: 'bob' } });
	bob.say('client-hello', { a: 1 }, room);
	for (const client of [ann, tab])
		assert.deepStrictEqual(await client.next(), { event: 'client-hello', channel: room, data: { a: 1 }, user_id: 'bob' });
	assert.deepStrictEqual((await ask(b, 'GET', `/apps/1/channels/${room}?info=user_count,subscription_count`)),
		{ occupied: true, user_count: 2, subscription_count: 3 });
	assert.deepStrictEqual((await ask(a, 'GET', `/apps/1/channels/${room}/users`)).users.map(({ id }) => id).sort(), ['ann', 'bob']);
	assert.deepStrictEqual(await ask(b, 'GET', '/apps/1/channels?filter_by_prefix=presence-&info=user_count'),
		{ channels: { [room]: { user_count: 2 } } });
	bob.close();
	tab.close();
	const removed = await ann.next();
	assert.deepStrictEqual([removed.event, dataOf(removed)], ['pusher_internal:member_removed', { user_id: 'bob' }]);
	// Signed in at one daemon, ended by the other.
	assert.strictEqual((await ann.signIn({ id: 'ann' })).event, 'pusher:signin_success');
	assert.deepStrictEqual(await ask(b, 'POST', '/apps/1/users/ann/terminate_connections', '{}'), {});
	assert.strictEqual(dataOf({ data: JSON.stringify((await ann.next()).data) }).code, 4009);
});

// The web application of both daemons.
const heard = [];
const hook = http.createServer((incoming, response) => {
	let text = '';
	incoming.on('data', (bytes) => {
		text += bytes;
	}).on('end', () => {
		heard.push(...JSON.parse(text).events.map(({ name, user_id: user }) => (user ? `${name} ${user}` : name)));
		response.end();
	});
});
before(() => new Promise((resolve) => hook.listen(0, '127.0.0.1', resolve)));
after(() => hook.close().closeAllConnections());

check('of both daemons, one tells the webhook', {
	get app() {
		return `webhook = http://127.0.0.1:${hook.address().port}/\n`;
	},
}, async ([a, b]) => {
	const clients = [];
	for (const pair of [a, b, a]) {
		clients.push(await open(pair));
		await clients.at(-1).subscribe('presence-room', { user: { user_id: 'ann' } });
	}
	clients.push(await open(b));
	await clients.at(-1).subscribe('presence-room', { user: { user_id: 'bob' } });
	for (const client of clients)
		client.close();
	await eventually(() => heard.includes('channel_vacated') && heard.length >= 6, () => heard.join());
	assert.deepStrictEqual(heard.sort(), ['channel_occupied', 'channel_vacated',
		'member_added ann', 'member_added bob', 'member_removed ann', 'member_removed bob']);
});

// A module subscribes a client and publishes at once: the client hears that, too.
check('the chat and broadcast examples are of both', {}, async ([a, b]) => {
	const visit = async (pair, service) => {
		const client = await WebSocketClient.connect(pair.sessiond.url, `/${service}/websocket`);
		client.json = async () => JSON.parse(await client.readText());
		return client;
	};
	const [ann, bob] = [await visit(a, 'chat'), await visit(b, 'chat')];
	const [{ id: one }, { id: other }] = [await ann.json(), await bob.json()];
	const join = (client, name) => client.send(JSON.stringify({ join: 'tea', name }));
	join(ann, 'Ann');
	assert.deepStrictEqual(await ann.json(), { id: one, names: { [one]: 'Ann' } });
	assert.deepStrictEqual(await ann.json(), { id: one, joined: 'Ann' });
	join(bob, 'Bob');
	assert.deepStrictEqual(await bob.json(), { id: other, names: { [one]: 'Ann', [other]: 'Bob' } });
	for (const client of [bob, ann])
		assert.deepStrictEqual(await client.json(), { id: other, joined: 'Bob' });
	bob.sendClose(1000, '');
	assert.deepStrictEqual(await ann.json(), { id: other, left: 'Bob' });
	// Subscribed and published in one turn, when nobody listens to the channel yet.
	const own = await WebSocketClient.connect(a.sessiond.url, '/broadcast/websocket', { early: encodeFrame(OPCODE.text, 'own') });
	assert.strictEqual(await own.readText(), 'own');
	own.sendClose(1000, '');
	const [first, second] = [await visit(a, 'broadcast'), await visit(b, 'broadcast')];
	first.send('from the one');
	assert.strictEqual(await first.readText(), 'from the one');
	second.send('from the other');
	assert.strictEqual(await first.readText(), 'from the other');
	for (let heard; heard !== 'from the other';)
		heard = await second.readText();
});

// --- Redis is away, forgets, or loses connections ---------------------------------------------------

const ALWAYS = ['--appendonly', 'yes', '--appendfsync', 'always'];

check('subscriber connections are killed, and scripts forgotten, under traffic: no hole, nothing twice', {}, async ([a, b], redis) => {
	const readers = [await Reader.open(a), await Reader.open(b)];
	const traffic = new Traffic([a, b]);
	for (let i = 0; i < 5; i++) {
		await traffic.goesOn(20);
		await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
		await traffic.goesOn(5);
		await redis.command('SCRIPT', 'FLUSH');
	}
	await traffic.goesOn(20);
	await judgeAll(readers, traffic, a);
	for (const reader of readers) {
		judge(reader, traffic.acknowledged);
		assert.strictEqual(reader.told, 0);
	}
	assert.strictEqual(traffic.refused, 0);
});

check('Redis is killed and forgets nothing: what was answered is heard', { options: ALWAYS }, async ([a, b], redis) => {
	const readers = [await Reader.open(a), await Reader.open(b)];
	const { epoch } = readers[0];
	const traffic = new Traffic([a, b]);
	await traffic.goesOn(20);
	await redis.kill();
	await eventually(() => traffic.refused > 0, 'a refusal');
	await redis.run();
	await traffic.goesOn(20);
	await judgeAll(readers, traffic, a);
	for (const reader of readers) {
		judge(reader, traffic.acknowledged);
		assert.deepStrictEqual([reader.told, reader.epoch], [0, epoch]);
	}
});

for (const [name, harm] of [
	['is killed and has an old snapshot', async (redis, traffic) => {
		await redis.command('SAVE');
		await traffic.goesOn(20);
		await redis.kill();
		await eventually(() => traffic.refused > 0, 'a refusal');
		await redis.run();
	}],
	['is emptied', (redis) => redis.command('FLUSHALL')],
])
	check(`Redis ${name}: subscribers are told, and go on with another epoch`, {}, async ([a, b], redis) => {
		const readers = [await Reader.open(a), await Reader.open(b)];
		const { epoch } = readers[0];
		const traffic = new Traffic([a, b]);
		await traffic.goesOn(20);
		await harm(redis, traffic);
		await traffic.goesOn(20);
		await judgeAll(readers, traffic, b);
		for (const reader of readers) {
			assert.strictEqual(reader.told, 1);
			assert.notStrictEqual(reader.epoch, epoch);
		}
		const late = await open(a);
		assert.strictEqual((await late.subscribe('news', { recover: { offset: 1, epoch } })).recovered, false);
	});

check('while Redis is away, who subscribes waits, and connections stay', { daemons: 1 }, async ([a], redis) => {
	const [ann, bob] = [await open(a), await open(a)];
	await ann.subscribe('presence-room', { user: { user_id: 'ann' } });
	await redis.kill();
	await eventually(async () => (await publish(a, { channel: 'news', data: '' })).status === 503, 'a 503');
	const refused = await publish(a, { channel: 'news', data: '' });
	assert.match(refused.text, /the server that the daemons share \(engine\) cannot be reached/);
	await bob.ask('presence-room', { user: { user_id: 'bob' } });
	await bob.expectNothing();
	await redis.run();
	const answer = await bob.next();
	assert.strictEqual(answer.event, 'pusher_internal:subscription_succeeded');
	assert.deepStrictEqual(dataOf(answer).presence.ids.sort(), ['ann', 'bob']);
	for (;;) {
		const { event } = await ann.next();
		if (event === 'pusher_internal:member_added')
			break;
		assert.strictEqual(event, 'pusher_internal:subscription_succeeded'); // the room has another epoch
	}
});

// Stands between a daemon and its Redis. Told to hold, it keeps back what comes for subscribers, and
// what the daemon asks for, from when the daemon is told that it has subscribed.
class Gate {
	static async start(to, from) {
		const gate = new Gate();
		gate.links = new Set();
		gate.kept = { topics: [], commands: [] };
		gate.server = net.createServer((near) => gate.join(near, net.connect(to)));
		await new Promise((resolve) => gate.server.listen(from, resolve));
		return gate;
	}

	join(near, far) {
		const topics = () => near.isTopics;
		const end = () => [near, far].forEach((socket) => socket.destroy());
		this.links.add(end);
		near.on('error', end).on('close', end).on('data', (bytes) => {
			near.isTopics ||= bytes.includes('SUBSCRIBE');
			this.pass(!topics() && 'commands', far, bytes);
		});
		far.on('error', end).on('close', end).on('data', (bytes) => {
			this.pass(topics() && 'topics', near, bytes);
			this.isHolding ||= this.holds && topics() && bytes.includes('subscribe');
		});
	}

	pass(kind, to, bytes) {
		if (kind && this.isHolding && this.kept[kind])
			this.kept[kind].push(() => to.write(bytes));
		else
			to.write(bytes);
	}

	release(kind) {
		const kept = this.kept[kind];
		this.kept[kind] = null;
		kept.forEach((write) => write());
	}

	cut() {
		this.links.forEach((end) => end());
	}

	stop() {
		this.cut();
		this.server.close();
	}
}

check('without a history, what comes with the first read after Redis was away is not lost', {}, async ([a, b], redis) => {
	const own = { app: undefined, service: '/broadcast' };
	const socket = `${a.directory}/gate`;
	const gate = await Gate.start(redis.socket, socket);
	try {
		conf(a, `redis+unix://${socket}`);
		await a.sessiond.stop();
		await a.startSessiond(LISTEN);
		const reader = await WebSocketClient.connect(a.sessiond.url, '/broadcast/websocket');
		await haveSubscribed(a, 'everybody', 1);
		await publish(b, { ...own, channel: 'everybody', data: '1' });
		assert.strictEqual(await reader.readText(), '1');
		gate.holds = true;
		gate.cut();
		await eventually(() => gate.isHolding, 'it has subscribed again');
		await publish(b, { ...own, channel: 'everybody', data: '2' });
		await eventually(() => gate.kept.topics.length > 0, 'it is on its way');
		gate.release('commands');
		// This is answered after the read.
		assert.strictEqual((await publish(a, { ...own, channel: 'other', data: '' })).epoch, '');
		gate.release('topics');
		await publish(b, { ...own, channel: 'everybody', data: '3' });
		assert.deepStrictEqual([await reader.readText(), await reader.readText()], ['2', '3']);
	} finally {
		gate.stop();
	}
});

check('without a history, who has what a daemon may have missed does not recover there', {}, async ([a, b], redis) => {
	const socket = `${a.directory}/gate`;
	const news = { app: undefined, service: '/recover', channel: 'news' };
	const open = async (pair, from) => {
		const client = await WebSocketClient.connect(pair.sessiond.url, '/recover/websocket');
		client.send(from ?? '-');
		client.answer = await client.readText();
		return client;
	};
	let gate = await Gate.start(redis.socket, socket);
	try {
		conf(a, `redis+unix://${socket}`);
		await a.sessiond.stop();
		await a.startSessiond(LISTEN);
		const [ann, bob] = [await open(a), await open(b)];
		// Published while a daemon is away, before it has subscribed again.
		const miss = async (data) => {
			gate.stop();
			await eventually(async () => (await publish(a, { ...news, data })).status === 503, 'a 503');
			const { epoch, offset } = await publish(b, { ...news, data });
			assert.ok(offset > 0);
			gate = await Gate.start(redis.socket, socket);
			return epoch;
		};
		const { epoch } = await publish(b, { ...news, data: '1' });
		for (const client of [ann, bob])
			assert.strictEqual((await client.readText()).includes('"1"'), true);
		await miss('2');
		const first = await open(a, `1 ${epoch}`);
		assert.match(first.answer, /^from /);
		// Where it is then is nowhere to go on from, either, when more was missed.
		await miss('3');
		assert.match((await open(a, first.answer.slice('from '.length))).answer, /^from /);
		// What is heard goes on.
		await publish(b, { ...news, data: '4' });
		assert.match(await ann.readText(), /"4"/);
		assert.strictEqual((await open(a, `4 ${epoch}`)).answer, `all of 4 ${epoch}`);
		assert.match((await open(a, `3 ${epoch}`)).answer, /^from /);
	} finally {
		gate.stop();
	}
});

const leave = async ([a, b], redis) => {
	const [ann, bob] = [await open(a), await open(b)];
	await ann.subscribe('presence-room', { user: { user_id: 'ann' } });
	await bob.subscribe('presence-room', { user: { user_id: 'bob' } });
	assert.strictEqual((await ann.next()).event, 'pusher_internal:member_added');
	await redis.kill();
	bob.close();
	await eventually(async () => (await publish(b, { channel: 'news', data: '' })).status === 503, 'a 503');
	await redis.run();
	for (;;) {
		const message = await ann.next();
		if (message.event === 'pusher_internal:member_removed') {
			assert.strictEqual(dataOf(message).user_id, 'bob');
			break;
		}
		assert.strictEqual(message.event, 'pusher_internal:subscription_succeeded');
	}
};
check('who has gone while Redis was away has parted everywhere', { options: ALWAYS }, leave);
check('... and if Redis has forgotten all of it, too', {}, leave);

check('while Redis has no memory, who subscribes waits, and others go on', { daemons: 1 }, async ([a], redis) => {
	const [ann, bob] = [await open(a), await open(a)];
	await ann.subscribe('presence-room', { user: { user_id: 'ann' } });
	await redis.command('CONFIG', 'SET', 'maxmemory', '1');
	await bob.ask('presence-room', { user: { user_id: 'bob' } });
	await bob.expectNothing();
	ann.say('client-hello', {}, 'presence-room');
	await eventually(() => /a channel waits until it can be asked for: it says "/.test(a.log()), 'a refusal');
	await redis.command('CONFIG', 'SET', 'maxmemory', '0');
	assert.deepStrictEqual(dataOf(await bob.next()).presence.ids.sort(), ['ann', 'bob']);
	assert.strictEqual((await ann.next()).event, 'pusher_internal:member_added');
	assert.doesNotMatch(a.log(), /channels wait until it is back/);
});

// --- what is no Redis, or an evil one -----------------------------------------------------------------

// Answers each connection with what `say` makes of the bytes that came.
class Fake {
	static async start(say) {
		const fake = new Fake();
		fake.count = 0;
		fake.server = net.createServer((socket) => {
			fake.count++;
			socket.on('error', () => {}).on('data', (bytes) => say(socket, String(bytes)));
		});
		await new Promise((resolve) => fake.server.listen(0, '127.0.0.1', resolve));
		fake.url = `redis://:secret@127.0.0.1:${fake.server.address().port}`;
		return fake;
	}

	stop() {
		this.server.close();
	}
}

const EVIL = [
	['says garbage', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
	['closes at once', (socket) => socket.destroy()],
	['promises a huge list', (socket) => socket.write('*2147483647\r\n')],
	['nests lists', (socket) => socket.write('*1\r\n'.repeat(100))],
	['answers more than it was asked', (socket) => socket.write('+OK\r\n'.repeat(20))],
	['wants another password', (socket) => socket.write('-WRONGPASS invalid username-password pair\r\n')],
	['has nothing but empty texts', (socket) => socket.write('$0\r\n\r\n'.repeat(3))],
];
for (const [name, say] of EVIL)
	check(`a server that ${name} costs channels alone`, { daemons: 1, make: () => Fake.start(say) }, async ([a], fake) => {
		await eventually(() => fake.count >= 4, 'it is tried again');
		assert.strictEqual((await publish(a, { channel: 'news', data: '' })).status, 503);
		const client = await open(a);
		await client.ask('news');
		await client.expectNothing();
		await expectLogged(a, /error: engine 127\.0\.0\.1:\d+ \((commands|topics)\): .+; channels wait until it is back/);
		assert.ok(!a.log().includes('secret'), 'the password is nobody\'s');
	});

const checked = (pair) => {
	const { status, stderr } = spawnSync(program, ['--config', pair.file, '--check'], { encoding: 'utf8' });
	return { status, stderr };
};

check('--check asks the server, and says what to do', { daemons: 1, options: ['--requirepass', 'pass word'] }, async ([a], redis) => {
	assert.match(checked(a).stderr, /engine: the Redis at \S+: NOAUTH .*; put its password into the URL, redis:\/\/:PASSWORD@HOST\n/);
	assert.match((await publish(a, { channel: 'news', data: '' })).text, /cannot be reached/);
	conf(a, redis.url.replace('unix://', 'unix://:wrong@'));
	assert.match(checked(a).stderr, /WRONGPASS .*; the URL has another user or password than the server/);
	conf(a, redis.url.replace('unix://', 'unix://:pass%20word@'));
	assert.deepStrictEqual(checked(a), { status: 0, stderr: '' });
	await a.sessiond.stop();
	await a.startSessiond(LISTEN);
	const client = await open(a);
	await client.subscribe('news');
	await published(a, 'news', 'hello');
	assert.strictEqual((await client.next()).data, 'hello');
	conf(a, `${redis.url.replace('unix://', 'unix://:pass%20word@')}?db=9999`);
	assert.match(checked(a).stderr, /ERR DB index is out of range; the server has no such database/);
	conf(a, `redis+unix://${a.directory}/nowhere`);
	assert.match(checked(a).stderr, /engine: the Redis at \S+nowhere: no such file or directory; see whether it runs/);
	conf(a, 'rediss://here');
	assert.match(checked(a).stderr, /engine: it is memory, redis:\/\/.*; TLS is none of it/);
});

check('an offset in Redis that nothing can have is no position', { daemons: 1 }, async ([a], redis) => {
	const key = 'sockjs:0:app 1\tnews\tm';
	await published(a, 'news', 'hello');
	await redis.command('HSET', key, 'o', String(2n ** 60n));
	const client = await open(a);
	await client.ask('news');
	await eventually(() => /its reply to a read is none/.test(a.log()), 'it is refused');
	await redis.command('DEL', key);
	assert.strictEqual((await client.next()).event, 'pusher_internal:subscription_succeeded');
});

check('what strangers publish to our topics is passed over', { daemons: 1 }, async ([a], redis) => {
	const client = await open(a);
	await client.subscribe('news');
	for (const text of ['', 'P', 'P1', 'P1 x 1 0 0 ', 'S99 x', '+1 0 ', '-', '#', `P18446744073709551615 ${'0'.repeat(15)}1 1 0 - x`])
		await redis.command('PUBLISH', 'sockjs:0:app 1\tnews', text);
	await published(a, 'news', 'hello');
	for (;;) {
		const { event, data, recovered } = await client.next();
		if (event === 'e') {
			assert.strictEqual(data, 'hello');
			break;
		}
		assert.strictEqual(recovered, false);
	}
});
