'use strict';

// The signed HTTP API, asked by the public library (npm `pusher`) and by hand: at the daemon itself,
// and through a web server and FastCGI.

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');
const Pusher = require('pusher');
const WebSocket = require('ws');
const { withTimeout } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { startStack } = require('./lib/stack');

const KEY = 'mykey';
const SECRET = 'a secret that signs';
const CONF = `[app 1]
key = ${KEY}
secret = ${SECRET}
client_events = on
[app 2]
key = otherkey
secret = ${SECRET}
`;
const LIMIT = 10240; // publish_limit

const hmac = (text) => crypto.createHmac('sha256', SECRET).update(text).digest('hex');
const md5 = (text) => crypto.createHash('md5').update(text).digest('hex');
const now = () => Math.floor(Date.now() / 1000);

// A signed target. left: parameters that are signed, but not as they should be; params: further ones.
function sign(method, target, body, { params = {}, secret, ...left } = {}) {
	const all = { auth_key: KEY, auth_timestamp: now(), auth_version: '1.0', ...params };
	if (body)
		all.body_md5 = md5(body);
	Object.assign(all, left);
	const text = Object.keys(all).sort().map((key) => `${key}=${all[key]}`).join('&');
	const signature = secret ? crypto.createHmac('sha256', secret).update('x').digest('hex') : hmac(`${method}\n${target}\n${text}`);
	return `${target}?${Object.entries({ ...all, auth_signature: signature }).map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&')}`;
}

function ask(stack, method, target, body = '') {
	return new Promise((resolve, reject) => {
		const request = http.request(`${stack.url}${target}`, { method, headers: body ? { 'Content-Length': Buffer.byteLength(body) } : {} }, (response) => {
			let text = '';
			response.setEncoding('utf8').on('data', (part) => { text += part; });
			response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
		});
		request.on('error', reject);
		request.end(body);
	});
}

// A client that subscribes. Its events are in .events.
class Subscriber {
	static async open(stack, channels, users = {}) {
		const self = new Subscriber();
		self.events = [];
		self.socket = new WebSocket(`${stack.url.replace('http', 'ws')}/app/${KEY}?protocol=7`);
		self.closed = new Promise((resolve) => self.socket.on('close', resolve));
		self.socket.on('message', (data) => self.events.push(JSON.parse(data)));
		self.socket.on('error', () => {});
		const established = await self.event('pusher:connection_established');
		self.id = JSON.parse(established.data).socket_id;
		for (const channel of channels) {
			const user = users[channel];
			const auth = user ? stack.pusher.authorizeChannel(self.id, channel, user) : {};
			self.socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel, ...auth } }));
			await self.event('pusher_internal:subscription_succeeded', channel);
		}
		return self;
	}

	// The first event of that name, and of that channel, if it is given; it is taken away.
	async event(name, channel) {
		const at = () => this.events.findIndex((each) => each.event === name && (!channel || each.channel === channel));
		await eventually(() => at() >= 0, () => `${name} ${channel || ''}: ${JSON.stringify(this.events)}`);
		return this.events.splice(at(), 1)[0];
	}

	close() {
		this.socket.terminate();
	}
}

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-pusher-api-'));
const stacks = {};

before(async () => {
	const conf = path.join(directory, 'app.conf');
	fs.writeFileSync(conf, CONF);
	await Promise.all(['direct', 'lighttpd'].map(async (kind) => {
		stacks[kind] = await startStack(kind, { conf });
		const { hostname, port } = new URL(stacks[kind].url);
		stacks[kind].pusher = new Pusher({ appId: '1', key: KEY, secret: SECRET, host: hostname, port, useTLS: false });
	}));
});

after(async () => {
	await Promise.all(Object.values(stacks).map((stack) => stack.stop()));
	fs.rmSync(directory, { recursive: true, force: true });
});

function check(name, body) {
	for (const kind of ['direct', 'lighttpd'])
		test(`pusher API, ${kind}: ${name}`, () => body(stacks[kind]));
}

const jsonOf = async (answer) => (await answer).json();

check('an event reaches its channels, but not the connection that is left out', async (stack) => {
	const one = await Subscriber.open(stack, ['a', 'b']);
	const other = await Subscriber.open(stack, ['a']);
	const answer = await stack.pusher.trigger(['a', 'b'], 'added', { ä: 1 }, { socket_id: other.id });
	assert.deepStrictEqual([answer.status, await answer.json()], [200, {}]);
	for (const channel of ['a', 'b'])
		assert.deepStrictEqual(JSON.parse((await one.event('added', channel)).data), { ä: 1 });
	await stack.pusher.trigger('a', 'last', 'text');
	assert.strictEqual((await other.event('last')).data, 'text');
	assert.ok(!other.events.some(({ event }) => event === 'added'));
	[one, other].forEach((client) => client.close());
});

check('a batch, with what was asked for of its channels', async (stack) => {
	const client = await Subscriber.open(stack, ['c', 'presence-c'], { 'presence-c': { user_id: 'tom' } });
	assert.deepStrictEqual(await jsonOf(stack.pusher.triggerBatch([{ channel: 'c', name: 'e', data: '1' }])), {});
	await client.event('e', 'c');
	const told = await jsonOf(stack.pusher.triggerBatch([
		{ channel: 'c', name: 'e', data: '2', info: 'subscription_count' }, { channel: 'presence-c', name: 'e', data: '3', info: 'user_count' },
	]));
	assert.deepStrictEqual(told, { batch: [{ subscription_count: 1 }, { user_count: 1 }] });
	const info = await jsonOf(stack.pusher.trigger(['c', 'nobodys'], 'e', '4', { info: 'subscription_count' }));
	assert.deepStrictEqual(info, { channels: { c: { subscription_count: 1 }, nobodys: { subscription_count: 0 } } });
	client.close();
});

check('channels, one of them, and who is there', async (stack) => {
	const member = { 'presence-d': { user_id: 'tom jones', user_info: { x: 1 } } };
	const clients = [await Subscriber.open(stack, ['d', 'presence-d'], member), await Subscriber.open(stack, ['presence-d'], member)];
	const get = (where, params = {}) => jsonOf(stack.pusher.get({ path: where, params }));
	const { channels } = await get('/channels');
	assert.deepStrictEqual([channels.d, channels['presence-d']], [{}, {}]);
	assert.deepStrictEqual((await get('/channels', { filter_by_prefix: 'presence-d', info: 'user_count,subscription_count' })).channels,
		{ 'presence-d': { user_count: 1, subscription_count: 2 } });
	assert.deepStrictEqual(await get('/channels/d', { info: 'subscription_count' }), { occupied: true, subscription_count: 1 });
	assert.deepStrictEqual(await get('/channels/empty'), { occupied: false });
	assert.deepStrictEqual(await get('/channels/presence-d/users'), { users: [{ id: 'tom jones' }] });
	assert.deepStrictEqual(await get('/channels/cache-d', { info: 'cache' }), { occupied: false, cache: null });
	await stack.pusher.trigger('cache-d', 'e', { last: 1 });
	const { cache } = await get('/channels/cache-d', { info: 'cache' });
	assert.strictEqual(cache.data, '{"last":1}');
	assert.ok(cache.ttl >= 0);
	const head = await ask(stack, 'HEAD', sign('HEAD', '/apps/1/channels'));
	assert.deepStrictEqual([head.status, head.text], [200, '']);
	clients.forEach((client) => client.close());
});

check('the connections of a user are ended', async (stack) => {
	const client = await Subscriber.open(stack, []);
	client.socket.send(JSON.stringify({ event: 'pusher:signin', data: stack.pusher.authenticateUser(client.id, { id: 'tom jones' }) }));
	await client.event('pusher:signin_success');
	assert.strictEqual((await stack.pusher.sendToUser('tom jones', 'hello', { a: 1 }).catch((error) => error)).status, 200);
	await client.event('hello');
	assert.deepStrictEqual(await jsonOf(stack.pusher.terminateUserConnections('nobody')), {});
	assert.deepStrictEqual(await jsonOf(stack.pusher.terminateUserConnections('tom jones')), {});
	assert.strictEqual(await withTimeout(client.closed, 20000, 'the connection goes on'), 4009);
});

async function refused(stack, [method, target, body, options], status, text) {
	const answer = await ask(stack, method, sign(method, target, body, options), body);
	assert.match(answer.text, text);
	assert.strictEqual(answer.status, status, answer.text);
	assert.match(answer.headers['content-type'], /^text\/plain/);
}

check('who is refused is told why', async (stack) => {
	const event = (more) => ['POST', '/apps/1/events', JSON.stringify({ name: 'e', data: 'd', channel: 'f', ...more })];
	const batch = (list) => ['POST', '/apps/1/batch_events', JSON.stringify({ batch: list })];
	const good = event();
	assert.strictEqual((await ask(stack, 'POST', sign(...good), good[2])).status, 200);
	const cases = [
		[[...good, { secret: 'x' }], 401, /^auth_signature is wrong: .*POST\\n\/apps\/1\/events\\nauth_key=mykey&/],
		[[...good, { auth_timestamp: now() - 700 }], 401, /^auth_timestamp is 70\d seconds old, 600 are allowed/],
		[[...good, { body_md5: md5('else') }], 401, /^body_md5 differs: the body has \d+ bytes/],
		[[...good, { auth_key: 'otherkey' }], 401, /^auth_key otherkey is not the key of this app/],
		[['POST', '/apps/3/events', '{}'], 404, /^there is no such app/],
		[['POST', '/apps/1/event', '{}'], 404, /^there is no POST \/apps\/1\/event\n/],
		[['GET', '/apps/1/events'], 404, /^there is no GET/],
		[['DELETE', '/apps/1/channels/f'], 404, /^there is no DELETE/],
		[['POST', '/apps/1/events', '{'], 400, /^the body is no JSON: /],
		[['POST', '/apps/1/events', '[]'], 400, /^the body is to be a JSON object/],
		[event({ name: undefined }), 400, /^name is missing/],
		[event({ name: 'n'.repeat(201) }), 400, /1 to 200 bytes/],
		[event({ data: { a: 1 } }), 400, /^data is to be a string/],
		[event({ data: 'x'.repeat(LIMIT + 1) }), 413, /publish_limit/],
		[event({ channel: undefined }), 400, /^channel is missing/],
		[event({ channel: 'a b' }), 400, /^channel "a b": the name of a channel is/],
		[event({ channel: 'x'.repeat(165) }), 400, /1 to 164/],
		[event({ channels: Array.from({ length: 101 }, (_, i) => `c${i}`) }), 400, /1 to 100 names, and has 101/],
		[event({ channels: [] }), 400, /and has 0/],
		[event({ channels: ['a', 7] }), 400, /a channel's name is to be a string/],
		[event({ channels: ['private-encrypted-a', 'b'] }), 400, /is for no other/],
		[event({ socket_id: '1' }), 400, /socket_id/],
		[event({ info: 'secrets' }), 400, /^info is a list of/],
		[batch(Array.from({ length: 11 }, () => ({ name: 'e', data: 'd', channel: 'f' }))), 400, /1 to 10 events, and has 11/],
		[batch([{ name: 'e', data: 'd', channel: 'f' }, { name: 'e', channel: 'f' }]), 400, /^data is missing/],
		[batch([7]), 400, /^name is missing/],
		[['GET', '/apps/1/channels', '', { params: { info: 'user_count' } }], 400, /^user_count is of presence channels/],
		[['GET', '/apps/1/channels/f/users', ''], 400, /^users are in presence channels only/],
	];
	for (const [request, status, text] of cases)
		await refused(stack, request, status, text);
	await assert.rejects(stack.pusher.trigger('a', 'e', 'x'.repeat(LIMIT + 1)), ({ status, body }) => status === 413 && /publish_limit/.test(body));
	const bare = await ask(stack, 'GET', '/apps/1/channels');
	assert.deepStrictEqual([bare.status, bare.text], [401, 'auth_version is missing\n']);
});

check('what is as large as it may be', async (stack) => {
	const client = await Subscriber.open(stack, ['g']);
	const data = 'x'.repeat(LIMIT);
	await stack.pusher.triggerBatch(Array.from({ length: 10 }, () => ({ channel: 'g', name: 'n'.repeat(200), data })));
	for (let i = 0; i < 10; i++)
		assert.strictEqual((await client.event('n'.repeat(200))).data, data);
	await stack.pusher.trigger(Array.from({ length: 100 }, (_, i) => `g${i}`), 'e', 'd');
	client.close();
});
