'use strict';

// tests/stack with a web server: a responder, and a web server, that is killed comes back, and
// nothing is left behind, however the script ends.

const assert = require('node:assert/strict');
const { spawn, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { test, after } = require('node:test');
const { eventually } = require('./lib/guard');
const { request } = require('./lib/http');
const { isThere } = require('./lib/installation');
const { freePort, srcdir } = require('./lib/stack');

const LIMIT = 60000; // ms; a sanitized program on a busy machine

// The programs of each that are killed.
const kinds = {
	lighttpd: ['fcgi', 'lighttpd', 'sessiond'],
	nginx: ['fcgi', 'nginx', 'sessiond'],
	'apache-proxy': ['fcgi', 'apache', 'sessiond'],
	'apache-fcgid': ['fcgi', 'apache', 'sessiond'],
	htaccess: ['fcgi', 'apache', 'sessiond'],
	cluster: ['fcgi2', 'lighttpd1', 'sessiond2', 'haproxy'],
};
const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-web-stacks-'));
// The web servers' workers may be another user's.
fs.chmodSync(temporary, 0o711);
const children = new Set();

after(() => {
	for (const child of children) child.kill('SIGTERM');
	fs.rmSync(temporary, { recursive: true, force: true });
});

async function start(kind) {
	const port = await freePort();
	const child = spawn(path.join(srcdir, 'tests/stack'), [kind, String(port)], {
		env: { ...process.env, TMPDIR: temporary },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const stack = { child, port, url: `http://127.0.0.1:${port}`, stdout: '', stderr: '' };
	children.add(child);
	child.stdout.on('data', (data) => { stack.stdout += data; });
	child.stderr.on('data', (data) => { stack.stderr += data; });
	stack.exited = new Promise((resolve) => { child.once('exit', (code, signal) => resolve(signal ?? code)); });
	stack.exited.then(() => children.delete(child));
	await eventually(() => /^pids .*\n/m.test(stack.stdout), () => `ready: ${stack.stderr}`, LIMIT);
	return stack;
}

// The processes of the last complete `pids` line: {name: [pid, ...]}.
function pidsOf(stack) {
	const line = stack.stdout.slice(0, stack.stdout.lastIndexOf('\n')).split('\n').filter((each) => each.startsWith('pids ')).at(-1);
	return Object.fromEntries(line.split(' ').slice(1).map((word) => {
		const [name, list] = word.split('=');
		return [name, list.split(',').filter(Boolean).map(Number)];
	}));
}

const isAlive = (pid) => fs.existsSync(`/proc/${pid}`);

async function works(stack) {
	try {
		return (await request(stack.url, 'GET', '/echo/info')).status === 200;
	} catch {
		return false;
	}
}

const processes = () => execFileSync('ps', ['-e', '-o', 'args=']).toString().split('\n')
	.filter((line) => line.includes(temporary));

const isTaken = (port) => new Promise((resolve) => {
	const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
	socket.once('error', () => resolve(false));
});

async function leavesNothing(stack) {
	await eventually(() => processes().length === 0, () => `processes ended: ${processes().join('\n')}`, LIMIT);
	await eventually(() => fs.readdirSync(temporary).length === 0, () => `files gone: ${fs.readdirSync(temporary)}`, LIMIT);
	await eventually(async () => !await isTaken(stack.port), `port ${stack.port} is free`, LIMIT);
}

for (const [kind, programs] of Object.entries(kinds)) {
	const skip = kind === 'cluster' && !isThere('haproxy') ? 'there is no haproxy' : false;
	test(`${kind}: ${programs.join(', ')} come back when they are killed; TERM leaves nothing`, { skip }, async () => {
		const stack = await start(kind);
		try {
			for (const name of programs) {
				const before = pidsOf(stack)[name];
				assert.ok(before.length > 0 && before.every(isAlive), `${name}=${before}`);
				for (const pid of before) process.kill(pid, 'SIGKILL');
				await eventually(() => {
					const now = pidsOf(stack)[name];
					return now.length > 0 && now.every((pid) => isAlive(pid) && !before.includes(pid));
				}, () => `another ${name}: ${stack.stdout}${stack.stderr}`, LIMIT);
				await eventually(() => works(stack), () => `works again: ${stack.stderr}`, LIMIT);
			}
			stack.child.kill('SIGTERM');
			assert.equal(await stack.exited, 0);
			await leavesNothing(stack);
		} finally {
			stack.child.kill('SIGKILL');
		}
	});

	test(`${kind}: nothing is left when the script itself is killed`, { skip }, async () => {
		const stack = await start(kind);
		assert.ok(await works(stack));
		stack.child.kill('SIGKILL');
		await leavesNothing(stack);
	});
}
