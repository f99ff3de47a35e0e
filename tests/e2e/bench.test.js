'use strict';

// What could make figures of bench/ wrong: how rounds are put together, how goals are judged, and
// from when on the load counts a message's time.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const readline = require('node:readline');
const { test } = require('node:test');
const { groupsWithGoals, judgeAll } = require('../../bench/goals');
const { rows } = require('../../bench/rows');
const { servers } = require('../../bench/servers');
const { round, spread, statistics } = require('../../bench/statistics');
const { each } = require('../../bench/turns');
const { srcdir } = require('./lib/stack');

const builddir = process.env.SOCKJS_BUILDDIR || srcdir;

test('bench: a median and its quartiles are of rounds, and of what lies between two', () => {
	assert.deepEqual(spread([5, 3, 10, 1, 99]), { median: 5, low: 3, high: 10 });
	assert.deepEqual(spread([4, 1, 10, 2]), { median: 3, low: 1.75, high: 5.5 });
	assert.deepEqual(spread([5]), { median: 5, low: 5, high: 5 });
});

test('bench: figures have three digits', () => {
	assert.deepEqual([0.123456, 1.23456, 12.3456, 123.456, 1234.56, 0, NaN].map(round),
		['0.123', '1.23', '12.3', '123', '1235', '0.00', '-']);
});

const values = (...numbers) => numbers.map((value) => ({ value }));

test('bench: a ratio is of rounds that ran side by side', () => {
	const [ours, peer] = statistics({ results: { ours: values(1, 10, 2), peer: values(2, 20, 4) } });
	assert.equal(ours.ratio, undefined);
	assert.deepEqual(peer.ratio, { median: 0.5, low: 0.5, high: 0.5 });
	assert.deepEqual(peer.value, { median: 4, low: 3, high: 12 });
});

const judged = (goal, ...groups) => judgeAll([{ title: 'T', unit: 'µs', goals: [goal], groups }]);
const group = (connections, ours, peer) => ({ connections, results: { ours, peer } });

test('bench: a goal against a peer', () => {
	const groups = [group(1, values(9), values(1)), group(100, values(1, 2, 3), values(2, 4, 6))];
	const goal = { connections: 100, against: 'peer' };
	assert.deepEqual(judged({ ...goal, most: 0.5 }, ...groups),
		[{ work: 'T, µs', connections: 100, goal: 'at most 0.5 of peer', measured: '0.500 (0.500 to 0.500)', met: true }]);
	assert.equal(judged({ ...goal, most: 0.49 }, ...groups)[0].met, false);
	assert.deepEqual(judged({ against: 'somebody who is not there', most: 1 }, ...groups), []);
});

test('bench: a goal of its own, of parts, and of growth', () => {
	assert.equal(judged({ most: 2 }, group(1, values(1, 2, 3), values(1, 1, 1)))[0].met, true);
	assert.equal(judged({ most: 1.9 }, group(1, values(1, 2, 3), values(1, 1, 1)))[0].met, false);

	const parts = [{ value: 9, parts: { a: 1, b: 2, web: 6 } }];
	assert.equal(judged({ parts: ['a', 'b'], of: 'web', most: 0.5 }, group(1, parts, parts))[0].met, true);
	assert.equal(judged({ parts: ['a', 'b'], of: 'web', most: 0.4 }, group(1, parts, parts))[0].met, false);

	const grown = [group(100, values(10), values(10)), group(1000, values(12), values(11))];
	const [growth] = judged({ connections: 1000, since: 100, most: 1.1 }, ...grown);
	assert.equal(growth.measured, '1.20 (1.20 to 1.20); peer 1.10');
	assert.equal(growth.met, false);
});

test('bench: the groups that goals are about are measured for longer', () => {
	const groups = [100, 1000, 10000].map((connections) => ({ connections }));
	const judgedOf = (...goals) => [...groupsWithGoals({ groups, goals })].map(({ connections }) => connections);
	assert.deepEqual(judgedOf({ most: 1 }, { connections: 1000, most: 1 }), [100, 1000]);
	assert.deepEqual(judgedOf({ connections: 15000, since: 1000, most: 1 }), [10000, 1000]); // there are not so many
	assert.equal(groupsWithGoals({ groups }).size, 0);
});

test('bench: a goal of the cost, or else of the rate', () => {
	const rated = (value, rate) => [{ value, rate }];
	const goal = { against: 'peer', most: 1.1, rate: 1.8 };
	assert.equal(judged(goal, group(1, rated(1.2, 100), rated(1, 100)))[0].met, false);
	assert.equal(judged(goal, group(1, rated(1.2, 180), rated(1, 100)))[0].met, true);
	assert.equal(judged(goal, group(1, rated(1.1, 100), rated(1, 100)))[0].met, true);
});

test('bench: each row has servers with its way, and goals that name them', () => {
	for (const [name, row] of Object.entries(rows)) {
		for (const server of row.servers)
			assert.ok(servers[server]?.ways[row.way], `${name}: ${server}`);
		for (const { against, connections, since } of row.goals || []) {
			assert.ok(!against || row.servers.slice(1).includes(against), `${name}: ${against}`);
			for (const count of [connections, since].filter(Boolean))
				assert.ok([row.connections || 100].flat().includes(count), `${name}: ${count}`);
		}
	}
});

// A contender that fails in those of its turns, and what it did.
const failing = (name, ...turns) => {
	const did = [];
	return { name, did, log: () => '', stop: () => did.push('stop'), start: () => did.push('start'),
		work() {
			did.push('work');
			if (turns.includes(did.filter((what) => what === 'work').length))
				throw new Error('on purpose');
		} };
};

test('bench: a peer that fails once is started again and goes on; twice, or ours, is out', async () => {
	const all = [failing('once', 2), failing('twice', 1, 3), failing('sockjs-fcgi, store off', 2), failing('at once again', 1, 2)];
	const before = process.exitCode;
	for (let i = 0; i < 3; i++)
		await each(all, (contender) => contender.work(), (contender) => contender.start());
	assert.equal(process.exitCode, 1);
	process.exitCode = before;
	assert.deepEqual(all.map(({ did }) => did.join(' ')), [
		'work work stop start work work',
		'work stop start work work stop',
		'work work stop',
		'work stop start work stop',
	]);
	assert.deepEqual(all.map(({ failed }) => Boolean(failed)), [false, true, true, true]);
});

test('bench: clients have one address for all that they say', async () => {
	const addresses = new Set();
	const server = http.createServer((request, response) => {
		addresses.add(request.socket.remoteAddress);
		request.resume();
		if (request.url.endsWith('/xhr'))
			response.end('a["~"]\n');
		else
			response.writeHead(204).end();
	});
	await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
	const load = spawn(path.join(builddir, 'bench/load/load'), ['--way', 'constant-polling', '--from', '127.0.0.2', '--port', `${server.address().port}`], { stdio: ['pipe', 'pipe', 'inherit'] });
	try {
		const lines = readline.createInterface({ input: load.stdout })[Symbol.asyncIterator]();
		load.stdin.end('open 1\necho 4 1 0\n');
		await lines.next();
		assert.equal(JSON.parse((await lines.next()).value).count, 4);
		assert.deepEqual([...addresses], ['127.0.0.2']);
	} finally {
		load.kill();
		server.close();
	}
});

const FRAME = Buffer.from('\x81\x02x~', 'latin1'); // a message, with the mark that the load knows it by

// A server that answers nothing for a while, and then at once.
function startStalling(ms) {
	let stalls = true;
	const waiting = [];
	const server = net.createServer((socket) => {
		socket.once('data', () => {
			socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
			socket.on('data', () => {
				const answer = () => socket.write(FRAME);
				if (!stalls)
					return answer();
				waiting.push(answer);
				if (waiting.length === 1)
					setTimeout(() => {
						stalls = false;
						waiting.forEach((each) => each());
					}, ms);
				return undefined;
			});
		});
	});
	return new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(server)); });
}

// One client, whose first message is answered after 600 ms, while another 59 were to be sent. They
// have waited for 300 ms on average; counted from when they were sent, each took next to nothing.
test('bench: what could not be sent while the server paused counts with its wait', async () => {
	const server = await startStalling(600);
	const load = spawn(path.join(builddir, 'bench/load/load'), ['--way', 'raw-websocket', '--port', `${server.address().port}`], { stdio: ['pipe', 'pipe', 'inherit'] });
	try {
		const lines = readline.createInterface({ input: load.stdout })[Symbol.asyncIterator]();
		load.stdin.end('open 1\necho 60 1 100\n');
		await lines.next();
		const { count, p50, max } = JSON.parse((await lines.next()).value);
		assert.equal(count, 60);
		assert.ok(max >= 590000, `${max} µs at most`);
		assert.ok(p50 >= 200000, `${p50} µs in the middle`);
	} finally {
		load.kill();
		server.close();
	}
});

// epoll says who was heard, not in which order: the floor may read a message before the poll that was
// sent before it.
test('bench: the floor of polls keeps a message whose poll comes later', async () => {
	const { port, stop } = await servers['bare HTTP'].start();
	const connect = () => new Promise((resolve) => {
		const socket = net.connect(port, '127.0.0.1', () => resolve(socket));
		socket.setTimeout(20000, () => socket.destroy());
	});
	const [poll, send] = [await connect(), await connect()];
	const ask = (socket, what, body) => new Promise((resolve, reject) => {
		socket.once('data', resolve).once('close', () => reject(new Error('no answer')));
		socket.write(`POST /echo/000/c0000000000000001/${what} HTTP/1.1\r\n\r\n${body}`);
	});
	try {
		assert.match(`${await ask(poll, 'xhr', '')}`, /\r\n\r\no\n$/);
		for (const message of ['["1~"]', '["2~"]']) {
			assert.match(`${await ask(send, 'xhr_send', message)}`, /^HTTP\/1.1 204/);
			assert.ok(`${await ask(poll, 'xhr', '')}`.endsWith(`\r\n\r\na${message}\n`));
		}
	} finally {
		poll.destroy();
		send.destroy();
		await stop();
	}
});
