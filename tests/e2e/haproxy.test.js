'use strict';

// examples/haproxy.cfg in front of two boxes (lib/cluster.js): the requests of a session reach one
// daemon, whatever the service is called; a box is killed, drained and brought back; HAProxy is
// reloaded. Everything is waited for by what HAProxy and the daemons say of themselves.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Clients } = require('../chaos.d/clients');
const { childrenOf } = require('../chaos.d/killer');
const { Random } = require('../chaos.d/random');
const { report } = require('../chaos.d/report');
const { ALL, PROBE, Client, ask, ends } = require('./lib/addresses');
const { connect } = require('./lib/client');
const { startCluster } = require('./lib/cluster');
const { withLog } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { Connection, request } = require('./lib/http');
const { isThere } = require('./lib/installation');
const { Talker } = require('./lib/resume');
const { Session } = require('./lib/session');
const { srcdir } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');

const SESSIONS = 200;
const OPEN_LIMIT = 60000; // ms
const CLIENT = '127.0.0.9';
const TRANSPORTS = ['websocket', 'xhr-streaming', 'eventsource', 'xhr-polling']; // of sockjs-client in node
const skip = ['haproxy', 'lighttpd'].every(isThere) ? false : 'there is no haproxy, or no lighttpd';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-haproxy-'));
fs.chmodSync(directory, 0o755);
const conf = path.join(directory, 'services.conf');
fs.writeFileSync(conf, `[service /a/nested/name]
module = echo
disconnect_delay = 60s
[service /probe]
module = ${PROBE}
disconnect_delay = 60s
[service /resumed]
module = echo
resume = on
`);

let cluster;
before(async () => {
	if (!skip) cluster = await startCluster(2, { conf: [path.join(srcdir, 'tests/services.conf'), conf] });
});
after(async () => {
	if (cluster) await cluster.stop();
	fs.rmSync(directory, { recursive: true, force: true });
});

const check = (name, body) => test(`haproxy: ${name}`, { skip }, withLog(() => cluster.stack, body));
const unique = () => crypto.randomBytes(6).toString('hex');
const post = (target, body = '', headers = {}) => request(cluster.url, 'POST', target, { body, headers });

// A client that polls, of which each request has a connection of its own.
class Poller {
	constructor(prefix = '/echo', headers = {}) {
		this.target = `${prefix}/${crypto.randomInt(100, 1000)}/${unique()}`;
		this.headers = headers;
		this.statuses = [];
	}

	async ask(transport, body, slash = '') {
		const answer = await post(`${this.target}/${transport}${slash}`, body, this.headers);
		this.statuses.push(answer.status);
		return answer;
	}

	async open(slash) {
		const answer = await this.ask('xhr', '', slash);
		assert.equal(answer.text, 'o\n', this.target);
		return answer;
	}

	async echo(text, slash) {
		assert.equal((await this.ask('xhr_send', JSON.stringify([text]), slash)).status, 204, this.target);
		assert.equal((await this.ask('xhr', '', slash)).text, `a${JSON.stringify([text])}\n`, this.target);
	}
}

async function openPollers(count, ...rest) {
	const pollers = Array.from({ length: count }, () => new Poller(...rest));
	await Promise.all(pollers.map((poller) => poller.open()));
	return pollers;
}

async function homeOf({ target }) {
	const homes = await cluster.homesOf(target);
	assert.equal(homes.length, 1, `${target} is at ${homes}`);
	return homes[0];
}

// The pollers of each box, at [0] those of the first.
async function byHome(pollers) {
	const homes = await Promise.all(pollers.map(homeOf));
	return [1, 2].map((box) => pollers.filter((_, i) => homes[i] === box));
}

async function openWebSocket(box) {
	for (;;) {
		const { stot } = (await cluster.servers()).any[`box${box}`];
		const client = await WebSocketClient.connect(cluster.url, `/echo/000/${unique()}/websocket`);
		assert.equal(await client.readText(), 'o');
		if ((await cluster.servers()).any[`box${box}`].stot > stot) return client;
		client.connection.close();
	}
}

async function echoes(client, text) {
	client.send(JSON.stringify([text]));
	assert.equal(await client.readText(), `a${JSON.stringify([text])}`);
}

check(`${SESSIONS} sessions that poll, of services of any name: each has one home, and no request misses it`, async () => {
	const pollers = [...Array(SESSIONS).keys()].map((i) => new Poller(['/echo', '/a/nested/name'][i % 2]));
	await Promise.all(pollers.map(async (poller, i) => {
		const slash = i % 3 ? '' : '/';
		await poller.open(slash);
		for (const text of ['one', 'two']) await poller.echo(text, slash);
	}));
	const statuses = new Set(pollers.flatMap((poller) => poller.statuses));
	assert.deepEqual([...statuses].sort(), [200, 204]);
	for (const those of await byHome(pollers)) assert.ok(those.length > SESSIONS / 5, `${those.length} of ${SESSIONS}`);
});

check('the transports of HTTP, and who the client is', async () => {
	const forged = { 'X-Forwarded-For': '6.6.6.6', Forwarded: 'for=6.6.6.6', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'gopher' };
	await Promise.all(ALL.map(async (transport) => {
		const { remote } = await ends(new Client(cluster.url, { localAddress: CLIENT, headers: forged }), '/probe', transport);
		assert.equal(remote, CLIENT, transport);
		if (transport.startsWith('websocket'))
			assert.equal(await ask(new Client(cluster.url, { headers: forged }), '/probe', transport, 'header x-forwarded-proto'), 'http');
	}));
});

for (const transport of TRANSPORTS)
	check(`sockjs-client over ${transport}`, () => Promise.all(Array.from({ length: 6 }, async () => {
		const client = await connect(`${cluster.url}/a/nested/name`, { transports: transport });
		const texts = Array.from({ length: 30 }, (_, i) => `${i}`);
		for (const text of texts) client.socket.send(text);
		assert.deepEqual(await client.received(texts.length), texts);
		assert.equal((await client.close()).code, 1000);
	})));

check('the websockets of a session that is resumed come to its home', async () => {
	const open = async (box) => Number((await cluster.servers()).sessions[`box${box}`].scur);
	for (const poller of await openPollers(6)) {
		const home = await homeOf(poller);
		await eventually(async () => await open(1) + await open(2) === 0, 'nothing is open');
		for (const behind of ['~1', '~2']) {
			const client = await WebSocketClient.connect(cluster.url, `${poller.target}${behind}/websocket`);
			assert.equal(await client.readText(), 'o');
			assert.equal(await open(home), 1);
			client.connection.close();
			await eventually(async () => await open(home) === 0, 'it is closed');
		}
	}
});

check('websockets are spread evenly', async () => {
	const count = async () => {
		const { box1, box2 } = (await cluster.servers()).any;
		return [Number(box1.scur), Number(box2.scur)];
	};
	await eventually(async () => (await count()).every((each) => each === 0), 'nothing is open');
	const clients = [];
	for (let i = 0; i < 8; i++) {
		clients.push(await WebSocketClient.connect(cluster.url, '/echo/websocket'));
		clients[i].send(`${i}`);
		assert.equal(await clients[i].readText(), `${i}`);
	}
	assert.deepEqual(await count(), [4, 4]);
	for (const client of clients) client.connection.close();
});

check('of a client that vanishes while it polls the box is told', async () => {
	const polls = async () => {
		const { box1, box2 } = (await cluster.servers()).sessions;
		return Number(box1.scur) + Number(box2.scur);
	};
	const session = new Session(new Client(cluster.url), '/a/nested/name');
	await (await session.receive('xhr')).readFrame();
	await eventually(async () => await polls() === 0, 'nothing is open');
	const connection = await session.context.connect();
	session.receive('xhr', { connection }).catch(() => {});
	await eventually(async () => await polls() === 1, 'the poll is held');
	connection.close();
	await eventually(async () => await polls() === 0, 'the poll has ended');
});

// Linux holds what was written with MSG_MORE back for 0.2 s.
test('haproxy: a frame of a stream waits for nothing', { skip: skip || (isThere('strace') ? false : 'there is no strace') }, withLog(() => cluster.stack, async () => {
	const [master] = cluster.stack.pids.haproxy;
	const [worker] = childrenOf(master);
	const log = path.join(directory, 'strace');
	const tracer = spawn('strace', ['-f', '-qq', '-e', 'trace=sendto', '-o', log, '-p', String(worker)], { stdio: ['ignore', 'ignore', 'pipe'] });
	const ended = new Promise((resolve) => { tracer.once('exit', resolve); });
	const isTraced = (thread) => /^TracerPid:\t[1-9]/m.test(fs.readFileSync(`/proc/${worker}/task/${thread}/status`, 'utf8'));
	await eventually(() => fs.readdirSync(`/proc/${worker}/task`).every(isTraced), 'strace is there');
	const session = new Session(new Client(cluster.url), '/a/nested/name');
	const receiver = await session.receive('xhr_streaming');
	await receiver.readFrame();
	for (const text of ['one', 'two', 'three']) {
		await session.send([text]);
		assert.deepEqual(await receiver.readMessages(1), [text]);
	}
	receiver.connection.close();
	tracer.kill('SIGINT');
	await ended;
	const sent = fs.readFileSync(log, 'utf8').split('\n').filter((line) => /a\[\\"(one|two|three)\\"\]/.test(line) && !line.includes('POST'));
	assert.equal(sent.length, 3, sent.join('\n'));
	for (const line of sent) assert.doesNotMatch(line, /MSG_MORE/);
}));

check('a body that is too large is refused at the door', async () => {
	const connection = await Connection.open(cluster.url);
	connection.write(`POST /echo/000/${unique()}/xhr_send HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n`);
	assert.equal((await connection.readAnswer()).status, 413);
	connection.close();
});

check('a box whose daemon drains keeps its sessions and gets no new ones', async () => {
	const [first, second] = await byHome(await openPollers(20));
	const socket = await openWebSocket(1);
	await cluster.drain(1);
	await cluster.untilStatus(1, 'NOLB');
	for (const poller of [...first, ...second]) await poller.echo('still there');
	await echoes(socket, 'still there');
	assert.deepEqual((await byHome(await openPollers(20))).map(({ length }) => length), [0, 20]);
	const { stot } = (await cluster.servers()).any.box1;
	for (let i = 0; i < 4; i++) (await WebSocketClient.connect(cluster.url, '/echo/websocket')).connection.close();
	assert.equal((await cluster.servers()).any.box1.stot, stot, 'no websocket goes there');

	await cluster.drain(1, { off: true });
	await cluster.untilStatus(1, 'UP');
	for (const poller of [...first, ...second]) await poller.echo('at the same place');
	assert.ok((await byHome(await openPollers(20)))[0].length > 0, 'new ones come again');
	socket.connection.close();
});

check('a box that is drained by hand', async () => {
	const [first, second] = await byHome(await openPollers(20));
	await cluster.haproxy('set server sessions/box2 state drain');
	await cluster.untilStatus(2, 'DRAIN');
	for (const poller of [...first, ...second]) await poller.echo('still there');
	assert.deepEqual((await byHome(await openPollers(20))).map(({ length }) => length), [20, 0]);
	await cluster.haproxy('set server sessions/box2 state ready');
	await cluster.untilStatus(2, 'UP');
	for (const poller of [...first, ...second]) await poller.echo('at the same place');
});

check('a box that is killed: its sessions end, the others notice nothing, and it comes back', async () => {
	const [first, second] = await byHome(await openPollers(20));
	const [lost, kept] = [await openWebSocket(1), await openWebSocket(2)];
	await cluster.cut(1);
	await lost.connection.expectClose();
	for (const poller of second) await poller.echo('before it is known');
	await cluster.untilStatus(1, 'DOWN');
	for (const poller of second) await poller.echo('after it is known');
	await echoes(kept, 'after it is known');
	for (const poller of first) assert.equal((await poller.ask('xhr_send', '["x"]')).status, 404);
	const meanwhile = await openPollers(20);
	await cluster.restore(1);
	await cluster.untilStatus(1, 'UP');
	for (const poller of [...second, ...meanwhile]) {
		await poller.echo('it is back');
		assert.equal(await homeOf(poller), 2);
	}
	assert.ok((await byHome(await openPollers(20)))[0].length > 0, 'new ones come again');
	kept.connection.close();
});

check('HAProxy is reloaded under load: nothing is lost, doubled or out of order, and no request fails', async () => {
	const clients = new Clients({
		url: cluster.url, polling: 20, streaming: 10, random: new Random(7), isStrict: true, responseLimit: 4096,
	});
	const socket = await openWebSocket(1);
	clients.start();
	try {
		await clients.open(OPEN_LIMIT);
		for (let reloads = 0; reloads < 3; reloads++) {
			const { received } = clients;
			await cluster.reload();
			await eventually(() => clients.received >= received + 100, 'the clients go on', OPEN_LIMIT);
			await echoes(socket, `${reloads}`);
		}
		await clients.drain(OPEN_LIMIT);
	} finally {
		await clients.stop();
	}
	const { isGood, text, details } = report(clients.sessions, 0);
	assert.ok(isGood, `${text}\n${details.join('\n')}`);
	assert.doesNotMatch(text, /tried again, (?!.*on a closed connection)/);
	await echoes(socket, 'through the first process');
	socket.connection.close();
});

check('a reload forgets no session: that of a box that drains stays there', async () => {
	const [first, second] = await byHome(await openPollers(20));
	await cluster.drain(1);
	await cluster.untilStatus(1, 'NOLB');
	// Who may still be told by another tells nobody (PEERS_F_RESYNC_LOCAL, _REMOTE).
	const flags = async () => Number(/id=sockjs_peers disabled=0 flags=(0x\w+)/.exec(await cluster.haproxy('show peers'))[1]);
	const knowsAll = () => eventually(async () => (await flags() & 3) === 3, 'it knows what there is to know', OPEN_LIMIT);
	await knowsAll();
	for (let reloads = 0; reloads < 2; reloads++) {
		await cluster.reload();
		await cluster.untilStatus(1, 'NOLB');
		await knowsAll();
		for (const poller of [...first, ...second]) await poller.echo(`after ${reloads}`);
		assert.ok(first.length > 0);
	}
	await cluster.drain(1, { off: true });
	await cluster.untilStatus(1, 'UP');
});

check('the socket of the table is none that everybody may use', async () => {
	const names = fs.readFileSync('/proc/net/unix', 'utf8').match(/\S*sockjs-peers\S*/g);
	for (const name of names) assert.doesNotMatch(name, /^@/);
	assert.equal(fs.statSync(path.join(cluster.folder, 'sockjs-peers')).mode & 0o077, 0);
});

check('a connection that was idle while HAProxy was reloaded serves one more request', async () => {
	const connection = await Connection.open(cluster.url);
	assert.equal((await connection.request('GET', '/echo/info')).status, 200);
	await cluster.reload();
	const answer = await connection.request('GET', '/echo/info');
	assert.equal(answer.status, 200);
	assert.equal(answer.header('connection'), 'close');
	await connection.expectClose();
});

check('clients that resume lose nothing: daemons are killed, a box drains, HAProxy is reloaded', async () => {
	const talkers = await Promise.all(TRANSPORTS.flatMap((transport) => [1, 2].map(() => new Talker(`${cluster.url}/resumed`, transport).opened)));
	const kill = async (box) => {
		const [pid] = cluster.stack.pids[`sessiond${box}`];
		process.kill(pid, 'SIGKILL');
		await eventually(() => !cluster.stack.pids[`sessiond${box}`].includes(pid), 'the daemon is back', OPEN_LIMIT);
	};
	const drain = async () => {
		await cluster.drain(2);
		await cluster.untilStatus(2, 'NOLB');
	};
	const undrain = async () => {
		await cluster.drain(2, { off: true });
		await cluster.untilStatus(2, 'UP');
	};
	for (const step of [() => kill(1), () => kill(2), drain, undrain, () => cluster.reload()]) {
		const had = talkers.map((talker) => talker.got);
		await step();
		await Promise.all(talkers.map((talker, i) => talker.until(() => talker.got > had[i] + 50, 'it goes on')));
	}
	for (const talker of talkers) {
		await talker.finish();
		assert.equal((await talker.close()).code, 1000);
	}
	assert.ok(talkers.some((talker) => talker.breaks > 0));
});

check('by cookie, for a service with jsessionid', async () => {
	const written = fs.readFileSync(cluster.conf, 'utf8');
	fs.writeFileSync(cluster.conf, written.replace(/^\tuse_backend sessions .*\n/m, '').replace('default_backend any', 'default_backend by_cookie'));
	await cluster.reload();
	const info = () => request(cluster.url, 'GET', '/cookie_needed_echo/info');
	const boxes = new Set();
	await Promise.all(Array.from({ length: 20 }, async () => {
		const poller = new Poller('/cookie_needed_echo');
		const answer = await info();
		assert.equal(JSON.parse(answer.text).cookie_needed, true);
		const opened = await poller.open();
		const [, box, value] = /^JSESSIONID=box(\d)~([^;]*);/.exec(opened.header('set-cookie'));
		assert.equal(value, 'dummy');
		poller.headers = { Cookie: `JSESSIONID=box${box}~dummy` };
		for (const text of ['one', 'two']) await poller.echo(text);
		assert.equal(await homeOf(poller), Number(box));
		boxes.add(box);
	}));
	assert.equal(boxes.size, 2);
	fs.writeFileSync(cluster.conf, written);
	await cluster.reload();
});
