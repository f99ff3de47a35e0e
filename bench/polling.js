'use strict';

// What the measurements of xhr-polling share: clients on connections that stay open, and a server
// with its load.

const crypto = require('node:crypto');
const net = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');
const { cpuTime } = require('./common');

const AHEAD = 3; // ms in which a poll reaches the place where it waits
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

// A kept HTTP connection, which sends one POST after the other. Of an answer it finds out only
// where it ends.
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

// A SockJS client: renew() opens a session; echo() sends a message and resolves when it has come
// back.
async function openClient(port, size) {
	const [polling, sending] = await Promise.all([Client.open(port), Client.open(port)]);
	let poll;
	let send;
	return {
		async renew() {
			const session = `/echo/000/${crypto.randomBytes(6).toString('hex')}`;
			poll = post(`${session}/xhr`);
			send = post(`${session}/xhr_send`, JSON.stringify(['x'.repeat(size)]));
			await polling.post(poll);
		},
		// how: the poll is sent before the message and waits for it (`waits`), or it is
		// sent after the message (`queues`). Without `how`, both are sent at once.
		async echo(how) {
			const answer = how === 'queues' ? undefined : polling.post(poll);
			if (how === 'waits')
				await sleep(AHEAD);
			const sent = await sending.post(send);
			const echo = await (answer || polling.post(poll));
			if (!/^HTTP\/1\.1 20[04] /.test(sent) || !/\ba\["/.test(echo))
				throw new Error(`no echo: ${sent}\n${echo}`);
		},
		close() {
			for (const { socket } of [polling, sending])
				socket.removeAllListeners('close').destroy();
		},
	};
}

async function exchange(clients, total, how) {
	let left = total;
	await Promise.all(clients.map(async (client) => {
		while (left-- > 0)
			await client.echo(how);
	}));
}

// A server behind lighttpd with its own load. A round is `messages` echoes of `clients` clients.
// daemons: the server's own processes.
async function prepare(name, lighttpd, daemons, options) {
	const pids = [lighttpd, ...daemons].map(({ pid }) => pid);
	const clients = [];
	for (let i = 0; i < options.clients; i++)
		clients.push(await openClient(lighttpd.port, options.size));
	const renew = () => Promise.all(clients.map((client) => client.renew()));
	await renew();
	await exchange(clients, 3000); // node compiles what is hot
	const cpu = () => pids.map(cpuTime);
	return {
		name,
		costs: [],
		rates: [],
		parts: pids.map(() => 0),
		async round(how) {
			await renew(); // the sessions of the last round may have ended
			const before = cpu();
			const start = process.hrtime.bigint();
			await exchange(clients, options.messages, how);
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

module.exports = { median, prepare };
