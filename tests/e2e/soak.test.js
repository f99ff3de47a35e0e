'use strict';

// tests/soak for a while: its counts and bytes. For a minute in the long check.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { readCounts, FAULTS } = require('../chaos.d/report');
const { srcdir } = require('./lib/stack');

const SECONDS = process.env.SOCKJS_LONG ? 60 : 12;
const LIMIT = 900000; // ms
const MOST_BYTES = { sessiond: 1 << 17, fcgi: 1 << 19 }; // that each may have more: see MEMORY_SLACK of tests/soak
const LEAST = { 'kills': 1, 'messages acknowledged': 100, 'of them in the last quarter': 30, 'websocket echoes': 100 };

const run = (...words) => spawnSync(path.join(srcdir, 'tests/soak'), words, { encoding: 'utf8', timeout: LIMIT, maxBuffer: 1 << 26 });

test('soak: everything at once leaves no memory, no descriptor and no message behind', (t) => {
	const { status, stdout, stderr } = run(String(SECONDS));
	const counts = readCounts(stdout);
	try {
		for (const line of stdout.trim().split('\n')) t.diagnostic(line);
		for (const count of [...FAULTS, 'websocket echoes wrong', 'websockets without an answer', 'descriptors more'])
			assert.equal(counts[count], 0, `${count}: ${counts[count]}`);
		for (const [name, most] of Object.entries(MOST_BYTES))
			assert.ok(counts[`bytes more, ${name}`] <= most, `bytes more, ${name}: ${counts[`bytes more, ${name}`]}`);
		for (const [count, number] of Object.entries(LEAST)) assert.ok(counts[count] >= number, `${count}: ${counts[count]}`);
		assert.equal(status, 0);
	} catch (error) {
		console.error(`${stdout}\n${stderr.split('\n').slice(-100).join('\n')}`);
		throw error;
	}
});

test('soak: --help, and a wrong command line', () => {
	assert.match(run('--help').stdout, /^Usage: tests\/soak \[SECONDS\]/);
	assert.equal(run('x').status, 64);
	assert.equal(run('10', '10').status, 64);
});
