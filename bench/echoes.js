'use strict';

// What the counts of a message share: the ways that it can go, as an echo or to everybody, and what
// is counted on each.
//
// Two runs differ in nothing but their number of messages: their difference is what the further
// messages cost, without what it costs to start and to stop. Before each step of a client every
// program has gone to sleep. Without that, how many messages a program finds when it wakes up would
// be a matter of chance.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { allAsleep } = require('../tests/e2e/lib/asleep');
const { FastCgi } = require('../tests/e2e/lib/fastcgi');
const { Connection } = require('../tests/e2e/lib/http');
const { Pair } = require('../tests/e2e/lib/responder');
const { WebSocketClient, encodeFrame } = require('../tests/e2e/lib/websocket');

const PATIENCE = 120000; // ms for any answer: callgrind slows a program fifty times
const SESSION = '/echo/000/counted';
const EVERYBODY = 20; // clients of a fan-out
const SERVICES = ['echo', 'broadcast'].map((name) => `[service /${name}]\nmodule = ${name}\ndisconnect_delay = 60s\n`);
const MESSAGE = JSON.stringify(['x'.repeat(20)]);
const MASK = Buffer.from([1, 2, 3, 4]);

function requireEcho(text) {
	if (!text.includes(`a${MESSAGE}`))
		throw new Error(`no echo: ${JSON.stringify(text)}`);
}

// A pair of programs, and the connections of the one client.
class Run {
	static async start(programs, wrapper) {
		const run = new Run();
		try {
			await run.pair.startSessiond({ listen: '127.0.0.1:0', wrapper });
			if (programs.includes('responder'))
				await run.pair.startResponder({ wrapper });
		} catch (error) {
			await run.pair.stop();
			throw error;
		}
		run.daemons = programs.map((name) => run.pair[name]);
		return run;
	}

	constructor() {
		this.pair = new Pair({ server: 'store = none\n', services: SERVICES.join('') });
		this.connections = [];
	}

	quiet() {
		return allAsleep(...this.daemons);
	}

	// Connects, and waits until the program has taken the connection: what it allocates then has
	// the same addresses in each run.
	async connect(open) {
		await this.quiet();
		const connection = await open();
		this.connections.push(connection);
		await this.quiet();
		return connection;
	}

	connectHttp() {
		return this.connect(() => Connection.open(this.pair.sessiond.url));
	}

	connectFastCgi() {
		return this.connect(() => FastCgi.open(this.pair.responder.address));
	}

	// The programs stop without a connection: how long they would wait for its end is a matter of
	// chance.
	async stop() {
		this.connections.forEach((connection) => connection.close());
		await this.quiet();
		await this.pair.stop();
	}
}

// The ways. Each opens a session and returns a function that has one message echoed.

async function websocket(run) {
	const client = await WebSocketClient.handshake(await run.connectHttp(), `${SESSION}/websocket`, { timeout: PATIENCE });
	const frame = encodeFrame(1, MESSAGE, { mask: MASK });
	await client.readText(PATIENCE);
	return async () => {
		await run.quiet();
		client.connection.write(frame);
		requireEcho(await client.readText(PATIENCE));
	};
}

// A message is one to EVERYBODY here.
async function fanout(run) {
	const clients = [];
	for (let i = 0; i < EVERYBODY; i++) {
		const connection = await run.connectHttp();
		clients.push(await WebSocketClient.handshake(connection, `/broadcast/000/counted${i}/websocket`, { timeout: PATIENCE }));
		await clients[i].readText(PATIENCE);
	}
	const frame = encodeFrame(1, MESSAGE, { mask: MASK });
	return async () => {
		await run.quiet();
		clients[0].connection.write(frame);
		for (const client of clients)
			requireEcho(await client.readText(PATIENCE));
	};
}

// post(CONNECTION, TARGET, BODY) resolves with an answer that has `text`.
async function poll(run, receiving, sending, post) {
	await post(receiving, `${SESSION}/xhr`, '');
	return async () => {
		await run.quiet();
		const answer = post(receiving, `${SESSION}/xhr`, '');
		await run.quiet();
		await post(sending, `${SESSION}/xhr_send`, MESSAGE);
		requireEcho((await answer).text);
	};
}

const postHttp = (connection, target, body) => connection.request('POST', target, { body, timeout: PATIENCE });
const postFastCgi = (connection, target, body) => connection.request('POST', target, { body, keep: true, timeout: PATIENCE });

async function polling(run) {
	return poll(run, await run.connectHttp(), await run.connectHttp(), postHttp);
}

async function pollingFastCgi(run) {
	return poll(run, await run.connectFastCgi(), await run.connectFastCgi(), postFastCgi);
}

async function streaming(run) {
	const receiving = await run.connectHttp();
	const sending = await run.connectHttp();
	const answer = await receiving.open('POST', `${SESSION}/xhr_streaming`, { timeout: PATIENCE });
	await answer.readUntil('o\n', PATIENCE);
	return async () => {
		await run.quiet();
		await postHttp(sending, `${SESSION}/xhr_send`, MESSAGE);
		requireEcho((await answer.readUntil('\n', PATIENCE)).toString());
	};
}

const WAYS = {
	websocket: { open: websocket, programs: ['sessiond'] },
	fanout: { open: fanout, programs: ['sessiond'] },
	polling: { open: polling, programs: ['sessiond'] },
	streaming: { open: streaming, programs: ['sessiond'] },
	'polling-fastcgi': { open: pollingFastCgi, programs: ['sessiond', 'responder'] },
};

// Resolves with what the counter says of each program in its whole life, in which it saw so many
// messages.
async function count(way, messages, directory, { wrapper, read }) {
	const run = await Run.start(way.programs, wrapper(directory));
	try {
		const echo = await way.open(run);
		for (let i = 0; i < messages; i++)
			await echo();
		await run.stop();
	} catch (error) {
		console.error(run.pair.log().slice(-4000));
		throw error;
	} finally {
		await run.pair.stop();
	}
	return Promise.all(run.daemons.map(({ pid }) => read(directory, pid)));
}

// Resolves with {name: count a message}; a name is `WAY`, or `WAY/PROGRAM` where several programs
// take part. counter: {wrapper(DIRECTORY): the words before a program's, read(DIRECTORY, PID): what
// was counted, once the program has ended}.
async function measure(counter, few, many) {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-counts-'));
	const counts = {};
	try {
		for (const [name, way] of Object.entries(WAYS)) {
			const [less, more] = [await count(way, few, directory, counter), await count(way, many, directory, counter)];
			way.programs.forEach((program, i) => {
				const key = way.programs.length > 1 ? `${name}/${program}` : name;
				counts[key] = (more[i] - less[i]) / (many - few);
			});
		}
	} finally {
		fs.rmSync(directory, { recursive: true, force: true });
	}
	return counts;
}

module.exports = { measure };
