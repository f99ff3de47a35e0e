'use strict';

// What lighttpd writes to its error log when clients leave while their polls wait: nothing. A
// request whose connection ended without END_REQUEST looked to it as if the responder had crashed.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { allAsleep } = require('./lib/asleep');
const { eventually } = require('./lib/guard');
const { Connection, formatRequest, request } = require('./lib/http');
const { startStack } = require('./lib/stack');

const CLIENTS = 5;

// A poll as the second request of its connection: on a fresh one, lighttpd does not notice that the
// client leaves.
async function holdPoll(url, session) {
	assert.equal((await request(url, 'POST', `${session}/xhr`)).text, 'o\n');
	const connection = await Connection.open(url);
	connection.write(formatRequest('GET', '/echo', { host: 'x' }));
	await (await connection.readAnswer()).readToEnd();
	connection.write(formatRequest('POST', `${session}/xhr`, { host: 'x' }));
	return connection;
}

test('lighttpd: a client that leaves its poll is no error', async () => {
	const stack = await startStack('lighttpd');
	try {
		const sessions = Array.from({ length: CLIENTS }, (_, i) => `/echo/000/leaving${i}`);
		const held = await Promise.all(sessions.map((session) => holdPoll(stack.url, session)));
		const processes = Object.values(stack.pids).flat().map((pid) => ({ pid }));
		await allAsleep(...processes);
		for (const connection of held)
			connection.close();
		await allAsleep(...processes);
		// The session ends with its receiver: the next is a new one.
		for (const session of sessions)
			await eventually(async () => (await request(stack.url, 'POST', `${session}/xhr`)).text === 'o\n', 'the leave is noticed');
		assert.doesNotMatch(stack.log(), /unexpected end-of-file|response not received|connection was dropped/);
	} catch (error) {
		console.error(stack.log());
		throw error;
	} finally {
		await stack.stop();
	}
});
