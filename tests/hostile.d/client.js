'use strict';

// A normal client: it sends a message every few milliseconds, and measures how long each takes to
// come back. One has a websocket, the other a poll and sends.

const { Connection } = require('../e2e/lib/http');
const { WebSocketClient } = require('../e2e/lib/websocket');

const ADDRESS = '127.0.0.2'; // attackers have 127.0.0.1
const PAUSE = 10; // ms between an echo and the next message
const LIMIT = 60000; // ms: what is not back then is lost

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Client {
	constructor() {
		this.times = []; // ms
		this.sent = 0;
	}

	// Sends and awaits messages until `stop` is called; rejects if one does not come back.
	async live() {
		while (!this.isStopped) {
			const text = `${++this.sent}`;
			const begin = performance.now();
			const back = await this.echo(text);
			if (back !== text) throw new Error(`${this.name}: "${back}" came back for "${text}"`);
			this.times.push(performance.now() - begin);
			await sleep(PAUSE);
		}
	}

	run() {
		this.running = this.live();
		this.running.catch(() => {}); // stop() tells
	}

	async stop() {
		this.isStopped = true;
		await this.running;
	}
}

class WebSocketEchoes extends Client {
	name = 'websocket';

	async open(url) {
		this.socket = await WebSocketClient.handshake(await Connection.open(url, { localAddress: ADDRESS }), '/echo/websocket');
		this.run();
	}

	async echo(text) {
		this.socket.send(text);
		return this.socket.readText(LIMIT);
	}

	close() {
		this.socket.connection.close();
	}
}

class PollingEchoes extends Client {
	name = 'polling';

	async open(url) {
		this.url = url;
		this.path = `/echo/000/normal${process.pid}`;
		const first = await this.poll();
		if (first !== 'o\n') throw new Error(`polling: ${first}`);
		this.run();
	}

	// As a browser does, on a connection that is kept; on a new one if the server has closed that.
	async request(lane, path, body) {
		const end = performance.now() + LIMIT;
		for (;;) {
			if (!this[lane] || this[lane].closed) this[lane] = await Connection.open(this.url, { localAddress: ADDRESS });
			try {
				return await this[lane].request('POST', `${this.path}/${path}`, { body, timeout: LIMIT });
			} catch (error) {
				if (!/before an answer: ""/.test(error.message) || performance.now() > end) throw error;
				this.again = (this.again || 0) + 1;
				this[lane].close();
				this[lane] = undefined;
			}
		}
	}

	async poll() {
		return (await this.request('receiver', 'xhr', '')).body.toString();
	}

	async echo(text) {
		const back = this.poll();
		back.catch(() => {}); // awaited below
		const answer = await this.request('sender', 'xhr_send', JSON.stringify([text]));
		if (answer.status !== 204) throw new Error(`polling: a send got ${answer.status}`);
		let frame = await back;
		while (frame === 'h\n') frame = await this.poll();
		return JSON.parse(frame.slice(1))[0];
	}

	close() {
		for (const lane of [this.receiver, this.sender]) if (lane) lane.close();
	}
}

const percentile = (times, part) => [...times].sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * part))];

module.exports = { WebSocketEchoes, PollingEchoes, percentile };
