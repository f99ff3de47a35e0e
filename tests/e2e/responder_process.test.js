'use strict';

// sockjs.fcgi as a program: its options, exit codes and messages, and the ways in which it comes by
// its socket.

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Daemon, temporaryDirectory, withTimeout } = require('./lib/daemon');
const { FastCgi, request } = require('./lib/fastcgi');
const { eventually } = require('./lib/guard');
const { responderProgram, startPair } = require('./lib/responder');
const { freePort, srcdir } = require('./lib/stack');

const EX_USAGE = 64;
const EX_UNAVAILABLE = 69;
const EX_CONFIG = 78;

const directory = temporaryDirectory();
let pair;
before(async () => {
	pair = await startPair();
});
after(async () => {
	fs.rmSync(directory, { recursive: true, force: true });
	if (pair)
		await pair.stop();
});

const check = (name, ...rest) => test(`sockjs.fcgi: ${name}`, ...rest);

let files = 0;
function confFile(text) {
	const file = path.join(directory, `${++files}.conf`);
	fs.writeFileSync(file, text);
	return file;
}

// Runs it to its end.
async function run(args, env) {
	const daemon = new Daemon(responderProgram, args, { cwd: directory, env });
	try {
		const { code } = await withTimeout(daemon.exited, 20000, () => `${args.join(' ')} goes on:\n${daemon.log()}`);
		return { code, stdout: daemon.stdout, stderr: daemon.stderr };
	} finally {
		daemon.child.kill('SIGKILL');
	}
}

async function start(args) {
	const daemon = new Daemon(responderProgram, ['--config', pair.file, ...args], { cwd: directory });
	await daemon.waitReady();
	return daemon;
}

check('--help and --version', async () => {
	const help = await run(['--help']);
	assert.deepStrictEqual([help.code, help.stderr], [0, '']);
	for (const word of ['Usage: sockjs.fcgi', '--config', '--listen', '--mode', '--socket', '--version'])
		assert.ok(help.stdout.includes(word), `no word about ${word}`);
	assert.match((await run(['--version'])).stdout, /^sockjs\.fcgi .*\d+\.\d+\S*\n$/);
});

for (const args of [['--nonsense'], ['-Z'], ['--config'], ['--listen'], ['--mode', 'rw'], ['unexpected']])
	check(`the wrong command line "${args.join(' ')}" exits with 64 and a hint`, async () => {
		const { code, stdout, stderr } = await run(args);
		assert.deepStrictEqual([code, stdout], [EX_USAGE, '']);
		assert.match(stderr, /--help/);
	});

check('mistakes of the configuration: 78 and the place', async () => {
	for (const [text, words] of [['[fcgi]\n', 'socket = PATH'], ['[server]\nsocket = /x\n[fcgi]\nautostrt = on\n', ':4: unknown option "autostrt", did you mean "autostart"?'],
		['[server]\nsocket = /x\n[fcgi]\nsocket_mode = 9\n', 'mode']]) {
		const file = confFile(text);
		const { code, stdout, stderr } = await run(['--config', file, '--listen', path.join(directory, 'never')]);
		assert.deepStrictEqual([code, stdout], [EX_CONFIG, '']);
		assert.ok(stderr.includes(file) && stderr.includes(words), stderr);
	}
	const missing = await run(['--config', '/no/such/file.conf']);
	assert.strictEqual(missing.code, EX_CONFIG);
	assert.match(missing.stderr, /\/no\/such\/file\.conf: No such file or directory/);
	const named = await run([], { SOCKJS_CONF: '/no/such/other.conf' });
	assert.match(named.stderr, /\/no\/such\/other\.conf/);
});

check('descriptor 0 that is no listening socket: 64, and what to do', async () => {
	const { code, stderr } = await run(['--config', pair.file]);
	assert.strictEqual(code, EX_USAGE);
	assert.match(stderr, /--listen/);
});

for (const address of ['nonsense', '127.0.0.1:99999', '127.0.0.1:', '127.0.0.1:-1', '127.0.0.1:x', '[::1:80', '300.0.0.1:80', '/no/such/folder/socket'])
	check(`the address "${address}" is refused with its name`, async () => {
		const { code, stdout, stderr } = await run(['--config', pair.file, '--listen', address]);
		assert.ok([EX_CONFIG, EX_UNAVAILABLE].includes(code), `code ${code}`);
		assert.strictEqual(stdout, '');
		assert.ok(stderr.includes(address), stderr);
	});

check('serves on TCP over IPv6', { skip: !fs.existsSync('/proc/net/if_inet6') && 'there is no IPv6' }, async () => {
	const port = await freePort();
	const daemon = await start(['--listen', `[::1]:${port}`]);
	assert.strictEqual((await request({ port, host: '::1' }, 'GET', '/echo')).status, 200);
	await daemon.stop();
});

check('serves on several addresses, IPv6 and IPv4', { skip: !fs.existsSync('/proc/net/if_inet6') && 'there is no IPv6' }, async () => {
	const port = await freePort();
	for (const listen of [`0.0.0.0:${port} [::]:${port}`, `[::]:${port}, 0.0.0.0:${port}`, `*:${port}`]) {
		const daemon = await start(['--listen', listen]);
		for (const host of ['127.0.0.1', '::1'])
			assert.strictEqual((await request({ port, host }, 'GET', '/echo')).status, 200, `${listen}: ${host}`);
		await daemon.stop();
	}
});

check('serves on TCP', async () => {
	const port = await freePort();
	const daemon = await start(['--listen', `127.0.0.1:${port}`]);
	assert.strictEqual((await request({ port, host: '127.0.0.1' }, 'POST', '/echo/0/tcp/xhr')).text, 'o\n');
	const taken = await run(['--config', pair.file, '--listen', `127.0.0.1:${port}`]);
	assert.strictEqual(taken.code, EX_UNAVAILABLE);
	assert.match(taken.stderr, new RegExp(`127\\.0\\.0\\.1:${port}.*Address already in use`));
	assert.deepStrictEqual(await daemon.stop(), { code: 0, signal: null });
});

check('a Unix socket has the mode that is asked for, is taken over when it is stale, and not when it is in use', async () => {
	const file = path.join(directory, 'socket');
	const first = await start(['--listen', file, '--mode', '600']);
	assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600);
	const second = await run(['--config', pair.file, '--listen', file]);
	assert.strictEqual(second.code, EX_UNAVAILABLE);
	assert.ok(second.stderr.includes(file), second.stderr);
	assert.strictEqual((await request(file, 'GET', '/echo')).status, 200);
	await first.stop('SIGKILL');
	const third = await start(['--listen', file]);
	assert.strictEqual(fs.statSync(file).mode & 0o777, 0o660);
	assert.strictEqual((await request(file, 'GET', '/echo')).status, 200);
	assert.deepStrictEqual(await third.stop(), { code: 0, signal: null });
	assert.ok(!fs.existsSync(file), 'it is gone');
});

check('an ordinary file is not taken for a stale socket', async () => {
	const file = path.join(directory, 'precious');
	fs.writeFileSync(file, 'precious\n');
	assert.strictEqual((await run(['--config', pair.file, '--listen', file])).code, EX_UNAVAILABLE);
	assert.strictEqual(fs.readFileSync(file, 'utf8'), 'precious\n');
});

check('SIGINT ends it as SIGTERM does, and a second signal at once', async () => {
	const file = path.join(directory, 'int');
	const one = await start(['--listen', file]);
	assert.deepStrictEqual(await one.stop('SIGINT'), { code: 0, signal: null });
	const two = await start(['--listen', file]);
	const connection = await FastCgi.open(file);
	const answer = connection.begin('POST', '/echo/chunking_test'); // takes four seconds
	await connection.until(() => connection.answers.get(1).size > 0, 'it has begun');
	two.child.kill('SIGTERM');
	await eventually(() => net.connect(file).on('error', () => {}) && two.child.exitCode === null, 'it is stopping');
	assert.deepStrictEqual(await two.stop('SIGINT'), { code: 0, signal: null });
	assert.strictEqual(answer.ended, null, 'without waiting for the answer');
});

// suEXEC gives it to the shell by its name alone, in its folder.
check('the script for sends of the portable archive runs the program beside it, whatever it is called by', () => {
	const folder = fs.mkdtempSync(path.join(directory, 'account-'));
	const script = path.join(folder, 'sockjs-send.fcgi');
	fs.copyFileSync(path.join(srcdir, 'packaging/portable/sockjs-send.fcgi'), script);
	fs.symlinkSync(path.resolve(responderProgram), path.join(folder, 'sockjs.fcgi'));
	for (const [name, cwd] of [['sockjs-send.fcgi', folder], ['./sockjs-send.fcgi', folder], [script, '/']]) {
		const { status, stderr } = spawnSync('/bin/sh', [name], { cwd, env: { ...process.env, SOCKJS_CONF: pair.file }, stdio: ['ignore', 'pipe', 'pipe'], timeout: 20000 });
		assert.match(String(stderr), /descriptor 0 is no listening socket/, name);
		assert.strictEqual(status, EX_USAGE);
	}
});

// As web servers start it: the listening socket is descriptor 0.
check('takes a listening socket as descriptor 0', async () => {
	const server = net.createServer();
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address();
	const child = spawn(responderProgram, ['--config', pair.file], { stdio: [server._handle.fd, 'ignore', 'inherit'] });
	const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
	server.close(); // only its copy is left
	try {
		for (let i = 0; i < 3; i++)
			assert.strictEqual((await request({ port, host: '127.0.0.1' }, 'POST', `/echo/0/passed${i}/xhr`)).text, 'o\n');
	} finally {
		child.kill('SIGTERM');
	}
	assert.strictEqual(await ended, 0);
});
