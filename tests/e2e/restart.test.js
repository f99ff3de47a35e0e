'use strict';

// What polling clients see of a daemon that is killed, and of long silence. Behind web servers, as
// an install has it.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const SockJS = require('sockjs-client');
const { startProcesses } = require('./lib/fcgid');
const { request } = require('./lib/http');
const { startStack } = require('./lib/stack');

const CLIENTS = 20;
const KILLS = 3;
const HEARTBEATS = 30; // more than five minutes have, at the default of one every 25 s
const PATIENCE = 30000; // ms

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Polls and sends until it is told to stop. A session that the daemon has lost shows as an `o` in
// an open session, or as 404 for a send: sockjs-client closes then, and an application connects
// anew, as this one does.
class Client {
	constructor(url, index) {
		this.url = url;
		this.index = index;
		this.sessions = 0;
		this.lost = 0;
		this.statuses = new Map();
		this.echoed = 0;
		this.stopped = false;
	}

	async post(what, body) {
		const answer = await request(this.url, 'POST', `/echo/000/restart${this.index}n${this.sessions}/${what}`, { body, timeout: PATIENCE });
		this.statuses.set(answer.status, (this.statuses.get(answer.status) || 0) + 1);
		return answer;
	}

	// One session, until it is lost or the client stops.
	async live() {
		this.sessions++;
		const first = await this.post('xhr', '');
		assert.equal(first.text, 'o\n');
		let isLost = false;
		const receive = async () => {
			while (!isLost && !this.stopped) {
				const { status, text } = await this.post('xhr', '');
				if (status !== 200 || text[0] === 'o' || text[0] === 'c') isLost = true;
				else if (text[0] === 'a') this.echoed += JSON.parse(text.slice(1)).length;
			}
		};
		const send = async () => {
			while (!isLost && !this.stopped) {
				if ((await this.post('xhr_send', '["x"]')).status !== 204) isLost = true;
				await sleep(50 + Math.random() * 100);
			}
			// The poll that is held is answered by a last message, or by the loss.
			await this.post('xhr_send', '["last"]');
		};
		await Promise.all([receive(), send()]);
		if (isLost) this.lost++;
	}

	async run() {
		while (!this.stopped) await this.live();
	}
}

async function killDaemon(stack) {
	const [pid] = stack.pids.sessiond;
	process.kill(pid, 'SIGKILL');
	for (let waited = 0; stack.pids.sessiond[0] === pid; waited += 20) {
		assert.ok(waited < PATIENCE, 'sessiond comes back');
		await sleep(20);
	}
}

for (const kind of ['lighttpd', 'apache-fcgid'])
	test(`${kind}: sessiond killed ${KILLS} times under ${CLIENTS} polling clients: no request fails`, async (t) => {
		const stack = await startStack(kind);
		const clients = Array.from({ length: CLIENTS }, (_, index) => new Client(stack.url, index));
		try {
			if (kind === 'apache-fcgid') await startProcesses(stack.url, 10);
			const running = Promise.all(clients.map((client) => client.run()));
			for (let i = 0; i < KILLS; i++) {
				await sleep(700);
				await killDaemon(stack);
			}
			const before = clients.map((client) => client.echoed);
			for (let waited = 0; clients.some((client, i) => client.echoed === before[i]); waited += 50) {
				assert.ok(waited < PATIENCE, 'every client is served again');
				await Promise.race([sleep(50), running]);
			}
			clients.forEach((client) => (client.stopped = true));
			await running;
			const statuses = {};
			for (const client of clients)
				for (const [status, count] of client.statuses) statuses[status] = (statuses[status] || 0) + count;
			const lost = clients.reduce((sum, client) => sum + client.lost, 0);
			t.diagnostic(`statuses ${JSON.stringify(statuses)}, ${lost} sessions lost to ${KILLS} kills`);
			assert.deepEqual(Object.keys(statuses).filter((status) => !['200', '204', '404'].includes(status)), []);
			assert.ok(lost <= CLIENTS * KILLS, 'a session is lost once with each kill');
		} catch (error) {
			console.error(stack.log().slice(-4000));
			throw error;
		} finally {
			clients.forEach((client) => (client.stopped = true));
			await stack.stop();
		}
	});

// The real client, polling only, while nothing is said.
function heartbeatsOf(url, count) {
	return new Promise((resolve, reject) => {
		const client = new SockJS(`${url}/echo`, null, { transports: ['xhr-polling'], timeout: PATIENCE });
		let seen = 0;
		const timer = setTimeout(() => reject(new Error(`only ${seen} heartbeats`)), PATIENCE);
		client.onheartbeat = () => {
			if (++seen === count) client.send('still here');
		};
		client.onmessage = (event) => {
			assert.equal(event.data, 'still here');
			client.close();
		};
		client.onclose = (event) => {
			clearTimeout(timer);
			if (event.code === 1000 && seen >= count) resolve();
			else reject(new Error(`closed with ${event.code} ${event.reason} after ${seen} heartbeats`));
		};
	});
}

for (const kind of ['direct', 'lighttpd', 'apache-fcgid', 'apache-proxy', 'nginx'])
	test(`${kind}: ${HEARTBEATS} heartbeats of a polling client, and its session is still there`, async () => {
		const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-heartbeats-'));
		const conf = path.join(folder, 'sockjs.conf');
		fs.writeFileSync(conf, '[server]\nheartbeat_delay = 100\ndisconnect_delay = 2000\n[service /echo]\nmodule = echo\n');
		const stack = await startStack(kind, { conf });
		try {
			// mod_fcgid starts one process a second; the client waits less for its first answer.
			if (kind === 'apache-fcgid') await startProcesses(stack.url, 10);
			await Promise.all(Array.from({ length: 3 }, () => heartbeatsOf(stack.url, HEARTBEATS)));
		} catch (error) {
			console.error(stack.log().slice(-4000));
			throw error;
		} finally {
			await stack.stop();
			fs.rmSync(folder, { recursive: true, force: true });
		}
	});
