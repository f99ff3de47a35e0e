'use strict';

// mod_fcgid has a process for each request, and a request that finds none idle waits a whole second
// before it even starts one (and later ones wait longer). sockjs-client gives a transport less time
// than that on a fast network: so tests that look at something else start some processes first.

const assert = require('node:assert/strict');
const { request, Connection } = require('./http');

const HELD = 10; // polls that sessiond lets wait at once: fcgid_max_held
const PATIENCE = 30000; // ms

// Makes `count` processes (more than HELD), all of which are idle when this resolves.
async function startProcesses(url, count) {
	const post = (path, options) => request(url, 'POST', path, { timeout: PATIENCE, ...options });
	const sessions = Array.from({ length: HELD }, (_, index) => `/echo/000/processes${index}`);

	for (const session of sessions) assert.equal((await post(`${session}/xhr`)).text, 'o\n');
	const polls = sessions.map((session) => post(`${session}/xhr`));
	await Promise.all(
		Array.from({ length: count - HELD }, async () => {
			const connection = await Connection.open(url);
			await connection.request('GET', '/echo/info', { timeout: PATIENCE });
			connection.close();
		}),
	);
	for (const session of sessions) await post(`${session}/xhr_send`, { body: '["x"]' });
	await Promise.all(polls);
}

module.exports = { startProcesses };
