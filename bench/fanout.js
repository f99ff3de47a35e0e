'use strict';

// What it costs the daemon to send one message to many: by a group, by a channel, and by a channel
// of an [app]. Instructions are counted by callgrind, so that ratios mean something on any machine.

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArguments } = require('./common');
const { allAsleep } = require('../tests/e2e/lib/asleep');
const { FastCgi } = require('../tests/e2e/lib/fastcgi');
const { Connection } = require('../tests/e2e/lib/http');
const { eventually } = require('../tests/e2e/lib/guard');
const { Pair } = require('../tests/e2e/lib/responder');
const { freePort } = require('../tests/e2e/lib/stack');
const { WebSocketClient } = require('../tests/e2e/lib/websocket');

const SKIPPED = 77; // automake's status for what could not be run
const PATIENCE = 300000; // ms: callgrind slows a program fifty times
const builddir = process.env.SOCKJS_BUILDDIR || path.join(__dirname, '..');

const options = parseArguments(
	'Usage: node bench/fanout.js [--OPTION ...]\n\n' +
	'Counts, under valgrind, the instructions it costs sockjs-sessiond to send one message to many websockets. Prints a line for\n' +
	'each way: a group\'s write, a publication to a channel of a service, an event of an [app] (without the request that publishes\n' +
	'it, which is counted with nobody to hear it), and their ratios to the first.', {
		clients: { default: 1000, help: 'websockets that get the message' },
		few: { default: 2, help: 'messages of the shorter run' },
		many: { default: 12, help: 'messages of the longer run' },
		polls: { kind: 'flag', help: 'to polls that sockjs.fcgi holds, instead of websockets; what a message costs has the next polls' },
		lighttpd: { kind: 'flag', help: 'with --polls: the polls come through lighttpd' },
		history: { kind: 'flag', help: 'there is a store, and the channels keep their messages' },
		json: { kind: 'flag', help: 'print {"group": COUNT, "channel": COUNT, "app": COUNT}' },
	});

const HISTORY = options.history ? 'history = 100\n' : '';
const SERVICES = `[service /fanout]
module = ${path.resolve(builddir, 'tests/modules/fanout.so')}
${HISTORY}[app 1]
${HISTORY}key = key
secret = secret
heartbeat_delay = 119s
`;
const TEXT = 'x'.repeat(100);
// As long as the event that carries it.
const LONG = TEXT.padEnd(JSON.stringify({ event: 'e', channel: 'everybody', data: TEXT }).length - 1, 'x');

// Each opens a client that hears, and says how one of them has a message sent to all.
const WAYS = {
	group: { path: '/fanout/websocket', message: `g${LONG}`, ready: async () => {} },
	channel: { path: '/fanout/websocket', message: `c${LONG}`, ready: async () => {} },
	app: {
		path: '/app/key?protocol=7',
		channel: 'everybody', // for POST /publish
		async ready(client) {
			await client.readText(PATIENCE);
			client.send('{"event":"pusher:subscribe","data":{"channel":"everybody"}}');
			await client.readText(PATIENCE);
		},
	},
};

WAYS.request = { ...WAYS.app, channel: 'nobody' };

// lighttpd before the responder, with nothing but what it needs.
class Lighttpd {
	static async start(pair) {
		const self = new Lighttpd();
		const file = path.join(pair.directory, 'lighttpd.conf');
		const port = await freePort();
		self.url = `http://127.0.0.1:${port}`;
		fs.writeFileSync(file, `server.bind = "127.0.0.1"
server.port = ${port}
server.document-root = "${pair.directory}"
server.modules = ("mod_fastcgi")
server.max-fds = ${options.clients * 4 + 100}
server.max-connections = ${options.clients + 10}
server.max-keep-alive-idle = ${PATIENCE / 1000}
fastcgi.server = ("/fanout" => (("socket" => "${pair.responder.address}", "check-local" => "disable")))
`);
		self.child = spawn('lighttpd', ['-D', '-f', file], { stdio: ['ignore', 'ignore', 'inherit'] });
		self.ended = new Promise((resolve) => { self.child.once('exit', resolve); });
		await eventually(() => Connection.open(self.url).then((connection) => (connection.close(), true), () => false), 'lighttpd runs');
		return self;
	}

	async stop() {
		this.child.kill('SIGTERM');
		await this.ended;
	}
}

// A client that polls through the responder, with what of WebSocketClient is needed here.
class Poller {
	static async open(pair, prefix, number) {
		const self = new Poller();
		self.session = `${prefix}/000/poller${number}`;
		self.connection = await (pair.lighttpd ? Connection.open(pair.lighttpd.url) : FastCgi.open(pair.responder.address));
		await self.post('xhr');
		self.poll();
		return self;
	}

	async post(what) {
		const answer = await this.connection.request('POST', `${this.session}/${what}`, { keep: true, timeout: PATIENCE });
		if (answer.status !== 200)
			throw new Error(`a poll was answered ${answer.status}`);
	}

	poll() {
		this.polled = this.post('xhr');
		this.polled.catch(() => {}); // the last one is not answered
	}

	async readText() {
		await this.polled;
		this.poll();
	}
}

// Polls are sent for by a websocket, which hears the message as well.
async function openClients(pair, way) {
	const clients = [];
	if (options.polls)
		for (let i = 0; i < options.clients; i++)
			clients.push(await Poller.open(pair, '/fanout', i));
	while (clients.length < options.clients + (options.polls ? 1 : 0)) {
		const client = await WebSocketClient.connect(pair.sessiond.url, way.path, { timeout: PATIENCE });
		await way.ready(client);
		clients.unshift(client);
	}
	return clients;
}

async function sendOne(pair, way, clients) {
	await allAsleep(...pair.daemons);
	if (way.message) {
		clients[0].send(way.message);
	} else {
		const control = await Connection.open(path.join(pair.directory, 'control.sock'));
		await control.request('POST', '/publish', { body: JSON.stringify({ app: '1', channel: way.channel, event: 'e', data: TEXT }), timeout: PATIENCE });
		control.close();
	}
	if (way !== WAYS.request)
		for (const client of clients)
			await client.readText(PATIENCE);
}

async function count(way, messages, directory) {
	const pair = new Pair({ server: `store = ${options.history ? path.join(directory, 'store') : 'none'}\nheartbeat_delay = 30m\nconnection_limit = ${options.clients + 100}\nsession_limit = ${options.clients * 2 + 100}\nconnections_per_address = 0\nsessions_per_address = 0\n`, services: SERVICES });
	try {
		await pair.startSessiond({ listen: '127.0.0.1:0', wrapper: ['valgrind', '--tool=callgrind', '--vgdb=no', '-q', `--callgrind-out-file=${directory}/%p`] });
		if (options.polls)
			await pair.startResponder();
		if (options.lighttpd)
			pair.lighttpd = await Lighttpd.start(pair);
		const clients = await openClients(pair, way);
		for (let i = 0; i < messages; i++)
			await sendOne(pair, way, clients);
		clients.forEach(({ connection }) => connection.close());
		await allAsleep(...pair.daemons);
	} finally {
		if (pair.lighttpd)
			await pair.lighttpd.stop();
		await pair.stop();
		if (options.history)
			for (const name of fs.readdirSync(directory).filter((each) => each.startsWith('store')))
				fs.rmSync(path.join(directory, name));
	}
	return Number(/^(?:totals|summary): (\d+)$/m.exec(fs.readFileSync(path.join(directory, `${pair.sessiond.pid}`), 'latin1'))[1]);
}

async function main() {
	try {
		execFileSync('valgrind', ['--version'], { stdio: 'ignore' });
	} catch {
		console.log('skipped: valgrind is not installed');
		process.exit(SKIPPED);
	}
	const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-fanout-'));
	const counts = {};
	try {
		for (const [name, way] of Object.entries(WAYS).filter(([, { message }]) => message || !options.polls)) {
			const [less, more] = [await count(way, options.few, directory), await count(way, options.many, directory)];
			counts[name] = Math.round((more - less) / (options.many - options.few));
		}
	} finally {
		fs.rmSync(directory, { recursive: true, force: true });
	}
	if (counts.app) {
		counts.app -= counts.request;
		delete counts.request;
	}
	if (options.json)
		console.log(JSON.stringify(counts));
	else
		for (const [name, instructions] of Object.entries(counts))
			console.log(`${name.padEnd(8)} ${String(instructions).padStart(10)} instructions a message to ${options.clients}, ratio ${(instructions / counts.group).toFixed(3)}`);
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
