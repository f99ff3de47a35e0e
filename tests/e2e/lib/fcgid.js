'use strict';

// mod_fcgid has a process for each request, and a request that finds none idle waits a whole second
// before it even starts one (and later ones wait longer). sockjs-client gives a transport less time
// than that on a fast network: so tests that look at something else start some processes first.

const assert = require('node:assert/strict');
const { request } = require('./http');

const HELD = 10; // polls at once: more than sessiond lets wait at first (fcgid_max_held)
const PATIENCE = 30000; // ms
const ROUNDS = 90; // of 30 sends: all together fewer than guesses_per_minute
const PAUSE = 200; // ms between rounds: mod_fcgid starts processes by the second

const post = (url, path, options) => request(url, 'POST', path, { timeout: PATIENCE, ...options });

// Makes processes of those that take sends, until there are enough: of many sends at once, those
// that find no idle process start one.
async function startSenders(url, isEnough) {
	const body = JSON.stringify(['x'.repeat(500000)]);
	for (let round = 0; round < ROUNDS && !isEnough(); round++) {
		await Promise.all(
			Array.from({ length: 30 }, () => post(url, '/echo/000/nobody/xhr_send', { body })),
		);
		await new Promise((resolve) => setTimeout(resolve, PAUSE));
	}
	assert.ok(isEnough(), 'mod_fcgid starts too few processes');
}

// Makes `count` processes (more than HELD), all of which are idle when this resolves.
async function startProcesses(url, count) {
	const sessions = Array.from({ length: HELD }, (_, index) => `/echo/000/processes${index}`);

	for (const session of sessions) assert.equal((await post(url, `${session}/xhr`)).text, 'o\n');
	const polls = sessions.map((session) => post(url, `${session}/xhr`));
	await Promise.all(
		Array.from({ length: count - HELD }, () =>
			request(url, 'GET', '/echo/info', { timeout: PATIENCE }),
		),
	);
	for (const session of sessions) await post(url, `${session}/xhr_send`, { body: '["x"]' });
	await Promise.all(polls);
}

module.exports = { startProcesses, startSenders };
