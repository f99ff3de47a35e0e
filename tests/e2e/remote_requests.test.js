'use strict';

// What sessiond makes of the requests that a responder holds, when that responder does not do what ours does at once: it confirms
// nothing, or late, or has one request only.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const path = require('node:path');
const { startDaemon, withTimeout } = require('./lib/daemon');
const { LocalPeer, encodeHello, encodeMessage, encodeReceive, encodeSend, FLAG, TYPE } = require('./lib/local_socket');

// Runs a body with a daemon, a greeted peer of its socket, and shows the log if it fails.
function check(name, { server = '', service = '' }, body) {
	test(name, async () => {
		const conf = `[server]\nsocket = sock\nstore = sessions.db\n${server}\n[service /echo]\nmodule = echo\n${service}\n`;
		const daemon = await startDaemon({ conf });
		try {
			const peer = await LocalPeer.open(path.join(daemon.directory, 'sock'));
			peer.write(encodeHello());
			assert.equal((await peer.read()).type, TYPE.hello);
			assert.equal((await peer.read()).type, TYPE.services);
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

check('SIGTERM while a frame is on its way: its confirmation ends the connection', {}, async (peer, daemon) => {
	peer.write(encodeReceive('s', { request: 1 }));
	await expectFrame(peer, 1, 'o\n');
	daemon.child.kill('SIGTERM');
	assert.equal((await peer.read()).type, TYPE.goodbye);
	peer.write(written(1));
	await peer.expectEnd(3000);
	peer.close();
	assert.equal((await withTimeout(daemon.exited, 3000, 'it does not end')).code, 0);
});

check('SIGTERM: a connection that has said nothing yet is not waited for', {}, async (peer, daemon) => {
	const silent = await LocalPeer.open(path.join(daemon.directory, 'sock'));
	peer.write(encodeReceive('s', { request: 1 }));
	await expectFrame(peer, 1, 'o\n');
	peer.write(written(1));
	daemon.child.kill('SIGTERM');
	assert.equal((await peer.read()).type, TYPE.goodbye);
	await silent.expectEnd(3000);
	peer.close();
	assert.equal((await withTimeout(daemon.exited, 3000, 'it does not end')).code, 0);
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
