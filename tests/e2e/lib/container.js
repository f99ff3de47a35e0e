'use strict';

// A root folder, booted: systemd runs in a container of systemd-nspawn, with a network of its own,
// and the machine's own services take no part. Only root can do that.

const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { withTimeout } = require('./daemon');
const { eventually } = require('./guard');

const BOOT_TIMEOUT = 90000; // ms; a busy machine is slow
const STOP_TIMEOUT = 60000;
const COMMAND_TIMEOUT = 120000;

const running = new Set();

// After a timeout of the test.
process.on('exit', () => running.forEach((container) => {
	container.kill();
	spawnSync('sleep', ['0.5']);
	removeGroups(container.groups);
}));

// Where systemd manages the machine, it makes the container's control group. Elsewhere this makes
// one, so that two containers do not find each other's processes. Returns its folders, one in each
// hierarchy that systemd uses.
function makeGroups(name) {
	const lines = fs.readFileSync('/proc/self/cgroup', 'utf8').split('\n');
	const own = (pattern) => lines.map((line) => pattern.exec(line)?.[1]).find((found) => found !== undefined);
	const groups = [];
	for (const [mount, pattern] of [['systemd', /^\d+:name=systemd:(.*)$/], ['unified', /^0::(.*)$/], ['', /^0::(.*)$/]]) {
		const folder = path.join('/sys/fs/cgroup', mount, own(pattern) || '');
		if (!fs.existsSync(path.join(folder, 'cgroup.procs'))) continue;
		fs.mkdirSync(path.join(folder, name));
		groups.push(path.join(folder, name));
	}
	return groups;
}

function removeGroups(groups) {
	for (const group of groups)
		spawnSync('find', [group, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']);
}

const isManaged = () => fs.existsSync('/run/systemd/system');

// The command that runs nspawn in the groups.
function commandOf(root, groups, args) {
	const name = `sockjs-test-${process.pid}`;
	const nspawn = ['systemd-nspawn', '--quiet', '--register=no', ...(isManaged() ? [] : ['--keep-unit']), '--private-network', '--link-journal=no',
		'--console=pipe', '--directory', root, '--machine', name, ...args];
	return ['sh', ['-c', 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit; shift; done; shift; exec "$@"', 'sh', ...groups, '--', ...nspawn]];
}

// Why no container can run here, or null.
function obstacle(root) {
	let groups = [];
	try {
		if (!isManaged()) groups = makeGroups(`sockjs-probe-${process.pid}`);
		const { status, stderr } = spawnSync(...commandOf(root, groups, ['/bin/true']), { encoding: 'utf8', timeout: COMMAND_TIMEOUT });
		return status === 0 ? null : `no container can run here: ${stderr.trim().split('\n').pop()}`;
	} catch (error) {
		return `no container can run here: ${error.message}`;
	} finally {
		removeGroups(groups);
	}
}

// Resolves with what a process has printed, and its status.
function finish(child, command) {
	let output = '';
	for (const stream of [child.stdout, child.stderr].filter(Boolean))
		stream.setEncoding('utf8').on('data', (text) => { output += text; });
	const ended = new Promise((resolve, reject) => child.on('error', reject).on('close', (status) => resolve({ status, output })));
	return withTimeout(ended, COMMAND_TIMEOUT, () => `${command.join(' ')} does not end: ${output}`);
}

class Container {
	constructor(root) {
		this.root = root;
		this.output = '';
		this.groups = isManaged() ? [] : makeGroups(`sockjs-test-${process.pid}`);
		this.child = spawn(...commandOf(root, this.groups, ['--boot']), { stdio: ['ignore', 'pipe', 'pipe'] });
		for (const stream of [this.child.stdout, this.child.stderr])
			stream.setEncoding('utf8').on('data', (text) => { this.output += text; });
		this.exited = new Promise((resolve) => {
			this.child.on('close', () => {
				running.delete(this);
				removeGroups(this.groups);
				resolve();
			});
		});
		running.add(this);
	}

	// Resolves when everything that is enabled has been started.
	static async boot(root) {
		const container = new Container(root);
		await eventually(() => container.child.exitCode !== null || container.init() !== null, () => container.output, BOOT_TIMEOUT);
		await eventually(() => container.child.exitCode !== null || /^(running|degraded)$/m.test(container.try('systemctl', 'is-system-running', '--wait').output),
			() => container.log(), BOOT_TIMEOUT);
		if (container.child.exitCode !== null) throw new Error(`the container ended:\n${container.output}`);
		return container;
	}

	// The process that is 1 inside, as a number outside.
	init() {
		const { pid } = this.child;
		const [child] = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
		this.pid = child && fs.readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'systemd' ? Number(child) : null;
		return this.pid;
	}

	// The arguments of spawn for a command inside.
	inside(command) {
		return ['nsenter', ['--target', String(this.pid), '--mount', '--uts', '--ipc', '--net', '--pid', '--root', '--wd=/', '--', ...command],
			{ env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' }, stdio: ['ignore', 'pipe', 'pipe'] }];
	}

	// Runs a command inside, and returns its status and what it printed.
	try(...command) {
		const [program, args, options] = this.inside(command);
		const { status, stdout, stderr } = spawnSync(program, args, { ...options, encoding: 'utf8', timeout: COMMAND_TIMEOUT });
		return { status, output: stdout + stderr };
	}

	run(...command) {
		const { status, output } = this.try(...command);
		if (status !== 0) throw new Error(`${command.join(' ')}: status ${status}\n${output}\n${this.log()}`);
		return output.trim();
	}

	// The same, while this process goes on.
	async runBeside(...command) {
		const { status, output } = await finish(spawn(...this.inside(command)), command);
		if (status !== 0) throw new Error(`${command.join(' ')}: status ${status}\n${output}\n${this.log()}`);
		return output.trim();
	}

	// curl with the network inside; it need not be there itself.
	async curl(...args) {
		const command = ['curl', '--silent', '--max-time', '60', ...args];
		return (await finish(spawn('nsenter', ['--target', String(this.pid), '--net', '--', ...command], { stdio: ['ignore', 'pipe', 'inherit'] }), command)).output;
	}

	property(unit, name) {
		return this.run('systemctl', 'show', '--value', '-p', name, unit);
	}

	path(name) {
		return `/proc/${this.pid}/root${name}`;
	}

	log() {
		return this.output + this.try('journalctl', '--no-pager', '-n', '60', '-u', 'sockjs-*').output;
	}

	// Nothing in it is worth an orderly end. What runs inside goes with its first process.
	kill() {
		this.init();
		process.kill(this.pid || this.child.pid, 'SIGKILL');
	}

	async stop() {
		if (!running.has(this)) return;
		this.kill();
		await withTimeout(this.exited, STOP_TIMEOUT, 'the container does not end');
	}
}

module.exports = { Container, obstacle };
