'use strict';

// [app NAME] sections, byte by byte: what protocol 7 says over a websocket and over SockJS, what is
// refused, and what goes on when streams break and the daemon is killed. The real libraries are in
// pusher_js.test.js, the HTTP API in pusher_api.test.js.

const assert = require('node:assert');
const path = require('node:path');
const { test } = require('node:test');
const { hasOneDaemon } = require('./lib/engine');
const { request: fastcgiRequest } = require('./lib/fastcgi');
const { eventually } = require('./lib/guard');
const { openStream, request } = require('./lib/http');
const { PollClient, SocketClient } = require('./lib/pusher');
const { Pair, checkPairs } = require('./lib/responder');
const { WebSocketClient } = require('./lib/websocket');

const LISTEN = { listen: '127.0.0.1:0' };
const APP = { key: 'mykey', secret: 'mysecret' };
const SUCCEEDED = 'pusher_internal:subscription_succeeded';
const services = `[app 1]
key = mykey
secret = mysecret
client_events = on
client_event_rate = 1
disconnect_delay = 60s
`;
const check = checkPairs('pusher');
const control = (pair) => path.join(pair.directory, 'control.sock');

async function publish(pair, body) {
	const answer = await request(control(pair), 'POST', '/publish', { body: JSON.stringify({ app: '1', ...body }) });
	return { status: answer.status, text: answer.text };
}

async function published(pair, body) {
	const { status, text } = await publish(pair, body);
	assert.strictEqual(status, 200, text);
	return JSON.parse(text);
}

const dataOf = ({ data }) => JSON.parse(data);
const established = (client) => client.established();

// Both ways in.
const ways = (pair) => ({
	websocket: () => SocketClient.open(pair.sessiond.url, APP).then(established),
	polling: () => PollClient.open(() => pair.sessiond.url, APP).then(established),
});

check('channels of each kind, over both ways in', { services }, async (pair) => {
	await pair.startSessiond(LISTEN);
	for (const [way, open] of Object.entries(ways(pair))) {
		const [ann, bob] = [await open(), await open()];
		const own = (name) => `${name}-${way}`;

		assert.notStrictEqual(ann.id, bob.id);
		assert.deepStrictEqual(await ann.subscribe(own('news')), { event: SUCCEEDED, channel: own('news'), data: '{}' });
		assert.strictEqual((await ann.subscribe(own('private-a'))).data, '{}');
		assert.strictEqual((await ann.subscribe(own('private-encrypted-a'))).data, '{}');
		await published(pair, { channel: own('news'), event: 'added', data: { a: 'ä' } });
		assert.deepStrictEqual(await ann.next(), { event: 'added', channel: own('news'), data: '{"a":"ä"}' });
		await published(pair, { channel: own('news'), event: 'added', data: 'as it came', except: ann.id });
		await ann.expectNothing();

		// Presence: once a user, whatever the number of connections.
		const room = own('presence-room');
		const hash = dataOf(await ann.subscribe(room, { user: { user_id: 'ann', user_info: { name: 'Ann' } } }));
		assert.deepStrictEqual(hash, { presence: { count: 1, ids: ['ann'], hash: { ann: { name: 'Ann' } } } });
		const both = dataOf(await bob.subscribe(room, { user: { user_id: 7 } })).presence;
		assert.deepStrictEqual([both.count, both.ids.sort(), both.hash], [2, ['7', 'ann'], { ann: { name: 'Ann' }, 7: {} }]);
		const added = await ann.next();
		assert.deepStrictEqual([added.event, added.channel, dataOf(added)], ['pusher_internal:member_added', room, { user_id: '7', user_info: {} }]);
		const tab = await open();
		await tab.subscribe(room, { user: { user_id: 7 } });
		await ann.expectNothing();
		await tab.say('pusher:unsubscribe', { channel: room });
		await tab.expectNothing();
		await ann.expectNothing();
		await bob.say('pusher:unsubscribe', { channel: room });
		const removed = await ann.next();
		assert.deepStrictEqual([removed.event, dataOf(removed)], ['pusher_internal:member_removed', { user_id: '7' }]);

		// The last event is kept for those who come later.
		await bob.subscribe(own('cache-c'));
		assert.deepStrictEqual(await bob.next(), { event: 'pusher:cache_miss', channel: own('cache-c'), data: '{}' });
		await published(pair, { channel: own('cache-c'), event: 'e', data: '1' });
		await published(pair, { channel: own('cache-c'), event: 'e', data: '2' });
		assert.deepStrictEqual([(await bob.next()).data, (await bob.next()).data], ['1', '2']);
		await ann.subscribe(own('cache-c'));
		assert.deepStrictEqual(await ann.next(), { event: 'e', channel: own('cache-c'), data: '2' });
	}
});

check('client events: for those who are in the channel, and not too many', { services }, async (pair) => {
	await pair.startSessiond(LISTEN);
	const open = ways(pair).websocket;
	const [ann, bob] = [await open(), await open()];
	const room = 'presence-room';
	await ann.subscribe(room, { user: { user_id: 'ann' } });
	await bob.subscribe(room, { user: { user_id: 'bob' } });
	await bob.subscribe('private-p');
	await bob.subscribe('private-encrypted-p');
	await bob.subscribe('public');
	await ann.next();
	await bob.say('client-hi', { any: ['JSON'] }, room);
	assert.deepStrictEqual(await ann.next(), { event: 'client-hi', channel: room, data: { any: ['JSON'] }, user_id: 'bob' });
	await bob.expectNothing();
	for (const [channel, reason] of [['public', /private and presence/], ['private-encrypted-p', /private and presence/], ['private-other', /has not subscribed/], [undefined, /has a channel/]]) {
		await bob.say('client-hi', 1, channel);
		const { event, data } = await bob.next();
		assert.strictEqual(event, 'pusher:error');
		assert.match(data.message, reason);
		assert.strictEqual(data.code, null);
	}
	// One a second, and ten seconds' worth at once.
	for (let i = 0; i < 30; i++)
		await bob.say('client-hi', i, 'private-p');
	const { event, data } = await bob.next();
	assert.deepStrictEqual([event, data.code], ['pusher:error', 4301]);
	await ann.say('client-hi', 1, room);
	let said;
	do
		said = await bob.next();
	while (said.event === 'pusher:error');
	assert.deepStrictEqual([said.event, said.user_id], ['client-hi', 'ann']);
});

check('users who sign in', { services: `${services}subscription_count = on\n` }, async (pair) => {
	await pair.startSessiond(LISTEN);
	const open = ways(pair).websocket;
	const [ann, eve] = [await open(), await open()];
	const user = { id: 'ann', user_info: { name: 'Ann' } };
	assert.deepStrictEqual(dataOf(await ann.signIn(user)), { user_data: JSON.stringify(user) });
	assert.strictEqual((await ann.signIn(user)).data.code, 4009, 'once');
	assert.strictEqual((await ann.subscribe('#server-to-user-ann')).data, '{}');
	await eve.ask('#server-to-user-ann');
	assert.strictEqual((await eve.next()).event, 'pusher:subscription_error');
	await eve.say('pusher:signin', { auth: eve.auth(':user::{"id":"eve"}').replace(/.$/, 'x'), user_data: '{"id":"eve"}' });
	assert.deepStrictEqual((await eve.next()).data.code, 4009);
	await published(pair, { channel: '#server-to-user-ann', event: 'for-you', data: 'x' });
	assert.strictEqual((await ann.next()).event, 'for-you');
	await eve.expectNothing();
	// A presence channel without channel_data has the user who has signed in.
	const { hash } = dataOf(await ann.subscribe('presence-room')).presence;
	assert.deepStrictEqual(hash, { ann: { name: 'Ann' } });
	await eve.ask('presence-room');
	assert.match(dataOf(await eve.next()).error, /user_id/);
	await eve.subscribe('many');
	const count = await eve.next();
	assert.deepStrictEqual([count.event, count.channel, dataOf(count)], ['pusher_internal:subscription_count', 'many', { subscription_count: 1 }]);
});

check('what is wrong is said, and the connection goes on', { services, server: 'channels_per_connection = 2\nmember_limit = 20' }, async (pair) => {
	await pair.startSessiond(LISTEN);
	const client = await ways(pair).websocket();
	for (const text of ['', 'x', '[]', '"x"', '{}', '{"event":1}', '{"event":"x"}', '{"event":"pusher:other"}', '{"event":"pusher:signin"}', '{"event":"pusher:signin","data":"{"}',
		'{"event":"client-"}', '[[[['.repeat(1000), '{"event":"pusher:signin","data":{"user_data":{},"auth":[]}}']) {
		await client.send(text);
		assert.strictEqual((await client.next()).event, 'pusher:error', text.slice(0, 60));
	}
	const refusals = [
		['', {}, 400], ['a b', {}, 400], ['ä', {}, 400], ['x'.repeat(165), {}, 400], ['#x', {}, 400], ['#server-to-user-', {}, 400],
		['private-a', { auth: '' }, 401], ['private-a', { auth: 'mykey' }, 401], ['private-a', { auth: client.auth('private-b') }, 401], ['private-a', { auth: client.auth('private-a').replace('mykey', 'other') }, 401],
		['private-a', { auth: null }, 401], ['private-a', { auth: client.auth('private-a').slice(0, -1) }, 401], ['presence-a', {}, 400], ['presence-a', { user: {} }, 400],
		['presence-a', { user: { user_id: '' } }, 400], ['presence-a', { user: { user_id: { a: 1 } } }, 400], ['presence-a', { user: { user_id: 'a', user_info: 'x'.repeat(30) } }, 400],
		['presence-a', { user: { user_id: 'a' }, channel_data: '{"user_id":"b"}' }, 401],
	];
	for (const [channel, options, status] of refusals) {
		await client.ask(channel, options);
		const answer = await client.next();
		assert.deepStrictEqual([answer.event, answer.channel], ['pusher:subscription_error', channel], JSON.stringify(options));
		const { type, error, status: told } = dataOf(answer);
		assert.deepStrictEqual([told, type], [status, status === 401 ? 'AuthError' : 'SubscriptionError'], error);
	}
	await client.say('pusher:subscribe', {});
	assert.strictEqual(dataOf(await client.next()).status, 400);
	await client.say('pusher:subscribe', JSON.stringify({ channel: 'a' }));
	assert.strictEqual((await client.next()).event, SUCCEEDED, 'data may be a string');
	await client.subscribe('b');
	await client.ask('c');
	assert.strictEqual(dataOf(await client.next()).status, 503);
	for (const [body, status] of [[{ channel: 'a' }, 400], [{ channel: 'a', event: 'e' }, 400], [{ channel: 'a b', event: 'e', data: '' }, 400], [{ channel: 'a', event: '', data: '' }, 400],
		[{ channel: 'a', event: 'e', data: '', except: 'x' }, 400], [{ channel: 'a', event: 'e', data: 'x'.repeat(10241) }, 413], [{ app: 'x', channel: 'a', event: 'e', data: '' }, 404],
		[{ service: '/x', channel: 'a', event: 'e', data: '' }, 400]])
		assert.strictEqual((await publish(pair, body)).status, status, JSON.stringify(body).slice(0, 80));
	await client.expectNothing();
});

// What a client is refused with, over a websocket and over SockJS.
async function refusedWith(url, key, query) {
	const socket = await WebSocketClient.connect(url, `/app/${key}?${query}`);
	const { event, data } = JSON.parse(await socket.readText());
	const { code } = await socket.readClose();
	assert.deepStrictEqual([event, data.code], ['pusher:error', code]);
	const session = `/pusher/app/${key}/000/refused${Math.random()}`.replace('0.', '');
	assert.strictEqual((await request(url, 'POST', `${session}/xhr?${query}`)).text, 'o\n');
	assert.match((await request(url, 'POST', `${session}/xhr?${query}`)).text, new RegExp(`^c\\[${code},"`));
	return code;
}

// Opens so many connections, more than which cannot be. Of several daemons one may be full before
// another is: it refuses, and the next attempt comes to another.
async function fill(pair, count, ...open) {
	const clients = [];
	const most = hasOneDaemon ? count : 10 * count;
	for (let tries = 0; clients.length < count; tries++) {
		assert.ok(tries < most, `${clients.length} of ${count} connections`);
		try {
			clients.push(await open[clients.length % open.length]());
		} catch (error) {
			if (error.code !== 'ERR_ASSERTION')
				throw error;
		}
	}
	return clients;
}

check('who is refused, and with what code', { services: `${services}app_connection_limit = 2\n` }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	assert.strictEqual(await refusedWith(url, 'unknown', 'protocol=7'), 4001);
	assert.strictEqual(await refusedWith(url, 'mykeyx', ''), 4001);
	for (const protocol of ['4', '8', '', '77'])
		assert.strictEqual(await refusedWith(url, 'mykey', `protocol=${protocol}`), 4007);
	const clients = await fill(pair, 2, ways(pair).websocket, ways(pair).polling);
	assert.strictEqual(await refusedWith(url, 'mykey', ''), 4004);
	clients[0].close();
	await eventually(async () => (await (await SocketClient.open(url, APP)).next()).event === 'pusher:connection_established', 'there is a place again');
	assert.strictEqual((await request(url, 'GET', '/app/mykey')).status, 400, 'no websocket');
	assert.strictEqual((await request(url, 'GET', '/app/mykey/x')).status, 404);
	assert.strictEqual((await request(url, 'GET', '/pusher/app')).status, 404);
});

// What others are told of it costs as much as client events would.
check('presence: who comes and goes all the time is stopped', { services }, async (pair) => {
	await pair.startSessiond(LISTEN);
	const open = ways(pair).websocket;
	const [ann, bob] = [await open(), await open()];
	const room = 'presence-room';
	await ann.subscribe(room, { user: { user_id: 'ann' } });
	for (let i = 0; i < 30; i++) {
		await bob.ask(room, { user: { user_id: 'bob' } });
		await bob.say('pusher:unsubscribe', { channel: room });
	}
	let said;
	do
		said = await bob.next();
	while (said.event === SUCCEEDED);
	assert.strictEqual(said.event, 'pusher:subscription_error');
	const { status, error } = dataOf(said);
	assert.deepStrictEqual([said.channel, status], [room, 429]);
	assert.match(error, /client_event_rate/);
	// Other channels are as before, and so is the connection.
	await bob.say('pusher:ping', {});
	do
		said = await bob.next();
	while (said.event !== 'pusher:pong');
	await bob.subscribe('private-p');
});

check('a daemon that is full says so', { services, server: 'session_limit = 32' }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	await fill(pair, 30, ways(pair).websocket);
	const socket = await WebSocketClient.connect(url, '/app/mykey');
	assert.strictEqual(JSON.parse(await socket.readText()).data.code, 4100);
	assert.strictEqual((await socket.readClose()).code, 4100);
});

check('below another path', { services, server: 'app_path = /live/here' }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	const options = { ...APP, path: '/live/here' };
	for (const client of [await SocketClient.open(url, options), await PollClient.open(() => url, options)]) {
		await client.established();
		await client.subscribe('news');
	}
	assert.strictEqual((await request(url, 'GET', '/app/mykey')).status, 404);
});

// --- streams ------------------------------------------------------------------------------------

// As pusher-js reads them: it leaves a stream once it has read more than 256 KiB of it.
class StreamReader {
	constructor(url, session) {
		Object.assign(this, { url, session, frames: [], streams: 0 });
	}

	async readLine() {
		if (!this.stream) {
			this.stream = await openStream(this.url, 'POST', `${this.session}/xhr_streaming?protocol=7`);
			this.length = 0;
			this.streams++;
		}
		const line = String(await this.stream.readUntil('\n'));
		this.length += line.length;
		if (this.length > 256 * 1024) {
			this.stream.connection.close();
			this.stream = null;
		}
		return line;
	}

	// Until there are so many frames and messages.
	async read(wanted) {
		while (this.frames.length < wanted) {
			const line = await this.readLine();
			if (line[0] !== 'h')
				this.frames.push(...(line[0] === 'a' ? JSON.parse(line.slice(1)) : [line.trim()]));
		}
		return this.frames;
	}
}

check('1 MB over streams that the client leaves, with one socket_id', { services, server: 'queue_limit = 8M' }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	const session = '/pusher/app/mykey/000/long';
	const reader = new StreamReader(url, session);
	const [open, first] = await reader.read(2);
	assert.deepStrictEqual([open, JSON.parse(first).event], ['o', 'pusher:connection_established']);
	await request(url, 'POST', `${session}/xhr_send`, { body: JSON.stringify([JSON.stringify({ event: 'pusher:subscribe', data: { channel: 'news' } })]) });
	await reader.read(3);
	const data = (i) => `${i} ${'é'.repeat(4000)}`;
	const all = Array.from({ length: 260 }, (_, i) => data(i));
	const publishAll = async () => {
		for (const text of all)
			await published(pair, { channel: 'news', event: 'e', data: text });
	};
	const [frames] = await Promise.all([reader.read(263), publishAll()]);
	assert.deepStrictEqual(frames.slice(3).map((frame) => JSON.parse(frame).data), all);
	assert.ok(reader.streams > 3, `${reader.streams} streams`);
});

check('a second receiver takes the place of the first', { services }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	const session = '/pusher/app/mykey/000/two';
	const first = await openStream(url, 'POST', `${session}/xhr_streaming`);
	await first.readUntil('o\n');
	await first.readUntil('\n');
	const second = await openStream(url, 'POST', `${session}/xhr_streaming`);
	assert.match(String(await second.readUntil('\n')), /^h{2048}\n$/);
	await first.readToEnd();
	await request(url, 'POST', `${session}/xhr_send`, { body: JSON.stringify(['{"event":"pusher:ping"}']) });
	assert.match(String(await second.readUntil('\n')), /^a\["\{\\"event\\":\\"pusher:pong/);
	// A poll does so as well.
	const poll = request(url, 'POST', `${session}/xhr`);
	await second.readToEnd();
	await request(url, 'POST', `${session}/xhr_send`, { body: JSON.stringify(['{"event":"pusher:ping"}']) });
	assert.match((await poll).text, /pusher:pong/);
});

check('a stream that its client does not leave goes on with the next heartbeat', { services: `${services}heartbeat_delay = 1s\n`, server: 'queue_limit = 8M' }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	const session = '/pusher/app/mykey/000/stays';
	const stream = await openStream(url, 'POST', `${session}/xhr_streaming`);
	await request(url, 'POST', `${session}/xhr_send`, { body: JSON.stringify([JSON.stringify({ event: 'pusher:subscribe', data: { channel: 'news' } })]) });
	const events = [];
	const read = async (count) => {
		while (events.length < count) {
			const line = String(await stream.readUntil('\n'));
			if (line[0] === 'a')
				events.push(...JSON.parse(line.slice(1)));
		}
	};
	await read(2); // it has subscribed
	const reading = read(42);
	for (let i = 0; i < 40; i++)
		await published(pair, { channel: 'news', event: 'e', data: 'x'.repeat(10000) });
	await reading;
});

// --- what outlives the daemon ----------------------------------------------------------------------

const lasting = { services: `${services}history = 100\n`.replace('disconnect_delay = 60s', 'disconnect_delay = 2s'), server: 'store = sessions.db' };

check('a killed daemon: who polls is still there, who is gone is told', lasting, async (pair) => {
	await pair.startSessiond(LISTEN);
	const room = 'presence-room';
	const ann = await ways(pair).polling();
	const bob = await ways(pair).websocket();
	await ann.subscribe(room, { user: { user_id: 'ann' } });
	await bob.subscribe(room, { user: { user_id: 'bob' } });
	await ann.next();
	await ann.signIn({ id: 'ann' });
	const { offset, epoch } = await published(pair, { channel: room, event: 'e', data: '1' });
	assert.strictEqual((await ann.next()).offset, offset);
	pair.sessiond.child.kill('SIGKILL');
	await pair.sessiond.stop().catch(() => {});
	await pair.startSessiond(LISTEN);
	await published(pair, { channel: room, event: 'e', data: '2' });
	assert.deepStrictEqual(await ann.next(), { event: 'e', channel: room, data: '2', offset: offset + 1, epoch });
	const removed = await ann.next();
	assert.deepStrictEqual([removed.event, dataOf(removed)], ['pusher_internal:member_removed', { user_id: 'bob' }]);
	await published(pair, { channel: '#server-to-user-ann', event: 'for-you', data: '' });
	assert.strictEqual((await ann.next()).event, 'for-you', 'she is signed in still');
	// Who comes back says what it has.
	const again = await ways(pair).websocket();
	const answer = await again.subscribe('presence-room', { user: { user_id: 'bob' }, recover: { offset, epoch } });
	assert.deepStrictEqual([answer.recovered, answer.offset], [true, offset + 1]);
	assert.strictEqual((await again.next()).data, '2');
	const late = await ways(pair).websocket();
	assert.strictEqual((await late.subscribe('presence-room', { user: { user_id: 'bob' }, recover: { offset, epoch: '0123456789abcdef' } })).recovered, false);
	await late.expectNothing();
});

check('a daemon that stops: websockets are to come back at once', lasting, async (pair) => {
	await pair.startSessiond(LISTEN);
	const [ann, bob] = [await ways(pair).polling(), await ways(pair).websocket()];
	await ann.subscribe('presence-room', { user: { user_id: 'ann' } });
	await bob.subscribe('presence-room', { user: { user_id: 'bob' } });
	await ann.next();
	const stopped = pair.sessiond.stop();
	assert.strictEqual((await bob.socket.readClose()).code, 4200);
	await stopped;
	await pair.startSessiond(LISTEN);
	const again = await ways(pair).websocket();
	await again.subscribe('presence-room', { user: { user_id: 'bob' } });
	await ann.expectNothing();
});

check('a reload: options change for those who are there; without their app they are told to go', { services, server: 'store = sessions.db' }, async (pair) => {
	await pair.startSessiond(LISTEN);
	const reload = async () => assert.strictEqual((await request(control(pair), 'POST', '/control/reload')).status, 200);
	const clients = [await ways(pair).websocket(), await ways(pair).polling()];
	for (const client of clients)
		await client.subscribe('private-a');
	pair.rewrite((text) => text.replace('secret = mysecret', 'secret = another').replace('client_events = on', 'client_events = off'));
	await reload();
	await published(pair, { channel: 'private-a', event: 'e', data: '' });
	for (const client of clients) {
		assert.strictEqual((await client.next()).event, 'e');
		await client.ask('private-b');
		assert.strictEqual(dataOf(await client.next()).status, 401, 'signed with the former secret');
		await client.say('client-x', 1, 'private-a');
		assert.match((await client.next()).data.message, /not enabled/);
	}
	pair.rewrite((text) => text.replace('key = mykey', 'key = newkey'));
	await reload();
	assert.strictEqual((await clients[0].next()).data.code, 4001);
	assert.match(await clients[1].poll(), /^c\[4001,/);
	assert.strictEqual(await refusedWith(pair.sessiond.url, 'mykey', ''), 4001);
	const client = await SocketClient.open(pair.sessiond.url, { ...APP, key: 'newkey' }).then(established);
	pair.rewrite((text) => text.replace('store =', 'app_path = /live\nstore ='));
	await reload();
	assert.strictEqual((await client.next()).data.code, 4001);
	await SocketClient.open(pair.sessiond.url, { ...APP, key: 'newkey', path: '/live' }).then(established);
});

test('pusher: a mistake in an [app] is said with its place', async () => {
	for (const [lines, reason] of [
		['[app]', /an app has a name/], ['[app a b]', /an app has a name/], ['[app 1]', /no key/], ['[app 1]\nkey = a b', /a key is/], ['[app 1]\nkey = k', /no secret/],
		['[app 1]\nkey = k\nsecret = s\nsecret_file = f', /two secrets/], ['[app 1]\nkey = k\nsecret_file = none', /No such file/], ['[app 1]\nkey = k\nsecret = s\nmodule = echo', /needs no module/],
		['[app 1]\nkey = k\nsecret = s\n[app 1]', /begun on line/], ['[app 1]\nkey = k\nsecret = s\n[app 2]\nkey = k\nsecret = s', /the same key/], ['[app 1]\nkey = k\nsecret = s\nheartbeat_delay = 2m', /less than 120s/],
		['[app 1]\nkey = k\nsecret = s\nclient_evens = on', /client_events/], ['[app 1]\nkey = k\nsecret = s\nwebhook = x', /http/], ['[service /x]\nmodule = app', /app NAME/],
	]) {
		const pair = new Pair({ services: `${lines}\n` });
		await assert.rejects(pair.startSessiond(), (error) => reason.test(`${error.message}${pair.log()}`), `${lines}: ${pair.log()}`);
		await pair.stop();
	}
});

check('through FastCGI: polls, and no streams where they would end', { services, fcgi: 'fcgi_streaming = off' }, async (pair) => {
	await pair.startSessiond();
	const { address } = await pair.startResponder();
	const ask = (rest) => fastcgiRequest(address, 'POST', `/pusher/app/mykey/000/remote/${rest}`);
	assert.strictEqual((await ask('xhr_streaming')).status, 404);
	assert.strictEqual((await ask('xhr')).text, 'o\n');
	assert.match((await ask('xhr')).text, /connection_established/);
});
