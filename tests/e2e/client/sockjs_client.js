'use strict';

// The real sockjs-client in node, over each transport that it has there, against the standard
// services of one kind of stack. Entry files call register(kind) once for each way in, with what is
// different there:
//   fcgiOnly       the web server passes nothing to sessiond itself: there is no websocket, and a stream ends with each frame
//   hidesHangUps   it tells nobody that a client has gone, but for websockets
//   bodyLimit      bytes of a request's body that it takes
//   processes      to start before the tests begin (lib/fcgid.js)
//   timeout        ms that a client gives a transport at least, its option of that name
//   daemons        how many there are; a broadcast, which is a group's, reaches the clients of one

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Client, connect } = require('../lib/client');
const { withLog } = require('../lib/daemon');
const { startProcesses } = require('../lib/fcgid');
const { request } = require('../lib/http');
const { freePort, srcdir, startStack } = require('../lib/stack');

// What sockjs-client can do without a browser: the others need XDomainRequest, iframes or script
// elements.
const transports = ['websocket', 'xhr-streaming', 'eventsource', 'xhr-polling'];

// Sends the messages to an echo service and requires them back, unchanged and in order.
async function echo(url, options, messages) {
	const client = await connect(url, options);
	for (const message of messages)
		client.socket.send(message);
	const received = await client.received(messages.length);
	for (let i = 0; i < messages.length; i++) {
		if (received[i] !== messages[i])
			assert.fail(`message ${i} differs: ${describeDifference(messages[i], received[i])}`);
	}
	assert.strictEqual(received.length, messages.length);
	const { code } = await client.close();
	assert.strictEqual(code, 1000);
	return client;
}

function describeDifference(sent, got) {
	if (typeof got !== 'string')
		return `sent a string, got ${typeof got}`;
	let at = 0;
	while (at < sent.length && sent[at] === got[at])
		at++;
	const hex = (text) => [...text.slice(at, at + 4).split('')].map((c) => c.charCodeAt(0).toString(16)).join(' ');
	return `lengths ${sent.length} and ${got.length}, from ${at} on sent ${hex(sent)}, got ${hex(got)}`;
}

// 256 messages of 256 characters. Surrogates stand in an order in which none of them makes a pair.
function everyCharacter() {
	const messages = [];
	for (let high = 0; high < 256; high++) {
		let message = '';
		for (let low = 0; low < 256; low++)
			message += String.fromCharCode((high << 8) | low);
		messages.push(message);
	}
	return messages;
}

async function eventually(condition, what, ms = 20000) {
	const end = Date.now() + ms;
	while (!await condition()) {
		if (Date.now() > end)
			assert.fail(`not within ${ms} ms: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}

const openSockets = (pid) => fs.readdirSync(`/proc/${pid}/fd`).filter((fd) => {
	try {
		return fs.readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
	} catch {
		return false;
	}
}).length;

// The ids of the sessions whose client waits for a frame, as the daemon tells.
function attachedSessions(pid) {
	const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
	const conf = words[words.indexOf('--config') + 1];
	const program = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'sessiond/ctl/sockjsctl');
	const { status, stdout, stderr } = spawnSync(program, ['--json', '--config', conf, 'sessions'], { encoding: 'utf8' });
	assert.strictEqual(status, 0, stdout + stderr);
	return JSON.parse(stdout).filter(({ state }) => state === 'attached').map(({ id }) => id);
}

function register(kind, { fcgiOnly = false, hidesHangUps = false, bodyLimit = Infinity, processes = 0, timeout, daemons = 1 } = {}) {
	let stack;
	before(async () => {
		stack = await startStack(kind, { env: fcgiOnly ? { SOCKJS_STACK_FCGI_ONLY: '1' } : {}, daemons });
		if (processes > 0)
			await startProcesses(stack.url, processes);
	});
	after(async () => { if (stack) await stack.stop(); });
	const label = `${kind}${fcgiOnly ? ', FastCGI only' : ''}${daemons > 1 ? `, ${daemons} daemons` : ''}`;
	const check = (name, body) => {
		if (daemons === 1 || !name.includes('broadcast'))
			test(`${label}: client ${name}`, withLog(() => stack, body));
	};
	const url = (prefix) => stack.url + prefix;
	const available = fcgiOnly ? transports.filter((transport) => transport !== 'websocket') : transports;
	const common = timeout ? { timeout } : {};
	const shared = { kind, check, url, getStack: () => stack, available, common, fcgiOnly };

	for (const transport of available) {
		const isSocket = transport === 'websocket';
		registerTransport({
			...shared,
			transport,
			hidesHangUps: hidesHangUps && !isSocket,
			bodyLimit: isSocket ? Infinity : bodyLimit,
		});
	}
	registerNegotiation(shared);
}

// A client has all its waiting messages in one body.
function bodySize(messages) {
	return Buffer.byteLength(JSON.stringify(messages));
}

function registerTransport({ kind, check, url, transport, getStack, common, fcgiOnly, hidesHangUps, bodyLimit }) {
	const options = { ...common, transports: transport };
	// A stream that ends with each frame may be between two requests when its client closes:
	// disconnect_delay (20 s) ends it.
	const noticeLimit = fcgiOnly ? 60000 : 20000;
	// A body that the web server does not take ends the client's connection.
	const echoOrRefusal = async (messages) => {
		if (bodySize(messages) <= bodyLimit)
			return echo(url('/echo'), options, messages);
		const client = await connect(url('/echo'), options);
		for (const message of messages)
			client.socket.send(message);
		assert.strictEqual((await client.closeCode()).wasClean, false);
		return client;
	};

	check(`${transport}: plain, rich and long messages come back`, async () => {
		const rich = ['', ' ', 'null', '[]', '["a"]', '{"a":"\\u0000"}', '"', '\\', '\'', '\n', '\r\n', '\0', '%', '%00%zz%25', '+&=d',
			'</script>', 'data: x\r\n\r\n', 'o', 'h', 'a["x"]', 'c[3000,"x"]', 'äöü€', '\u2028\u2029', '\ufeff', '\ufffe\uffff', '\u{1f600}',
			'\u{10ffff}', 'x'.repeat(4095), 'ä'.repeat(4096), '\u{1f600}'.repeat(4097), '"\\\n'.repeat(5000)];
		const client = await echo(url('/echo'), options, rich);
		assert.strictEqual(client.transport, transport);
	});

	check(`${transport}: every character from U+0000 to U+FFFF comes back`, async () => {
		await echoOrRefusal(everyCharacter());
	});

	check(`${transport}: lone surrogates come back as they are`, async () => {
		await echo(url('/echo'), options, ['\ud800', '\udfff', 'a\ud83d', '\ude00b', '\ude00\ud83d', '\ud83d\ud83d\ude00', '\ud83d"\ude00']);
	});

	check(`${transport}: all 65,536 characters in one message come back`, async () => {
		await echoOrRefusal([everyCharacter().join('')]);
	});

	check(`${transport}: 1,000 messages come back in order`, async () => {
		await echo(url('/echo'), options, Array.from({ length: 1000 }, (_, i) => `message ${i}`));
	});

	check(`${transport}: messages sent one by one, each after the last came back, keep their order`, async () => {
		const client = await connect(url('/echo'), options);
		for (let i = 0; i < 20; i++) {
			client.socket.send(`${i}`);
			await client.received(i + 1);
		}
		assert.deepStrictEqual(client.messages, Array.from({ length: 20 }, (_, i) => `${i}`));
		await client.close();
	});

	check(`${transport}: a message of 1,000,000 characters comes back`, async () => {
		await echoOrRefusal(['0123456789'.repeat(100000)]);
	});

	check(`${transport}: the server's close arrives with its code and reason`, async () => {
		const client = new Client(url('/close'), options);
		assert.deepStrictEqual(await client.closeCode(), { code: 3000, reason: 'Go away!', wasClean: true });
		assert.strictEqual(client.transport, transport, 'the client was open before it was closed');
		assert.deepStrictEqual(client.messages, []);
	});

	const noticing = hidesHangUps ? 'the web server hides that the client has closed' : 'the server notices that the client has closed';
	check(`${transport}: ${noticing}`, async () => {
		const stack = getStack();
		const { sessiond: [pid] = [] } = stack.pids;
		// What one client leaves open for the next (its connection for /info) is there before.
		if (transport === 'websocket')
			await echo(url('/echo'), options, ['x']);
		const before = pid && openSockets(pid);
		// lighttpd tells the responder of a hang-up only once it has passed the poll on. Clients of
		// the tests before may still leave.
		const others = pid && kind === 'lighttpd' && new Set(attachedSessions(pid));
		const isHeld = () => !others || attachedSessions(pid).some((id) => !others.has(id));
		const session = `closing${Math.random().toString(36).slice(2)}`;
		const client = await connect(url('/echo'), { ...options, server: '000', sessionId: () => session });
		client.socket.send('x');
		await client.received(1);
		if (transport === 'xhr-polling')
			await eventually(() => pollIsOnItsWay(client) && isHeld(), 'the client polls again');
		assert.deepStrictEqual(await client.close(), { code: 1000, reason: 'Normal closure', wasClean: true });
		if (hidesHangUps)
			assert.ok(!await isGone(stack.url, session));
		else if (transport !== 'websocket')
			await eventually(() => isGone(stack.url, session), 'the session has ended', noticeLimit);
		else if (pid)
			await eventually(() => openSockets(pid) <= before, 'the socket is closed');
	});

	check(`${transport}: every connected client receives a broadcast`, async () => {
		const clients = await Promise.all([1, 2, 3].map(() => connect(url('/broadcast'), options)));
		clients[0].socket.send(`hello over ${transport}`);
		for (const client of clients)
			assert.deepStrictEqual(await client.received(1), [`hello over ${transport}`]);
		await Promise.all(clients.map((client) => client.close()));
	});

	check(`${transport}: cookie_needed_echo echoes`, async () => {
		await echo(url('/cookie_needed_echo'), options, ['x']);
	});
}

// Between two polls there is nothing that the server could notice, so a test that closes looks into
// the client for this.
function pollIsOnItsWay(client) {
	const { xo } = client.socket._transport.poll.poll || {};
	return Boolean(xo && xo.req && xo.req.writableFinished);
}

async function isGone(url, session) {
	return (await request(url, 'POST', `/echo/000/${session}/xhr_send`, { body: '[]' })).status === 404;
}

function registerNegotiation({ check, url, getStack, available, common }) {
	const info = async (prefix) => JSON.parse((await request(getStack().url, 'GET', `${prefix}/info`)).text);

	check(`without a choice of transports takes ${available[0]}`, async () => {
		const client = await echo(url('/echo'), common, ['x']);
		assert.strictEqual(client.transport, available[0]);
	});

	check('at a URL that is no service closes with 1002', async () => {
		const { code, reason, wasClean } = await new Client(url('/no/such/service'), common).closeCode();
		assert.deepStrictEqual({ code, reason, wasClean }, { code: 1002, reason: 'Cannot connect to server', wasClean: false });
	});

	check('at a port where nobody listens closes with 1002', async () => {
		const { code } = await new Client(`http://127.0.0.1:${await freePort()}/echo`, {}).closeCode();
		assert.strictEqual(code, 1002);
	});

	check('falls back to a stream where websocket is off', async () => {
		assert.strictEqual((await info('/disabled_websocket_echo')).websocket, false);
		const client = await echo(url('/disabled_websocket_echo'), common, ['x', '\u{1f600}']);
		assert.strictEqual(client.transport, 'xhr-streaming');
	});

	check('that insists on websocket where it is off gets 2000', async () => {
		const { code, reason } = await new Client(url('/disabled_websocket_echo'), { ...common, transports: 'websocket' }).closeCode();
		assert.deepStrictEqual({ code, reason }, { code: 2000, reason: 'All transports failed' });
	});

	check('is told by info that a service needs cookies', async () => {
		assert.strictEqual((await info('/cookie_needed_echo')).cookie_needed, true);
		assert.strictEqual((await info('/echo')).cookie_needed, false);
	});

	check('mixes transports: a broadcast reaches all of them', async () => {
		const clients = await Promise.all(available.map((transport) => connect(url('/broadcast'), { ...common, transports: transport })));
		for (const [i, client] of clients.entries())
			client.socket.send(`from ${available[i]}`);
		const expected = available.map((transport) => `from ${transport}`).sort();
		for (const client of clients)
			assert.deepStrictEqual([...await client.received(available.length)].sort(), expected);
		await Promise.all(clients.map((client) => client.close()));
	});
}

module.exports = { register };
