'use strict';

// A message costs about as many instructions as bench/budget says: 10% more is a fault, and 10%
// fewer a reason to record the budget anew, since what was gained could be lost unnoticed.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const budget = require('../../bench/budget.js');
const { srcdir } = require('./lib/stack');

const TOLERANCE = 0.1;
const LIMIT = 600000; // ms
const SKIPPED = 77;

function run(...args) {
	return new Promise((resolve) => {
		execFile(process.execPath, [path.join(srcdir, 'bench/instructions.js'), ...args], { timeout: LIMIT },
			(error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
	});
}

test('instructions: a message costs what bench/budget says, give or take 10%', async (t) => {
	const name = budget.nameOf(budget.buildDirectory);
	const expected = budget.read()[name];
	if (!expected)
		return t.skip(`no entry for ${name}; bench/instructions.js --record makes one`);
	const { code, stdout, stderr } = await run('--json');
	if (code === SKIPPED)
		return t.skip(stdout.trim());
	assert.equal(code, 0, stderr);
	const { counts } = JSON.parse(stdout);
	const lines = Object.entries(counts).map(([way, count]) => `${way}: ${count}, recorded ${expected[way]}`);
	lines.forEach((line) => t.diagnostic(line));
	assert.deepEqual(Object.keys(counts), Object.keys(expected));
	const isNear = ([way, count]) => Math.abs(count / expected[way] - 1) <= TOLERANCE;
	assert.ok(Object.entries(counts).every(isNear), lines.join('\n'));
	return undefined;
});
