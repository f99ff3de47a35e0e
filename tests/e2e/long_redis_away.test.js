'use strict';

// A Redis that stands still for longer than it is waited for, and a daemon that is killed: who is in
// a channel is known to the others within 60 seconds, and nothing is lost.

const assert = require('node:assert');
const { eventually } = require('./lib/guard');
const { ask, check, judge, judgeAll, open, publish, Reader, Traffic } = require('./lib/shared_channels');

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

check('Redis stands still for 10 seconds: publishing is refused, and nothing that was answered is lost', {}, async ([a, b], redis) => {
	const readers = [await Reader.open(a), await Reader.open(b)];
	const traffic = new Traffic([a, b]);
	await traffic.goesOn(20);
	redis.child.kill('SIGSTOP');
	const since = Date.now();
	await eventually(() => traffic.refused > 0, 'a refusal');
	await sleep(10000 - (Date.now() - since));
	redis.child.kill('SIGCONT');
	await traffic.goesOn(20);
	await judgeAll(readers, traffic, a);
	for (const reader of readers) {
		judge(reader, traffic.acknowledged);
		assert.strictEqual(reader.told, 0);
	}
});

check('a stopped Redis is owed no more than engine_backlog', { daemons: 1, server: 'engine_backlog = 64k' }, async ([a], redis) => {
	redis.child.kill('SIGSTOP');
	const answers = [];
	for (let i = 0; i < 40; i++)
		answers.push(publish(a, { channel: 'news', data: 'x'.repeat(10000) }));
	const first = await Promise.race(answers);
	assert.strictEqual(first.status, 503, 'at once, while others still wait');
	redis.child.kill('SIGCONT');
	const all = await Promise.all(answers);
	assert.ok(all.some(({ offset }) => offset > 0), 'those that found room');
});

check('a daemon is killed: its members part, and its channels end', {}, async ([a, b]) => {
	const [ann, bob] = [await open(a), await open(b)];
	await ann.subscribe('presence-room', { user: { user_id: 'ann' } });
	await bob.subscribe('presence-room', { user: { user_id: 'bob' } });
	await ann.next();
	await bob.subscribe('presence-other', { user: { user_id: 'bob' } });
	b.sessiond.child.kill('SIGKILL');
	let removed = { event: 'pusher:pong' };
	for (let i = 0; i < 90 && removed.event === 'pusher:pong'; i++) {
		await sleep(1000);
		await ann.say('pusher:ping', {});
		removed = await ann.next();
	}
	assert.strictEqual(removed.event, 'pusher_internal:member_removed');
	assert.deepStrictEqual(JSON.parse(removed.data), { user_id: 'bob' });
	await eventually(async () => Object.keys((await ask(a, 'GET', '/apps/1/channels')).channels).length === 1, 'presence-other is vacant', 60000);
});

check('Redis is emptied: who is there is told anew', {}, async ([a, b], redis) => {
	const [ann, bob] = [await open(a), await open(b)];
	await ann.subscribe('presence-room', { user: { user_id: 'ann' } });
	await bob.subscribe('presence-room', { user: { user_id: 'bob' } });
	const reader = await open(a);
	for (let i = 0; i < 100; i++)
		await reader.subscribe(`news-${i}`);
	await redis.command('FLUSHALL');
	const users = async () => (await ask(a, 'GET', '/apps/1/channels/presence-room/users')).users.map(({ id }) => id).sort().join();
	assert.strictEqual(await users(), '');
	await eventually(async () => await users() === 'ann,bob', 'both are there', 60000);
	// Each of the channels has had its turn.
	const there = () => ask(a, 'GET', '/apps/1/channels?filter_by_prefix=news-');
	await eventually(async () => Object.keys((await there()).channels).length === 100, 'all are there', 60000);
	bob.close();
	await eventually(async () => await users() === 'ann', 'bob has parted', 60000);
});

check('all channels of a daemon that has died are swept at once', { daemons: 1 }, async ([a], redis) => {
	const client = await open(a);
	await client.subscribe('news');
	const list = 'sockjs:0:app 1';
	const left = Array.from({ length: 950 }, (_, i) => ['1', `left-${i}`]).flat();
	assert.match(await redis.command('ZADD', list, ...left), /^:950\r\n/);
	await eventually(async () => (await redis.command('ZCARD', list)).startsWith(':1\r\n'), 'news alone is there');
});

check('all members of a daemon that has died part, however many they are', { daemons: 1 }, async ([a], redis) => {
	const client = await open(a);
	await client.subscribe('news');
	const key = 'sockjs:0:app 1\tpresence-room';
	const daemon = '0123456789abcdef';
	const ids = Array.from({ length: 2500 }, (_, i) => `user-${i}`);
	await redis.command('HSET', `${key}\tp`, 'v', '1', 'n', '2500', 't', '1', `=${daemon}`, '1', ...ids.flatMap((id) => [`+${id}`, '1 {}']));
	await redis.command('ZADD', `${key}\tx`, '1', daemon, ...ids.flatMap((id) => ['1', daemon + id]));
	assert.match(await redis.command('ZADD', 'sockjs:0:app 1', '1', 'presence-room'), /^:1\r\n/);
	const left = () => redis.command('EXISTS', `${key}\tp`, `${key}\tx`);
	await eventually(async () => (await left()).startsWith(':0\r\n'), 'nothing is left of it', 60000);
	assert.doesNotMatch(a.log(), /error: engine/);
});
