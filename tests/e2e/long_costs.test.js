'use strict';

// Programs of bench/ that take long or measure time: that they work. What they print differs from
// machine to machine.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { measured } = require('./lib/bench');

test('costs: 200 clients poll behind 20 processes of mod_fcgid, and each send is answered before a poll ends by itself', (t) =>
	measured(t, 'fcgid_sends.js', '--clients', '200'));

for (const [script, args, line] of [
	['websocket_cpu.js', ['--messages', '500', '--rounds', '1'], /^ratio +\S/m],
	['polling_cost.js', ['--messages', '200', '--rounds', '1'], /^cost, of sockjs-node's: \S/m],
	['store_cost.js', ['--messages', '200', '--rounds', '1'], /^ +sync normal: cost \S/m],
])
	test(`costs: bench/${script} measures`, async (t) => {
		const stdout = await measured(t, script, ...args);
		if (stdout !== null)
			assert.match(stdout, line);
	});
