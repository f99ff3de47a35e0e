'use strict';

// The caps on what peers may take together, and how fast: each option is reached, its client gets
// the answer that the manual says, and another client notices nothing.

const assert = require('node:assert/strict');
const { after, test } = require('node:test');
const { startDaemon, killAll, withLog } = require('./lib/daemon');
const { eventually, expectLogged } = require('./lib/guard');
const { Connection } = require('./lib/http');
const { WebSocketClient, encodeFrame, OPCODE } = require('./lib/websocket');

after(killAll);

const MB = 1024 * 1024;
const ONE = '127.0.0.2';
const OTHER = '127.0.0.3';

// Runs `body(daemon)` with a daemon whose [server] has these options.
function check(name, options, body) {
	let daemon;
	test(name, withLog(() => daemon, async () => {
		daemon = await startDaemon({
			conf: `[server]\n${options}\n[service /echo]\nmodule = echo\nwebsocket_deflate = on\nqueue_limit = 16M\nlog_level = error\n`,
		});
		try {
			await body(daemon);
		} finally {
			Connection.closeAll();
			assert.equal((await daemon.stop()).code, 0);
		}
	}));
}

const open = (daemon, localAddress) => Connection.open(daemon.url, { localAddress });
const websocket = async (daemon, localAddress, options) =>
	WebSocketClient.handshake(await open(daemon, localAddress), '/echo/websocket', options);

async function echo(socket, text = 'hello') {
	socket.send(text);
	assert.equal(await socket.readText(), text);
}


// The beginning of a message of `size` bytes that does not end.
function begin(socket, size) {
	const piece = Buffer.alloc(65536);
	for (let sent = 0; sent < size; sent += piece.length)
		socket.connection.write(encodeFrame(sent === 0 ? OPCODE.binary : OPCODE.continuation, piece, { fin: false }));
}

check('connections_per_address: one more gets 429, others come in', 'connections_per_address = 2', async (daemon) => {
	const socket = await websocket(daemon, ONE);
	const kept = await open(daemon, ONE);
	assert.equal((await kept.request('GET', '/echo/info')).status, 200);
	const third = await open(daemon, ONE);
	const answer = await third.readAnswer();
	assert.equal(answer.status, 429);
	assert.equal(answer.header('Retry-After'), '1');
	await third.expectClose();
	await echo(await websocket(daemon, OTHER));
	// A websocket that ends gives its place back.
	socket.sendClose(1000);
	await socket.readClose();
	socket.connection.close();
	for (let status = 429; status !== 200; ) {
		const next = await open(daemon, ONE);
		next.write('GET /echo/info HTTP/1.1\r\nHost: x\r\n\r\n');
		status = (await next.readAnswer()).status;
		next.close();
	}
	await expectLogged(daemon, /connections_per_address \(2\) reached: \d+ refused/);
});

check('memory_limit: without memory nothing new is taken', 'memory_limit = 1M', async (daemon) => {
	const answer = await (await open(daemon, ONE)).readAnswer();
	assert.equal(answer.status, 503);
	assert.equal(answer.header('Retry-After'), '1');
	await expectLogged(daemon, /memory_limit \(1048576\) reached/);
});

check('input_limit: a long message that does not end closes its websocket with 1013', 'input_limit = 1M', async (daemon) => {
	const normal = await websocket(daemon, OTHER);
	const first = await websocket(daemon, ONE);
	begin(first, 600 * 1024);
	// What was begun is all there: a ping behind it is answered.
	first.connection.write(encodeFrame(OPCODE.ping, 'all'));
	assert.equal((await first.readFrame()).opcode, OPCODE.pong);
	const second = await websocket(daemon, ONE);
	begin(second, 3 * MB);
	assert.equal((await second.readClose()).code, 1013);
	// Short ones find room, and the first one is not disturbed.
	await echo(normal, 'x'.repeat(10000));
	first.connection.write(encodeFrame(OPCODE.continuation, 'end'));
	assert.equal((await first.readFrame()).payload.length, 10 * 65536 + 3);
	await expectLogged(daemon, /input_limit \(1048576\) reached/);
});

check('input_limit: a long body gets 503, a short one passes', 'input_limit = 1M', async (daemon) => {
	const session = '/echo/000/caps';
	const poll = await open(daemon, OTHER);
	await poll.request('POST', `${session}/xhr`);
	const taker = await open(daemon, ONE);
	taker.write('POST /echo/000/x/xhr_send HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n');
	taker.write(Buffer.alloc(2 * MB, ' '));
	assert.equal((await taker.readAnswer('POST')).status, 503);
	const sender = await open(daemon, OTHER);
	assert.equal((await sender.request('POST', `${session}/xhr_send`, { body: '["hello"]' })).status, 204);
	assert.equal((await poll.request('POST', `${session}/xhr`)).body.toString(), 'a["hello"]\n');
});

check('queues_limit: when too much waits, who lets much wait is closed with 1008', 'queues_limit = 1M', async (daemon) => {
	const normal = await websocket(daemon, OTHER);
	const greedy = await websocket(daemon, ONE);
	greedy.connection.socket.pause();
	const message = encodeFrame(OPCODE.binary, Buffer.alloc(256 * 1024));
	for (let i = 0; i < 60; i++) greedy.connection.write(message);
	await expectLogged(daemon, /queue_limit \(65536 bytes\) reached/);
	await echo(normal);
	greedy.connection.socket.resume();
	assert.equal((await greedy.readClose()).code, 1008);
});

check('deflate_limit: one more goes on without compression', 'deflate_limit = 1', async (daemon) => {
	const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
	const first = await websocket(daemon, ONE, { headers });
	assert.match(first.answer.header('Sec-WebSocket-Extensions'), /permessage-deflate/);
	const second = await websocket(daemon, ONE, { headers });
	assert.equal(second.answer.header('Sec-WebSocket-Extensions'), undefined);
	await echo(second, 'x'.repeat(1000));
	first.connection.close();
	for (let extension; extension === undefined; ) {
		const next = await websocket(daemon, ONE, { headers });
		extension = next.answer.header('Sec-WebSocket-Extensions');
		next.connection.close();
	}
});

check('message_timeout: a message that does not end in time closes its websocket with 1008', 'message_timeout = 300ms', async (daemon) => {
	const normal = await websocket(daemon, OTHER);
	const slow = await websocket(daemon, ONE);
	begin(slow, 1);
	assert.equal((await slow.readClose()).code, 1008);
	await echo(normal);
});

for (const scope of ['', 'address_']) {
	// With `address_` the second half comes over another connection.
	check(`${scope}request_rate: more get 429`, `${scope}request_rate = 1`, async (daemon) => {
		let connection = await open(daemon, ONE);
		const statuses = [];
		for (let i = 0; i < 40; i++) {
			if (scope && i === 20) connection = await open(daemon, ONE);
			const answer = await connection.request('GET', '/echo/info');
			statuses.push(answer.status);
			if (answer.status === 429) assert.equal(answer.header('Retry-After'), '1');
		}
		assert.deepEqual(statuses.slice(0, 10), Array(10).fill(200));
		assert.ok(statuses.includes(429), `${statuses}`);
		if (scope) assert.ok(statuses.slice(20).includes(429), `${statuses}`);
		assert.equal((await (await open(daemon, OTHER)).request('GET', '/echo/info')).status, 200);
		await expectLogged(daemon, new RegExp(`${scope}request_rate \\(1\\) reached`));
	});

	check(`${scope}send_rate: more get 429, and nothing of them is heard`, `${scope}send_rate = 1`, async (daemon) => {
		const session = '/echo/000/rates';
		const poll = await open(daemon, ONE);
		const sender = await open(daemon, ONE);
		await poll.request('POST', `${session}/xhr`);
		const accepted = [];
		for (let i = 0; i < 40; i++) {
			const { status } = await sender.request('POST', `${session}/xhr_send`, { body: `["${i}"]` });
			if (status === 204) accepted.push(`${i}`);
			else assert.equal(status, 429);
		}
		assert.ok(accepted.length >= 10 && accepted.length < 40, `${accepted.length}`);
		const heard = (await poll.request('POST', `${session}/xhr`)).body.toString();
		assert.deepEqual(JSON.parse(heard.slice(1)), accepted);
		await expectLogged(daemon, new RegExp(`${scope}send_rate \\(1\\) reached`));
	});

	for (const [kind, opcode, answers] of [['message', OPCODE.text, OPCODE.text], ['ping', OPCODE.ping, OPCODE.pong]])
		check(`${scope}${kind}_rate: more close the websocket with 1008`, `${scope}${kind}_rate = 1`, async (daemon) => {
			const normal = await websocket(daemon, OTHER);
			const first = await websocket(daemon, ONE);
			const second = scope ? await websocket(daemon, ONE) : first;
			for (let i = 0; i < 5; i++) {
				first.sendFrame(opcode, 'x');
				assert.equal((await first.readFrame()).opcode, answers);
			}
			let frame;
			for (let i = 0; i < 40 && (!frame || frame.opcode !== OPCODE.close); i++) {
				second.sendFrame(opcode, 'x');
				frame = await second.readFrame();
			}
			assert.equal(frame.opcode, OPCODE.close);
			assert.equal(frame.payload.readUInt16BE(0), 1008);
			await echo(normal);
			await expectLogged(daemon, new RegExp(`${scope}${kind}_rate \\(1\\) reached`));
		});
}
