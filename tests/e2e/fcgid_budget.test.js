'use strict';

// mod_fcgid has a process for each request: with more clients that wait for messages than it has
// processes, a send must find a free one all the same (fcgid_max_held).

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { performance } = require('node:perf_hooks');
const { startProcesses, startSenders } = require('./lib/fcgid');
const { Connection } = require('./lib/http');
const { startStack } = require('./lib/stack');

const CLIENTS = 200;
const PROCESSES = 20; // FcgidMaxProcesses of examples/apache-fcgid.conf, and of them
const RECEIVERS = 14; // FcgidMaxProcessesPerClass
const SENDS = 2; // of each client
const PAUSE = 4000; // ms between two sends of a client, on the average
const LIMIT = 1000; // ms
const PATIENCE = 30000; // ms

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A connection that is opened anew when the web server has ended it between two requests, as browsers do.
class Lane {
	constructor(url) {
		this.url = url;
	}

	async post(path, body) {
		if (this.connection) {
			try {
				return await this.exchange(path, body);
			} catch (error) {
				if (!/before an answer: ""/.test(error.message)) throw error;
				this.close();
			}
		}
		this.connection = await Connection.open(this.url);
		return this.exchange(path, body);
	}

	async exchange(path, body) {
		const answer = await this.connection.request('POST', path, { body, timeout: PATIENCE });
		if (/close/i.test(answer.header('Connection') || '')) this.close();
		return answer;
	}

	close() {
		if (this.connection) this.connection.close();
		this.connection = null;
	}
}

// An xhr-polling client, as sockjs-client is one: it polls all the time.
class Client {
	constructor(url, index) {
		this.path = `/echo/000/client${index}`;
		this.receiving = new Lane(url);
		this.sending = new Lane(url);
		this.received = [];
		this.polls = 0;
		this.times = []; // ms until a send was answered
	}

	async open() {
		assert.equal(await this.poll(), 'o\n');
	}

	async poll() {
		const answer = await this.receiving.post(`${this.path}/xhr`, '');
		assert.equal(answer.status, 200, answer.head);
		this.polls++;
		return answer.text;
	}

	async receiveAll() {
		while (this.received.length < SENDS) {
			const frame = await this.poll();
			if (frame[0] === 'a') this.received.push(...JSON.parse(frame.slice(1)));
			else assert.equal(frame, 'h\n');
		}
	}

	async sendAll() {
		for (let i = 0; i < SENDS; i++) {
			await sleep(Math.random() * 2 * PAUSE);
			const begin = performance.now();
			const answer = await this.sending.post(`${this.path}/xhr_send`, JSON.stringify([`${i}`]));
			assert.equal(answer.status, 204, answer.head);
			this.times.push(performance.now() - begin);
		}
	}

	close() {
		this.receiving.close();
		this.sending.close();
	}
}

// The processes for sends of the stack below this directory: examples/apache-fcgid.conf writes their command with `=`.
function senders(temporary) {
	return execFileSync('ps', ['-e', '-o', 'args='])
		.toString()
		.split('\n')
		.filter((line) => line.includes(temporary) && line.includes('sockjs.fcgi --config=')).length;
}

const skip = process.env.SOCKJS_SANITIZED === '1' && 'a sanitized build is slower than what is measured here';

test(`mod_fcgid: with ${CLIENTS} polling clients and ${PROCESSES} processes a send is answered within a second`, { skip }, async (t) => {
	const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-budget-'));
	fs.chmodSync(temporary, 0o711);
	const stack = await startStack('apache-fcgid', {
		env: { SOCKJS_STACK_FCGI_ONLY: '1', TMPDIR: temporary },
	});
	const clients = Array.from({ length: CLIENTS }, (_, index) => new Client(stack.url, index));
	try {
		await startProcesses(stack.url, RECEIVERS);
		await startSenders(stack.url, () => senders(temporary) >= PROCESSES - RECEIVERS);
		for (const client of clients) await client.open();
		const begin = performance.now();
		await Promise.all(clients.flatMap((client) => [client.sendAll(), client.receiveAll()]));
		const seconds = (performance.now() - begin) / 1000;
		const times = clients.flatMap((client) => client.times).sort((a, b) => a - b);
		const at = (part) => Math.round(times[Math.floor((times.length - 1) * part)]);
		const polls = clients.reduce((sum, client) => sum + client.polls, 0);
		t.diagnostic(
			`${times.length} sends answered after ${at(0.5)} ms (median), ${at(0.99)} ms (99%), ${at(1)} ms (all); ` +
				`${Math.round(polls / seconds)} polls a second`,
		);
		for (const client of clients)
			assert.deepEqual(
				client.received,
				Array.from({ length: SENDS }, (_, i) => `${i}`),
			);
		assert.ok(at(1) <= LIMIT, `a send was answered only after ${at(1)} ms`);
	} catch (error) {
		console.error(stack.log().slice(-4000));
		throw error;
	} finally {
		clients.forEach((client) => client.close());
		await stack.stop();
		fs.rmSync(temporary, { recursive: true, force: true });
	}
});
