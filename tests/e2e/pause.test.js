'use strict';

// A daemon that stands still for longer than every delay (a suspended machine, SIGSTOP): what its
// clients have sent meanwhile counts before it judges that they are gone.

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { startDaemon, withLog } = require('./lib/daemon');
const { Connection } = require('./lib/http');
const { WebSocketClient } = require('./lib/websocket');

const DELAY = 2000; // ms: disconnect_delay and heartbeat_delay
const STANDSTILL = 3 * DELAY;

let daemon;
before(async () => {
	daemon = await startDaemon({
		conf: `[server]\ndisconnect_delay = ${DELAY}ms\nheartbeat_delay = ${DELAY}ms\n[service /echo]\nmodule = echo\n`,
	});
});
after(async () => {
	Connection.closeAll();
	await daemon.stop();
});

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function standStill(meanwhile) {
	process.kill(daemon.pid, 'SIGSTOP');
	try {
		await meanwhile();
		await sleep(STANDSTILL);
	} finally {
		process.kill(daemon.pid, 'SIGCONT');
	}
}

// A poll asks until something else than a heartbeat comes.
async function frameOf(connection, path) {
	for (;;) {
		const { text } = await connection.request('POST', `${path}/xhr`);
		if (text !== 'h\n') return text;
	}
}

const check = (name, body) => test(`pause: ${name}`, withLog(() => daemon, body));

check('a session goes on whose poll waits in a socket', async () => {
	const path = '/echo/000/polling';
	const [receiving, sending] = await Promise.all([Connection.open(daemon.url), Connection.open(daemon.url)]);
	assert.equal(await frameOf(receiving, path), 'o\n');
	let frame;
	await standStill(() => { frame = frameOf(receiving, path); });
	assert.equal((await sending.request('POST', `${path}/xhr_send`, { body: '["hello"]' })).status, 204);
	assert.equal(await frame, 'a["hello"]\n');
});

check('so does one whose poll comes over a connection that was not yet accepted', async () => {
	const path = '/echo/000/connecting';
	assert.equal(await frameOf(await Connection.open(daemon.url), path), 'o\n');
	let frame;
	await standStill(async () => { frame = frameOf(await Connection.open(daemon.url), path); });
	const sending = await Connection.open(daemon.url);
	assert.equal((await sending.request('POST', `${path}/xhr_send`, { body: '["hello"]' })).status, 204);
	assert.equal(await frame, 'a["hello"]\n');
});

check('a websocket whose pongs wait in its socket stays', async () => {
	const client = await WebSocketClient.connect(daemon.url, '/echo/websocket');
	await standStill(() => client.send('hello'));
	assert.equal(await client.readText(), 'hello');
	await sleep(DELAY);
	client.send('still there');
	assert.equal(await client.readText(), 'still there');
});
