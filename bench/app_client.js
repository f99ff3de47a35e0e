'use strict';

// Clients of an [app], key `key` and secret `secret`, that subscribe to many channels.

const crypto = require('node:crypto');
const { encodeFrame, WebSocketClient } = require('../tests/e2e/lib/websocket');

const PATIENCE = 300000; // ms: callgrind slows a program
const BATCH = 250; // subscriptions that are asked for at once
const EACH = 100; // channels of a connection
const PING = Buffer.of(0x89, 0); // an empty frame; no text has such bytes
const PONG = 10;

const names = (prefix, n) => Array.from({ length: n }, (_, i) => `${prefix}-${i}`);

class AppClient {
	static async open(url) {
		const self = new AppClient();
		self.socket = await WebSocketClient.connect(url, '/app/key?protocol=7', { timeout: PATIENCE });
		// A ping cannot wait until something is read, and may come behind a message.
		self.socket.connection.socket.on('data', (bytes) => { if (bytes.includes(PING)) self.socket.sendFrame(PONG, ''); });
		self.id = JSON.parse(JSON.parse(await self.socket.readText(PATIENCE)).data).socket_id;
		return self;
	}

	read() {
		return this.socket.readText(PATIENCE);
	}

	// Each is answered.
	async subscribe(names) {
		for (let from = 0; from < names.length; from += BATCH) {
			const some = names.slice(from, from + BATCH);
			this.socket.connection.write(Buffer.concat(some.map((channel) => encodeFrame(1, JSON.stringify({ event: 'pusher:subscribe', data: { channel } })))));
			for (const name of some)
				if (!(await this.read()).includes(name))
					throw new Error('a subscription was not answered');
		}
	}

	// They are not answered, but what follows is.
	async unsubscribe(names) {
		const frames = names.map((channel) => encodeFrame(1, JSON.stringify({ event: 'pusher:unsubscribe', data: { channel } })));
		this.socket.connection.write(Buffer.concat([...frames, encodeFrame(1, '{"event":"pusher:ping","data":{}}')]));
		await this.read();
	}

	async join(channel, user) {
		const data = JSON.stringify({ user_id: user });
		const auth = crypto.createHmac('sha256', 'secret').update(`${this.id}:${channel}:${data}`).digest('hex');
		this.socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel, auth: `key:${auth}`, channel_data: data } }));
		while (!(await this.read()).includes('subscription_succeeded'));
	}
}

// n channels with a subscriber each; a connection has EACH of them.
async function openChannels(url, n, each = EACH) {
	const all = names('channel', n);
	const clients = [];
	for (let from = 0; from < n; from += each) {
		const client = await AppClient.open(url);
		await client.subscribe(all.slice(from, from + each));
		clients.push(client);
	}
	return clients;
}

module.exports = { AppClient, names, openChannels };
