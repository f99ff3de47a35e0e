'use strict';

// For tests that treat the daemon badly: while each of them runs, well-behaved clients echo all the time, and must not
// notice anything; at the end the daemon is the same process with as many open descriptors as at the beginning.

const assert = require('node:assert');
const fs = require('node:fs');
const { test, before, after } = require('node:test');
const { startDaemon, withLog } = require('./daemon');
const { Connection } = require('./http');
const { WebSocketClient } = require('./websocket');

const PAUSE = 20; // ms between two messages of a bystander
const PATIENCE = 20000; // ms until a bystander takes an echo for lost; the machine may be busy

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A client that echoes until it is told to stop. `exchange` sends one message and resolves with what came back.
class Bystander {
	constructor(name, exchange, close) {
		Object.assign(this, { name, close, echoes: 0, slowest: 0, failure: null, running: true });
		this.finished = this.run(exchange);
	}

	async run(exchange) {
		try {
			while (this.running) {
				const message = `${this.name} ${this.echoes}`;
				const start = Date.now();
				const got = await exchange(message);
				if (got !== message)
					throw new Error(`sent ${JSON.stringify(message)}, got ${JSON.stringify(got)}`);
				this.slowest = Math.max(this.slowest, Date.now() - start);
				this.echoes++;
				await sleep(PAUSE);
			}
		} catch (error) {
			this.failure = error;
		}
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

async function websocketBystander(url) {
	const client = await WebSocketClient.connect(url, '/echo/000/bystander/websocket');
	assert.strictEqual(await client.readText(), 'o');
	return new Bystander('websocket', async (message) => {
		client.send(JSON.stringify([message]));
		return textOf(await client.readText(PATIENCE));
	}, () => client.connection.close());
}

async function pollingBystander(url) {
	const receiving = await Connection.open(url);
	const sending = await Connection.open(url);
	const poll = () => receiving.request('POST', '/echo/000/polling_bystander/xhr', { timeout: PATIENCE });
	assert.strictEqual((await poll()).text, 'o\n');
	return new Bystander('polling', async (message) => {
		const answer = poll();
		const body = JSON.stringify([message]);
		const sent = await sending.request('POST', '/echo/000/polling_bystander/xhr_send', { body, timeout: PATIENCE });
		assert.strictEqual(sent.status, 204);
		return textOf((await answer).text);
	}, () => { receiving.close(); sending.close(); });
}

async function eventually(condition, what, ms = 20000) {
	const end = Date.now() + ms;
	for (let last; !(last = await condition()); await sleep(10)) {
		if (Date.now() > end)
			assert.fail(`not within ${ms} ms: ${typeof what === 'function' ? what() : what}`);
	}
}

// What a process has open, for a failure's message: sockets with their TCP states.
function openFiles(pid) {
	const states = {};
	for (const line of fs.readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1, -1)) {
		const fields = line.trim().split(/\s+/);
		states[`socket:[${fields[9]}]`] = `TCP state ${fields[3]} ${fields[1]} ${fields[2]} queues ${fields[4]}`;
	}
	return fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
		const link = fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
		return `${fd} ${link} ${states[link] || ''}`;
	}).join('\n');
}

// Registers the hooks of a test file. Returns check(name, [options,] body), which registers a test, and
// checkUnharmed(), which registers the last one. body is called with the daemon.
function guard(subject, conf) {
	let daemon;
	let bystanders = [];
	let descriptors;

	before(async () => {
		daemon = await startDaemon({ conf });
		bystanders = await Promise.all([websocketBystander(daemon.url), pollingBystander(daemon.url)]);
		await eventually(() => bystanders.every(({ echoes, failure }) => echoes > 2 || failure), 'the bystanders echo');
		descriptors = daemon.openDescriptors();
	});
	after(async () => {
		await Promise.all(bystanders.map((bystander) => bystander.stop()));
		if (daemon)
			await daemon.stop();
	});

	const requireWell = async () => {
		for (const bystander of bystanders) {
			const { echoes } = bystander;
			await eventually(() => bystander.failure || bystander.echoes > echoes, `the ${bystander.name} bystander goes on`, PATIENCE);
			assert.ifError(bystander.failure);
		}
	};
	const check = (name, ...rest) => {
		const body = rest.pop();
		test(`${subject}: ${name}`, ...rest, withLog(() => daemon, async () => {
			await body(daemon);
			await requireWell();
		}));
	};
	const checkUnharmed = () => check('afterwards the daemon is the same process, with nothing left open', async () => {
		assert.strictEqual(daemon.child.exitCode, null);
		assert.strictEqual(daemon.child.signalCode, null);
		const count = () => fs.readdirSync(`/proc/${daemon.pid}/fd`).length;
		await eventually(() => count() <= descriptors, () => `${count()} descriptors, ${descriptors} at the beginning:\n${openFiles(daemon.pid)}`, 8000);
	});
	return { check, checkUnharmed };
}

module.exports = { guard, eventually, openFiles, sleep };
