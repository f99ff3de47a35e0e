'use strict';

// Programs of bench/ that take long or measure time: that they work. What they print differs from
// machine to machine.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { judgeAll } = require('../../bench/goals');
const { missing } = require('../../bench/servers');
const { measured } = require('./lib/bench');
const { temporaryDirectory } = require('./lib/daemon');
const { srcdir } = require('./lib/stack');

const makePrograms = () =>
	execFileSync('make', ['-C', process.env.SOCKJS_BUILDDIR || srcdir, 'bench-programs'], { stdio: 'pipe' });

test('costs: 200 clients poll behind 20 processes of mod_fcgid, and each send is answered before a poll ends by itself', (t) =>
	measured(t, 'fcgid_sends.js', '--clients', '200'));

test('costs: what is done to one takes as many instructions among 20,000 as among 100', (t) =>
	measured(t, 'growth.js', '--check', '--most', '20000', 'channels', 'subscriptions', 'sessions', 'queue'));

for (const [script, args, line] of [
	['websocket_cpu.js', ['--messages', '500', '--rounds', '1'], /^ratio +\S/m],
	['polling_cost.js', ['--messages', '200', '--rounds', '1'], /^cost, of sockjs-node's: \S/m],
	['sizing.js', ['--messages', '200', '--rounds', '1', '--connections', '40', '--channels', '100'],
		/^a publication, each of 1 deliveries: µs sessiond \d[^]*^a publication in a Redis, each of 1 deliveries: .*redis \d[^]*^such a channel, a second: /m],
	['store_cost.js', ['--messages', '200', '--rounds', '1'], /^ +sync normal: cost \S/m],
])
	test(`costs: bench/${script} measures`, async (t) => {
		makePrograms();
		const stdout = await measured(t, script, ...args);
		if (stdout !== null)
			assert.match(stdout, line);
	});

// The server's work at a message must not grow with what it holds.
const IDLE = 10000;
for (const row of ['instructions-websocket', 'instructions-polling'])
	test(`costs: ${row} are as many among ${IDLE} idle sessions`, async (t) => {
		if (missing('sockjs-fcgi, counted').length > 0)
			return t.skip('valgrind is not installed');
		makePrograms();
		const out = temporaryDirectory();
		await measured(t, 'run.js', '--out', out, row);
		const { rows } = JSON.parse(fs.readFileSync(path.join(out, 'results.json'), 'utf8'));
		const [{ connections, measured: figures, met }] = judgeAll(rows);
		assert.equal(connections, IDLE);
		assert.ok(met, figures);
		fs.rmSync(out, { recursive: true });
		return undefined;
	});

test('costs: make bench writes a table and charts', async (t) => {
	const out = temporaryDirectory();
	makePrograms();
	await measured(t, 'run.js', '--quick', '--most', '20', '--out', out, 'websocket', 'polling', 'fanout', 'connect', 'memory-poll');
	const page = fs.readFileSync(path.join(out, 'results.md'), 'utf8');
	for (const name of ['sockjs-fcgi', 'bare epoll', 'sockjs-node'])
		assert.match(page, new RegExp(`^\\| .* \\| ${name} \\| \\d`, 'm'), name);
	assert.match(fs.readFileSync(path.join(out, 'fanout.svg'), 'utf8'), /<rect class="floor"/);
	fs.rmSync(out, { recursive: true });
});
