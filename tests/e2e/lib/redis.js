'use strict';

// A Valkey (or Redis) of a test's own: on a Unix socket in a temporary directory, which forgets
// everything unless it is told otherwise.

const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { temporaryDirectory } = require('./daemon');
const { DATABASES } = require('./engine');

const program = ['valkey-server', 'redis-server'].find((name) => spawnSync(name, ['--version']).error === undefined);
const module_ = path.join(process.env.SOCKJS_BUILDDIR || path.join(__dirname, '../../..'), 'sessiond/redis/redis.so');

// Why there is none; false: there is one.
const skip = program === undefined ? 'neither valkey-server nor redis-server is installed'
	: !fs.existsSync(module_) && 'built without hiredis';

// One command; resolves with the reply, as text. to: of net.connect.
function command(to, ...words) {
	return new Promise((resolve, reject) => {
		const socket = net.connect(to);
		let text = '';
		socket.on('error', reject).on('close', () => resolve(text));
		socket.on('data', (bytes) => {
			text += bytes;
		});
		for (const all of [words, ['QUIT']])
			socket.write(`*${all.length}\r\n${all.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`);
	});
}

class Redis {
	// options: of redis-server, as on its command line.
	static async start(...options) {
		const redis = new Redis();
		redis.directory = temporaryDirectory();
		fs.chmodSync(redis.directory, 0o755); // for daemons of other users
		redis.socket = path.join(redis.directory, 'redis.sock');
		redis.options = options;
		await redis.run();
		return redis;
	}

	get url() {
		return `redis+unix://${this.socket}`;
	}

	async run() {
		this.child = spawn(program, ['--port', '0', '--unixsocket', this.socket, '--unixsocketperm', '777', '--dir', this.directory,
			'--save', '', '--appendonly', 'no', '--databases', String(DATABASES), ...this.options], { stdio: ['ignore', 'pipe', 'inherit'] });
		this.ended = new Promise((resolve) => this.child.on('exit', resolve));
		await new Promise((resolve, reject) => {
			let text = '';
			this.child.stdout.on('data', (bytes) => {
				text += bytes;
				if (/ready to accept connections/i.test(text))
					resolve();
			});
			this.ended.then(() => reject(new Error(text)));
		});
	}

	command(...words) {
		return command({ path: this.socket }, ...words);
	}

	async kill(signal = 'SIGKILL') {
		this.child.kill('SIGCONT');
		this.child.kill(signal);
		await this.ended;
	}

	async stop() {
		await this.kill();
		fs.rmSync(this.directory, { recursive: true, force: true });
	}
}

module.exports = { Redis, command, skip };
