'use strict';

// Starts and stops what the end-to-end tests talk to: a stack of the built programs (tests/stack),
// or npm `sockjs` as the reference (tests/e2e/reference_server.js). Both print `ready URL` and
// `pids NAME=PID[,PID] ...`.
//
// Environment: SOCKJS_SRCDIR (the sources; default: this repository), SOCKJS_BUILDDIR (the built
// programs; default: the sources), SOCKJS_TARGET (URL of a running server, which is then used
// instead of starting one).

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { withEngine } = require('./engine');

const srcdir = process.env.SOCKJS_SRCDIR || path.resolve(__dirname, '../../..');
const START_LIMIT = 90000; // ms
const STOP_LIMIT = 15000; // ms, then KILL
const FIRST_PORT = 20000; // below the ports that the kernel gives to outgoing connections
const LAST_PORT = 32000;

function canListen(port) {
	return new Promise((resolve) => {
		const server = net.createServer();
		server.once('error', () => resolve(false));
		server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
	});
}

// Other tests that look for a port leave this one alone as long as this process runs: whoever it is
// for does not listen on it yet.
function reserve(port) {
	return new Promise((resolve) => {
		const server = net.createServer();
		server.once('error', () => resolve(false));
		server.listen(`\0sockjs-test-port-${port}`, () => resolve(true)).unref();
	});
}

async function freePort() {
	for (let tries = 0; tries < 100; tries++) {
		const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
		if (await reserve(port) && await canListen(port)) return port;
	}
	throw new Error('no free port on 127.0.0.1');
}

function commandOf(kind, port, conf) {
	if (kind === 'reference')
		return [
			process.execPath,
			['--no-deprecation', path.join(srcdir, 'tests/e2e/reference_server.js'), port, conf],
		];
	return [path.join(srcdir, 'tests/stack'), [kind, port, conf]];
}

// The same configuration for several daemons, which each have a socket beside one of that path.
function withDaemons(text, daemons, socket, more) {
	const options = `[server]\ndaemons = ${daemons}\nsocket = ${socket}\n${more}`;

	return /^\[server\]$/m.test(text) ? text.replace(/^\[server\]\n/m, options) : options + text;
}

// Joins configuration files to one, which the caller deletes with its directory.
function joinFiles(files, daemons, server) {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-e2e-'));
	const joined = path.join(directory, 'sockjs.conf');
	const text = withEngine(files.map((file) => fs.readFileSync(file, 'utf8')).join('\n'), directory);
	fs.writeFileSync(
		joined,
		daemons > 1 ? withDaemons(text, daemons, path.join(directory, 'sessiond.sock'), server) : text,
	);
	return { directory, joined };
}

function parsePids(line) {
	const pids = {};
	for (const word of line.split(' ').slice(1).filter(Boolean)) {
		const [name, list] = word.split('=');
		pids[name] = list.split(',').filter(Boolean).map(Number);
	}
	return pids;
}

const running = new Set();

class Stack {
	constructor(kind, port, conf, env) {
		const [program, args] = commandOf(kind, String(port), conf.joined);

		this.kind = kind;
		this.url = null;
		this.pids = null; // {name: [pid, ...]}, as of the last `pids` line
		this.pidsLines = 0;
		this.output = '';
		this.directory = conf.directory;
		this.child = spawn(program, args, {
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...process.env, ...env },
		});
		this.exited = new Promise((resolve) => {
			this.child.once('error', (error) => resolve(String(error)));
			this.child.once('close', (code, signal) => resolve(signal || code));
		});
		this.exited.then(() => {
			running.delete(this);
			fs.rmSync(this.directory, { recursive: true, force: true });
		});
		running.add(this);
		this.ready = this.waitReady();
	}

	waitReady() {
		return new Promise((resolve, reject) => {
			const fail = (why) =>
				reject(new Error(`${this.kind} did not start: ${why}\n${this.output}`));
			const timer = setTimeout(() => {
				fail(`not ready within ${START_LIMIT} ms`);
				this.child.kill('SIGTERM');
			}, START_LIMIT);
			let rest = '';

			this.exited.then((status) => fail(`ended with ${status}`));
			this.child.stderr.on('data', (data) => {
				this.output += data;
			});
			this.child.stdout.on('data', (data) => {
				const lines = (rest + data).split('\n');
				rest = lines.pop();
				lines.forEach((line) => this.takeLine(line));
				if (this.url && this.pids) {
					clearTimeout(timer);
					resolve(this);
				}
			});
			this.exited.then(() => clearTimeout(timer));
		});
	}

	takeLine(line) {
		this.output += `${line}\n`;
		if (line.startsWith('ready '))
			this.url = line.slice('ready '.length).trim().replace(/\/$/, '');
		else if (line.startsWith('pids ')) {
			this.pids = parsePids(line);
			this.pidsLines++;
		}
	}

	log() {
		return this.output;
	}

	// Resolves with the exit status, or the name of the signal.
	async stop() {
		this.child.kill('SIGTERM');
		const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_LIMIT);
		const status = await this.exited;
		clearTimeout(timer);
		return status;
	}
}

// A server somebody else runs: it is used, never stopped.
function borrowed(kind, url) {
	return {
		kind,
		url: url.replace(/\/$/, ''),
		pids: {},
		pidsLines: 1,
		borrowed: true,
		log: () => '(the log of SOCKJS_TARGET is elsewhere)',
		stop: async () => 0,
	};
}

// kind: `reference`, or a kind that tests/stack knows. conf: a configuration file, or several that
// belong together; default tests/services.conf. env: more of the script's environment. daemons: how
// many there are; server: lines for [server] where there are several. Resolves, when it accepts connections, with {url, pids, pidsLines, log(), stop()}.
async function startStack(
	kind,
	{ conf = path.join(srcdir, 'tests/services.conf'), env, daemons = 1, server = '' } = {},
) {
	if (process.env.SOCKJS_TARGET && kind !== 'reference')
		return borrowed(kind, process.env.SOCKJS_TARGET);
	const port = await freePort();
	const stack = new Stack(kind, port, joinFiles([].concat(conf), daemons, server), env);
	return stack.ready;
}

// Nothing stays behind when the test program is ended early.
process.on('exit', () => {
	for (const stack of running) {
		stack.child.kill('SIGTERM');
		fs.rmSync(stack.directory, { recursive: true, force: true });
	}
});
for (const [signal, number] of [
	['SIGINT', 2],
	['SIGTERM', 15],
	['SIGHUP', 1],
])
	process.once(signal, () => process.exit(128 + number));

module.exports = { startStack, freePort, srcdir };
