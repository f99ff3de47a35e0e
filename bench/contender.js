'use strict';

// A server under test with its own load: bench/load, which obeys commands.

const { spawn } = require('node:child_process');
const readline = require('node:readline');
const { built, servers } = require('./servers');

class Load {
	constructor(args) {
		this.child = spawn(built('load/load'), args, { stdio: ['pipe', 'pipe', 'pipe'] });
		this.errors = '';
		this.child.stderr.on('data', (data) => {
			this.errors += data;
		});
		this.child.stdin.on('error', () => {}); // it has ended, and says why
		this.ended = new Promise((resolve) => this.child.on('close', resolve));
		this.lines = readline.createInterface({ input: this.child.stdout });
	}

	// Resolves with what the load has measured.
	command(...words) {
		return new Promise((resolve, reject) => {
			const give = (line) => resolve(JSON.parse(line));
			this.lines.once('line', give);
			this.ended.then(() =>
				reject(new Error(this.errors.trim() || 'load has ended')),
			);
			this.child.stdin.write(`${words.join(' ')}\n`);
		});
	}

	stop() {
		this.child.kill('SIGKILL');
		return this.ended;
	}
}

class Contender {
	constructor(name) {
		this.name = name;
	}

	// way: of the server's. size: of a message.
	async start(way, size) {
		this.begun = performance.now();
		this.server = await servers[this.name].start();
		const args = servers[this.name].ways[way].map((word) =>
			word.startsWith('@') ? this.server[word.slice(1)] : word,
		);
		this.load = new Load([
			'--port',
			`${this.server.port}`,
			'--size',
			`${size}`,
			'--way',
			...args,
		]);
	}

	command(...words) {
		return this.load.command(...words);
	}

	// What the server has said at last.
	log() {
		return this.server?.log().slice(-1000) ?? '';
	}

	async stop() {
		await this.load?.stop();
		await this.server?.stop();
		this.load = this.server = undefined;
	}
}

module.exports = { Contender, Load };
