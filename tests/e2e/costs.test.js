'use strict';

// What the project promises about cost and can be counted, measured by bench/: memory, threads,
// system calls. What takes time differs from machine to machine: long_costs.test.js only looks that
// those programs work.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { run, measured } = require('./lib/bench');

// System calls a message, with some room: libmicrohttpd and libuv differ in theirs.
const CALLS = { 'websocket': 5, 'fanout': 28, 'polling': 20, 'streaming': 10, 'polling-fastcgi/sessiond': 10, 'polling-fastcgi/responder': 18 };

test('costs: an idle websocket takes at most 2048 bytes of resident memory', (t) => measured(t, 'idle_websockets.js', '--max-bytes', '2048'));

test('costs: 8,000 held polls take at most 8 threads, and 3 KB of resident memory each', (t) =>
	measured(t, 'held_polls.js', '--check', '3072', '--threads', '8'));

// More than twice as many would be met by a walk over all that there are.
test('costs: what is done to one takes as many instructions among 1,500 as among 100', (t) =>
	measured(t, 'growth.js', '--check', '--most', '1500', 'subscriptions', 'sessions'));

test('costs: bench/growth.js --check refuses numbers of which none is larger than what it compares with', async () => {
	const { code, output } = await run('growth.js', '--check', '--most', '100', 'queue');
	assert.equal(code, 64);
	assert.match(output, /--most 100/);
});

test('costs: a message takes few system calls', async (t) => {
	const stdout = await measured(t, 'system_calls.js', '--json');
	if (stdout === null)
		return;
	const counts = JSON.parse(stdout);
	assert.deepEqual(Object.keys(counts), Object.keys(CALLS));
	for (const [way, calls] of Object.entries(counts))
		assert.ok(calls > 1 && calls <= CALLS[way], `${way}: ${calls}`);
});

for (const [script, ...args] of [
	['idle_websockets.js', '--connections', '100', '--max-bytes', '0'],
	['held_polls.js', '--polls', '100', '--check', '1'],
	['held_polls.js', '--polls', '100', '--check', '1000000', '--threads', '0'],
])
	test(`costs: bench/${script} ${args.join(' ')} fails`, async () => {
		assert.equal((await run(script, ...args)).code, 1);
	});

for (const script of ['fcgid_sends.js', 'growth.js', 'held_polls.js', 'idle_websockets.js', 'instructions.js', 'polling_cost.js', 'sizing.js', 'store_cost.js', 'system_calls.js', 'websocket_cpu.js'])
	test(`costs: bench/${script} has --help and refuses what it does not know`, async () => {
		const help = await run(script, '--help');
		assert.equal(help.code, 0);
		assert.match(help.output, /^Usage: node bench\//);
		for (const args of [['--nonsense', '1'], ['--rounds'], ['--clients', 'many'], ['x']])
			assert.equal((await run(script, ...args)).code, 64, args.join(' '));
	});
