'use strict';

// tests/stack itself: what it prints, that it brings back what died, and that it leaves nothing
// behind however it ends.

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { test, after } = require('node:test');
const { eventually } = require('./lib/guard');
const { request } = require('./lib/http');
const { freePort, srcdir } = require('./lib/stack');

const LIMIT = 60000; // ms to start; a sanitized daemon on a busy machine
const script = path.join(srcdir, 'tests/stack');
const marker = `SOCKJS_STACK_TEST=${crypto.randomUUID()}`; // in the environment of all that the script starts
const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-stack-test-'));
const stacks = new Set();

after(() => {
	for (const stack of stacks)
		stack.child.kill('SIGTERM');
	for (const pid of processes())
		process.kill(Number(pid), 'SIGKILL');
	fs.rmSync(temporary, { recursive: true, force: true });
});

const environment = () => {
	const [name, value] = marker.split('=');
	return { ...process.env, TMPDIR: temporary, [name]: value };
};

// Processes of this test that are not zombies.
function processes() {
	return fs.readdirSync('/proc').filter((name) => {
		try {
			if (!/^\d+$/.test(name) || !fs.readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(marker))
				return false;
			return !/^State:\tZ/m.test(fs.readFileSync(`/proc/${name}/status`, 'latin1'));
		} catch {
			return false; // gone, or not ours
		}
	});
}

function start(args, command = [script]) {
	const child = spawn(command[0], [...command.slice(1), ...args.map(String)], {
		env: environment(), stdio: ['ignore', 'pipe', 'pipe'],
	});
	const stack = { child, stdout: '', stderr: '' };
	child.stdout.on('data', (data) => { stack.stdout += data; });
	child.stderr.on('data', (data) => { stack.stderr += data; });
	stack.ended = new Promise((resolve) => {
		child.once('exit', (code, signal) => {
			stacks.delete(stack);
			stack.status = signal || code;
			// What is left behind may hold the pipes open.
			setTimeout(() => resolve(stack.status), 5000).unref();
		});
		child.once('close', () => resolve(stack.status));
	});
	stack.lines = () => stack.stdout.split('\n').slice(0, -1);
	const column = (index) => stack.lines().filter((line) => line.startsWith('pids '))
		.map((line) => Number(/^pids sessiond=(\d+) supervisor=(\d+)$/.exec(line)[index]));
	stack.pids = () => column(1);
	stack.supervisors = () => column(2);
	stack.waitPids = (count) => eventually(() => stack.status !== undefined || stack.pids().length >= count,
		() => `${count} lines of pids\n${stack.stdout}${stack.stderr}`, LIMIT);
	stacks.add(stack);
	return stack;
}

async function startReady(...rest) {
	const port = await freePort();
	const stack = start(['direct', port], ...rest);
	await stack.waitPids(1);
	assert.strictEqual(stack.status, undefined, stack.stderr);
	return { port, url: `http://127.0.0.1:${port}`, stack };
}

async function requireNothingLeft() {
	await eventually(() => processes().length === 0, () => `processes are left: ${processes().join(' ')}`);
	assert.deepStrictEqual(fs.readdirSync(temporary), []);
}

async function requireService(url) {
	assert.strictEqual((await request(url, 'GET', '/amplify')).text, 'Welcome to SockJS!\n');
}

const says = (stack, line) => eventually(() => line.test(stack.stderr), () => `${line}\n${stack.stderr}`);

async function stopAndLook(stack, signal = 'SIGTERM') {
	stack.child.kill(signal);
	assert.strictEqual(await stack.ended, 0, stack.stderr);
	await requireNothingLeft();
}

const check = (name, body) => test(`stack: ${name}`, { timeout: 4 * LIMIT }, body);

check('says ready with the URL, then the pids, and serves tests/services.conf', async () => {
	const { url, stack } = await startReady();
	assert.deepStrictEqual(stack.lines(), [`ready ${url}`, `pids sessiond=${stack.pids()[0]} supervisor=${stack.supervisors()[0]}`]);
	assert.ok(processes().includes(String(stack.pids()[0])));
	const parent = /^PPid:\t(\d+)$/m.exec(fs.readFileSync(`/proc/${stack.pids()[0]}/status`, 'latin1'))[1];
	assert.strictEqual(Number(parent), stack.supervisors()[0]);
	await requireService(url);
	await stopAndLook(stack);
});

for (const signal of ['SIGINT', 'SIGHUP'])
	check(`ends with ${signal} as with SIGTERM`, async () => {
		const { stack } = await startReady();
		await stopAndLook(stack, signal);
	});

check('a killed sessiond is back at once, and its new pid is told', async () => {
	const { url, stack } = await startReady();
	for (let kills = 1; kills <= 3; kills++) {
		process.kill(stack.pids().at(-1), 'SIGKILL');
		await stack.waitPids(kills + 1);
		assert.strictEqual(stack.status, undefined, stack.stderr);
		await requireService(url);
	}
	assert.strictEqual(new Set(stack.pids()).size, 4, 'each life has its own pid');
	assert.strictEqual(processes().filter((pid) => stack.pids().includes(Number(pid))).length, 1);
	await says(stack, /the daemon \(process \d+\) was killed by signal 9/);
	assert.strictEqual(new Set(stack.supervisors()).size, 1, 'by the same supervisor');
	await stopAndLook(stack);
});

check('a killed supervisor takes sessiond along, and both are back', async () => {
	const { url, stack } = await startReady();
	process.kill(stack.supervisors()[0], 'SIGKILL');
	await stack.waitPids(2);
	assert.strictEqual(stack.status, undefined, stack.stderr);
	await requireService(url);
	await says(stack, /sessiond \(process \d+\) ended with status 137/);
	await eventually(() => !processes().includes(String(stack.pids()[0])), 'the first daemon has ended');
	await stopAndLook(stack);
});

check('may be stopped while a killed sessiond is away', async () => {
	const { stack } = await startReady();
	process.kill(stack.pids()[0], 'SIGKILL');
	await stopAndLook(stack);
});

check('stopped at any moment of its start, leaves nothing behind', async () => {
	for (let ms = 20; ms <= 400; ms += 20) {
		const stack = start(['direct', await freePort()]);
		await new Promise((resolve) => setTimeout(resolve, ms));
		stack.child.kill('SIGTERM');
		// Before its traps are set, the signal itself ends it; there is nothing to leave behind
		// yet.
		assert.ok([0, 'SIGTERM'].includes(await stack.ended), `${stack.status} ${stack.stderr}`);
		await requireNothingLeft();
	}
});

check('killed itself, takes sessiond and its directory along', async (t) => {
	if (spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true']).status !== 0) {
		t.skip('setpriv (util-linux) is not installed');
		return;
	}
	const { stack } = await startReady();
	stack.child.kill('SIGKILL');
	assert.strictEqual(await stack.ended, 'SIGKILL');
	await requireNothingLeft();
});

check('works with its standard input closed', async () => {
	const { url, stack } = await startReady(['bash', '-c', 'exec "$0" "$@" <&-', script]);
	await requireService(url);
	await stopAndLook(stack);
});

check('gives up when the port is taken, and says so', async () => {
	const server = net.createServer();
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const stack = start(['direct', server.address().port]);
	assert.strictEqual(await stack.ended, 1);
	server.close();
	assert.match(stack.stderr, /in use/);
	assert.match(stack.stderr, /sessiond could not start: it ended with status 69/);
	assert.strictEqual(stack.stdout, '');
	await requireNothingLeft();
});

check('gives up when the configuration is wrong', async () => {
	const conf = path.join(temporary, 'wrong.conf');
	fs.writeFileSync(conf, '[service /echo]\nmodul = echo\n');
	const stack = start(['direct', await freePort(), conf]);
	assert.strictEqual(await stack.ended, 1);
	fs.rmSync(conf);
	assert.match(stack.stderr, /wrong\.conf:2: .*modul/);
	assert.match(stack.stderr, /sessiond could not start: it ended with status 78/);
	await requireNothingLeft();
});

check('refuses what it does not know', async () => {
	const port = await freePort();
	const cases = [
		[['sideways', port], 64, /"sideways" is no kind of stack[^]*kinds: .*\bdirect\b/],
		[['../stack.d/direct', port], 64, /is no kind of stack/],
		[['direct', '80x'], 64, /"80x" is no port/],
		[['direct'], 64, /^Usage: /],
		[['direct', port, path.join(temporary, 'absent.conf')], 66, /absent\.conf: cannot be read/],
	];
	for (const [args, status, text] of cases) {
		const stack = start(args);
		assert.strictEqual(await stack.ended, status, args.join(' '));
		assert.match(stack.stderr, text);
		assert.strictEqual(stack.stdout, '');
	}
	await requireNothingLeft();
});
