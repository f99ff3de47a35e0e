'use strict';

// Measures how much memory and how many threads sockjs.fcgi needs for many held polls, and how fast
// it answers all of them.

const fs = require('node:fs');
const { parseArguments } = require('./common');
const { FastCgi } = require('../tests/e2e/lib/fastcgi');
const { startPair } = require('../tests/e2e/lib/responder');

const options = parseArguments(
	'Usage: node bench/held_polls.js [--OPTION N ...]\n\n' +
	'Holds polls in one sockjs.fcgi, through raw FastCGI. Prints by how much its resident memory grew for each poll, and how\n' +
	'many threads it has. Then all polls are answered. Each poll needs an open file, here and in the responder (ulimit -n).', {
		polls: { default: 8000, help: 'polls that are held at once' },
		threads: { default: 8, help: 'with --check: exit with 1 if there are more threads' },
		check: { help: 'exit with 1 if a poll costs more than N bytes' },
	});
const AT_ONCE = 100;
const PATIENCE = 60000; // ms

function statusOf(pid) {
	const text = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
	return { bytes: Number(/^VmRSS:\s+(\d+)/m.exec(text)[1]) * 1024, threads: Number(/^Threads:\s+(\d+)/m.exec(text)[1]) };
}

// Opens a session, and sends a poll that the responder holds.
async function hold(address, name) {
	const connection = await FastCgi.open(address);
	const { text } = await connection.request('POST', `/broadcast/000/${name}/xhr`, { keep: true, timeout: PATIENCE });
	if (text !== 'o\n')
		throw new Error(`no session: ${JSON.stringify(text)}`);
	return { connection, answer: connection.begin('POST', `/broadcast/000/${name}/xhr`, { keep: true }) };
}

async function holdMany(address, count) {
	const polls = [];
	while (polls.length < count)
		polls.push(...await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - polls.length) }, (_, i) => hold(address, `p${polls.length + i}`))));
	return polls;
}

async function main() {
	const pair = await startPair({ services: '[service /broadcast]\nmodule = broadcast\nheartbeat_delay = 10m\ndisconnect_delay = 10m\n' });
	const { pid } = pair.responder;
	const first = await FastCgi.open(pair.address);
	await first.request('POST', '/broadcast/000/sender/xhr', { keep: true });
	const before = statusOf(pid);
	const polls = await holdMany(pair.address, options.polls);
	// This is answered after the last poll was read.
	await first.request('GET', '/broadcast', { keep: true, timeout: PATIENCE });
	const after = statusOf(pid);
	const each = (after.bytes - before.bytes) / options.polls;
	const start = Date.now();
	await first.request('POST', '/broadcast/000/sender/xhr_send', { keep: true, body: '["to all"]', timeout: PATIENCE });
	await Promise.all(polls.map(({ connection, answer }) => connection.finish(answer, PATIENCE)));
	const answered = polls.filter(({ answer }) => answer.text === 'a["to all"]\n').length;
	console.log(`${options.polls} held polls: ${(after.bytes / 1048576).toFixed(1)} MB resident, ${(before.bytes / 1048576).toFixed(1)} MB without them, ` +
		`${each.toFixed(0)} bytes each; ${after.threads} threads; ${answered} answered in ${Date.now() - start} ms`);
	polls.forEach(({ connection }) => connection.close());
	first.close();
	await pair.stop();
	if (answered !== options.polls)
		throw new Error('not all were answered');
	if (options.check !== undefined && !(each <= options.check && after.threads <= options.threads)) {
		console.log(`more than ${options.check} bytes, or than ${options.threads} threads`);
		process.exitCode = 1;
	}
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
