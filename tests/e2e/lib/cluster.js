'use strict';

// Several boxes behind HAProxy, as tests/cluster has them, for tests that look at each of them and
// take one away.

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { promisify } = require('node:util');
const { eventually } = require('./guard');
const { request } = require('./http');
const redis = require('./redis');
const { startStack, srcdir } = require('./stack');

const sockjsctl = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'sessiond', 'ctl', 'sockjsctl');
const LIMIT = 60000; // ms
const RELOAD_AGAIN = 3000;

// Resolves with what HAProxy answers to a command on its socket.
function tell(socket, command) {
	return new Promise((resolve, reject) => {
		const connection = net.connect(socket, () => connection.write(`${command}\n`));
		let text = '';
		connection.setEncoding('utf8').on('data', (data) => { text += data; });
		connection.on('end', () => resolve(text));
		connection.on('error', reject);
	});
}

class Cluster {
	constructor(stack) {
		this.stack = stack;
		this.url = stack.url;
		this.folder = fs.readlinkSync(`/proc/${stack.pids.haproxy[0]}/cwd`);
		this.conf = path.join(this.folder, 'haproxy.cfg');
		const lines = fs.readFileSync(this.conf, 'utf8').matchAll(/server box(\d+) (\S+)/g);
		this.urls = Object.fromEntries([...lines].map(([, box, address]) => [box, `http://${address}`]));
		this.boxes = Object.keys(this.urls).length; // they are counted from 1
	}

	haproxy(command) {
		return tell(path.join(this.folder, 'haproxy.sock'), command);
	}

	// {BACKEND: {SERVER: {status, scur, stot, addr, ...}}}: the columns of `show stat`.
	async servers() {
		const [head, ...lines] = (await this.haproxy('show stat')).trim().replace(/^# /, '').split('\n');
		const names = head.split(',');
		const servers = {};
		for (const line of lines) {
			const row = Object.fromEntries(line.split(',').map((value, i) => [names[i], value]));
			servers[row.pxname] = { ...servers[row.pxname], [row.svname]: row };
		}
		return servers;
	}

	// Waits until HAProxy says so of a box, in each of its backends: UP, DOWN, NOLB (it keeps its
	// sessions and gets no new ones), DRAIN (the same, told by hand).
	async untilStatus(box, status) {
		let seen;
		await eventually(async () => {
			const all = await this.servers();
			seen = ['sessions', 'any', 'by_cookie'].map((name) => all[name][`box${box}`].status);
			return seen.every((each) => each.split(' ')[0] === status);
		}, () => `box${box} is ${status}: ${seen}`, LIMIT);
	}

	controlOf(box) {
		return path.join(this.folder, `box${box}`, 'run', 'control.sock');
	}

	// Has the box's daemons take no new sessions; off: has them take new ones again.
	async drain(box, { off = false } = {}) {
		await promisify(execFile)(sockjsctl, ['--socket', this.controlOf(box), 'drain', ...(off ? ['--off'] : [])]);
	}

	// Resolves with the reply to a command to the boxes' Redis.
	async redis(...words) {
		const conf = fs.readFileSync(path.join(this.folder, 'box1', 'sockjs.conf'), 'utf8');
		const [, host, port] = /^engine = redis:\/\/([^:]+):(\d+)$/m.exec(conf);
		return redis.command({ host, port: Number(port) }, ...words);
	}

	// The boxes that have a session.
	async homesOf(target) {
		const homes = [];
		for (let box = 1; box <= this.boxes; box++) {
			const { status } = await request(this.urls[box], 'POST', `${target}/xhr_send`, { body: '[]' });
			if (status === 204) homes.push(box);
		}
		return homes;
	}

	pidsOf(box) {
		return ['lighttpd', 'fcgi', 'supervisor', 'sessiond'].flatMap((name) => this.stack.pids[`${name}${box}`]);
	}

	// Takes the box's power away: nothing starts its programs again until restore().
	async cut(box) {
		this.stack.child.kill('SIGSTOP');
		this.gone = this.pidsOf(box);
		for (const pid of this.gone) {
			try {
				process.kill(pid, 'SIGKILL');
			} catch (error) {
				if (error.code !== 'ESRCH') throw error; // it went with its supervisor
			}
		}
	}

	// Resolves when the stack has started all of them.
	async restore(box) {
		this.stack.child.kill('SIGCONT');
		const areBack = () => this.pidsOf(box).every((pid) => !this.gone.includes(pid));
		await eventually(areBack, () => `box${box} is back: ${this.stack.log()}`, LIMIT);
	}

	// Has HAProxy read its configuration again. Resolves when another process has taken over. The
	// signal is lost on a HAProxy that is still busy with the last one, so it is given again.
	async reload() {
		const pid = async () => /^Pid: (\d+)$/m.exec(await this.haproxy('show info'))[1];
		const before = await pid();
		const tellAgain = () => process.kill(this.stack.pids.haproxy[0], 'SIGUSR2');
		const timer = setInterval(tellAgain, RELOAD_AGAIN);
		tellAgain();
		try {
			await eventually(async () => await pid().catch(() => before) !== before, 'HAProxy has another process', LIMIT);
		} finally {
			clearInterval(timer);
		}
	}

	async stop() {
		this.stack.child.kill('SIGCONT');
		return this.stack.stop();
	}
}

// options: of startStack.
async function startCluster(boxes, options = {}) {
	const stack = await startStack('cluster', { ...options, env: { ...options.env, SOCKJS_STACK_BOXES: String(boxes) } });
	return new Cluster(stack);
}

module.exports = { Cluster, startCluster };
