'use strict';

// Two daemons that share their channels by one Redis: what is published, who is there and what is
// recovered are the same to both; and what becomes of it when Redis is away, forgets, or lies.

const assert = require('node:assert');
const crypto = require('node:crypto');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');
const { eventually } = require('./lib/guard');
const { request } = require('./lib/http');
const { SocketClient } = require('./lib/pusher');
const { Redis, skip } = require('./lib/redis');
const { Pair } = require('./lib/responder');

const LISTEN = { listen: '127.0.0.1:0' };
const APP = { key: 'mykey', secret: 'mysecret' };
const services = `[app 1]
key = mykey
secret = mysecret
client_events = on
client_event_rate = 1000
history = 1000
[service /multiplex]
module = multiplex
`;
const control = (pair) => path.join(pair.directory, 'control.sock');
const dataOf = ({ data }) => JSON.parse(data);

async function publish(pair, body) {
	const answer = await request(control(pair), 'POST', '/publish', { body: JSON.stringify({ app: '1', event: 'e', ...body }) });
	return answer.status === 200 ? JSON.parse(answer.text) : answer;
}

async function published(pair, channel, data) {
	const answer = await publish(pair, { channel, data });
	assert.ok(answer.offset > 0, answer.text);
	return answer;
}

// A signed request of the HTTP API.
async function ask(pair, method, target, body) {
	const all = { auth_key: APP.key, auth_timestamp: Math.floor(Date.now() / 1000), auth_version: '1.0' };
	if (body)
		all.body_md5 = crypto.createHash('md5').update(body).digest('hex');
	const [at, query] = target.split('?');
	for (const part of query ? query.split('&') : [])
		all[part.split('=')[0]] = part.split('=')[1];
	const text = Object.keys(all).sort().map((key) => `${key}=${all[key]}`).join('&');
	const signature = crypto.createHmac('sha256', APP.secret).update(`${method}\n${at}\n${text}`).digest('hex');
	const answer = await request(pair.sessiond.url, method, `${at}?${text}&auth_signature=${signature}`, { body });
	assert.strictEqual(answer.status, 200, answer.text);
	return JSON.parse(answer.text);
}

const open = (pair) => SocketClient.open(pair.sessiond.url, APP).then((client) => client.established());

// body is called with that many daemons, and with the Redis, or what stands in its place.
function check(name, { daemons = 2, options = [], make = () => Redis.start(...options) }, body) {
	test(`redis engine: ${name}`, { skip }, async () => {
		const redis = await make();
		const pairs = [];
		try {
			for (let i = 0; i < daemons; i++) {
				pairs.push(new Pair({ services, server: `engine = ${redis.url}\n` }));
				await pairs[i].startSessiond(LISTEN);
			}
			await body(pairs, redis);
		} catch (error) {
			process.stderr.write(pairs.map((pair) => pair.log().slice(-3000)).join('\n---\n'));
			throw error;
		} finally {
			await Promise.all(pairs.map((pair) => pair.stop()));
			await redis.stop();
		}
	});
}

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
