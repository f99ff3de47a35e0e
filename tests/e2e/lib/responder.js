'use strict';

// Starts sockjs.fcgi and sockjs-sessiond as a pair, in a temporary directory, for tests and
// measurements that are the web server themselves. SOCKJS_FCGI and SOCKJS_SESSIOND name other
// programs than those in the build directory.

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');
const { Daemon, program: sessiond, temporaryDirectory } = require('./daemon');
const { engine } = require('./engine');
const { srcdir } = require('./stack');

const buildDirectory = process.env.SOCKJS_BUILDDIR || srcdir;
const responder = process.env.SOCKJS_FCGI || path.join(buildDirectory, 'fcgi', 'sockjs.fcgi');

// A directory with a configuration in it, and the programs that use it.
class Pair {
	// server, fcgi: lines of the sections of those names; services: whole sections.
	constructor({ server = '', fcgi = '', services = '[service /echo]\nmodule = echo\ndisconnect_delay = 60s\n' } = {}) {
		this.directory = temporaryDirectory();
		this.file = path.join(this.directory, 'sockjs.conf');
		this.socket = path.join(this.directory, 'sessiond');
		this.daemons = [];
		this.count = 0;
		fs.writeFileSync(this.file, `[server]\nsocket = ${this.socket}\nlog_level = error\n${engine()}${server}\n[fcgi]\n${fcgi}\n${services}`);
	}

	// Changes the configuration; change: of its text.
	rewrite(change) {
		fs.writeFileSync(this.file, change(fs.readFileSync(this.file, 'utf8')));
	}

	async start(command, args, options = {}) {
		const [first, ...rest] = [...(options.wrapper || []), command, '--config', this.file, ...args];
		const daemon = new Daemon(first, rest, { cwd: this.directory, env: options.env });
		this.daemons.push(daemon);
		await daemon.waitReady();
		return daemon;
	}

	// The daemon, which has the property `url` if `listen` names an address.
	async startSessiond({ listen, ...options } = {}) {
		this.sessiond = await this.start(sessiond, listen ? ['--listen', listen] : [], options);
		const found = /127\.0\.0\.1:\d+/.exec(this.sessiond.stdout);
		this.sessiond.url = found && `http://${found[0]}`;
		return this.sessiond;
	}

	// A responder, whose property `address` says where it serves FastCGI.
	async startResponder(options = {}) {
		const address = path.join(this.directory, `fcgi${++this.count}`);
		const daemon = await this.start(responder, ['--listen', address, ...(options.args || [])], options);
		daemon.address = address;
		this.responder ??= daemon;
		this.address ??= address;
		return daemon;
	}

	log() {
		return this.daemons.map((daemon) => `[${daemon.pid}] ${daemon.log()}`).join('\n');
	}

	// Ends everything: in a hurry, which the second signal says. Throws if a sanitizer has found
	// something.
	async stop() {
		for (const { child } of this.daemons.filter((daemon) => daemon.child.exitCode === null && daemon.child.signalCode === null)) {
			child.kill('SIGCONT');
			child.kill('SIGTERM');
			child.kill('SIGINT');
		}
		await Promise.all(this.daemons.map((daemon) => daemon.stop().catch(() => {})));
		fs.rmSync(this.directory, { recursive: true, force: true });
		const alarm = /^.*(ERROR: [A-Za-z]+Sanitizer|runtime error:).*$/m.exec(this.log());
		if (alarm)
			throw new Error(this.log());
	}
}

async function startPair(options = {}) {
	const pair = new Pair(options);
	await pair.startSessiond(options);
	await pair.startResponder(options);
	return pair;
}

// Stands between the responder and sessiond, and does harm: cut() breaks every connection; with
// hold() true for a direction ('up': to sessiond), what comes that way is kept back.
class Relay {
	static start(from, to) {
		const relay = new Relay(to);
		return new Promise((resolve) => relay.server.listen(from, () => resolve(relay)));
	}

	constructor(to) {
		this.pairs = new Set();
		this.bytes = { up: 0, down: 0 };
		this.held = { up: false, down: false };
		this.server = net.createServer({ allowHalfOpen: false }, (near) => {
			const far = net.connect(to);
			const pair = [near, far];
			this.pairs.add(pair);
			const end = () => {
				this.pairs.delete(pair);
				near.destroy();
				far.destroy();
			};
			for (const [socket, other, direction] of [[near, far, 'up'], [far, near, 'down']]) {
				socket.on('error', end).on('close', end);
				socket.on('data', (bytes) => {
					this.bytes[direction] += bytes.length;
					if (!this.held[direction])
						other.write(bytes);
				});
			}
		});
	}

	// What is kept back is lost: a broken connection loses what is on its way, too.
	hold(direction) {
		this.held[direction] = true;
	}

	cut() {
		this.held = { up: false, down: false };
		for (const sockets of this.pairs)
			sockets.forEach((socket) => socket.destroy());
	}

	stop() {
		this.cut();
		this.server.close();
	}
}

// Returns check(name, options, body), which registers a test with a pair of its own, of these
// options; body is called with it.
const checkPairs = (subject) => (name, options, body) =>
	test(`${subject}: ${name}`, async () => {
		const pair = new Pair(options);
		try {
			await body(pair);
		} catch (error) {
			process.stderr.write(`--- log at the failure of "${name}":\n${pair.log().slice(-4000)}\n---\n`);
			throw error;
		} finally {
			await pair.stop();
		}
	});

module.exports = { Pair, Relay, checkPairs, startPair, responderProgram: responder };
