'use strict';

// The part of a chaos run that publishes, and listens: `tests/chaos --publish`. Publishers send to
// the control socket, or to the signed HTTP API, and subscribers of each transport listen; both of
// these are behind the web server.

const crypto = require('node:crypto');
const http = require('node:http');
const path = require('node:path');
const { Publications, FAULTS } = require('./publications');
const { Subscriber, WAYS } = require('./subscriber');

const PAUSE = [20, 100]; // ms between two publications of a publisher
const AWAY = [500, 4000]; // ms between two breaks of a subscriber that comes and goes
const ANSWER_LIMIT = 60000; // ms
const SUBSCRIBERS = 2; // of each way and app, of which one comes and goes
const DISCONNECT_DELAY = 3; // s
const GONE_LIMIT = 60000; // ms in which a member that is gone is gone for all; a busy machine is slow

// Of the first, nothing may be missed. The other's history is too short for some.
const APPS = [
	{ name: '1', key: 'lasting', secret: 'first', history: 100000, isLasting: true },
	{ name: '2', key: 'short', secret: 'second', history: 3, isLasting: false },
];

const CHANNEL = 'numbers';
const PRESENCE = 'presence-here';
const GONE = 'members that stayed';
const WRONG = 'wrong messages of an app';
const PUBLISH_FAULTS = [...FAULTS, GONE, WRONG];

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// What is said for it in sockjs.conf; see conf.js. Without a folder, the control sockets stay where they
// are.
const controlIn = (folder) => path.join(folder, 'control.sock');
const server = (folder) => `${folder ? `control = ${controlIn(folder)}\n` : ''}histories_limit = 256m\n`;
const apps = () =>
	APPS.map(
		({ name, key, secret, history }) =>
			`[app ${name}]\nkey = ${key}\nsecret = ${secret}\nhistory = ${history}\n` +
			`history_limit = 64m\ndisconnect_delay = ${DISCONNECT_DELAY}s\n`,
	).join('\n');

// Resolves with the answer's JSON; rejects if it is not 200. to: of http.request.
function post(to, body) {
	return new Promise((resolve, reject) => {
		const request = http.request({ ...to, method: 'POST', timeout: ANSWER_LIMIT });
		request.on('timeout', () => request.destroy(new Error('no answer')));
		request.on('error', reject);
		request.on('response', (response) => {
			let text = '';
			response.setEncoding('utf8');
			response.on('data', (chunk) => (text += chunk));
			response.on('error', reject);
			response.on('close', () => {
				if (response.statusCode === 200 && response.complete) resolve(JSON.parse(text));
				else reject(new Error(`${response.statusCode} ${text}`));
			});
		});
		request.setHeader('Content-Length', Buffer.byteLength(body));
		request.end(body);
	});
}

function sign({ name, key, secret }, body) {
	const target = `/apps/${name}/events`;
	const query = [
		`auth_key=${key}`,
		`auth_timestamp=${Math.floor(Date.now() / 1000)}`,
		'auth_version=1.0',
		`body_md5=${crypto.createHash('md5').update(body).digest('hex')}`,
	].join('&');
	const signed = `POST\n${target}\n${query}`;
	const signature = crypto.createHmac('sha256', secret).update(signed).digest('hex');
	return `${target}?${query}&auth_signature=${signature}`;
}

class Publishing {
	// controls: the control sockets, any of which may be published to. forgets: histories may be lost,
	// if that is said.
	constructor({ url, controls, forgets = false, random, note }) {
		Object.assign(this, { url: new URL(url), controls, random, note });
		this.isStopped = false;
		this.channels = APPS.map((app) => new Publications(`${app.name}/${CHANNEL}`, app.isLasting && !forgets));
		this.subscribers = APPS.flatMap((app, at) =>
			WAYS.flatMap((way) =>
				Array.from({ length: SUBSCRIBERS }, (_, index) =>
					this.subscriber(url, way, at, index),
				),
			),
		);
	}

	subscriber(url, way, at, index) {
		const app = APPS[at];
		return new Subscriber({
			url,
			app,
			way,
			channel: CHANNEL,
			presence: PRESENCE,
			reading: this.channels[at].reading(`${way}${app.name}${index}`),
			isConstant: index === 0,
			isRestless: index === SUBSCRIBERS - 1,
			random: this.random,
		});
	}

	start() {
		this.living = Promise.all(this.subscribers.map((each) => each.live()));
		this.living.catch(() => {}); // a failure is reported to whoever awaits it
		const restless = this.subscribers.filter((each) => each.isRestless);
		const publishers = APPS.map((_, at) => this.publishAll(at));
		this.working = Promise.all([...publishers, ...restless.map((each) => this.comeAndGo(each))]);
		this.working.catch(() => {});
	}

	async comeAndGo(subscriber) {
		for (;;) {
			await sleep(this.random.between(...AWAY));
			if (this.isStopped) return;
			subscriber.leave();
		}
	}

	// Now and then one request publishes to all.
	async publishAll(at) {
		while (!this.isStopped) {
			if (this.random.chance(0.3)) await this.publishSigned(at);
			else await this.publish(this.random.chance(0.1) ? [...APPS.keys(), at] : [at]);
			await sleep(this.random.between(...PAUSE));
		}
	}

	// Publishes to those apps' channels. Resolves whether it was acknowledged.
	async publish(places) {
		const texts = places.map((at) => this.channels[at].next());
		const body = places.map((at, i) => ({
			app: APPS[at].name,
			channel: CHANNEL,
			event: 'numbered',
			data: texts[i],
		}));
		try {
			const to = { socketPath: this.random.of(this.controls), path: '/publish' };
			const answers = await post(to, JSON.stringify(body));
			for (const [i, at] of places.entries()) this.channels[at].acknowledge(texts[i], answers[i]);
			return true;
		} catch {
			return false; // its outcome stays unknown
		}
	}

	// The same by the HTTP API, which does not tell the offset.
	async publishSigned(at) {
		const channel = this.channels[at];
		const listeners = channel.listeners();
		const text = channel.next();
		const body = JSON.stringify({ name: 'numbered', channel: CHANNEL, data: text });
		const { hostname: host, port } = this.url;
		try {
			await post({ host, port, path: sign(APPS[at], body) }, body);
			channel.acknowledgeTo(text, listeners);
		} catch {
			// its outcome stays unknown
		}
	}

	// Resolves when condition() is true, or the time is over.
	async until(condition, end) {
		while (!condition() && Date.now() < end) await sleep(20);
		return condition();
	}

	// Whether somebody believes in a member that is gone, or misses one.
	get isPresenceRight() {
		return APPS.every((app) => {
			const own = this.subscribers.filter((each) => each.app === app);
			const there = own.map((each) => each.member).sort().join();
			return own.every(({ members }) => members !== null && [...members].sort().join() === there);
		});
	}

	// Publishes a last time, and waits until everybody has everything, for at most `limit` ms, and
	// until those are gone who are gone. Then it stops.
	async drain(limit) {
		const end = Date.now() + limit;
		this.isStopped = true;
		await this.working;
		while (!(await this.publish([...APPS.keys()])) && Date.now() < end) await sleep(20);
		await this.until(() => this.channels.every((each) => each.isRead), end);
		this.isRight = await this.until(() => this.isPresenceRight, Date.now() + GONE_LIMIT);
		if (!this.isRight)
			for (const each of this.subscribers)
				this.note(`${each.reading.name}, ${each.member}: ${each.members && [...each.members].sort()}`);
		for (const each of this.subscribers) each.stop();
		await this.living;
	}

	// As report.js has it. Throws if nothing was acknowledged.
	report() {
		const counts = {};
		const details = [];
		const add = (name, count) => (counts[name] = (counts[name] || 0) + count);
		for (const audit of this.channels.map((each) => each.audit())) {
			for (const [name, count] of Object.entries(audit.counts)) add(name, count);
			details.push(...audit.details);
		}
		if (counts['publications acknowledged'] === 0) throw new Error('no publication was acknowledged');
		add(GONE, this.isRight ? 0 : 1);
		for (const { wrong, reading } of this.subscribers) {
			add(WRONG, wrong.length);
			details.push(...wrong.map((what) => `${WRONG}: ${reading.name}: ${what}`));
		}
		const lines = Object.entries(counts).map(([name, count]) => `${name}: ${count}\n`);
		return { text: lines.join(''), details, isGood: PUBLISH_FAULTS.every((name) => counts[name] === 0) };
	}
}

module.exports = { Publishing, PUBLISH_FAULTS, apps, controlIn, server };
