'use strict';

// The clients of an [app]: pusher-js and laravel-echo from npm, and the library `pusher`, which
// publishes and signs. APP is the section of sockjs.conf.

const assert = require('node:assert');
const PusherJs = require('pusher-js');
const Pusher = require('pusher');
const { eventually } = require('./guard');

const ID = '1';
const KEY = 'mykey';
const SECRET = 'a secret of the application';
const APP = `[app ${ID}]\nkey = ${KEY}\nsecret = ${SECRET}\nclient_events = on\n`;

const host = (url) => new URL(url).hostname;
const port = (url) => Number(new URL(url).port);

// Publishes by the HTTP API.
const publisher = (url) => new Pusher({
	appId: ID, key: KEY, secret: SECRET, host: host(url), port: port(url), useTLS: false,
});
const signer = publisher('http://127.0.0.1:1');

const below = (url) => new URL(url).pathname.replace(/\/$/, ''); // its app_path

// What pusher-js and laravel-echo are given: websockets through wsUrl, all else through url.
// `transports`: as its enabledTransports. The page that a browser test opens uses it, too, so it is
// plain data.
const optionsFor = (url, transports, wsUrl = url) => ({
	cluster: 'none',
	forceTLS: false,
	wsHost: host(wsUrl),
	wsPort: port(wsUrl),
	httpHost: host(url),
	httpPort: port(url),
	...(below(url) && { wsPath: below(wsUrl), httpPath: `${below(url)}/pusher` }),
	enabledTransports: transports,
});

// Who it is that subscribes: what a site's auth endpoint answers.
function authorize(socketId, channel, user) {
	const member = { user_id: user, user_info: { name: `name of ${user}` } };
	const isPresence = channel.startsWith('presence-');
	return signer.authorizeChannel(socketId, channel, isPresence ? member : undefined);
}

// A pusher-js that counts what happens to it. `user` is who its presence channels know.
class Client {
	constructor(url, { transports, wsUrl, user = 'ann', key = KEY } = {}) {
		this.events = []; // [channel, event, data, user_id]
		this.states = [];
		this.errors = []; // close codes, and those of pusher:error
		this.pusher = new PusherJs(key, {
			...optionsFor(url, transports, wsUrl),
			channelAuthorization: {
				customHandler: ({ socketId, channelName }, callback) =>
					callback(null, authorize(socketId, channelName, user)),
			},
			userAuthentication: {
				customHandler: ({ socketId }, callback) =>
					callback(null, signer.authenticateUser(socketId, { id: user })),
			},
		});
		const { connection } = this.pusher;
		connection.bind('state_change', ({ current }) => this.states.push(current));
		connection.bind('connecting_in', (seconds) => this.states.push(`connecting in ${seconds}`));
		connection.bind('error', ({ error }) => this.errors.push(error?.data?.code));
		Client.all.add(this);
	}

	get connection() { return this.pusher.connection; }
	get socketId() { return this.connection.socket_id; }
	get transport() { return this.connection.connection?.transport.name; }
	get state() { return this.connection.state; }
	isIn(channel) { return this.pusher.channel(channel).subscribed; }

	story() {
		const { states, errors, events } = this;
		return JSON.stringify({ states, errors, events });
	}

	async until(condition, what) {
		await eventually(condition, () => `${what}: ${this.story()}`, 40000);
	}

	async connected() {
		await this.until(() => this.state === 'connected', 'connected');
		return this;
	}

	// Notes what comes over the channel from now on. Who has sent an event, pusher-js tells those
	// alone that wait for it by name.
	async subscribe(name, ...named) {
		const channel = this.pusher.subscribe(name);
		const note = (event, data, from) => this.events.push([name, event, data, from]);
		channel.bind_global((event, data) => named.includes(event) || note(event, data));
		for (const event of named)
			channel.bind(event, (data, { user_id: from } = {}) => note(event, data, from));
		await this.until(() => channel.subscribed, `subscribed to ${name}`);
		return channel;
	}

	named(channel, event) {
		return this.events.filter((each) => each[0] === channel && each[1] === event);
	}

	async received(channel, event, count = 1) {
		await this.until(() => this.named(channel, event).length >= count, `${event} on ${channel}`);
		return this.named(channel, event).map(([, , data, from]) => ({ data, from }));
	}

	members(channel) {
		return Object.keys(this.pusher.channel(channel).members.members).sort();
	}

	async hasMembers(channel, ...users) {
		const wanted = JSON.stringify(users);
		await this.until(() => JSON.stringify(this.members(channel)) === wanted, `members ${users}`);
	}

	close() {
		this.pusher.disconnect();
		Client.all.delete(this);
	}
}
Client.all = new Set();

const open = (url, options) => new Client(url, options).connected();

// A laravel-echo over such a client.
async function openEcho(url, options) {
	const { default: Echo } = await import('laravel-echo');
	const client = await open(url, options);
	const echo = new Echo({ broadcaster: 'pusher', key: KEY, client: client.pusher });
	return { client, echo };
}

const closeAll = () => { for (const client of Client.all) client.close(); };

async function trigger(url, ...args) {
	const answer = await publisher(url).trigger(...args);
	assert.strictEqual(answer.status, 200);
}

module.exports = {
	APP, ID, KEY, SECRET, authorize, closeAll, open, openEcho, optionsFor, publisher, trigger, Client,
};
