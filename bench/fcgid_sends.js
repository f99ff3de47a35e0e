'use strict';

// How long a send waits for a process of mod_fcgid, which has one for each request, while more
// clients poll than it has processes. With fcgid_max_held a send finds a free one: each must be
// answered before the heartbeat that ends a poll.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { performance } = require('node:perf_hooks');
const { parseArguments } = require('./common');
const { startProcesses, startSenders } = require('../tests/e2e/lib/fcgid');
const { Connection } = require('../tests/e2e/lib/http');
const { startStack } = require('../tests/e2e/lib/stack');

const PROCESSES = 20; // FcgidMaxProcesses of examples/apache-fcgid.conf, and of them
const RECEIVERS = 14; // FcgidMaxProcessesPerClass
const SENDS = 2; // of each client
const PAUSE = 4000; // ms between two sends of a client, on the average
const PATIENCE = 20000; // ms; a poll has its heartbeat after 25 s

const options = parseArguments(
	'Usage: node bench/fcgid_sends.js [--OPTION N ...]\n\n' +
	'Clients poll behind Apache with mod_fcgid and send now and then. Prints after how long their sends were answered.', {
		clients: { default: 200, help: 'clients' },
	});

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A connection that is opened anew when the web server has ended it between two requests, as
// browsers do.
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

// The processes for sends of the stack below this directory: examples/apache-fcgid.conf writes
// their command with `=`.
function senders(temporary) {
	return execFileSync('ps', ['-e', '-o', 'args='])
		.toString()
		.split('\n')
		.filter((line) => line.includes(temporary) && line.includes('sockjs.fcgi --config=')).length;
}

async function main() {
	const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-sends-'));
	fs.chmodSync(temporary, 0o711);
	const stack = await startStack('apache-fcgid', { env: { SOCKJS_STACK_FCGI_ONLY: '1', TMPDIR: temporary } });
	const clients = Array.from({ length: options.clients }, (_, index) => new Client(stack.url, index));
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
		const wanted = Array.from({ length: SENDS }, (_, i) => `${i}`);
		for (const client of clients) assert.deepEqual(client.received, wanted);
		console.log(
			`${clients.length} clients, ${PROCESSES} processes: ${times.length} sends answered after ${at(0.5)} ms (median), ` +
				`${at(0.99)} ms (99%), ${at(1)} ms (all); ${Math.round(polls / seconds)} polls a second`,
		);
	} catch (error) {
		console.error(stack.log().slice(-4000));
		throw error;
	} finally {
		clients.forEach((client) => client.close());
		await stack.stop();
		fs.rmSync(temporary, { recursive: true, force: true });
	}
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
