'use strict';

// The applications of `tests/chaos --kill worker` and `--kill callback`: what is said of them in
// sockjs.conf, and how they are killed.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { PhpFpm } = require('../e2e/lib/php_fpm');
const { childrenOf } = require('./killer');

const BUILT_MODULES = path.join(process.env.SOCKJS_BUILDDIR || path.join(__dirname, '../..'), 'examples');
const PROCESSES = 2;
const AWAY = [0, 1500]; // ms for which PHP-FPM is stopped; less than worker_timeout

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Makes the folder one that the daemon's user can use. Programs do not run as root. Returns the
// user, if it has to be named.
function giveAway(folder) {
	if (process.getuid() !== 0) return undefined;
	const [uid, gid] = ['-u', '-g'].map((option) => Number(execFileSync('id', [option, 'nobody'])));
	fs.chownSync(folder, uid, gid); // for the store
	fs.chmodSync(folder, 0o755);
	return 'nobody';
}

// The processes that a stack's daemon has started with `script` in their command.
function processesOf(stack, script) {
	return stack.pids.sessiond.flatMap((pid) => childrenOf(pid)).filter((pid) => {
		try {
			return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(script);
		} catch {
			return false; // it has ended meanwhile
		}
	});
}

// Another user may not look where the sources are, nor where the modules have been built.
class Application {
	constructor(folder, script) {
		this.modules = path.join(folder, 'modules');
		fs.mkdirSync(this.modules);
		for (const name of fs.readdirSync(BUILT_MODULES).filter((each) => each.endsWith('.so')))
			fs.copyFileSync(path.join(BUILT_MODULES, name), path.join(this.modules, name));
		this.script = path.join(folder, script);
		fs.copyFileSync(path.join(__dirname, script), this.script);
		fs.chmodSync(this.script, 0o644);
		this.user = giveAway(folder);
	}

	async start() {}
	stop() {}
}

class Workers extends Application {
	constructor(folder) {
		super(folder, 'worker.py');
		const python = fs.existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
		this.lines = `program = ${python} ${this.script}\nprocesses = ${PROCESSES}\n`;
	}

	async kill(stack, random, until) {
		const pids = () => processesOf(stack, this.script);
		await until(() => pids().length > 0, 'a worker is there');
		const victim = random.of(pids());
		try {
			process.kill(victim, 'SIGKILL');
		} catch {
			return; // it has ended with the daemon
		}
		const areAll = () => pids().length === PROCESSES && !pids().includes(victim);
		await until(areAll, 'another worker is there');
	}
}

class Callback extends Application {
	constructor(folder) {
		super(folder, 'application.php');
		this.fpm = new PhpFpm(folder, this.user);
		this.lines = `callback = fastcgi:${this.fpm.socket} ${this.script}\n`;
	}

	start() {
		return this.fpm.start();
	}

	stop() {
		this.fpm.stop();
	}

	async kill(stack, random) {
		this.stop();
		await sleep(random.between(...AWAY));
		await this.start();
	}
}

const APPLICATIONS = { worker: Workers, callback: Callback };

// folder: for its files. null: `kill` needs none.
const applicationOf = (kill, folder) => (APPLICATIONS[kill] ? new APPLICATIONS[kill](folder) : null);

module.exports = { applicationOf, giveAway, processesOf };
