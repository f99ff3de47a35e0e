'use strict';

// Two daemons: a request that comes to the one that has not its session goes to the other with its
// connection, as if the other had accepted it. HTTP is served on each one's own Unix socket, too, so
// that a test can choose where it comes.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { openDescriptors, startDaemon, temporaryDirectory } = require('./lib/daemon');
const { eventually, sleep } = require('./lib/guard');
const { allAsleep } = require('./lib/asleep');
const { Connection } = require('./lib/http');
const { WebSocketClient } = require('./lib/websocket');

// The ids whose sessions live in daemon 0 and in daemon 1 (tests/unit/wire/test_wire_home.c).
const IDS = ['session-0001', 'session-0002'];
const LIMIT = 30000; // ms
const PARKED = 1500; // ms, more than HTTP_PARK_DELAY

const folder = temporaryDirectory();
const socket = path.join(folder, 'socket');
let main;
let last = 0;

const childrenOf = (pid) => fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(/\s+/).filter(Boolean).map(Number);
const at = (index) => `${socket}.${index}`;
// A session that is new, in the daemon of that index: what follows a ~ does not count.
const newSession = (home) => `/echo/000/${IDS[home]}~${++last}`;

before(async () => {
	main = await startDaemon({
		conf: `[server]\ndaemons = 2\nsocket = ${socket}\nstore = ${folder}/store\n[service /echo]\nmodule = echo\nresponse_limit = 4096\n`,
	});
});

after(async () => {
	Connection.closeAll();
	if (main) await main.stop();
	fs.rmSync(folder, { recursive: true, force: true });
});

// Runs with each of the daemons as the session's home; `wrong` is the other one's socket.
function check(name, body) {
	for (const home of [0, 1])
		test(`handover to daemon ${home}: ${name}`, async () => {
			try {
				await body({ home, wrong: at(1 - home), right: at(home), session: newSession(home) });
			} catch (error) {
				process.stderr.write(`--- log:\n${main.log().slice(-4000)}\n---\n`);
				throw error;
			}
		});
}

async function ask(where, method, target, options) {
	const connection = await Connection.open(where);
	const answer = await connection.request(method, target, { timeout: LIMIT, ...options });
	connection.close();
	return answer;
}

const post = (where, target, body = '', more = {}) => ask(where, 'POST', target, { body, ...more });

async function openAt(where, session) {
	assert.equal((await post(where, `${session}/xhr`)).text, 'o\n');
}

const RECEIVERS = {
	xhr: ['POST', 'xhr', 'a["x"]\n'],
	'xhr-streaming': ['POST', 'xhr_streaming', 'a["x"]\n'],
	eventsource: ['GET', 'eventsource', 'data: a["x"]\r\n\r\n'],
	htmlfile: ['GET', 'htmlfile?c=cb', 'p("a[\\"x\\"]");'],
	jsonp: ['GET', 'jsonp?c=cb', 'cb("a[\\"x\\"]");'],
};

for (const [name, [method, end, frame]] of Object.entries(RECEIVERS))
	check(name, async ({ wrong, right, session }) => {
		await openAt(wrong, session);
		const receiving = (await Connection.open(wrong)).open(method, `${session}/${end}`, { timeout: LIMIT });
		assert.equal((await post(wrong, `${session}/xhr_send`, '["x"]')).status, 204);
		assert.ok((await (await receiving).readUntil(frame, LIMIT)).toString().endsWith(frame));
		assert.equal((await post(right, `${session}/xhr_send`, '["y"]')).status, 204);
	});

check('jsonp_send', async ({ wrong, session }) => {
	await openAt(wrong, session);
	const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
	const answer = await post(wrong, `${session}/jsonp_send`, 'd=%5B%22x%22%5D', { headers });
	assert.equal(answer.text, 'ok');
	assert.equal((await post(wrong, `${session}/xhr`)).text, 'a["x"]\n');
});

check('no session is opened where it does not belong', async ({ wrong, session }) => {
	assert.equal((await post(wrong, `${session}/xhr_send`, '["x"]')).status, 404);
});

// The next request on it may be another daemon's again.
check('a connection goes to and fro', async ({ home, wrong }) => {
	const sessions = [newSession(home), newSession(1 - home)];
	const connection = await Connection.open(wrong);
	for (const session of sessions)
		assert.equal((await connection.request('POST', `${session}/xhr`, { timeout: LIMIT })).text, 'o\n');
	for (let i = 0; i < 40; i++) {
		const session = sessions[i % 2];
		assert.equal((await connection.request('POST', `${session}/xhr_send`, { body: `["${i}"]`, timeout: LIMIT })).status, 204);
		assert.equal((await connection.request('POST', `${session}/xhr`, { timeout: LIMIT })).text, `a["${i}"]\n`);
	}
	assert.match((await connection.request('GET', '/echo/info')).text, /"websocket":true/);
	connection.close();
});

// Its socket is libmicrohttpd's no more after PARKED ms, and again for the next request.
check('a poll that waits, on a connection that comes and goes', async ({ home, wrong }) => {
	const sessions = [newSession(home), newSession(1 - home)];
	const connection = await Connection.open(wrong);
	for (const session of sessions)
		await openAt(wrong, session);
	for (const [i, session] of [...sessions, ...sessions].entries()) {
		const polling = connection.request('POST', `${session}/xhr`, { timeout: LIMIT });
		if (i < 2)
			await sleep(PARKED);
		assert.equal((await post(wrong, `${session}/xhr_send`, `["${i}"]`)).status, 204);
		assert.equal((await polling).text, `a["${i}"]\n`);
	}
	connection.close();
});

const head = (target, more) => `POST ${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

check('a client that asks before it sends its body', async ({ wrong, session }) => {
	await openAt(wrong, session);
	const connection = await Connection.open(wrong);
	connection.write(head(`${session}/xhr_send`, 'Content-Length: 5\r\nExpect: 100-continue\r\n'));
	assert.equal((await connection.readBytes(25, LIMIT)).toString(), 'HTTP/1.1 100 Continue\r\n\r\n');
	connection.write('["x"]');
	assert.equal((await connection.readAnswer('POST', LIMIT)).status, 204);
	connection.close();
});

check('a long body, of which a part has come with the head', async ({ wrong, session }) => {
	const text = 'x'.repeat(200000);
	await openAt(wrong, session);
	const connection = await Connection.open(wrong);
	connection.write(head(`${session}/xhr_send`, `Content-Length: ${text.length + 4}\r\n`) + `["${text.slice(0, 1000)}`);
	connection.write(`${text.slice(1000)}"]`);
	assert.equal((await connection.readAnswer('POST', LIMIT)).status, 204);
	assert.equal((await post(wrong, `${session}/xhr`)).text, `a["${text}"]\n`);
	connection.close();
});

check('a body of chunks, byte by byte, from the first byte of the head on', async ({ wrong, session }) => {
	await openAt(wrong, session);
	const connection = await Connection.open(wrong);
	for (const byte of `${head(`${session}/xhr_send`, 'Transfer-Encoding: chunked\r\n')}3\r\n["x\r\n2\r\n"]\r\n0\r\n\r\n`)
		connection.write(byte);
	assert.equal((await connection.readAnswer('POST', LIMIT)).status, 204);
	assert.equal((await post(wrong, `${session}/xhr`)).text, 'a["x"]\n');
	connection.close();
});

check('requests of both daemons that come in one write', async ({ home, wrong }) => {
	const sessions = [newSession(1 - home), newSession(home), newSession(1 - home), newSession(home)];
	const connection = await Connection.open(wrong);
	connection.write(sessions.map((session) => head(`${session}/xhr`, 'Content-Length: 0\r\n')).join(''));
	for (let i = 0; i < sessions.length; i++) {
		const answer = await connection.readAnswer('POST', LIMIT);
		assert.equal((await answer.readToEnd(LIMIT)).toString(), 'o\n');
	}
	connection.close();
});

check('HTTP/1.0, whose connection ends with the answer', async ({ wrong, session }) => {
	for (let i = 0; i < 20; i++) {
		const connection = await Connection.open(wrong);
		connection.write(`POST ${session}${i}/xhr_streaming HTTP/1.0\r\nContent-Length: 0\r\n\r\n`);
		const answer = await connection.readAnswer('POST', LIMIT);
		await answer.readUntil('\no\n', LIMIT);
		connection.close();
	}
});

check('a refusal is the other daemon\'s', async ({ wrong, session }) => {
	const connection = await Connection.open(wrong);
	connection.write(head(`${session}/xhr_send`, 'Content-Length: 5\r\nContent-Length: 6\r\n'));
	assert.equal((await connection.readAnswer('POST', LIMIT)).status, 400);
	await connection.expectClose(LIMIT);
});

// A websocket stays where it comes; one that comes for a session that there is does not.
check('a websocket with a ~ in its id', async ({ wrong, session }) => {
	const client = await WebSocketClient.handshake(await Connection.open(wrong), `${session}/websocket`);
	assert.equal(await client.readText(), 'o');
	client.connection.close();
});

// It waits for the daemon that follows, with all that has come of it.
check('a daemon that is killed and comes back', async ({ home, wrong, session }) => {
	await openAt(wrong, session);
	const [pid, other] = [at(home), wrong].map((where) => childrenOf(main.pid).find((each) => servesAt(each, where)));
	process.kill(pid, 'SIGSTOP');
	const [sender, poller] = [await Connection.open(wrong), await Connection.open(wrong)];
	const sending = sender.request('POST', `${session}/xhr_send`, { body: '["x"]', timeout: LIMIT });
	const polling = poller.request('POST', `${session}/xhr`, { timeout: LIMIT });
	// Then the other daemon has handed both over.
	await allAsleep({ pid: other });
	process.kill(pid, 'SIGKILL');
	assert.equal((await sending).status, 204);
	assert.equal((await polling).text, 'a["x"]\n');
});

// True if that process, and no other daemon, accepts at the path.
function servesAt(pid, where) {
	const inodes = fs.readFileSync('/proc/net/unix', 'latin1').split('\n').filter((line) => line.endsWith(` ${where}`)).map((line) => line.split(/\s+/)[6]);
	return fs.readdirSync(`/proc/${pid}/fd`).some((fd) => {
		try {
			return inodes.some((inode) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`);
		} catch {
			return false;
		}
	});
}

// They go while the head, the body or the connection is under way. A number as random as another.
check('clients that go at any moment cost nobody anything', async ({ wrong, session }) => {
	const text = head(`${session}/xhr_send`, 'Content-Length: 9\r\n') + '["lost",1]';
	let random = 1;
	const next = (below) => {
		random = (random * 48271) % 0x7fffffff;
		return random % below;
	};
	await openAt(wrong, session);
	for (let i = 0; i < 20; i++)
		await Promise.all(Array.from({ length: 10 }, async () => {
			const connection = await Connection.open(wrong);
			connection.write(text.slice(0, next(text.length)));
			if (next(2) === 0) await new Promise(setImmediate);
			if (next(2) === 0) connection.end();
			await new Promise(setImmediate);
			connection.close();
		}));
	assert.equal((await post(wrong, `${session}/xhr_send`, '["x"]')).status, 204);
	assert.match((await post(wrong, `${session}/xhr`)).text, /"x"\]\n$/);
});

test('handover: no descriptor is left of any', async () => {
	const counts = () => childrenOf(main.pid).map(openDescriptors);
	Connection.closeAll();
	await openAt(at(0), newSession(1));
	await openAt(at(1), newSession(0));
	let quiet;
	await eventually(async () => {
		const former = quiet;
		quiet = counts().join();
		return former === quiet;
	}, 'what was open before has ended');
	for (let i = 0; i < 50; i++)
		await Promise.all([openAt(at(0), newSession(1)), openAt(at(1), newSession(0))]);
	await eventually(() => counts().join() === quiet, () => `${counts()} descriptors, ${quiet} before`);
});
