'use strict';

// Well-behaved clients beside those that treat the server badly: each sends a message, awaits its
// echo, and sends the next one, until it is stopped.

const assert = require('node:assert');
const { Connection } = require('./http');
const { WebSocketClient } = require('./websocket');

const PAUSE = 20; // ms between an echo and the next message
const PATIENCE = 60000; // ms until an echo is taken for lost; the machine may be busy

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Bystander {
	// exchange: sends one message and resolves with what came back.
	constructor(name, exchange, close) {
		Object.assign(this, { name, close, echoes: 0, times: [], failure: null, running: true, waiting: [] });
		this.finished = this.run(exchange);
	}

	async run(exchange) {
		try {
			while (this.running) {
				const message = `${this.name} ${this.echoes}`;
				const start = performance.now();
				const got = await exchange(message);
				if (got !== message)
					throw new Error(`sent ${JSON.stringify(message)}, got ${JSON.stringify(got)}`);
				this.times.push(performance.now() - start);
				this.echoes++;
				this.wake();
				await sleep(PAUSE);
			}
		} catch (error) {
			this.failure = error;
			this.running = false;
		}
		this.wake();
	}

	wake() {
		for (const resolve of this.waiting.splice(0)) resolve();
	}

	// Resolves when one more echo has come, or none will come any more.
	next() {
		return this.running ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve();
	}

	async stop() {
		this.running = false;
		await this.finished;
		this.close();
	}
}

const textOf = (frame) => {
	assert.strictEqual(frame[0], 'a', `no message: ${frame}`);
	return JSON.parse(frame.slice(1))[0];
};

// options, of both: those of Connection.open.
async function websocketBystander(url, options) {
	const path = '/echo/000/bystander/websocket';
	const client = await WebSocketClient.handshake(await Connection.open(url, options), path);
	assert.strictEqual(await client.readText(), 'o');
	const exchange = async (message) => {
		client.send(JSON.stringify([message]));
		return textOf(await client.readText(PATIENCE));
	};
	return new Bystander('websocket', exchange, () => client.connection.close());
}

// A connection that is kept. reopens: another takes its place when the server has closed it without
// an answer, as browsers do where idle connections may be closed at any time.
class Lane {
	constructor(url, { reopens, ...options } = {}) {
		Object.assign(this, { url, reopens, options });
	}

	async post(path, body) {
		for (const end = Date.now() + PATIENCE; ; ) {
			this.connection ??= await Connection.open(this.url, this.options);
			try {
				return await this.connection.request('POST', path, { body, timeout: PATIENCE });
			} catch (error) {
				if (!this.reopens || !/before an answer: ""/.test(error.message) || Date.now() > end)
					throw error;
				this.close();
			}
		}
	}

	close() {
		if (this.connection)
			this.connection.close();
		this.connection = null;
	}
}

async function pollingBystander(url, options) {
	const session = '/echo/000/polling_bystander';
	const receiving = new Lane(url, options);
	const sending = new Lane(url, options);
	const poll = async () => (await receiving.post(`${session}/xhr`, '')).text;
	assert.strictEqual(await poll(), 'o\n');
	// A server may want a poll to come again (fcgid_max_held).
	const receive = async () => {
		let frame;
		do
			frame = await poll();
		while (frame === 'h\n');
		return frame;
	};
	const exchange = async (message) => {
		const answer = receive();
		answer.catch(() => {}); // awaited below
		const sent = await sending.post(`${session}/xhr_send`, JSON.stringify([message]));
		assert.strictEqual(sent.status, 204);
		return textOf(await answer);
	};
	return new Bystander('polling', exchange, () => [receiving, sending].forEach((lane) => lane.close()));
}

module.exports = { websocketBystander, pollingBystander, PATIENCE };
