'use strict';

// Runs programs of bench/.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { srcdir } = require('./stack');

const LIMIT = 300000; // ms
const SKIPPED = 77;

function run(script, ...args) {
	return new Promise((resolve) => {
		execFile(process.execPath, [path.join(srcdir, 'bench', script), ...args], { timeout: LIMIT },
			(error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, output: stdout + stderr }));
	});
}

// Runs one, says what it printed, and skips the test where it cannot run; else resolves with what
// it printed.
async function measured(t, ...words) {
	const { code, stdout, output } = await run(...words);
	output.trim().split('\n').forEach((line) => t.diagnostic(line));
	if (code === SKIPPED) {
		t.skip(stdout.trim());
		return null;
	}
	assert.equal(code, 0, output);
	return stdout;
}

module.exports = { run, measured };
