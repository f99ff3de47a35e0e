'use strict';

// Daemons that share their channels by a Redis, and what speaks with them: publishers, subscribers of
// an app, and traffic of which all that was acknowledged has to be heard.

const assert = require('node:assert');
const crypto = require('node:crypto');
const path = require('node:path');
const { test } = require('node:test');
const { eventually } = require('./guard');
const { request } = require('./http');
const { SocketClient } = require('./pusher');
const { Redis, skip } = require('./redis');
const { Pair } = require('./responder');
const { srcdir } = require('./stack');

const LISTEN = { listen: '127.0.0.1:0' };
const APP = { key: 'mykey', secret: 'mysecret' };
const services = `[app 1]
key = mykey
secret = mysecret
client_events = on
client_event_rate = 1000
history = 1000
[service /chat]
module = chat
[service /broadcast]
module = broadcast
[service /recover]
module = ${path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'tests/modules/recover.so')}
channel_envelope = on
`;
const control = (pair) => path.join(pair.directory, 'control.sock');

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
function check(name, more, body) {
	const { daemons = 2, options = [], server = '', make = () => Redis.start(...options) } = more;
	test(`redis engine: ${name}`, { skip }, async (t) => {
		const redis = await make();
		const pairs = [];
		try {
			for (let i = 0; i < daemons; i++) {
				pairs.push(new Pair({ services: services.replace('[app 1]\n', `[app 1]\n${more.app ?? ''}`), server: `engine = ${redis.url}\n${server}\n` }));
				await pairs[i].startSessiond(LISTEN);
			}
			await body(pairs, redis);
		} catch (error) {
			if (/sent by libcurl, which is not there/.test(error.message))
				return t.skip('there is no libcurl.so.4');
			process.stderr.write(pairs.map((pair) => pair.log().slice(-3000)).join('\n---\n'));
			throw error;
		} finally {
			await Promise.all(pairs.map((pair) => pair.stop()));
			await redis.stop();
		}
	});
}

// A subscriber that reads all the time, and checks that offsets have neither a hole nor a repetition
// unless it was told so. `data` is what it has heard.
class Reader {
	static async open(pair, channel = 'news') {
		const reader = new Reader();
		reader.client = await open(pair);
		reader.data = [];
		reader.told = 0; // that something is lost
		const { offset, epoch } = await reader.client.subscribe(channel);
		Object.assign(reader, { offset, epoch });
		reader.reading = reader.read().catch((error) => {
			reader.error = error;
		});
		return reader;
	}

	async read() {
		for (;;) {
			const message = await this.client.next();
			if (message.event === 'pusher_internal:subscription_succeeded') {
				assert.strictEqual(message.recovered, false);
				this.told++;
			} else {
				assert.deepStrictEqual([message.epoch, message.offset], [this.epoch, this.offset + 1]);
				this.data.push(message.data);
			}
			({ offset: this.offset, epoch: this.epoch } = message);
		}
	}

	// Resolves when it has heard that, which was published last.
	hears(data) {
		return eventually(() => {
			if (this.error)
				throw this.error;
			return this.data.includes(data);
		}, () => `"${data}" after ${this.data.length}, the last ${this.data.at(-1)}`);
	}
}

let published_ = 0;

// Publishes in turn with both until it is stopped. `acknowledged` is what was answered with 200.
class Traffic {
	constructor(pairs) {
		this.acknowledged = [];
		this.refused = 0;
		this.running = this.run(pairs);
	}

	async run(pairs) {
		for (let i = 0; !this.isStopped; i++) {
			const data = `m${++published_}`;
			const { offset } = await publish(pairs[i % pairs.length], { channel: 'news', data });
			if (offset)
				this.acknowledged.push(data);
			else
				this.refused++;
		}
	}

	// So many more are acknowledged.
	goesOn(n) {
		const until = this.acknowledged.length + n;
		return eventually(() => this.acknowledged.length >= until, `${n} more publications`);
	}

	async stop() {
		this.isStopped = true;
		await this.running;
	}
}

// All that was acknowledged was heard, once, in its order.
function judge(reader, acknowledged) {
	const known = new Set(acknowledged);
	assert.deepStrictEqual(reader.data.filter((data) => known.has(data)), acknowledged);
	assert.strictEqual(new Set(reader.data).size, reader.data.length, 'twice');
}

// All that was published arrives.
async function judgeAll(readers, traffic, pair) {
	await traffic.stop();
	await eventually(async () => (await publish(pair, { channel: 'news', data: 'last' })).offset > 0, 'the last');
	for (const reader of readers)
		await reader.hears('last');
}

module.exports = { LISTEN, ask, check, judge, judgeAll, open, publish, published, Reader, Traffic };
