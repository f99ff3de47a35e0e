'use strict';

// What sessiond makes of the requests that a responder holds, when that responder does not do what
// ours does at once: it confirms nothing, or late, or has one request only.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { startDaemon, temporaryDirectory, withTimeout } = require('./lib/daemon');
const { LocalPeer, encodeHello, encodeMessage, encodeReceive, encodeSend, FLAG, TYPE } = require('./lib/local_socket');

const PATIENCE = 20000; // ms

// A peer that is known, and the id of its connection.
async function greet(daemon, hello) {
	const peer = await LocalPeer.open(path.join(daemon.directory, 'sock'));
	peer.write(encodeHello(hello));
	const answer = await peer.read();
	assert.equal(answer.type, TYPE.hello);
	assert.equal((await peer.read()).type, TYPE.services);
	return { peer, connection: answer.payload.readBigUInt64BE(17) };
}

// Runs a body with a daemon, a greeted peer of its socket, and shows the log if it fails.
function check(name, { server = '', service = '' }, body) {
	test(name, async () => {
		const conf = `[server]\nsocket = sock\nstore = sessions.db\n${server}\n[service /echo]\nmodule = echo\n${service}\n`;
		const daemon = await startDaemon({ conf });
		try {
			const { peer } = await greet(daemon);
			await body(peer, daemon);
			peer.close();
		} catch (error) {
			process.stderr.write(`--- log at the failure of "${name}":\n${daemon.log().slice(-4000)}\n---\n`);
			throw error;
		} finally {
			await daemon.stop('SIGKILL');
		}
	});
}

async function expectFrame(peer, request, text, isEnd = true) {
	const message = await peer.read();
	assert.deepEqual([message.type, message.request, `${message.payload}`], [TYPE.frame, request, text]);
	assert.equal(message.flags & FLAG.end, isEnd ? FLAG.end : 0);
}

const written = (request) => encodeMessage(TYPE.written, { request });

check('queue_limit is reached while a frame is on its way: the session is closed', { service: 'queue_limit = 1000' }, async (peer) => {
	peer.write(encodeReceive('s', { request: 1 }));
	await expectFrame(peer, 1, 'o\n');
	peer.write(encodeSend('s', Array(5).fill('x'.repeat(300)), { request: 2 }));
	const sent = await peer.read();
	assert.deepEqual([sent.type, sent.request, sent.payload[0]], [TYPE.sent, 2, 0]);
	peer.write(encodeReceive('s', { request: 3 }));
	await expectFrame(peer, 3, 'c[1008,"Messages are not read fast enough"]\n');
	// Nothing of it comes back.
	peer.write(encodeMessage(TYPE.abort, { request: 1, flags: 1 }));
	peer.write(encodeReceive('s', { request: 4 }));
	await expectFrame(peer, 4, 'c[1008,"Messages are not read fast enough"]\n');
});

check('an open frame that did not arrive comes before all else, also to a request that is held already', {}, async (peer) => {
	peer.write(encodeReceive('s', { request: 1 }));
	await expectFrame(peer, 1, 'o\n');
	peer.write(Buffer.concat([encodeReceive('s', { request: 2 }), encodeSend('s', ['hi'], { request: 3 })]));
	assert.equal((await peer.read()).type, TYPE.sent);
	peer.write(encodeMessage(TYPE.abort, { request: 1, flags: 1 }));
	await expectFrame(peer, 2, 'o\n');
	peer.write(Buffer.concat([encodeReceive('s', { request: 4 }), written(2)]));
	await expectFrame(peer, 4, 'a["hi"]\n');
});

check('SIGTERM while a frame is on its way: its confirmation ends the connection', {}, async (peer, daemon) => {
	peer.write(encodeReceive('s', { request: 1 }));
	await expectFrame(peer, 1, 'o\n');
	// What is never confirmed keeps the daemon for five seconds.
	const { peer: other } = await greet(daemon);
	other.write(encodeReceive('other', { request: 1 }));
	await expectFrame(other, 1, 'o\n');
	daemon.child.kill('SIGTERM');
	assert.equal((await peer.read()).type, TYPE.goodbye);
	peer.write(written(1));
	await peer.expectEnd(PATIENCE);
	assert.equal(daemon.child.exitCode, null, 'before the daemon does');
	peer.close();
	other.close();
	assert.equal((await withTimeout(daemon.exited, PATIENCE, 'it does not end')).code, 0);
});

check('SIGTERM: a connection that has said nothing yet is not waited for', {}, async (peer, daemon) => {
	const silent = await LocalPeer.open(path.join(daemon.directory, 'sock'));
	peer.write(encodeReceive('s', { request: 1 }));
	await expectFrame(peer, 1, 'o\n');
	daemon.child.kill('SIGTERM');
	assert.equal((await peer.read()).type, TYPE.goodbye);
	await silent.expectEnd(PATIENCE);
	assert.equal(daemon.child.exitCode, null, 'before the daemon does');
	peer.write(written(1));
	peer.close();
	assert.equal((await withTimeout(daemon.exited, PATIENCE, 'it does not end')).code, 0);
});

check('fcgid_max_held: a stream that makes room for others ends with one heartbeat', { server: 'fcgid_max_held = 1' }, async (peer) => {
	const stream = { transport: 6, flags: FLAG.alone };
	peer.write(encodeReceive('first', { request: 1, ...stream }));
	await expectFrame(peer, 1, 'o\n', false);
	peer.write(encodeReceive('second', { request: 2, ...stream }));
	await expectFrame(peer, 2, 'o\n', false);
	await expectFrame(peer, 1, 'h\n', false);
	await expectFrame(peer, 1, '');
});

// A responder comes back to the next daemon, and has taken the echo's frame, or has not.
for (const [how, frames, text] of [['arrived', 2n, 'a["last"]\n'], ['did not arrive', 1n, 'a["hi"]\n']])
	test(`SIGTERM, twice, while messages are on their way that were never stored, and that ${how}`, async () => {
		const directory = temporaryDirectory();
		const conf = `[server]\nsocket = sock\nstore = ${directory}/sessions.db\n[service /echo]\nmodule = echo\nresponse_limit = 1\n`;
		const first = await startDaemon({ conf });
		let second;
		try {
			const { peer, connection } = await greet(first);
			// Of a stream nothing is on its way, which would be stored.
			peer.write(encodeReceive('s', { request: 1, transport: 6 }));
			await expectFrame(peer, 1, 'o\n');
			peer.write(Buffer.concat([encodeReceive('s', { request: 2 }), encodeSend('s', ['hi'], { request: 3 })]));
			await expectFrame(peer, 2, 'a["hi"]\n');
			assert.equal((await peer.read()).type, TYPE.sent);
			first.child.kill('SIGTERM');
			assert.equal((await peer.read()).type, TYPE.goodbye);
			first.child.kill('SIGTERM');
			assert.equal((await withTimeout(first.exited, PATIENCE, 'it does not end')).code, 0);
			peer.close();

			second = await startDaemon({ conf });
			const next = await greet(second, { connection, frames });
			next.peer.write(Buffer.concat([encodeReceive('s', { request: 4 }), encodeSend('s', ['last'], { request: 5, sequence: 2n })]));
			const message = await next.peer.read();
			assert.deepEqual([message.type, `${message.payload}`], [TYPE.frame, text]);
			next.peer.close();
		} catch (error) {
			process.stderr.write(`${first.log()}\n${second ? second.log() : ''}\n`);
			throw error;
		} finally {
			await first.stop('SIGKILL');
			if (second) await second.stop('SIGKILL');
			fs.rmSync(directory, { recursive: true, force: true });
		}
	});

test('SIGTERM, twice, just after a frame was confirmed: it is not sent again, whoever asks', async () => {
	const directory = temporaryDirectory();
	const conf = `[server]\nsocket = sock\nstore = ${directory}/sessions.db\n[service /echo]\nmodule = echo\n`;
	const first = await startDaemon({ conf });
	let second;
	try {
		const { peer } = await greet(first);
		peer.write(encodeReceive('s', { request: 1 }));
		await expectFrame(peer, 1, 'o\n');
		// What is never confirmed keeps the connection.
		peer.write(encodeReceive('other', { request: 2 }));
		await expectFrame(peer, 2, 'o\n');
		peer.write(Buffer.concat([written(1), encodeSend('nobody', [], { request: 3 })]));
		assert.equal((await peer.read()).type, TYPE.sent);
		first.child.kill('SIGTERM');
		assert.equal((await peer.read()).type, TYPE.goodbye);
		first.child.kill('SIGTERM');
		assert.equal((await withTimeout(first.exited, PATIENCE, 'it does not end')).code, 0);
		peer.close();

		second = await startDaemon({ conf });
		const next = await greet(second);
		next.peer.write(Buffer.concat([encodeReceive('s', { request: 4 }), encodeSend('s', ['hi'], { request: 5 })]));
		// Before the time in which the former responder might come back is over.
		const message = await next.peer.read(1000);
		if (message.type === TYPE.sent)
			assert.equal(`${(await next.peer.read(1000)).payload}`, 'a["hi"]\n');
		else
			assert.equal(`${message.payload}`, 'a["hi"]\n');
		next.peer.close();
	} finally {
		await first.stop('SIGKILL');
		if (second) await second.stop('SIGKILL');
		fs.rmSync(directory, { recursive: true, force: true });
	}
});
