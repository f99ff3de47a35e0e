'use strict';

// What an app's webhook is told, read by the public library (npm `pusher`); and what becomes of it
// while nobody listens, and when the daemon is killed.

const assert = require('node:assert');
const http = require('node:http');
const { test } = require('node:test');
const Pusher = require('pusher');
const WebSocket = require('ws');
const { eventually } = require('./lib/guard');
const { Pair } = require('./lib/responder');
const { freePort } = require('./lib/stack');

const KEY = 'mykey';
const SECRET = 'a secret that signs';
const pusher = new Pusher({ appId: '1', key: KEY, secret: SECRET });

// The web application: takes webhooks, or answers with `status`.
class Receiver {
	static async start(port = 0) {
		const self = new Receiver();
		Object.assign(self, { status: 200, events: [], refused: 0 });
		self.server = http.createServer((request, response) => {
			let rawBody = '';
			request.setEncoding('utf8').on('data', (part) => { rawBody += part; });
			request.on('end', () => {
				self.take(request, rawBody);
				response.writeHead(self.status).end();
			});
		});
		await new Promise((resolve) => { self.server.listen(port, '127.0.0.1', resolve); });
		self.port = self.server.address().port;
		return self;
	}

	take({ headers, method, url }, rawBody) {
		const webhook = pusher.webhook({ headers, rawBody });
		this.last = { method, url, type: headers['content-type'], isValid: webhook.isValid(), time: webhook.getTime() };
		if (this.status !== 200) {
			this.refused++;
			return;
		}
		this.events.push(...webhook.getEvents());
	}

	async expect(count) {
		await eventually(() => this.events.length >= count, () => `${count} events: ${JSON.stringify(this.events)}`);
		return this.events.splice(0);
	}

	stop() {
		this.server.close();
		this.server.closeAllConnections();
	}
}

async function subscribe(url, channels, users = {}) {
	const socket = new WebSocket(`${url.replace('http', 'ws')}/app/${KEY}?protocol=7`);
	const events = [];
	socket.on('error', () => {});
	socket.on('message', (data) => events.push(JSON.parse(data)));
	const seen = (name, channel) => events.find((each) => each.event === name && (!channel || each.channel === channel));
	await eventually(() => seen('pusher:connection_established'), 'it is connected');
	const id = JSON.parse(events[0].data).socket_id;
	const send = (event, data, channel) => socket.send(JSON.stringify({ event, data, channel }));
	for (const channel of channels) {
		const auth = /^p/.test(channel) ? pusher.authorizeChannel(id, channel, users[channel]) : {};
		send('pusher:subscribe', { channel, ...auth });
		await eventually(() => seen('pusher_internal:subscription_succeeded', channel), () => `${channel}: ${JSON.stringify(events)}`);
	}
	return { id, send, close: () => socket.close() };
}

function check(name, body) {
	test(`webhooks: ${name}`, async (t) => {
		const receiver = await Receiver.start();
		const listen = `127.0.0.1:${await freePort()}`;
		const pair = new Pair({
			server: 'store = sessions.db',
			services: `[app 1]\nkey = ${KEY}\nsecret = ${SECRET}\nclient_events = on\nwebhook = http://127.0.0.1:${receiver.port}/hook.php?x=1\n`,
		});
		try {
			const env = { ...process.env, no_proxy: '127.0.0.1' };
			await body({ pair, receiver, start: () => pair.startSessiond({ listen, env }) });
		} catch (error) {
			if (/sent by libcurl, which is not there/.test(error.message)) {
				t.skip('there is no libcurl.so.4');
				return;
			}
			process.stderr.write(`--- log at the failure of "${name}":\n${pair.log().slice(-4000)}\n---\n`);
			throw error;
		} finally {
			receiver.stop();
			await pair.stop();
		}
	});
}

check('it is told of channels, members, client events and what no cache has', async ({ receiver, start }) => {
	const { url } = await start();
	const client = await subscribe(url, ['presence-a', 'cache-a'], { 'presence-a': { user_id: 'tom', user_info: {} } });
	client.send('client-moved', { x: 1 }, 'presence-a');
	const events = await receiver.expect(5);
	assert.deepStrictEqual(events, [
		{ name: 'member_added', channel: 'presence-a', user_id: 'tom' },
		{ name: 'channel_occupied', channel: 'presence-a' },
		{ name: 'channel_occupied', channel: 'cache-a' },
		{ name: 'cache_miss', channel: 'cache-a' },
		{ name: 'client_event', channel: 'presence-a', event: 'client-moved', data: '{"x":1}', socket_id: client.id, user_id: 'tom' },
	].sort((a, b) => events.findIndex((each) => each.name === a.name && each.channel === a.channel) - events.findIndex((each) => each.name === b.name && each.channel === b.channel)));
	const { time, ...rest } = receiver.last;
	assert.deepStrictEqual(rest, { method: 'POST', url: '/hook.php?x=1', type: 'application/json', isValid: true });
	assert.ok(Math.abs(Date.now() - time) < 600000);
	// A second subscriber changes nothing.
	const other = await subscribe(url, ['presence-a'], { 'presence-a': { user_id: 'tom', user_info: {} } });
	client.close();
	assert.deepStrictEqual(await receiver.expect(1), [{ name: 'channel_vacated', channel: 'cache-a' }]);
	other.close();
	assert.deepStrictEqual((await receiver.expect(2)).map(({ name }) => name).sort(), ['channel_vacated', 'member_removed']);
});

check('what was not taken is sent again, once, also by the next daemon', async ({ pair, receiver, start }) => {
	receiver.status = 500;
	const { url } = await start();
	await subscribe(url, ['a']);
	await eventually(() => receiver.refused >= 1, 'it is sent');
	await subscribe(url, ['b']);
	await eventually(() => receiver.refused >= 2, 'it is sent again');
	await pair.sessiond.stop('SIGKILL');
	assert.match(pair.log(), /\[app 1\]: the webhook cannot be told \(it was answered by 500\); \d events wait/);
	receiver.status = 200;
	await start();
	const told = await receiver.expect(4);
	// Another daemon may have the one of b.
	const namesOf = (wanted) => told.filter(({ channel }) => channel === wanted).map(({ name }) => name);
	for (const channel of ['a', 'b'])
		assert.deepStrictEqual(namesOf(channel), ['channel_occupied', 'channel_vacated']);
	await subscribe(url, ['c']);
	assert.deepStrictEqual(await receiver.expect(1), [{ name: 'channel_occupied', channel: 'c' }]);
	// What was taken is not in the store any more, but for what was taken last.
	await pair.sessiond.stop('SIGTERM');
	await start();
	await subscribe(url, ['d']);
	const last = await receiver.expect(1);
	assert.ok(last.every(({ channel }) => channel === 'c' || channel === 'd'), JSON.stringify(last));
});

check('who is killed tells the next one whose subscribers it had', async ({ pair, receiver, start }) => {
	const { url } = await start();
	await subscribe(url, ['a', 'presence-b'], { 'presence-b': { user_id: 'tom', user_info: {} } });
	(await subscribe(url, ['left'])).close();
	await receiver.expect(5);
	await pair.sessiond.stop('SIGKILL');
	await start();
	// What was told last may come twice: the daemon may have been killed before it had noted that.
	const vacated = async (...channels) => {
		const told = new Set();
		while (!channels.every((channel) => told.has(channel)))
			for (const { name, channel } of await receiver.expect(1))
				if (name === 'channel_vacated') told.add(channel);
		return told;
	};
	assert.ok([...await vacated('a', 'presence-b')].every((channel) => ['a', 'presence-b', 'left'].includes(channel)));
	// It is told no more.
	await subscribe(url, ['c']);
	await receiver.expect(1);
	await subscribe(url, ['d']);
	await receiver.expect(1);
	await pair.sessiond.stop('SIGKILL');
	await start();
	assert.deepStrictEqual([...await vacated('c', 'd')].sort(), ['c', 'd']);
});

check('where nobody listens, nobody else waits', async ({ receiver, pair, start }) => {
	receiver.stop();
	const { url } = await start();
	for (let i = 0; i < 3; i++)
		(await subscribe(url, [`c${i}`])).close();
	await eventually(() => /the webhook cannot be told \(.*onnect/.test(pair.log()), () => pair.log());
	const late = await Receiver.start(receiver.port);
	const names = (await late.expect(6)).map(({ name }) => name);
	assert.deepStrictEqual(names.filter((name) => name === 'channel_occupied').length, 3);
	late.stop();
});
