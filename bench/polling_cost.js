'use strict';

// What xhr-polling costs behind lighttpd: through FastCGI to sockjs.fcgi and sockjs-sessiond, compared with sockjs-node behind
// the same lighttpd (CPU time of all processes a message) and with a bare libfcgi program (requests a second).

const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { parseArguments, startSockjsNode, cpuTime } = require('./common');
const { Daemon, temporaryDirectory } = require('../tests/e2e/lib/daemon');
const { startPair } = require('../tests/e2e/lib/responder');
const { srcdir } = require('../tests/e2e/lib/stack');
const { isInstalled, startLighttpd } = require('./lighttpd');

const options = parseArguments(
	'Usage: node bench/polling_cost.js [--OPTION N ...]\n\n' +
	'Clients behind lighttpd poll and send over connections that stay open, and wait for each echo before they send again.\n' +
	'Measures, in turns, sockjs.fcgi with sockjs-sessiond, sockjs-node, and a libfcgi program that answers a constant: CPU time\n' +
	'(user and system, lighttpd included) a message, and requests a second. Prints the ratios of the medians.', {
		messages: { default: 3000, help: 'messages a round and server, each of which is two requests' },
		rounds: { default: 9, help: 'rounds' },
		clients: { default: 32, help: 'clients' },
		size: { default: 20, help: 'characters of a message' },
		check: { help: 'exit with 1 if a message costs more than N of what it costs with sockjs-node' },
		'check-rate': { help: 'exit with 1 if the rate of requests is below N of the bare program\'s' },
	});

const SKIPPED = 77; // automake's status for what could not be run
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

// A kept HTTP connection: one POST after the other. Reads no more of an answer than where it ends.
class Client {
	static open(port) {
		return new Promise((resolve, reject) => {
			const socket = net.connect(port, '127.0.0.1', () => resolve(new Client(socket)));
			socket.once('error', reject);
		});
	}

	constructor(socket) {
		this.socket = socket;
		this.text = '';
		socket.setNoDelay(true).setEncoding('latin1');
		socket.on('data', (text) => this.take(text));
		socket.on('close', () => this.fail && this.fail(new Error(`closed: ${this.text}`)));
	}

	take(text) {
		this.text += text;
		const head = this.text.indexOf('\r\n\r\n') + 4;
		if (head < 4)
			return;
		const length = /\r\nContent-Length: (\d+)\r\n/i.exec(this.text);
		const isBodyless = this.text.startsWith('HTTP/1.1 204');
		const isWhole = isBodyless || (length ? this.text.length >= head + Number(length[1]) : this.text.endsWith('\r\n0\r\n\r\n'));
		if (!isWhole)
			return;
		const answer = this.text;
		this.text = '';
		this.resolve(answer);
	}

	post(request) {
		return new Promise((resolve, reject) => {
			this.resolve = resolve;
			this.fail = reject;
			this.socket.write(request);
		});
	}
}

const post = (target, body = '') => `POST ${target} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nContent-Length: ${body.length}\r\n` +
	`${body && 'Content-Type: text/plain\r\n'}\r\n${body}`;

// A SockJS client: renew() opens a session; echo() sends a message and resolves when it has come back.
async function openClient(port) {
	const [polling, sending] = await Promise.all([Client.open(port), Client.open(port)]);
	let poll;
	let send;
	return {
		async renew() {
			const session = `/echo/000/${crypto.randomBytes(6).toString('hex')}`;
			poll = post(`${session}/xhr`);
			send = post(`${session}/xhr_send`, JSON.stringify(['x'.repeat(options.size)]));
			await polling.post(poll);
		},
		async echo() {
			const [answer, sent] = await Promise.all([polling.post(poll), sending.post(send)]);
			if (!/^HTTP\/1\.1 20[04] /.test(sent) || !/\ba\["/.test(answer))
				throw new Error(`no echo: ${sent}\n${answer}`);
		},
		close() {
			for (const { socket } of [polling, sending])
				socket.removeAllListeners('close').destroy();
		},
	};
}

async function exchange(clients, total) {
	let left = total;
	await Promise.all(clients.map(async (client) => {
		while (left-- > 0)
			await client.echo();
	}));
}

// A server behind lighttpd, under its own load. pids: its processes.
async function prepare(name, lighttpd, daemons) {
	const pids = [lighttpd, ...daemons].map(({ pid }) => pid);
	const clients = [];
	for (let i = 0; i < options.clients; i++)
		clients.push(await openClient(lighttpd.port));
	const renew = () => Promise.all(clients.map((client) => client.renew()));
	await renew();
	await exchange(clients, 3000); // node compiles what is hot
	const cpu = () => pids.map(cpuTime);
	return {
		name,
		costs: [],
		rates: [],
		parts: pids.map(() => 0),
		async round() {
			await renew(); // the last round's sessions may have ended meanwhile
			const before = cpu();
			const start = process.hrtime.bigint();
			await exchange(clients, options.messages);
			const seconds = Number(process.hrtime.bigint() - start) / 1e9;
			const used = cpu().map((time, i) => time - before[i]);
			this.costs.push(used.reduce((sum, time) => sum + time, 0) / options.messages);
			this.rates.push(2 * options.messages / seconds);
			used.forEach((time, i) => { this.parts[i] += time / options.messages / options.rounds; });
		},
		async close() {
			clients.forEach((client) => client.close());
			for (const daemon of [lighttpd, ...daemons])
				await daemon.stop('SIGKILL');
		},
		report(parts) {
			console.log(`${name.padEnd(12)} ${median(this.costs).toFixed(0).padStart(5)} us a message (${parts.map((part, i) => `${part} ${this.parts[i].toFixed(0)}`).join(', ')}), ` +
				`${median(this.rates).toFixed(0)} requests a second`);
		},
	};
}

async function startBare() {
	const program = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'bench/bare_responder');
	if (!fs.existsSync(program)) {
		console.log(`skipped: ${program} is not built (make check builds it)`);
		process.exit(SKIPPED);
	}
	const directory = temporaryDirectory();
	const bare = new Daemon(program, [path.join(directory, 'socket')]);
	await bare.waitReady();
	return Object.assign(bare, { directory, socket: path.join(directory, 'socket') });
}

async function main() {
	if (!isInstalled()) {
		console.log('skipped: lighttpd is not installed');
		process.exit(SKIPPED);
	}
	const bareProgram = await startBare();
	const pair = await startPair();
	const node = await startSockjsNode();
	const ours = await prepare('sockjs-fcgi', await startLighttpd('fastcgi', pair.address), [pair.responder, pair.sessiond]);
	const theirs = await prepare('sockjs-node', await startLighttpd('proxy', node.port), [node]);
	const bare = await prepare('bare libfcgi', await startLighttpd('fastcgi', bareProgram.socket), [bareProgram]);
	for (let i = 0; i < options.rounds; i++)
		for (const server of [ours, theirs, bare])
			await server.round();
	for (const server of [ours, theirs, bare])
		await server.close();
	await pair.stop();

	ours.report(['lighttpd', 'sockjs.fcgi', 'sessiond']);
	theirs.report(['lighttpd', 'node']);
	bare.report(['lighttpd', 'bare_responder']);
	const cost = median(ours.costs) / median(theirs.costs);
	const rate = median(ours.rates) / median(bare.rates);
	console.log(`cost, of sockjs-node's: ${cost.toFixed(2)}\nrate, of the bare program's: ${rate.toFixed(2)}`);
	if (options.check !== undefined && !(cost <= options.check)) {
		console.log(`the cost is above ${options.check}`);
		process.exitCode = 1;
	}
	if (options['check-rate'] !== undefined && !(rate >= options['check-rate'])) {
		console.log(`the rate is below ${options['check-rate']}`);
		process.exitCode = 1;
	}
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
