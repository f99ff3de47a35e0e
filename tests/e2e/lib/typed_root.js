'use strict';

// For what types pages of the documentation, as root in namespaces of its own (mounts, network,
// processes): copies of this machine's files that take writes and are gone with the namespace, each
// with an installation (`make install DESTDIR=STAGE`) put into it.

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { eventually } = require('./guard');

const LIMIT = 30000; // ms
const PREFIX = '/usr/local';
const CONF = `${PREFIX}/etc/sockjs.conf`;
const PATHS = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

// fails: whether the command has to; null: it may.
function run(command, args, { fails = false } = {}) {
	const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: LIMIT, stdio: ['ignore', 'pipe', 'pipe'] });
	if (error) throw error;
	if (fails !== null) assert.equal(status !== 0, fails, `${args.at(-1)}\n${stdout}${stderr}`);
	return stdout + stderr;
}

// A page's blocks: {title} of a section, or {kind, code}: what stands behind the ``` and between.
const blocksOf = (page) => [...page.matchAll(/^## (.*)$|^```([\w ]+)\n([^]*?)^```$/gm)].map(([, title, kind, code]) => ({ title, kind, code }));

// Has `ask` run each command of a dialogue, and requires the answers that the page has.
function converse(dialogue, ask) {
	for (const part of dialogue.split(/^\$ /m).slice(1)) {
		const [command, ...answer] = part.split('\n');
		assert.equal(ask(command).trimEnd(), answer.join('\n').trimEnd(), command);
	}
}

class Root {
	// base: a folder to make. enter: the beginning of each command, such as nsenter's.
	constructor(base, stage, enter = []) {
		Object.assign(this, { enter, path: path.join(base, 'root'), programs: [] });
		fs.mkdirSync(base);
		run('mount', ['-t', 'tmpfs', 'tmpfs', base]);
		for (const part of ['up', 'work', 'root']) fs.mkdirSync(path.join(base, part));
		run('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=/,upperdir=${base}/up,workdir=${base}/work`, this.path]);
		run('mount', ['-t', 'proc', 'proc', `${this.path}/proc`]);
		run('mount', ['--rbind', '/dev', `${this.path}/dev`]);
		run('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', `${this.path}/run`]);
		fs.mkdirSync(`${this.path}/run/lock`);
		run('cp', ['-a', `${stage}/.`, this.path]);
	}

	inside(script, options) {
		const words = [...this.enter, 'chroot', this.path, 'env', PATHS, 'sh', '-euc', script];
		return run(words[0], words.slice(1), options);
	}

	// What the init system would start; resolves when it is ready.
	async start(...command) {
		const words = [...this.enter, 'chroot', this.path, ...command];
		const child = spawn(words[0], words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
		let output = '';
		child.stdout.on('data', (data) => { output += data; });
		child.stderr.on('data', (data) => { output += data; });
		this.programs.push({ command, child, log: () => output });
		await eventually(() => /^ready /m.test(output), () => `${command.join(' ')}: ${output}`, LIMIT);
		return child;
	}

	option(wanted) {
		return new RegExp(`^${wanted} = (.*)$`, 'm').exec(fs.readFileSync(this.path + CONF, 'utf8'))[1];
	}

	configure(lines) {
		fs.appendFileSync(this.path + CONF, lines);
	}

	// Makes what the package would have made, and starts the daemon.
	async startDaemon() {
		const user = this.option('user');
		const sockets = path.dirname(this.option('socket'));
		this.inside(`getent passwd ${user} >/dev/null || useradd --system --user-group --no-create-home ${user}
			install -d -o ${user} -g ${user} ${sockets}
			install -d -m 0700 -o ${user} -g ${user} ${path.dirname(this.option('store'))}`);
		this.daemon = await this.start(`${PREFIX}/sbin/sockjs-sessiond`, '--config', CONF);
	}

	async restartDaemon() {
		const { daemon } = this;
		const ended = new Promise((resolve) => { daemon.once('exit', resolve); });
		daemon.kill('SIGTERM');
		await ended;
		await this.startDaemon();
	}

	log() {
		return this.programs.map(({ command, log }) => `--- ${command.join(' ')}\n${log().slice(-3000)}`).join('\n');
	}
}

module.exports = { CONF, LIMIT, PREFIX, Root, blocksOf, converse, run };
