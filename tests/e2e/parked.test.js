'use strict';

// Polls and streams that wait for long, directly at the daemon: they cost little memory, and their
// connections go on as if nothing had been.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { openDescriptors, residentBytes, startDaemon } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { Connection, formatRequest } = require('./lib/http');

const EACH = 500; // so many polls, and so many streams
// Of memory for each; one that libmicrohttpd holds takes more than 16 KB, a sanitizer as much as it likes.
const BYTES = process.env.SOCKJS_SANITIZED === '1' ? Infinity : 8 * 1024;
const PATIENCE = 60000; // ms
const CONF = `
[service /broadcast]
module = broadcast
heartbeat_delay = 10m
disconnect_delay = 10m
`;

const numbered = (make) => Promise.all(Array.from({ length: EACH }, (_, i) => make(i)));

async function poll(url, name) {
	const connection = await Connection.open(url);
	const path = `/broadcast/000/${name}/xhr`;
	assert.equal((await connection.request('POST', path, { timeout: PATIENCE })).text, 'o\n');
	return { connection, ask: () => connection.write(formatRequest('POST', path, { host: 'x' })) };
}

async function stream(url, name) {
	const connection = await Connection.open(url);
	const answer = await connection.open('POST', `/broadcast/000/${name}/xhr_streaming`, { timeout: PATIENCE });
	await answer.readUntil('o\n', PATIENCE);
	return answer;
}

test(`parked: ${EACH} polls and ${EACH} streams take at most ${BYTES} bytes each, and all of them hear`, async (t) => {
	const daemon = await startDaemon({ conf: CONF });
	t.after(() => daemon.stop());
	const sender = await poll(daemon.url, 'sender');
	const descriptors = openDescriptors(daemon.pid) + 1; // and the one that is kept for taking sockets over
	const before = residentBytes(daemon.pid);
	const polls = await numbered((i) => poll(daemon.url, `poll${i}`));
	const streams = await numbered((i) => stream(daemon.url, `stream${i}`));
	const each = () => (residentBytes(daemon.pid) - before) / (2 * EACH);

	for (const text of ['parked', 'at once']) {
		polls.forEach(({ ask }) => ask());
		if (text === 'parked')
			await eventually(() => each() <= BYTES, () => `${Math.round(each())} bytes each`, PATIENCE);
		await eventually(() => openDescriptors(daemon.pid) <= descriptors + 2 * EACH, 'they have one descriptor each', PATIENCE);
		const { status } = await sender.connection.request('POST', '/broadcast/000/sender/xhr_send', { body: `["${text}"]` });
		assert.equal(status, 204);
		await Promise.all(polls.map(async ({ connection }) => {
			const answer = await connection.readAnswer('POST', PATIENCE);
			await answer.readToEnd(PATIENCE);
			assert.deepEqual([answer.status, answer.text], [200, `a["${text}"]\n`]);
		}));
		await Promise.all(streams.map((answer) => answer.readUntil(`a["${text}"]\n`, PATIENCE)));
	}
	for (const { connection } of [...polls, ...streams])
		connection.close();
	await eventually(() => openDescriptors(daemon.pid) <= descriptors, 'they are closed', PATIENCE);
});
