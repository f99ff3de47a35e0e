'use strict';

// What can be measured of a server. A measure has
//   unit      of its values, which are the better the smaller
//   prepare   brings a contender that runs into the state in which rounds begin
//   agree     looks at all contenders once they are prepared
//   round     resolves with {value, ...} of one round
//   fresh     true: a server is started for each round
//   rounds    at most so many: they hardly differ, and each takes long
//
// row: of bench/rows.js, with `connections` one number, which only grows while a contender runs; pace: {seconds: of a round, warm: messages
// that come before, so that what is compiled while it runs is}.

const { setTimeout: sleep } = require('node:timers/promises');
const { request } = require('../tests/e2e/lib/http');
const { cpuOf, memoryOf } = require('./processes');

const FEWEST = 20; // messages of a round
const FEWEST_TO_ALL = 3; // messages of a round that everybody gets
const BEFORE = 20; // connections that are open before memory is looked at
const COUNTED = 100; // messages and clients whose instructions are counted
const SETTLED = 300; // ms until a server has freed what opening took, if a row says no other

const total = (parts) => Object.values(parts).reduce((sum, each) => sum + each, 0);
const difference = (after, before, count) =>
	Object.fromEntries(
		Object.keys(before).map((name) => [name, (after[name] - before[name]) / count]),
	);

// Runs a command of the load; resolves with its result and the CPU time for each thing it counts.
async function withCpu(contender, ...command) {
	const before = cpuOf(contender.server.parts);
	const result = await contender.command(...command);
	const parts = difference(cpuOf(contender.server.parts), before, result.count);
	return { ...result, parts, rate: result.count / result.seconds, cpu: total(parts) };
}

// Finds out how many messages a round has.
async function warmUp(contender, pace, command, fewest = FEWEST) {
	const { seconds } = await contender.command(...command(pace.warm));
	contender.messages = Math.max(fewest, Math.round((pace.warm / seconds) * pace.seconds));
}

// Clients that wait at a time: half of them, at most 100, so that the others' polls have arrived.
const atOnce = (row) => Math.max(1, Math.min(row.atOnce || 100, row.connections >> 1));

const echoCommand =
	(row, rate = 0) =>
	(messages) => ['echo', messages, atOnce(row), rate];

const asCpu = ({ cpu, ...more }) => ({ value: cpu, ...more });

const echo = {
	unit: 'µs of CPU a message',
	async prepare(contender, row, pace) {
		await contender.command('open', row.connections);
		await warmUp(contender, pace, echoCommand(row));
	},
	round: async (contender, row) =>
		asCpu(await withCpu(contender, ...echoCommand(row)(contender.messages))),
};

const fanout = {
	unit: 'µs of CPU a delivery',
	async prepare(contender, row, pace) {
		await contender.command('open', row.connections);
		const warm = Math.max(FEWEST_TO_ALL, Math.ceil(pace.warm / row.connections));
		const command = (messages) => ['fanout', messages, 0];
		await warmUp(contender, { ...pace, warm }, command, FEWEST_TO_ALL);
		if (row.rate) contender.messages = Math.max(2, Math.round(row.rate * pace.seconds));
	},
	round: async (contender, row) =>
		asCpu(await withCpu(contender, 'fanout', contender.messages, row.rate || 0)),
};

const connect = {
	unit: 'µs of CPU a session',
	prepare: (contender, row, pace) =>
		warmUp(contender, { ...pace, warm: pace.warm / 4 }, (count) => [
			'connect',
			count,
			atOnce(row),
		]),
	round: async (contender, row) =>
		asCpu(await withCpu(contender, 'connect', contender.messages, atOnce(row))),
};

// Everybody gets as many messages a second: half of what the peer of row.half can do.
const latency = {
	unit: 'µs that 99 of 100 messages take at most',
	prepare: echo.prepare,
	async agree(contenders, row, pace) {
		const peer = contenders.find(({ name, failed }) => name === row.half && !failed);
		if (!peer) throw new Error(`${row.half} is needed`);
		const { count, seconds } = await peer.command(...echoCommand(row)(peer.messages));
		for (const contender of contenders)
			Object.assign(contender, {
				rate: count / seconds / 2,
				messages: Math.round((count / seconds / 2) * pace.seconds),
			});
	},
	async round(contender, row) {
		const result = await withCpu(
			contender,
			...echoCommand(row, contender.rate)(contender.messages),
		);
		return { ...result, value: result.p99 };
	},
};

const memory = {
	unit: 'bytes a connection',
	fresh: true,
	rounds: 3,
	async round(contender, row) {
		const { server } = contender;
		if (server.before === undefined) {
			await contender.command('open', BEFORE);
			server.before = memoryOf(server.parts);
		}
		await contender.command('open', BEFORE + row.connections);
		await sleep(row.settled ?? SETTLED);
		const parts = difference(memoryOf(server.parts), server.before, row.connections);
		for (const name of row.without || []) delete parts[name];
		return { value: total(parts), parts };
	},
};

const firstAnswer = {
	unit: 'ms to the first answer',
	fresh: true,
	async round(contender) {
		await request(`http://127.0.0.1:${contender.server.port}`, 'GET', '/echo');
		return { value: performance.now() - contender.begun };
	},
};

// One message at a time, each of another client that had one before, and has idle ones beside it:
// what a server does for all of its sessions shows. Clients take turns: of the first 200, one half has
// messages once the others have settled, and the other half is counted.
const instructions = {
	unit: 'instructions a message',
	rounds: 1,
	async prepare(contender, row) {
		if (!contender.server.isWarm) {
			await contender.command('open', 2 * COUNTED);
			await contender.command('echo', 2 * COUNTED, 1, 0);
			contender.server.isWarm = true;
		}
		await contender.command('open', row.connections);
		await sleep(row.settled ?? SETTLED);
		// What the many have freed is sorted by a malloc that comes later.
		await contender.command('echo', COUNTED, 1, 0);
	},
	async round(contender) {
		const counted = await contender.server.count(() => contender.command('echo', COUNTED, 1, 0));
		return { value: counted / COUNTED };
	},
};

module.exports = { connect, difference, echo, fanout, firstAnswer, instructions, latency, memory, withCpu };
