'use strict';

// What one message and one connection take of each process that they go through: the figures that
// doc/scaling.md reckons with. The least of some rounds counts, since whatever else the machine
// does only adds to it.

const fs = require('node:fs');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArguments } = require('./common');
const { Load } = require('./contender');
const { cpuOf, memoryOf } = require('./processes');
const { missing, servers } = require('./servers');
const { temporaryDirectory } = require('../tests/e2e/lib/daemon');
const { startStack } = require('../tests/e2e/lib/stack');

const SERVICE = '[service /echo]\nmodule = echo\nheartbeat_delay = 25s\n';
const AT_ONCE = 100; // clients that wait for their message

const options = parseArguments(
	'Usage: node bench/sizing.js [--OPTION N ...]\n\n' +
	'Prints, for each way of messages, the µs of CPU that one takes of each process, and the bytes of an idle connection: straight\n' +
	'to a daemon, through lighttpd, and through HAProxy, lighttpd and sockjs.fcgi as in tests/cluster; and what a publication takes\n' +
	'of a daemon and of Redis.', {
		connections: { default: 1000, help: 'clients' },
		rounds: { default: 9, help: 'rounds, of which the least counts' },
		messages: { default: 20000, help: 'messages of a round' },
	});

// As tests/cluster runs it, with one box.
async function startCluster() {
	const directory = temporaryDirectory();
	const conf = path.join(directory, 'sockjs.conf');
	fs.writeFileSync(conf, SERVICE);
	const stack = await startStack('cluster', { conf, env: { SOCKJS_STACK_BOXES: '1' } });
	fs.rmSync(directory, { recursive: true });
	return { port: Number(new URL(stack.url).port), parts: stack.pids, stop: () => stack.stop() };
}

const start = (name) => () => servers[name].start({});
const direct = start('sockjs-fcgi');
const lighttpd = start('sockjs-fcgi behind lighttpd');
const overRedis = start('sockjs-fcgi, Redis');
const websocket = ['sockjs-websocket', '--path', '/echo'];
const polling = ['sockjs-polling', '--path', '/echo'];
const channel = (server) => ['channel-websocket', '--up', server.control];

const rows = [
	['websocket, to the daemon', direct, websocket, {}],
	['websocket, through lighttpd', lighttpd, websocket, {}],
	['websocket, through HAProxy', startCluster, websocket, {}],
	['polling, to the daemon', direct, polling, {}],
	['polling, through lighttpd', lighttpd, polling, {}],
	['polling, through HAProxy', startCluster, polling, {}],
	['one message to all websockets, each', direct, ['sockjs-websocket', '--path', '/broadcast'], { fanout: true }],
	['a publication with one subscriber', direct, channel, { fanout: true, connections: 1 }],
	['the same over Redis', overRedis, channel, { fanout: true, connections: 1 }],
];

const least = (all) => Object.fromEntries(Object.keys(all[0]).map((name) => [name, Math.min(...all.map((each) => each[name]))]));

async function measure(server, load, { fanout, connections = options.connections }) {
	const command = fanout
		? ['fanout', Math.max(3, Math.ceil(options.messages / connections)), 0]
		: ['echo', options.messages, Math.min(AT_ONCE, connections >> 1), 0];
	await load.command('open', 20 + connections * !fanout);
	await sleep(300);
	const before = memoryOf(server.parts);
	await load.command('open', 20 + connections + connections * !fanout);
	await sleep(3000);
	const after = memoryOf(server.parts);
	const bytes = Object.fromEntries(Object.keys(before).map((name) => [name, (after[name] - before[name]) / connections]));
	const rounds = [];
	for (let i = 0; i <= options.rounds; i++) {
		const cpu = cpuOf(server.parts);
		const { count } = await load.command(...command);
		const now = cpuOf(server.parts);
		if (i > 0)
			rounds.push(Object.fromEntries(Object.keys(cpu).map((name) => [name, (now[name] - cpu[name]) / count])));
	}
	return { cpu: least(rounds), bytes };
}

const shown = (figures, digits) => Object.entries(figures).filter(([, figure]) => figure >= 0.05)
	.map(([name, figure]) => `${name} ${figure.toFixed(digits)}`).join(', ');

async function main() {
	for (const [name, begin, way, how] of rows) {
		const server = await begin();
		const load = new Load(['--port', `${server.port}`, '--way', ...(typeof way === 'function' ? way(server) : way)]);
		try {
			const { cpu, bytes } = await measure(server, load, how);
			console.log(`${name}: µs ${shown(cpu, 1)}${how.connections ? '' : `; bytes ${shown(bytes, 0)}`}`);
		} finally {
			await load.stop();
			await server.stop();
		}
	}
}

const lacks = ['sockjs-fcgi behind lighttpd', 'sockjs-fcgi, Redis'].flatMap(missing);
if (lacks.length > 0) {
	console.log(`skipped: without ${lacks.map(({ debian, npm }) => debian || npm).join(', ')}`);
	process.exit(77);
}
main().then(() => process.exit(0), (error) => {
	console.error(error);
	process.exit(1);
});
