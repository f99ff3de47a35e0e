'use strict';

// A message published to many costs the daemon about what a group's write does. Instructions are
// counted, so no time is asserted. In check-long it is to more, and to polls.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { srcdir } = require('./lib/stack');

const SKIPPED = 77;
const LIMIT = 1800000; // ms
const AT_MOST = 1.1;

const CASES = [['to 200 websockets', ['--clients', '200', '--few', '5', '--many', '55']]];
const LONG_CASES = [
	['to 1000 websockets', ['--clients', '1000', '--few', '5', '--many', '55']],
	['to 10000 websockets', ['--clients', '10000', '--few', '2', '--many', '42']],
	['to 1000 polls through FastCGI', ['--polls', '--clients', '1000', '--few', '2', '--many', '8']],
	['to 1000 polls through lighttpd', ['--polls', '--lighttpd', '--clients', '1000', '--few', '2', '--many', '8']],
	['to 1000 polls through lighttpd, with a history in the store',
		['--polls', '--lighttpd', '--history', '--clients', '1000', '--few', '2', '--many', '8']],
	// What the store has to do for a message is the same for one subscriber and for many.
	['to 2000 websockets, with a history in the store', ['--history', '--clients', '2000', '--few', '5', '--many', '25']],
];

for (const [what, args] of process.env.SOCKJS_LONG ? LONG_CASES : CASES)
	test(`fanout: a publication ${what} costs at most ${AT_MOST} of a group's write`, async (t) => {
		const { code, stdout, stderr } = await new Promise((resolve) => {
			execFile(process.execPath, [path.join(srcdir, 'bench/fanout.js'), '--json', ...args], { timeout: LIMIT },
				(error, out, err) => resolve({ code: error ? error.code : 0, stdout: out, stderr: err }));
		});
		if (code === SKIPPED)
			return t.skip(stdout.trim());
		assert.strictEqual(code, 0, stderr);
		const { group, channel, app } = JSON.parse(stdout);
		t.diagnostic(`instructions: group ${group}, channel ${channel}, app ${app}`);
		assert.ok(channel <= group * AT_MOST, `channel: ${channel} of ${group}`);
		if (app !== undefined)
			assert.ok(app <= group * AT_MOST, `app: ${app} of ${group}`);
		return undefined;
	});
