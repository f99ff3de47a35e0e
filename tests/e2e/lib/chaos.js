'use strict';

// Runs tests/chaos as a test, and asserts on the counts that it prints.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { APPLICATION_FAULTS } = require('../../chaos.d/auditor');
const { PUBLISH_FAULTS } = require('../../chaos.d/publishers');
const { readCounts, FAULTS } = require('../../chaos.d/report');
const { srcdir } = require('./stack');

const MORE_TIME = 600000; // ms beside the seconds of kills: to start, calibrate, drain
const LOG_LINES = 60;

// Resolves with {status, stdout, stderr, log}.
async function chaos(kind, seconds, options) {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-chaos-test-'));
	const log = path.join(directory, 'log');
	const wordsOf = ([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, value]);
	const words = [kind, seconds, '--log', log, ...Object.entries(options).flatMap(wordsOf)];
	const limits = { timeout: seconds * 1000 + MORE_TIME, maxBuffer: 1 << 26 };
	try {
		return await new Promise((resolve) => {
			execFile(path.join(srcdir, 'tests/chaos'), words.map(String), limits, (error, stdout, stderr) =>
				resolve({
					status: error ? error.code || error.signal : 0,
					stdout,
					stderr,
					log: fs.existsSync(log) ? fs.readFileSync(log, 'utf8') : '',
				}),
			);
		});
	} finally {
		fs.rmSync(directory, { recursive: true, force: true });
	}
}

const lastLines = (text) => text.split('\n').slice(-LOG_LINES).join('\n');

// options: of tests/chaos, without the dashes; true: one that has no value. least: {NAME: NUMBER}
// that must be reached, lest the test proves nothing. skip: why it cannot run here.
function checkChaos(name, kind, seconds, options, least, skip = false) {
	const isApplication = ['worker', 'callback'].includes(options.kill);
	const publishFaults = options.publish ? PUBLISH_FAULTS : [];
	const faults = [...FAULTS, ...publishFaults, ...(isApplication ? APPLICATION_FAULTS : [])];
	test(name, { skip }, async (t) => {
		const { status, stdout, stderr, log } = await chaos(kind, seconds, options);
		const counts = readCounts(stdout);
		try {
			for (const line of stdout.trim().split('\n')) t.diagnostic(line);
			for (const count of faults)
				assert.equal(counts[count], 0, `${count}: ${counts[count]}`);
			for (const [count, number] of Object.entries(least)) assert.ok(counts[count] >= number, `${count}: ${counts[count]}`);
			assert.equal(status, 0);
		} catch (error) {
			console.error(`${stdout}\n${lastLines(stderr)}\n${lastLines(log)}`);
			throw error;
		}
	});
}

module.exports = { checkChaos };
