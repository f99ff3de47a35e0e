'use strict';

// What the project promises about cost, measured by bench/: an idle websocket takes at most 2 KB of resident memory, and
// an echo at most 0.4 of the CPU time that sockjs-node takes for it.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { isSanitized } = require('./lib/daemon');
const { srcdir } = require('./lib/stack');

const LIMIT = 120000; // ms

function run(script, ...args) {
	return new Promise((resolve) => {
		execFile(process.execPath, [path.join(srcdir, 'bench', script), ...args], { timeout: LIMIT },
			(error, stdout, stderr) => resolve({ code: error ? error.code : 0, output: stdout + stderr }));
	});
}

const skip = isSanitized && 'a sanitized build costs more';

test('cost: an idle websocket takes at most 2048 bytes of resident memory', { skip }, async (t) => {
	const { code, output } = await run('idle_websockets.js', '--max-bytes', '2048');
	output.trim().split('\n').forEach((line) => t.diagnostic(line));
	assert.strictEqual(code, 0, output);
});

test('cost: a websocket echo takes at most 0.4 of the CPU time of sockjs-node', { skip }, async (t) => {
	const { code, output } = await run('websocket_cpu.js', '--check', '0.4');
	output.trim().split('\n').forEach((line) => t.diagnostic(line));
	assert.strictEqual(code, 0, output);
});

for (const script of ['idle_websockets.js', 'websocket_cpu.js']) {
	test(`cost: bench/${script} has --help and refuses what it does not know`, async () => {
		const help = await run(script, '--help');
		assert.strictEqual(help.code, 0);
		assert.match(help.output, /^Usage: node bench\//);
		for (const args of [['--nonsense', '1'], ['--connections'], ['--connections', 'many'], ['x']])
			assert.strictEqual((await run(script, ...args)).code, 64, args.join(' '));
	});

	test(`cost: bench/${script} fails over its limit`, { skip }, async () => {
		const args = script === 'idle_websockets.js' ? ['--connections', '100', '--max-bytes', '0'] :
			['--messages', '2000', '--rounds', '1', '--check', '0'];
		assert.strictEqual((await run(script, ...args)).code, 1);
	});
}
