'use strict';

// A client of protocol 7 that says what it is told to, over a bare websocket or over SockJS polling,
// and remembers what it heard.

const assert = require('node:assert');
const crypto = require('node:crypto');
const { request } = require('./http');
const { WebSocketClient } = require('./websocket');

const sign = (key, secret, text) => `${key}:${crypto.createHmac('sha256', secret).update(text).digest('hex')}`;

// What both kinds share: send(text), and next(), the next message that came.
class PusherClient {
	constructor({ key, secret }) {
		this.key = key;
		this.secret = secret;
	}

	async established() {
		const { event, data } = await this.next();
		assert.strictEqual(event, 'pusher:connection_established');
		const { socket_id: id, activity_timeout: timeout } = JSON.parse(data);
		assert.match(id, /^\d+\.\d+$/);
		assert.strictEqual(timeout, 120);
		this.id = id;
		return this;
	}

	say(event, data, channel) {
		return this.send(JSON.stringify({ event, data, channel }));
	}

	auth(text) {
		return sign(this.key, this.secret, `${this.id}:${text}`);
	}

	// Asks to subscribe, rightly signed unless `more` says otherwise.
	ask(channel, { user, ...more } = {}) {
		const channelData = user && JSON.stringify(user);
		const auth = /^(private|presence)-/.test(channel) ? this.auth(user ? `${channel}:${channelData}` : channel) : '';
		return this.say('pusher:subscribe', { channel, auth, channel_data: channelData, ...more });
	}

	// The answer to that: the whole message.
	async subscribe(channel, options) {
		await this.ask(channel, options);
		const answer = await this.next();
		assert.deepStrictEqual([answer.event, answer.channel], ['pusher_internal:subscription_succeeded', channel], JSON.stringify(answer));
		return answer;
	}

	async signIn(user) {
		const userData = JSON.stringify(user);
		await this.say('pusher:signin', { auth: sign(this.key, this.secret, `${this.id}::user::${userData}`), user_data: userData });
		return this.next();
	}

	// Nothing came before this: whatever was on its way would have.
	async expectNothing() {
		await this.say('pusher:ping', {});
		assert.deepStrictEqual(await this.next(), { event: 'pusher:pong', data: '{}' });
	}
}

class SocketClient extends PusherClient {
	static async open(url, options, query = 'protocol=7&client=test&version=1') {
		const self = new SocketClient(options);
		self.socket = await WebSocketClient.connect(url, `${options.path ?? ''}/app/${options.key}?${query}`);
		return self;
	}

	send(text) {
		this.socket.send(text);
	}

	async next() {
		return JSON.parse(await this.socket.readText());
	}

	close() {
		this.socket.sendClose(1000, '');
	}
}

let sessions = 0;

class PollClient extends PusherClient {
	// url: a function, for it may change.
	static async open(url, options, query = 'protocol=7') {
		const self = new PollClient(options);
		self.url = url;
		self.session = `${options.path ?? ''}/pusher/app/${options.key}/000/poller${++sessions}`;
		self.query = query;
		self.heard = [];
		assert.strictEqual(await self.poll(), 'o\n');
		return self;
	}

	async poll(name = 'xhr') {
		const answer = await request(this.url(), 'POST', `${this.session}/${name}?${this.query}`);
		assert.strictEqual(answer.status, 200, answer.text);
		return answer.text;
	}

	async send(text) {
		const answer = await request(this.url(), 'POST', `${this.session}/xhr_send?${this.query}`, { body: JSON.stringify([text]) });
		assert.strictEqual(answer.status, 204, answer.text);
	}

	async next() {
		while (this.heard.length === 0) {
			const text = await this.poll();
			if (text[0] === 'a')
				this.heard.push(...JSON.parse(text.slice(1)).map((message) => JSON.parse(message)));
			else
				assert.strictEqual(text, 'h\n');
		}
		return this.heard.shift();
	}
}

module.exports = { SocketClient, PollClient };
