'use strict';

// Counts, with callgrind, how many instructions a message costs each program. A count hardly
// depends on how busy the machine is. So it can be compared with a recorded count, and two builds
// can be compared with each other.
//
// Two runs differ only in their number of messages. The difference of their counts is the cost of
// the additional messages, without the cost of starting and stopping. Every program must be asleep
// before a client takes its next step. Otherwise chance decides how many messages a program finds
// when it wakes up.

const { execFile, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');
const { parseArguments } = require('./common');
const budget = require('./budget.js');
const { allAsleep } = require('../tests/e2e/lib/asleep');
const { FastCgi } = require('../tests/e2e/lib/fastcgi');
const { Connection } = require('../tests/e2e/lib/http');
const { Pair } = require('../tests/e2e/lib/responder');
const { WebSocketClient, encodeFrame } = require('../tests/e2e/lib/websocket');

const SKIPPED = 77; // automake's status for what could not be run
const PATIENCE = 120000; // ms for any answer: callgrind slows a program fifty times
const SESSION = '/echo/000/instructions';
const MESSAGE = JSON.stringify(['x'.repeat(20)]);
const MASK = Buffer.from([1, 2, 3, 4]);

const options = parseArguments(
	'Usage: node bench/instructions.js [--OPTION ...]\n\n' +
	'Counts, under valgrind, the instructions that a message costs: an echo, one message at a time. Prints a line for each\n' +
	'way and program. The ways are websocket, xhr-polling and xhr-streaming at sockjs-sessiond, and xhr-polling through\n' +
	'sockjs.fcgi, where both programs count.', {
		few: { default: 50, help: 'messages of the shorter run' },
		many: { default: 250, help: 'messages of the longer run' },
		build: { kind: 'text', help: 'the build directory whose programs are measured' },
		against: { kind: 'text', help: 'another build directory, whose programs are measured, too; then prints the ratios' },
		json: { kind: 'flag', help: 'print {"build": NAME, "counts": {NAME: COUNT, ...}}' },
		record: { kind: 'flag', help: 'write the counts into bench/budget, for this distribution and compiler' },
	});

function requireEcho(text) {
	if (!text.includes(`a${MESSAGE}`))
		throw new Error(`no echo: ${JSON.stringify(text)}`);
}

// A pair of programs under callgrind, and the connections of the one client.
class Run {
	static async start(programs, directory) {
		const wrapper = ['valgrind', '--tool=callgrind', '--vgdb=no', '-q', `--callgrind-out-file=${directory}/%p`];
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
		this.pair = new Pair({ server: 'store = none\n' });
		this.connections = [];
	}

	quiet() {
		return allAsleep(...this.daemons);
	}

	// Connects, and waits until the program has accepted the connection. So what it allocates
	// has the same addresses in each run.
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

	// Closes all connections before the programs stop. Otherwise chance decides how long the
	// programs wait for the connections to end.
	async stop() {
		this.connections.forEach((connection) => connection.close());
		await this.quiet();
		await this.pair.stop();
	}
}

// The ways. Each opens a session and returns a function that sends one message and gets its echo.

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
	polling: { open: polling, programs: ['sessiond'] },
	streaming: { open: streaming, programs: ['sessiond'] },
	'polling-fastcgi': { open: pollingFastCgi, programs: ['sessiond', 'responder'] },
};

function readTotal(file) {
	const total = /^(?:totals|summary): (\d+)$/m.exec(fs.readFileSync(file, 'latin1'));
	if (!total)
		throw new Error(`${file}: no total`);
	return Number(total[1]);
}

// Runs the programs for that number of messages. Resolves with the instructions of each program,
// from its start to its end.
async function count({ open, programs }, messages, directory) {
	const run = await Run.start(programs, directory);
	try {
		const echo = await open(run);
		for (let i = 0; i < messages; i++)
			await echo();
		await run.stop();
	} catch (error) {
		console.error(run.pair.log().slice(-4000));
		throw error;
	} finally {
		await run.pair.stop();
	}
	return run.daemons.map(({ pid }) => readTotal(path.join(directory, `${pid}`)));
}

// Resolves with {name: instructions a message}: `WAY`, or `WAY/PROGRAM` where several programs take
// part.
async function measure() {
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-instructions-'));
	const counts = {};
	try {
		for (const [name, way] of Object.entries(WAYS)) {
			const [few, many] = [await count(way, options.few, directory), await count(way, options.many, directory)];
			way.programs.forEach((program, i) => {
				const key = way.programs.length > 1 ? `${name}/${program}` : name;
				counts[key] = Math.round((many[i] - few[i]) / (options.many - options.few));
			});
		}
	} finally {
		fs.rmSync(directory, { recursive: true, force: true });
	}
	return counts;
}

// Measures the programs of another build directory. This takes a process of its own, because the
// modules read SOCKJS_BUILDDIR only when they are loaded.
async function measureIn(build) {
	const args = [__filename, '--json', '--few', options.few, '--many', options.many];
	const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, SOCKJS_BUILDDIR: path.resolve(build) } });
	return JSON.parse(stdout).counts;
}

function hasValgrind() {
	try {
		execFileSync('valgrind', ['--version'], { stdio: 'ignore' });
		return true;
	} catch {
		return false;
	}
}

function print(counts, others) {
	for (const [name, instructions] of Object.entries(counts)) {
		const ratio = others ? `${others[name]} in ${options.against}, ratio ${(instructions / others[name]).toFixed(3)}` : '';
		console.log(`${name.padEnd(26)} ${`${instructions}`.padStart(7)} instructions a message  ${ratio}`.trimEnd());
	}
}

async function main() {
	if (!hasValgrind()) {
		console.log('skipped: valgrind is not installed');
		process.exit(SKIPPED);
	}
	const build = options.build || budget.buildDirectory;
	const counts = options.build ? await measureIn(build) : await measure();
	const others = options.against && await measureIn(options.against);
	const name = budget.nameOf(build);
	if (options.json)
		console.log(JSON.stringify({ build: name, counts, against: others }));
	else
		print(counts, others);
	if (options.record) {
		budget.record(name, counts);
		console.error(`recorded in ${budget.file} for ${name}`);
	}
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
