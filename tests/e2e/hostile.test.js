'use strict';

// tests/hostile in its short form: under each attack every echo of the normal clients arrives, the
// daemon keeps below its memory_limit, and gives back what was taken.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const path = require('node:path');
const { before, test } = require('node:test');
const { attacks } = require('../hostile.d/attacks');
const { srcdir } = require('./lib/stack');

const SECONDS = 0.4;
const LIMIT = 900000; // ms for all attacks, on a busy machine
const names = Object.keys(attacks);

let output = '';

before(async () => {
	const child = spawn(path.join(srcdir, 'tests/hostile'), ['--seconds', SECONDS, ...names], { timeout: LIMIT });
	for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { output += text; });
	await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
});

for (const name of names)
	test(`hostile: ${attacks[name].what}`, (t) => {
		const lines = output.split('\n');
		assert.ok(!lines.some((line) => line.startsWith(`${name}: `)), output);
		const row = lines.find((line) => line.startsWith(`${name} `));
		assert.ok(row, output);
		t.diagnostic(row);
	});
