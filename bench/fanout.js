'use strict';

// What it costs the daemon to send one message to many: by a group, by a channel, and by a channel
// of an [app]. Instructions are counted by callgrind, so that ratios mean something on any machine.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArguments } = require('./common');
const { allAsleep } = require('../tests/e2e/lib/asleep');
const { Connection } = require('../tests/e2e/lib/http');
const { Pair } = require('../tests/e2e/lib/responder');
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
		json: { kind: 'flag', help: 'print {"group": COUNT, "channel": COUNT, "app": COUNT}' },
	});

const SERVICES = `[service /fanout]
module = ${path.resolve(builddir, 'tests/modules/fanout.so')}
[app 1]
key = key
secret = secret
client_events = on
client_event_rate = 1000
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

async function sendOne(pair, way, clients) {
	await allAsleep(pair.sessiond);
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
	const pair = new Pair({ server: `store = none\nconnection_limit = ${options.clients + 100}\nsession_limit = ${options.clients * 2 + 100}\nconnections_per_address = 0\nsessions_per_address = 0\n`, services: SERVICES });
	try {
		await pair.startSessiond({ listen: '127.0.0.1:0', wrapper: ['valgrind', '--tool=callgrind', '--vgdb=no', '-q', `--callgrind-out-file=${directory}/%p`] });
		const clients = [];
		for (let i = 0; i < options.clients; i++) {
			clients.push(await WebSocketClient.connect(pair.sessiond.url, way.path, { timeout: PATIENCE }));
			await way.ready(clients.at(-1));
		}
		for (let i = 0; i < messages; i++)
			await sendOne(pair, way, clients);
		clients.forEach(({ connection }) => connection.close());
		await allAsleep(pair.sessiond);
	} finally {
		await pair.stop();
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
		for (const [name, way] of Object.entries(WAYS)) {
			const [less, more] = [await count(way, options.few, directory), await count(way, options.many, directory)];
			counts[name] = Math.round((more - less) / (options.many - options.few));
		}
	} finally {
		fs.rmSync(directory, { recursive: true, force: true });
	}
	counts.app -= counts.request;
	delete counts.request;
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
