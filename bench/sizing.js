'use strict';

// What one message and one connection take of each process that they go through: the figures that
// doc/scaling.md reckons with. The least of some rounds counts, since whatever else the machine
// does only adds to it.

const { setTimeout: sleep } = require('node:timers/promises');
const { openChannels } = require('./app_client');
const { parseArguments } = require('./common');
const { Contender } = require('./contender');
const { difference, withCpu } = require('./measures');
const { cpuOf, memoryOf } = require('./processes');
const { missing, servers } = require('./servers');

const AT_ONCE = 100; // clients that wait for their message
const SETTLED = 3000; // ms: what waits for longer than a second may be kept in another way
const FEWEST_TO_ALL = 3; // messages of a round that everybody gets
const ROUNDS_OF_REDIS = 2 * 13; // s: as often each daemon says which channels it has

const options = parseArguments(
	'Usage: node bench/sizing.js [--OPTION N ...]\n\n' +
	'Prints, for each way of messages, the µs of CPU that one takes of each process, and the bytes of an idle connection: straight\n' +
	'to a daemon, through lighttpd, and through HAProxy, lighttpd and sockjs.fcgi as in tests/cluster; what a publication takes of a\n' +
	'daemon and of Redis; and what a channel takes of them.', {
		connections: { default: 1000, help: 'clients' },
		rounds: { default: 9, help: 'rounds, of which the least counts' },
		messages: { default: 20000, help: 'messages of a round' },
		channels: { default: 5000, help: 'channels in the Redis' },
	});

const OURS = 'sockjs-fcgi';
const LIGHTTPD = `${OURS} behind lighttpd`;
const HAPROXY = `${OURS} behind HAProxy`;
const REDIS = `${OURS}, Redis`;

// Name, server, way of its messages, clients.
const rows = [
	['websocket, to the daemon', OURS, 'websocket', options.connections],
	['websocket, through lighttpd', LIGHTTPD, 'websocket', options.connections],
	['websocket, through HAProxy', HAPROXY, 'websocket', options.connections],
	['polling, to the daemon', OURS, 'polling', options.connections],
	['polling, through lighttpd', LIGHTTPD, 'polling', options.connections],
	['polling, through HAProxy', HAPROXY, 'polling', options.connections],
	['a message to all websockets', OURS, 'websocket to all', options.connections],
	['a publication', OURS, 'channel to all', 1],
	['a publication in a Redis', REDIS, 'channel to all', 1],
];

const least = (all) => Object.fromEntries(Object.keys(all[0]).map((name) => [name, Math.min(...all.map((each) => each[name]))]));

// What each of the second half of the clients takes while nothing is sent.
async function bytesOf(contender, clients) {
	const { parts } = contender.server;
	const first = clients >> 1;
	await contender.command('open', first);
	await sleep(SETTLED);
	const before = memoryOf(parts);
	await contender.command('open', clients);
	await sleep(SETTLED);
	return difference(memoryOf(parts), before, clients - first);
}

// Resolves with µs, and with the number of those who get a message.
async function cpuOfMessage(contender, command) {
	const rounds = [];
	let count;
	for (let i = 0; i <= options.rounds; i++) {
		const round = await withCpu(contender, ...command);
		({ count } = round);
		if (i > 0)
			rounds.push(round.parts);
	}
	return { cpu: least(rounds), receivers: count / command[1] };
}

const shown = (figures, digits) => Object.entries(figures).filter(([, figure]) => figure >= 0.05)
	.map(([name, figure]) => `${name} ${figure.toFixed(digits)}`).join(', ');

async function measureRow([name, server, way, clients]) {
	const command = way.endsWith(' to all')
		? ['fanout', Math.max(FEWEST_TO_ALL, Math.ceil(options.messages / clients)), 0]
		: ['echo', options.messages, Math.min(AT_ONCE, clients >> 1), 0];
	const contender = new Contender(server);
	try {
		await contender.start(way, 20);
		const bytes = await bytesOf(contender, clients);
		const { cpu, receivers } = await cpuOfMessage(contender, command);
		console.log(`${name}${command[0] === 'fanout' ? `, each of ${receivers} deliveries` : ''}: µs ${shown(cpu, 1)}` +
			(clients > 1 ? `; bytes ${shown(bytes, 0)}` : ''));
	} finally {
		await contender.stop();
	}
}

// A channel that gets its first subscriber, and a second of one while nothing happens.
async function measureChannels() {
	const server = await servers[REDIS].start();
	try {
		const before = cpuOf(server.parts);
		await openChannels(`http://127.0.0.1:${server.port}`, options.channels);
		const opened = cpuOf(server.parts);
		await sleep(ROUNDS_OF_REDIS * 1000);
		const idle = difference(cpuOf(server.parts), opened, options.channels * ROUNDS_OF_REDIS);
		console.log(`a channel's first subscriber, in a Redis: µs ${shown(difference(opened, before, options.channels), 1)}`);
		console.log(`such a channel, a second: µs ${shown(idle, 1)}`);
	} finally {
		await server.stop();
	}
}

const lacks = [...new Set(rows.map(([, server]) => server))].flatMap(missing);
if (lacks.length > 0) {
	console.log(`skipped: without ${[...new Set(lacks.map(({ program, debian = program }) => debian))].join(', ')}`);
	process.exit(77);
}

async function main() {
	for (const row of rows)
		await measureRow(row);
	await measureChannels();
}

main().then(() => process.exit(0), (error) => {
	console.error(error);
	process.exit(1);
});
