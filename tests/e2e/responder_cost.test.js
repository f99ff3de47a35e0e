'use strict';

// What the project promises about the cost of polling through FastCGI, measured by bench/: 8,000 held polls in one process take
// at most 8 threads and 16 KB of resident memory each; behind lighttpd a message costs at most half the CPU time of what it costs
// with sockjs-node, and requests come at 80% of the rate of a bare libfcgi program, or faster; the session store adds 15% to that, at most.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { isSanitized } = require('./lib/daemon');
const { srcdir } = require('./lib/stack');

const LIMIT = 180000; // ms
const SKIPPED = 77;

function run(script, ...args) {
	return new Promise((resolve) => {
		execFile(process.execPath, [path.join(srcdir, 'bench', script), ...args], { timeout: LIMIT },
			(error, stdout, stderr) => resolve({ code: error ? error.code : 0, output: stdout + stderr }));
	});
}

const skip = isSanitized && 'a sanitized build costs more';
const limits = {
	'held_polls.js': ['8,000 held polls take at most 8 threads, and 16 KB of resident memory each', ['--check', '16384', '--threads', '8']],
	'polling_cost.js': ['a message costs at most 0.5 of sockjs-node\'s, at 0.8 of a bare program\'s rate or more', ['--check', '0.5', '--check-rate', '0.8']],
	'store_cost.js': ['the store adds at most 15% to a message whose receiver waits', ['--check', '1.15', '--messages', '6000', '--rounds', '5', '--queued', '0']],
};
const missed = {
	'held_polls.js': [['--polls', '100', '--check', '1'], ['--polls', '100', '--check', '1000000', '--threads', '0']],
	'polling_cost.js': [['--messages', '200', '--rounds', '1', '--check', '0'], ['--messages', '200', '--rounds', '1', '--check-rate', '100']],
	'store_cost.js': [['--messages', '200', '--rounds', '1', '--check', '0']],
};

for (const [script, [name, args]] of Object.entries(limits))
	test(`responder cost: ${name}`, { skip }, async (t) => {
		const { code, output } = await run(script, ...args);
		output.trim().split('\n').forEach((line) => t.diagnostic(line));
		if (code === SKIPPED)
			return t.skip(output.trim());
		assert.strictEqual(code, 0, output);
		return undefined;
	});

for (const script of Object.keys(limits)) {
	test(`responder cost: bench/${script} has --help and refuses what it does not know`, async () => {
		const help = await run(script, '--help');
		assert.strictEqual(help.code, 0);
		assert.match(help.output, /^Usage: node bench\//);
		for (const args of [['--nonsense', '1'], ['--rounds'], ['--polls', 'many'], ['x']])
			assert.strictEqual((await run(script, ...args)).code, 64, args.join(' '));
	});

	test(`responder cost: bench/${script} fails over its limits`, { skip }, async (t) => {
		for (const args of missed[script]) {
			const { code, output } = await run(script, ...args);
			if (code === SKIPPED)
				return t.skip(output.trim());
			assert.strictEqual(code, 1, output);
		}
		return undefined;
	});
}
