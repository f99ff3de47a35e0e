'use strict';

// Publishers of a chaos run, each with a channel and a subscriber of its own. A publisher counts
// upwards, by the signed HTTP API; what gets no 200 may have been published or not, and is not
// repeated. A subscriber that loses its connection recovers by the offset of the last event that it
// has had: what was answered 200 has to come, once and in order.

const crypto = require('node:crypto');
const http = require('node:http');
const WebSocket = require('ws');

const APP = 'chaos';
const KEY = 'chaos-key';
const SECRET = 'the secret of chaos';
const SECTION = `[app ${APP}]\nkey = ${KEY}\nsecret = ${SECRET}\nhistory = 100000\nhistory_limit = 64M\nhistory_ttl = 3600000\n`;
const EVENT = 'counted';
const PAUSE = [20, 120]; // ms between two publications of a publisher
const LEAVES = 0.01; // of the events after which a subscriber leaves by itself
const RETRY = 50; // ms
const REQUEST_LIMIT = 60000; // ms

// These counts must be 0.
const FAULTS = ['publications lost', 'publications twice', 'publications out of order', 'recoveries refused'];

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function sign(target, body) {
	const query = [
		['auth_key', KEY], ['auth_timestamp', Math.floor(Date.now() / 1000)], ['auth_version', '1.0'],
		['body_md5', crypto.createHash('md5').update(body).digest('hex')],
	].map((pair) => pair.join('=')).join('&');
	const signature = crypto.createHmac('sha256', SECRET).update(`POST\n${target}\n${query}`).digest('hex');
	return `${target}?${query}&auth_signature=${signature}`;
}

// Resolves with the status; 0: there was no answer.
function post(url, target, body) {
	return new Promise((resolve) => {
		const request = http.request(`${url}${sign(target, body)}`, { method: 'POST', headers: { 'Content-Length': Buffer.byteLength(body) }, timeout: REQUEST_LIMIT });
		request.on('response', (response) => {
			response.resume();
			response.on('end', () => resolve(response.statusCode)).on('error', () => resolve(0));
		});
		request.on('timeout', () => request.destroy()).on('error', () => resolve(0));
		request.end(body);
	});
}

class Channel {
	constructor(url, name, random) {
		Object.assign(this, { url, name, random, next: 1, acknowledged: new Set(), unknown: new Set(), received: [], refusals: 0, recoveries: 0, position: null, isStopped: false });
	}

	async publish() {
		const number = this.next++;
		const body = JSON.stringify({ name: EVENT, channel: this.name, data: String(number) });
		const status = await post(this.url, `/apps/${APP}/events`, body);
		(status === 200 ? this.acknowledged : this.unknown).add(number);
		return status === 200 ? number : 0;
	}

	// What is published before the first subscription does not count.
	async open() {
		while (!(await this.publish())) await sleep(RETRY);
		const first = this.next;
		this.subscribing = this.subscribeAll();
		while (!this.position) await sleep(RETRY);
		this.acknowledged = new Set([...this.acknowledged].filter((number) => number >= first));
		this.unknown.clear();
		this.publishing = this.publishAll();
	}

	async publishAll() {
		for (; !this.isDraining; await sleep(this.random.between(...PAUSE))) await this.publish();
	}

	async subscribeAll() {
		for (; !this.isStopped; await sleep(RETRY)) await this.subscribe();
	}

	// Resolves when the connection is gone.
	subscribe() {
		return new Promise((resolve) => {
			const socket = new WebSocket(`${this.url.replace('http', 'ws')}/app/${KEY}?protocol=7`);
			this.socket = socket;
			socket.on('close', resolve).on('error', () => {});
			socket.on('message', (text) => this.take(socket, JSON.parse(text)));
		});
	}

	take(socket, { event, data, offset, epoch, recovered }) {
		if (event === 'pusher:connection_established') {
			const recover = this.position ? { recover: this.position } : {};
			socket.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel: this.name, ...recover } }));
		} else if (event === 'pusher_internal:subscription_succeeded') {
			// What was missed comes behind this.
			if (this.position) this.recoveries++;
			if (this.position && !recovered) this.refusals++;
			this.position ??= { offset, epoch };
		} else if (event === 'pusher:ping') {
			socket.send(JSON.stringify({ event: 'pusher:pong', data: {} }));
		} else if (event === EVENT) {
			this.position = { offset, epoch };
			this.received.push(Number(data));
			if (this.random.chance(LEAVES)) socket.terminate();
		}
	}

	// Publishes a last event, and waits for it: it comes behind all others.
	async drain(limit) {
		const end = Date.now() + limit;
		let last = 0;
		this.isDraining = true;
		await this.publishing;
		while (!last && Date.now() < end) {
			last = await this.publish();
			if (!last) await sleep(RETRY);
		}
		while (!this.received.includes(last) && Date.now() < end) await sleep(RETRY);
		this.isStopped = true;
		this.socket.terminate();
		await this.subscribing;
	}

	audit() {
		const had = new Set(this.received);
		return {
			lost: [...this.acknowledged].filter((number) => !had.has(number)),
			twice: this.received.filter((number, index) => this.received.indexOf(number) !== index),
			disordered: this.received.filter((number, index) => index > 0 && number < this.received[index - 1]),
		};
	}
}

class Publishing {
	constructor({ url, count, random }) {
		this.channels = Array.from({ length: count }, (_, index) => new Channel(url, `chaos-${index}`, random));
	}

	// Resolves when all have subscribed, and publish.
	open() {
		return Promise.all(this.channels.map((channel) => channel.open()));
	}

	drain(limit) {
		return Promise.all(this.channels.map((channel) => channel.drain(limit)));
	}

	// As report() of report.js.
	report() {
		const counts = Object.fromEntries(['publications acknowledged', ...FAULTS, 'publications without an answer', 'recoveries'].map((name) => [name, 0]));
		const details = [];
		const fault = (name, channel, list) => {
			counts[name] += list.length;
			if (list.length) details.push(`${name}: ${channel.name}: ${list.slice(0, 10).join(', ')}`);
		};
		for (const channel of this.channels) {
			const { lost, twice, disordered } = channel.audit();
			counts['publications acknowledged'] += channel.acknowledged.size;
			counts['publications without an answer'] += channel.unknown.size;
			counts.recoveries += channel.recoveries;
			counts['recoveries refused'] += channel.refusals;
			fault('publications lost', channel, lost);
			fault('publications twice', channel, twice);
			fault('publications out of order', channel, disordered);
		}
		if (this.channels.length > 0 && counts['publications acknowledged'] === 0) throw new Error('no publication was acknowledged');
		const text = this.channels.length === 0 ? '' : `${Object.entries(counts).map(([name, count]) => `${name}: ${count}`).join('\n')}\n`;
		return { text, details, isGood: FAULTS.every((name) => counts[name] === 0) };
	}
}

module.exports = { Publishing, SECTION, FAULTS };
