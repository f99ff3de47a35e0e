'use strict';

// tests/hostile in its short form: under each attack every echo of the normal clients arrives, the
// daemon keeps below its memory_limit, and gives back what was taken.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { attacks } = require('../hostile.d/attacks');
const { srcdir } = require('./lib/stack');

const SECONDS = 0.4;
const LIMIT = 240000; // ms for one attack, on a busy machine

function run(name) {
	return new Promise((resolve, reject) => {
		const child = spawn(path.join(srcdir, 'tests/hostile'), ['--seconds', SECONDS, name], { timeout: LIMIT });
		let output = '';
		for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { output += text; });
		child.once('error', reject);
		child.once('close', (status, signal) => resolve({ status: signal || status, output }));
	});
}

for (const [name, { what }] of Object.entries(attacks))
	test(`hostile: ${what}`, async (t) => {
		const { status, output } = await run(name);
		assert.equal(status, 0, output);
		t.diagnostic(output.trim().split('\n').pop());
	});
