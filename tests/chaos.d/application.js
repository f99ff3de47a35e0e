'use strict';

// The applications of `tests/chaos --kill worker` and `--kill callback`: what is said of them in
// sockjs.conf, and how they are killed.

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { childrenOf } = require('./killer');

const PROCESSES = 2;
const FPM_CHILDREN = 4;
const AWAY = [0, 1500]; // ms for which PHP-FPM is stopped; less than worker_timeout

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Programs do not run as root, and another user may not look where the sources are.
class Application {
	constructor(folder, script) {
		this.folder = folder;
		this.script = path.join(folder, script);
		fs.copyFileSync(path.join(__dirname, script), this.script);
		if (process.getuid() !== 0) return;
		this.user = 'nobody';
		const [uid, gid] = ['-u', '-g'].map((option) => Number(execFileSync('id', [option, 'nobody'])));
		fs.chownSync(folder, uid, gid); // for the store
		fs.chmodSync(folder, 0o755);
		fs.chmodSync(this.script, 0o644);
	}

	async start() {}
	stop() {}
}

class Workers extends Application {
	constructor(folder) {
		super(folder, 'worker.py');
		const python = ['/usr/bin/python3', 'python3'].find((name) => !name.startsWith('/') || fs.existsSync(name));
		this.lines = `program = ${python} ${this.script}\nprocesses = ${PROCESSES}\n`;
	}

	pids(stack) {
		return stack.pids.sessiond.flatMap((pid) => childrenOf(pid)).filter((pid) => {
			try {
				return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(this.script);
			} catch {
				return false; // it has ended meanwhile
			}
		});
	}

	async kill(stack, random, until) {
		await until(() => this.pids(stack).length > 0, 'a worker is there');
		const victim = random.of(this.pids(stack));
		try {
			process.kill(victim, 'SIGKILL');
		} catch {
			return; // with the daemon
		}
		await until(() => this.pids(stack).length === PROCESSES && !this.pids(stack).includes(victim), 'another worker is there');
	}
}

class Fpm extends Application {
	constructor(folder) {
		super(folder, 'application.php');
		this.socket = path.join(folder, 'fpm.sock');
		this.lines = `callback = fastcgi:${this.socket} ${this.script}\n`;
		this.conf = path.join(folder, 'fpm.conf');
		const users = this.user ? 'user = nobody\ngroup = nogroup\nlisten.owner = nobody\n' : '';
		fs.writeFileSync(this.conf, `[global]\nerror_log = ${path.join(folder, 'fpm.log')}\n[www]\n${users}listen = ${this.socket}\n` +
			`pm = static\npm.max_children = ${FPM_CHILDREN}\n`);
		this.program = Fpm.find();
	}

	// undefined: there is none.
	static find() {
		const [name] = fs.readdirSync('/usr/sbin').filter((each) => /^php-fpm[\d.]*$/.test(each)).sort().reverse();
		return name && path.join('/usr/sbin', name);
	}

	async start() {
		if (!this.program) throw new Error('there is no PHP-FPM');
		this.child = spawn(this.program, ['-n', '-F', '-y', this.conf, '-R'], { stdio: 'ignore', detached: true });
		this.child.once('error', () => {});
		while (!fs.existsSync(this.socket)) await sleep(20);
	}

	// At once, with its children: they are of its group.
	stop() {
		fs.rmSync(this.socket, { force: true });
		try {
			process.kill(-this.child.pid, 'SIGKILL');
		} catch {
			// It has ended.
		}
	}

	async kill(stack, random) {
		this.stop();
		await sleep(random.between(...AWAY));
		await this.start();
	}
}

// folder: of its own, for its files. null: `kill` needs none.
function applicationOf(kill, folder) {
	if (kill === 'worker') return new Workers(folder);
	return kill === 'callback' ? new Fpm(folder) : null;
}

module.exports = { applicationOf, hasFpm: () => Fpm.find() !== undefined };
