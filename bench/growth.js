'use strict';

// Measures what one more costs among many: a channel among channels, a subscription of a connection
// that has others, a member among members, a message of a session among sessions, a message behind
// those that wait. Instructions are counted by callgrind, so that they mean something on any
// machine; bytes are the daemon's memory, its store's and Redis'.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { AppClient, names, openChannels } = require('./app_client');
const { parseArguments } = require('./common');
const { Callgrind } = require('./callgrind');
const { cpuOf, memoryOf } = require('./processes');
const { startDaemon, temporaryDirectory } = require('../tests/e2e/lib/daemon');
const { Connection } = require('../tests/e2e/lib/http');
const { Redis, skip: hasNoRedis } = require('../tests/e2e/lib/redis');

const SKIPPED = 77; // automake's status for what could not be run
const PATIENCE = 300000; // ms: callgrind slows a program
const COUNTED = 50; // things that are done while instructions are counted
const BATCH = 250; // things that are asked for at once
const FEW = 100; // what a check compares the largest number with
const FLAT = 1.25; // how much a cost may grow then
const STEPS = [1, 100, 1000, 10000, 100000];
// The largest number of a row.
const MOST = { members: 1000 }; // each is a connection, and each join is told to all
const MOST_IN_REDIS = 10000; // of ten times as many, a daemon under callgrind could hardly tell it every 13 s

const options = parseArguments(
	'Usage: node bench/growth.js [ROW ...] [--OPTION ...]\n\n' +
	'Counts what one more costs among 1 to 100,000: rows are channels, subscriptions, members, sessions and queue; without one, all.\n' +
	'Prints a line for each thing that is counted, with a figure for each number.', {
		words: { default: [], help: 'rows' },
		most: { default: 100000, help: 'largest number' },
		redis: { kind: 'flag', help: 'channels are in a Redis' },
		check: { kind: 'flag', help: `only ${FEW} and the largest number: fail if instructions grow by more than ${FLAT}` },
		json: { kind: 'flag', help: 'print {ROW: {NAME: {NUMBER: FIGURE}}}' },
	});

const CONF = `[server]
log_level = error
control = control
connection_limit = 200000
session_limit = 1000000
connections_per_address = 0
sessions_per_address = 0
channels_limit = 1000000
channels_per_connection = 1000000
members_per_channel = 1000000
store_session_limit = 1G
store_address_limit = 4G
`;
const SERVICES = `[service /echo]
module = echo
queue_limit = 1G
disconnect_delay = 10m
heartbeat_delay = 30m
[app 1]
key = key
secret = secret
client_event_rate = 100000
queue_limit = 1G
heartbeat_delay = 119s
`;

// The daemon, under callgrind or by itself, and what measures ask of it.
class Server {
	static async start({ counted = false, store = false, directory } = {}) {
		const self = new Server();
		self.callgrind = counted && new Callgrind();
		self.redis = options.redis && (await Redis.start());
		self.store = path.join(directory || '.', 'sessions.db');
		const server = (self.redis ? `engine = ${self.redis.url}\n` : '') + (store ? `store = ${self.store}\nstore_limit = 4G\n` : '');
		self.daemon = await startDaemon({ conf: `${CONF}${server}${SERVICES}`, wrapper: self.callgrind ? self.callgrind.wrapper : [] });
		return self;
	}

	get url() {
		return this.daemon.url;
	}

	// Resolves with the instructions of each.
	async count(what, times = COUNTED) {
		await this.connect();
		return Math.round((await this.callgrind.count(this.daemon.pid, what)) / times);
	}

	memory() {
		return memoryOf({ daemon: [this.daemon.pid] }).daemon;
	}

	async redisMemory() {
		return Number(/^used_memory:(\d+)/m.exec(await this.redis.command('INFO', 'memory'))[1]);
	}

	cpu() {
		return cpuOf({ daemon: [this.daemon.pid] }).daemon;
	}

	// One that is idle for long is closed.
	async connect() {
		this.control?.close();
		this.control = await Connection.open(path.join(this.daemon.directory, 'control'));
	}

	async ask(method, target, body) {
		const answer = await this.control.request(method, target, { body: body && JSON.stringify(body), keep: true, timeout: PATIENCE });
		if (answer.status !== 200)
			throw new Error(`${target} was answered ${answer.status}: ${answer.body}`);
		return answer;
	}

	publish(channel) {
		return this.ask('POST', '/publish', { app: '1', channel, event: 'e', data: 'x'.repeat(20) });
	}

	async stop() {
		Connection.closeAll();
		await this.daemon.stop('SIGTERM');
		if (this.redis)
			await this.redis.stop();
		if (this.callgrind)
			this.callgrind.remove();
	}
}

// --- clients of an app -----------------------------------------------------------------------------

// Many at once, BATCH at a time.
async function batches(n, each) {
	for (let from = 0; from < n; from += BATCH)
		await Promise.all(Array.from({ length: Math.min(BATCH, n - from) }, (_, i) => each(from + i)));
}

async function countChanges(server, client) {
	const more = names('more', COUNTED);
	await client.subscribe(['one', ...names('warm', COUNTED)]);
	await client.unsubscribe(names('warm', COUNTED));
	const subscribe = await server.count(() => client.subscribe(more));
	const unsubscribe = await server.count(() => client.unsubscribe(more));
	return { subscribe, unsubscribe };
}

async function countPublications(server, client) {
	return server.count(async () => {
		for (let i = 0; i < COUNTED; i++) {
			await server.publish('one');
			await client.read();
		}
	});
}

// --- polling sessions without a connection ---------------------------------------------------------

// Polls and sends over as many connections as are needed to keep the daemon busy.
class Pollers {
	static async open(server) {
		const self = new Pollers();
		self.connections = await Promise.all(Array.from({ length: 20 }, () => Connection.open(server.url)));
		return self;
	}

	async request(i, kind, body = '') {
		const connection = this.connections[i % this.connections.length];
		const turn = connection.turn || Promise.resolve();
		connection.turn = turn.then(() => connection.request('POST', `/echo/000/session${i}/${kind}`, { body, keep: true, timeout: PATIENCE }));
		const { status } = await connection.turn;
		if (status !== 200 && status !== 204)
			throw new Error(`${kind} was answered ${status}`);
	}

	begin(n, from = 0) {
		return batches(n, (i) => this.request(from + i, 'xhr'));
	}

	async message(i) {
		await this.request(i, 'xhr_send', '["a message of 20 chars"]');
		await this.request(i, 'xhr');
	}
}

// --- the rows --------------------------------------------------------------------------------------

// A counted one and one by itself: what is under callgrind has other memory.
async function withServers(how, counted, plain) {
	const results = {};
	for (const [isCounted, measure] of [[true, counted], [false, plain]]) {
		if (!measure || (options.check && !isCounted))
			continue;
		const server = await Server.start({ ...how, counted: isCounted });
		try {
			Object.assign(results, await measure(server));
		} finally {
			await server.stop();
		}
	}
	return results;
}

const perOne = (after, before, n) => Math.round((after - before) / n);

const scrape = (server) => server.count(() => server.ask('GET', '/metrics'), 1);

const rows = {
	channels: (n) => withServers({}, async (server) => {
		await openChannels(server.url, n);
		const client = await AppClient.open(server.url);
		return { ...await countChanges(server, client), publication: await countPublications(server, client), 'metrics': await scrape(server) };
	}, async (server) => {
		const before = [server.memory(), server.redis && await server.redisMemory()];
		const clients = await openChannels(server.url, n);
		const connections = clients.length * 2000; // about: they are a hundredth of the channels
		return n < 1000 ? {} : {
			'bytes': perOne(server.memory() - connections, before[0], n),
			...(server.redis && { 'bytes of Redis': perOne(await server.redisMemory(), before[1], n) }),
		};
	}),
	subscriptions: (n) => withServers({}, async (server) => {
		const [client] = await openChannels(server.url, n, n);
		return { ...await countChanges(server, client), publication: await countPublications(server, client) };
	}),
	members: (n) => withServers({}, async (server) => {
		const clients = [];
		for (let i = 0; i < n + COUNTED / 10; i++)
			clients.push(await AppClient.open(server.url));
		for (let i = 0; i < n; i++)
			await clients[i].join('presence-all', `user${i}`);
		const joined = await server.count(async () => {
			for (let i = n; i < clients.length; i++)
				await clients[i].join('presence-all', `user${i}`);
		}, (COUNTED / 10) * n);
		return { 'join, for each who is there': joined };
	}),
	sessions: async (n) => {
		const directory = temporaryDirectory();
		try {
			const results = await withServers({ store: true, directory: fs.mkdtempSync(`${directory}/`) }, async (server) => {
				const pollers = await Pollers.open(server);
				await pollers.begin(n);
				await pollers.message(0);
				const message = await server.count(async () => {
					for (let i = 0; i < COUNTED; i++)
						await pollers.message(0);
				});
				const begin = await server.count(() => pollers.begin(COUNTED, n));
				await server.connect();
				const { sessions } = JSON.parse((await server.ask('GET', '/control/sessions?limit=1')).body);
				const sendOne = () => server.ask('POST', '/control/send', { id: sessions[0].id, data: 'x' });
				await sendOne();
				const send = await server.count(async () => {
					for (let i = 0; i < COUNTED; i++)
						await sendOne();
				});
				await scrape(server);
				return { message, begin, metrics: await scrape(server), 'sockjsctl send': send };
			});
			const how = { store: true, directory: fs.mkdtempSync(`${directory}/`) };
			await withServers(how, null, async (server) => {
				const before = server.memory();
				await (await Pollers.open(server)).begin(n);
				if (n >= 1000)
					results.bytes = perOne(server.memory(), before, n);
			});
			if (n >= 1000 && !options.check)
				results['bytes of the store'] = perOne(fs.readdirSync(how.directory).filter((name) => name.endsWith('.db'))
					.reduce((sum, name) => sum + fs.statSync(path.join(how.directory, name)).size, 0), 0, n);
			await withServers(how, null, (server) => {
				if (n >= 1000)
					results['start, µs of CPU a session'] = Math.round(server.cpu() / n);
			});
			return results;
		} finally {
			fs.rmSync(directory, { recursive: true, force: true });
		}
	},
	queue: async (n) => {
		const directory = temporaryDirectory();
		try {
			return await withServers({ store: true, directory }, async (server) => {
				const pollers = await Pollers.open(server);
				await pollers.begin(1);
				for (let i = 0; i < n; i += 1000)
					await pollers.request(0, 'xhr_send', JSON.stringify(names('message', Math.min(1000, n - i))));
				return {
					'one more': await server.count(async () => {
						for (let i = 0; i < COUNTED; i++)
							await pollers.request(0, 'xhr_send', '["a message of 20 chars"]');
					}),
					'all of them, a message': await server.count(() => pollers.request(0, 'xhr'), n + COUNTED),
				};
			});
		} finally {
			fs.rmSync(directory, { recursive: true, force: true });
		}
	},
};

// --- the table -------------------------------------------------------------------------------------

// The numbers of a row, the largest last. Says so if there are fewer than was asked for.
function stepsOf(row) {
	const most = Math.min(options.most, MOST[row] ?? Infinity, options.redis ? MOST_IN_REDIS : Infinity);
	if (most < options.most)
		console.error(`growth.js: ${row}${options.redis ? ' in a Redis' : ''}: at most ${most} are counted`);
	return (options.check ? [FEW] : STEPS).filter((n) => n < most).concat(most);
}

async function measureRow(row, steps) {
	const figures = {};
	for (const n of steps)
		for (const [name, figure] of Object.entries(await rows[row](n)))
			(figures[name] ??= {})[n] = figure;
	return figures;
}

const isCount = (name) => !/bytes|CPU/.test(name);

function print(row, figures, steps) {
	console.log(`\n${`${row}, among`.padEnd(36)}${steps.map((n) => n.toLocaleString('en').padStart(12)).join('')}`);
	for (const [name, of] of Object.entries(figures)) {
		const unit = isCount(name) ? 'instructions' : '';
		console.log(`${name}${unit && `, ${unit}`}`.padEnd(36) + steps.map((n) => (of[n] === undefined ? '' : of[n].toLocaleString('en')).padStart(12)).join(''));
	}
}

// What has grown by more than it may, as texts.
function grown(row, figures) {
	return Object.entries(figures).filter(([name]) => isCount(name)).flatMap(([name, of]) => {
		const [first, last] = Object.values(of);
		return last > first * FLAT ? [`${row}, ${name}: ${last} instructions, ${first} among ${FEW}`] : [];
	});
}

async function main() {
	const chosen = options.words.length > 0 ? options.words : Object.keys(rows);
	if (!chosen.every((row) => rows[row])) {
		console.error(`growth.js: there is no such row: ${chosen.join(' ')}; see --help`);
		process.exit(64);
	}
	if (options.check && options.most <= FEW) {
		console.error(`growth.js: --check compares ${FEW} with a larger number: --most ${options.most} is none`);
		process.exit(64);
	}
	try {
		execFileSync('valgrind', ['--version'], { stdio: 'ignore' });
	} catch {
		console.log('skipped: valgrind is not installed');
		process.exit(SKIPPED);
	}
	if (options.redis && hasNoRedis) {
		console.log(`skipped: ${hasNoRedis}`);
		process.exit(SKIPPED);
	}
	const all = {};
	for (const row of chosen) {
		const steps = stepsOf(row);
		all[row] = await measureRow(row, steps);
		if (!options.json)
			print(row, all[row], steps);
	}
	if (options.json)
		console.log(JSON.stringify(all));
	const faults = options.check ? chosen.flatMap((row) => grown(row, all[row])) : [];
	faults.forEach((fault) => console.error(fault));
	process.exit(faults.length > 0 ? 1 : 0);
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
