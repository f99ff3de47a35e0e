'use strict';

// sessiond is told to stop, and comes back by itself; and its program is replaced by another one,
// as an upgrade does. Real clients that poll behind web servers notice neither, whether they are
// talking or silent, and nothing of theirs is lost.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const SockJS = require('sockjs-client');
const { startProcesses } = require('./lib/fcgid');
const { startStack, srcdir } = require('./lib/stack');

const buildDirectory = process.env.SOCKJS_BUILDDIR || srcdir;
const TALKING = 8; // clients that always have a message under way
const SILENT = 4; // clients that say something in the end only
const STEPS = 10; // messages that each talking client hears between two restarts
const FCGID_PROCESSES = 14;
const PATIENCE = 30000; // ms

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition, what) {
	const end = Date.now() + PATIENCE;
	while (!condition()) {
		if (Date.now() > end) assert.fail(`not within ${PATIENCE} ms: ${what}`);
		await sleep(10);
	}
}

// What an installation has: the programs and the modules, where each finds the others.
function install(directory) {
	const copies = ['sessiond/sockjs-sessiond', 'fcgi/sockjs.fcgi', 'examples/echo.so'];
	for (const file of copies) {
		fs.mkdirSync(path.join(directory, path.dirname(file)));
		fs.copyFileSync(path.join(buildDirectory, file), path.join(directory, file));
	}
	const conf = path.join(directory, 'sockjs.conf');
	fs.writeFileSync(conf, `[server]\nstore = ${directory}/sessions.db\n[service /echo]\nmodule = echo\n`);
	return conf;
}

// Sends a message whenever the former one has come back.
class Client {
	constructor(url, talks) {
		this.talks = talks;
		this.sent = 0;
		this.heard = [];
		this.opened = 0;
		this.socket = new SockJS(`${url}/echo`, null, { transports: ['xhr-polling'], timeout: 10000 });
		this.socket.onopen = () => {
			this.opened++;
			if (this.talks) this.send();
		};
		this.socket.onmessage = ({ data }) => {
			this.heard.push(data);
			if (this.talks) this.send();
		};
		this.socket.onclose = ({ code, reason }) => {
			this.closed = `${code} ${reason}`;
		};
	}

	send() {
		this.socket.send(`${this.sent++}`);
	}

	check() {
		assert.equal(this.closed, undefined, 'no client notices');
		assert.equal(this.opened, 1);
		assert.deepEqual(
			this.heard,
			Array.from({ length: this.heard.length }, (_, i) => `${i}`),
			'every message comes back once, in order',
		);
	}
}

// Until each talking client has heard more, and none has been closed.
async function hearMore(clients) {
	const before = clients.map((client) => client.heard.length);
	const hasMore = (client, i) => client.heard.length >= before[i] + STEPS;
	await until(
		() => clients.some((client) => client.closed) || clients.every((client, i) => !client.talks || hasMore(client, i)),
		'the clients are served',
	);
	clients.forEach((client) => client.check());
}

async function restart(stack) {
	const [pid] = stack.pids.sessiond;
	process.kill(pid, 'SIGTERM');
	await until(() => stack.pids.sessiond.length && stack.pids.sessiond[0] !== pid, 'sessiond comes back');
}

// As installers do: a new file takes the name, and the old one stays what the processes have that
// run it.
function replace(program) {
	const next = `${program}.new`;
	fs.copyFileSync(program, next);
	fs.renameSync(next, program);
	return fs.statSync(program).ino;
}

async function finish(clients) {
	for (const client of clients) {
		client.talks = false;
		if (client.sent === 0) client.send();
	}
	await until(() => clients.every((client) => client.closed || client.heard.length === client.sent), 'everything is back');
	clients.forEach((client) => client.check());
}

for (const kind of ['lighttpd', 'apache-fcgid', 'nginx'])
	test(`${kind}: a restart and an upgrade of sessiond under ${TALKING + SILENT} polling clients`, async () => {
		const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-upgrade-'));
		fs.chmodSync(directory, 0o755);
		const conf = install(directory);
		const stack = await startStack(kind, { conf, env: { SOCKJS_BUILDDIR: directory } });
		let clients = [];
		try {
			if (kind === 'apache-fcgid') await startProcesses(stack.url, FCGID_PROCESSES);
			clients = Array.from({ length: TALKING + SILENT }, (_, index) => new Client(stack.url, index < TALKING));
			await until(() => clients.every((client) => client.opened), 'all clients are open');
			await hearMore(clients);
			await restart(stack);
			await hearMore(clients);

			const inode = replace(path.join(directory, 'sessiond/sockjs-sessiond'));
			await restart(stack);
			assert.equal(fs.statSync(`/proc/${stack.pids.sessiond[0]}/exe`).ino, inode, 'the new program runs');
			await hearMore(clients);
			await finish(clients);
		} catch (error) {
			console.error(stack.log().slice(-4000));
			throw error;
		} finally {
			clients.forEach((client) => client.socket.close());
			await stack.stop();
			fs.rmSync(directory, { recursive: true, force: true });
		}
	});
