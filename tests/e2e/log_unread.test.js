'use strict';

// Nobody reads what the programs log, and they go on serving.

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { request } = require('./lib/fastcgi');
const { Connection } = require('./lib/http');
const { Pair, responderProgram } = require('./lib/responder');
const { program: sessiond, withTimeout } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { freePort } = require('./lib/stack');

const MANY = 12000; // requests, each with a line: more than a pipe and the queue have room for
const PATIENCE = 60000; // ms

// A program whose stderr, a pipe, is read only when the test says so.
class Unread {
	constructor(directory, command, args) {
		const fifo = path.join(directory, 'stderr');
		assert.strictEqual(spawnSync('mkfifo', [fifo]).status, 0);
		this.fd = fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
		const stderr = fs.openSync(fifo, 'w');
		this.child = spawn(command, args, { stdio: ['ignore', 'pipe', stderr] });
		fs.closeSync(stderr);
		this.exited = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve({ code, signal })));
		this.log = '';
		this.stdout = '';
		this.child.stdout.on('data', (bytes) => { this.stdout += bytes; });
	}

	async waitReady() {
		await eventually(() => /^ready/m.test(this.stdout), 'it is ready');
	}

	// Takes what is there.
	read() {
		const bytes = Buffer.alloc(65536);
		try {
			for (;;)
				this.log += bytes.latin1Slice(0, fs.readSync(this.fd, bytes));
		} catch (error) {
			assert.strictEqual(error.code, 'EAGAIN');
		}
		return this.log;
	}

	// Somebody else has filled it.
	fill() {
		try {
			for (;;)
				fs.writeSync(this.fd, Buffer.alloc(4096, '\n'));
		} catch (error) {
			assert.strictEqual(error.code, 'EAGAIN');
		}
	}

	async stop() {
		this.child.kill('SIGTERM');
		return withTimeout(this.exited, PATIENCE, 'it does not end');
	}

	close() {
		this.child.kill('SIGKILL');
		fs.closeSync(this.fd);
	}
}

async function askOften(url) {
	const client = await Connection.open(url);
	for (let i = 0; i < MANY; i++)
		assert.strictEqual((await client.request('GET', '/echo')).status, 200);
	client.close();
}

// Every line is whole, and those that are missing are counted where they are.
function checkLog(log, least) {
	const lines = log.split('\n').filter((line) => line !== '');
	const missing = lines.map((line) => /^(\d+) lines are missing here/.exec(line)).filter(Boolean);
	assert.ok(missing.length > 0, `nothing is missing in ${lines.length} lines`);
	assert.ok(lines.every((line) => /^\d{4}-\d\d-\d\dT[^ ]+ [^ ]+\[\d+\] (error|info): /.test(line) || /^\d+ lines are missing here: nobody read the log$/.test(line)));
	const sum = lines.length - missing.length + missing.reduce((n, [, count]) => n + Number(count), 0);
	assert.ok(sum >= least, `${sum} lines`);
}

function check(name, args, { atLast }) {
	test(`log that nobody reads: ${name}`, async () => {
		const pair = new Pair({ services: '[service /echo]\nmodule = echo\nlog_level = info\n' });
		const port = await freePort();
		const daemon = new Unread(pair.directory, sessiond, ['--config', pair.file, '--listen', `127.0.0.1:${port}`, ...args]);
		try {
			await daemon.waitReady();
			await askOften(`http://127.0.0.1:${port}`);
			if (atLast) {
				await eventually(() => /lines are missing/.test(daemon.read()), 'it says so');
				checkLog(daemon.log, MANY);
			}
			assert.deepStrictEqual(await daemon.stop(), { code: 0, signal: null });
		} finally {
			daemon.close();
			await pair.stop();
		}
	});
}

check('the daemon goes on, and counts what it loses', [], { atLast: true });
check('the daemon ends all the same', [], { atLast: false });
check('nor does a supervisor wait', ['--supervise'], { atLast: false });

test('log that nobody reads: the responder goes on', async () => {
	const pair = new Pair();
	const address = path.join(pair.directory, 'unread');
	await pair.startSessiond();
	const responder = new Unread(pair.directory, responderProgram, ['--config', pair.file, '--listen', address]);
	try {
		await responder.waitReady();
		responder.fill();
		await pair.sessiond.stop();
		await pair.startSessiond();
		assert.strictEqual((await request(address, 'GET', '/echo', { timeout: PATIENCE })).status, 200);
		await eventually(() => /sessiond is away/.test(responder.read()), 'it says so');
		responder.fill();
		assert.deepStrictEqual(await responder.stop(), { code: 0, signal: null });
	} finally {
		responder.close();
		await pair.stop();
	}
});
