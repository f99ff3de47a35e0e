'use strict';

// Clients of sockjs-resume.js for tests: an echo service is sent numbered messages all the time, and
// each has to come back once, in order, whatever happens to the network.

const fs = require('node:fs');
const path = require('node:path');
const { temporaryDirectory, withTimeout } = require('./daemon');
const { srcdir, startStack } = require('./stack');

const ResumingSockJS = require(path.join(srcdir, 'www/sockjs-resume.js'));

const AHEAD = 20; // messages that are under way
// ms: in node, sockjs-client does not notice that an answer is cut in its middle.
const PATIENCE = 1000;
const LIMIT = 240000; // ms for anything, on a busy machine

// Message number n: some begin as a leg's own do, some are long.
const messageOf = (n) => `${n % 5 === 0 ? '~' : ''}${n}${n % 7 === 0 ? 'x'.repeat(n % 2000) : ''}`;

class Talker {
	constructor(url, transport, options = {}) {
		this.sent = 0;
		this.got = 0;
		this.isQuiet = false;
		this.closes = [];
		this.breaks = 0;
		this.transports = new Set();
		this.wrong = null; // what came at the wrong time, if anything did
		this.changed = () => {};
		this.socket = new ResumingSockJS(url, null, { transports: transport, timeout: 2000, patience: PATIENCE, ...options });
		this.opened = new Promise((resolve, reject) => {
			this.socket.onopen = () => { this.transports.add(this.socket.transport); resolve(this); this.talk(); };
			this.socket.onclose = ({ code, reason, wasClean }) => {
				this.closes.push({ code, reason, wasClean });
				reject(new Error(`closed: ${code} ${reason}`));
				this.changed();
			};
		});
		this.opened.catch(() => {});
		this.socket.onmessage = ({ data }) => this.take(data);
		this.socket.onreconnecting = () => { this.breaks++; };
	}

	take(data) {
		if (data !== messageOf(this.got) && !this.wrong)
			this.wrong = `message ${this.got} was to come, and it was ${data.slice(0, 40)}`;
		this.got++;
		this.talk();
		this.changed();
	}

	talk() {
		while (!this.isQuiet && this.sent - this.got < AHEAD && this.socket.readyState === 1)
			this.socket.send(messageOf(this.sent++));
	}

	// Resolves once condition() is true; rejects if the client is closed before, or got what is wrong.
	until(condition, what) {
		const done = new Promise((resolve, reject) => {
			this.changed = () => {
				if (this.wrong)
					reject(new Error(this.wrong));
				else if (condition())
					resolve();
				else if (this.closes.length > 0)
					reject(new Error(`closed before ${what}: ${JSON.stringify(this.closes)}`));
			};
			this.changed();
		});
		const state = () => `not within ${LIMIT} ms: ${what}; ${this.got} of ${this.sent} came, ${this.breaks} breaks, ` +
			`readyState ${this.socket.readyState}, reconnecting ${this.socket.reconnecting}`;
		return withTimeout(done, LIMIT, state).finally(() => { this.changed = () => {}; });
	}

	// No further messages: resolves once all have come back.
	async finish() {
		this.isQuiet = true;
		await this.until(() => this.got === this.sent, 'all messages have come back');
	}

	async close(code, reason) {
		this.socket.close(code, reason);
		return this.closed();
	}

	async closed() {
		await this.until(() => this.closes.length > 0, 'a close');
		return this.closes[0];
	}
}

// A stack of that kind whose service /echo resumes, with a store, and with as many daemons.
async function startResuming(kind, daemons = 1) {
	const directory = temporaryDirectory();
	const file = path.join(directory, 'sockjs.conf');
	const lines = [`daemons = ${daemons}`, 'disconnect_delay = 20s'];
	// Boxes have a store each, and every stack but `direct` a socket, by which daemons hand connections over.
	if (kind !== 'cluster')
		lines.push(`store = ${path.join(directory, 'sessions.db')}`);
	if (kind === 'direct')
		lines.push(`socket = ${path.join(directory, 'socket')}`);
	fs.writeFileSync(file, `[server]\n${lines.join('\n')}\n[service /echo]\nmodule = echo\nresume = on\n`);
	const stack = await startStack(kind, { conf: file });
	const stop = stack.stop.bind(stack);
	stack.stop = async () => {
		const status = await stop();
		fs.rmSync(directory, { recursive: true, force: true });
		return status;
	};
	// Ends a daemon, which its supervisor starts again.
	stack.killDaemon = async (signal) => {
		const all = () => Object.entries(stack.pids).filter(([name]) => name.startsWith('sessiond')).flatMap(([, pids]) => pids);
		const before = all();
		const pid = before[Math.floor(Math.random() * before.length)];
		const lines = stack.pidsLines;
		process.kill(pid, signal);
		const end = Date.now() + LIMIT;
		while (stack.pidsLines === lines || all().length < before.length || all().includes(pid)) {
			if (Date.now() > end) throw new Error('the daemon does not come back');
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	};
	return stack;
}

module.exports = { ResumingSockJS, Talker, startResuming, messageOf };
