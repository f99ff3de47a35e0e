'use strict';

// The websockets of a chaos run. Each sends some messages, expects them back in order, and ends in
// one of the ways that there are; then the next one comes.

const { WebSocketClient } = require('../e2e/lib/websocket');

const PATIENCE = 60000; // ms, for an answer
const PAUSE = [0, 60]; // ms between two messages
const RETRY = [20, 200]; // ms, when it could not connect

const FAULTS = ['websocket echoes wrong', 'websockets ended'];

const start = (text) => text.slice(0, 60);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Sockets {
	// mayBreak: the daemon, which has them, is killed.
	constructor({ url, count, random, mayBreak, note }) {
		Object.assign(this, { url, count, random, mayBreak, note });
		this.prefix = random.integer(1e8, 1e9 - 1).toString(36);
		this.echoed = new Map(); // name -> numbers of the messages that came back
		const counts = ['websockets', 'websockets broken', 'websocket echoes', ...FAULTS];
		this.counts = Object.fromEntries(counts.map((name) => [name, 0]));
		this.details = [];
		this.isStopped = false;
	}

	start() {
		this.finished = Promise.all(Array.from({ length: this.count }, (_, index) => this.comeAndGo(index)));
		this.finished.catch(() => {}); // a failure is reported to whoever awaits it
	}

	// Those that are there finish what they do.
	async drain() {
		this.isStopped = true;
		await this.finished;
	}

	fault(name, what) {
		this.counts[name]++;
		this.details.push(`${name}: ${what}`);
		this.note(`${name}: ${what}`);
	}

	async comeAndGo(index) {
		for (let generation = 0; !this.isStopped; generation++) {
			const name = `${this.prefix}-socket${index}-${generation}`;
			const client = await this.connect(name);
			if (!client) {
				await sleep(this.random.between(...RETRY));
				continue;
			}
			this.counts['websockets']++;
			try {
				await this.live(client, name);
			} catch (error) {
				if (this.mayBreak) this.counts['websockets broken']++;
				else this.fault('websockets ended', `${name}: ${error.message}`);
			}
			client.connection.socket.destroy();
		}
	}

	// Resolves with undefined if the daemon is away.
	async connect(name) {
		try {
			const target = `/echo/000/${name}/websocket`;
			return await WebSocketClient.connect(this.url, target, { timeout: PATIENCE });
		} catch (error) {
			if (!this.mayBreak) this.fault('websockets ended', `${name}: ${error.message}`);
			return undefined;
		}
	}

	async live(client, name) {
		const first = await client.readText(PATIENCE);
		if (first !== 'o') throw new Error(first);
		const rounds = this.random.integer(1, 60);
		const waiting = []; // texts that are to come back
		this.echoed.set(name, []);
		for (let number = 0; number < rounds; number++) {
			const text = `${name} ${number} ${'x'.repeat(this.random.integer(0, 300))}`;
			client.send(JSON.stringify([text]));
			waiting.push(text);
			await sleep(this.random.between(...PAUSE));
			const most = this.random.integer(0, 4);
			while (waiting.length > most) await this.read(client, name, waiting);
		}
		const way = this.random.of(['vanish', 'close', 'bye', 'bye']);
		if (way === 'vanish') return;
		while (waiting.length > 0) await this.read(client, name, waiting);
		if (way === 'bye') {
			client.send('["bye"]');
			let last;
			do last = await client.readText(PATIENCE);
			while (last === 'h');
			if (!last.startsWith('c[3000')) throw new Error(last);
		} else {
			client.sendClose(1000);
			await client.readClose(PATIENCE);
		}
	}

	async read(client, name, waiting) {
		const frame = await client.readText(PATIENCE);
		if (frame === 'h') return;
		if (frame[0] !== 'a') throw new Error(frame.slice(0, 60));
		for (const text of JSON.parse(frame.slice(1))) {
			const expected = waiting.shift();
			if (text !== expected)
				this.fault('websocket echoes wrong', `${start(text)}, not ${start(`${expected}`)}`);
			this.counts['websocket echoes']++;
			this.echoed.get(name).push(Number(text.split(' ')[1]));
		}
	}
}

module.exports = { Sockets, FAULTS };
