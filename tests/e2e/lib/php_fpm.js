'use strict';

// PHP-FPM for tests: started and stopped as they like.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const CHILDREN = 4;
const START_LIMIT = 20000; // ms

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class PhpFpm {
	// undefined: there is none.
	static find() {
		const names = fs.readdirSync('/usr/sbin').filter((each) => /^php-fpm[\d.]*$/.test(each));
		return names.length > 0 ? path.join('/usr/sbin', names.sort().at(-1)) : undefined;
	}

	// Its files are in `folder`. user: whose its processes are, if root starts it.
	constructor(folder, user) {
		const users = user ? `user = ${user}\ngroup = nogroup\nlisten.owner = ${user}\n` : '';
		this.socket = path.join(folder, 'fpm.sock');
		this.conf = path.join(folder, 'fpm.conf');
		this.logFile = path.join(folder, 'fpm.log');
		fs.writeFileSync(this.conf, `[global]
error_log = ${this.logFile}
[www]
${users}listen = ${this.socket}
pm = static
pm.max_children = ${CHILDREN}
php_admin_value[sys_temp_dir] = ${folder}
`);
		process.on('exit', () => this.stop());
	}

	log() {
		return fs.existsSync(this.logFile) ? fs.readFileSync(this.logFile, 'utf8') : '';
	}

	async start() {
		const end = Date.now() + START_LIMIT;
		// A group of its own, of which are its children.
		const args = ['-n', '-F', '-y', this.conf];
		this.child = spawn(PhpFpm.find(), args, { stdio: 'ignore', detached: true });
		this.child.once('error', () => {});
		this.child.unref();
		while (!(await this.accepts())) {
			if (Date.now() > end) throw new Error(`PHP-FPM did not start:\n${this.log()}`);
			await sleep(20);
		}
	}

	// The socket's file is there a moment before.
	accepts() {
		return new Promise((resolve) => {
			const socket = net.connect(this.socket, () => resolve(true));
			socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
		});
	}

	// Kills it and its children, in the middle of whatever they do.
	stop() {
		if (!this.child) return;
		fs.rmSync(this.socket, { force: true });
		try {
			process.kill(-this.child.pid, 'SIGKILL');
		} catch {
			// It has ended.
		}
		this.child = null;
	}
}

module.exports = { PhpFpm };
