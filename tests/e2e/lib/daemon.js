'use strict';

// Starts sockjs-sessiond by itself, with a configuration of the test's own, for tests that need its
// process: exit codes, open descriptors, memory, CPU time. Tests of behaviour over HTTP use
// lib/stack.js instead, which knows every way in.
//
// SOCKJS_SESSIOND names another program than the one in the build directory.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { withEngine } = require('./engine');
const { freePort, srcdir } = require('./stack');

const buildDirectory = process.env.SOCKJS_BUILDDIR || srcdir;
const program = process.env.SOCKJS_SESSIOND || path.join(buildDirectory, 'sessiond', 'sockjs-sessiond');
const isSanitized = process.env.SOCKJS_SANITIZED === '1';

// A sanitized or valgrinded daemon on a busy machine needs this long to start or to stop.
const START_TIMEOUT = 30000;
const STOP_TIMEOUT = 30000;

const running = new Set();

// For what a failed test left running.
function killAll() {
	for (const daemon of running) {
		daemon.child.kill('SIGKILL');
		daemon.removeDirectory();
	}
}
process.on('exit', killAll);

function temporaryDirectory() {
	return fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-e2e-'));
}

function withTimeout(promise, ms, message) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(typeof message === 'function' ? message() : message)), ms);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const openDescriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

function residentBytes(pid) {
	const text = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
	return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)[1]) * 1024;
}

class Daemon {
	constructor(command, args, { env, cwd } = {}) {
		this.stdout = '';
		this.stderr = '';
		this.child = spawn(command, args, {
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...process.env, ...env },
			cwd,
		});
		this.pid = this.child.pid;
		this.exited = new Promise((resolve, reject) => {
			this.child.on('error', reject);
			this.child.on('close', (code, signal) => resolve({ code, signal }));
		});
		this.exited.catch(() => {}).then(() => running.delete(this));
		running.add(this);
		this.ready = new Promise((resolve) => {
			this.child.stdout.setEncoding('utf8').on('data', (text) => {
				this.stdout += text;
				if (/^ready\b.*\n/m.test(this.stdout))
					resolve(true);
			});
		});
		this.child.stderr.setEncoding('utf8').on('data', (text) => { this.stderr += text; });
	}

	log() {
		return this.stdout + this.stderr;
	}

	async waitReady() {
		const early = this.exited.then(({ code, signal }) => {
			throw new Error(`the daemon ended (${signal || code}) before it was ready:\n${this.log()}`);
		});
		await withTimeout(Promise.race([this.ready, early]), START_TIMEOUT,
			() => `the daemon was not ready after ${START_TIMEOUT} ms:\n${this.log()}`);
	}

	// Resolves with the exit status, whether or not this call ended the process.
	async stop(signal = 'SIGTERM') {
		if (this.child.exitCode === null && this.child.signalCode === null)
			this.child.kill(signal);
		try {
			return await withTimeout(this.exited, STOP_TIMEOUT, () => `pid ${this.pid} ignores ${signal}:\n${this.log()}`);
		} catch (error) {
			this.child.kill('SIGKILL');
			throw error;
		} finally {
			this.removeDirectory();
		}
	}

	removeDirectory() {
		if (this.directory)
			fs.rmSync(this.directory, { recursive: true, force: true });
	}

	openDescriptors() {
		return openDescriptors(this.pid);
	}

	residentBytes() {
		return residentBytes(this.pid);
	}
}

// Starts the program with the configuration `conf` (text) on a free port and waits until it accepts
// connections. folderMode: of the folder of the configuration, where the daemon works, if it is to be
// another user's too.
async function startDaemon({ conf, args = [], wrapper = [], env, folderMode } = {}) {
	const directory = temporaryDirectory();
	const file = path.join(directory, 'sockjs.conf');
	fs.writeFileSync(file, withEngine(conf, directory));
	if (folderMode)
		fs.chmodSync(directory, folderMode);
	for (let attempt = 1; ; attempt++) {
		const port = await freePort();
		const [command, ...rest] = [...wrapper, program, '--config', file, '--listen', `127.0.0.1:${port}`, ...args];
		const daemon = new Daemon(command, rest, { env, cwd: directory });
		Object.assign(daemon, { directory, port, host: '127.0.0.1', url: `http://127.0.0.1:${port}` });
		try {
			await daemon.waitReady();
			return daemon;
		} catch (error) {
			// Another process may have taken the port that was free a moment ago.
			if (!/in use/i.test(daemon.log()) || attempt === 3) {
				await daemon.stop('SIGKILL').catch(() => {});
				throw error;
			}
		}
	}
}

// Runs the program to its end: for options and configurations that make it stop by itself.
async function runDaemon(args, { env, cwd, timeout = STOP_TIMEOUT } = {}) {
	const daemon = new Daemon(program, args, { env, cwd });
	try {
		const { code, signal } = await withTimeout(daemon.exited, timeout,
			() => `sockjs-sessiond ${args.join(' ')} still runs after ${timeout} ms:\n${daemon.log()}`);
		return { code, signal, stdout: daemon.stdout, stderr: daemon.stderr };
	} finally {
		if (running.has(daemon))
			daemon.child.kill('SIGKILL');
	}
}

// Wraps a test's body so that its failure is reported together with the end of the daemon's log.
function withLog(getDaemon, body) {
	return async (t) => {
		try {
			await body(t);
		} catch (error) {
			const daemon = getDaemon();
			if (daemon)
				process.stderr.write(`--- log at the failure of "${t.name}":\n${daemon.log().slice(-4000)}\n---\n`);
			throw error;
		}
	};
}

// For a test that tells nothing of a sanitized build, whose memory and time are other: it does not
// exist there.
const unsanitized = (define) => (isSanitized ? () => {} : define);

module.exports = {
	unsanitized, openDescriptors, residentBytes, Daemon, startDaemon, runDaemon, killAll, temporaryDirectory, withTimeout, withLog,
	buildDirectory, program, isSanitized,
};
