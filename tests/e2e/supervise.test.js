'use strict';

// Listening sockets that outlive the daemon: sockjs-sessiond --supervise, and sockets inherited
// from systemd.

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test, after } = require('node:test');
const { Daemon, program, runDaemon, killAll, temporaryDirectory, isSanitized, unsanitized } = require('./lib/daemon');
const { eventually, expectLogged, sleep } = require('./lib/guard');
const { openStream, request } = require('./lib/http');
const { WebSocketClient } = require('./lib/websocket');

const LONG_LIFE = 1100; // ms; a daemon that lived for a second is started again without a pause
const LIMIT = 20000; // ms; a sanitized daemon on a busy machine
const MEMORY = 1 << 20; // bytes of its own that a supervisor may have

const ECHO = '[service /echo]\nmodule = echo\n';
const directory = temporaryDirectory();
const supervisors = new Set();
let files = 0;

after(() => {
	killAll();
	for (const { children } of supervisors)
		for (const pid of children)
			if (isAlive(pid)) process.kill(pid, 'SIGKILL');
	fs.rmSync(directory, { recursive: true, force: true });
});

function isAlive(pid) {
	try {
		return !/^State:\tZ/m.test(fs.readFileSync(`/proc/${pid}/status`, 'latin1'));
	} catch {
		return false;
	}
}

function childrenOf(pid) {
	const file = `/proc/${pid}/task/${pid}/children`;
	const list = fs.existsSync(file) ? fs.readFileSync(file, 'latin1') : spawnSync('ps', ['-o', 'pid=', '--ppid', pid]).stdout.toString();
	return list.split(/\s+/).filter(Boolean).map(Number).filter(isAlive);
}

const confFile = (text) => {
	const file = path.join(directory, `${++files}.conf`);
	fs.writeFileSync(file, text);
	return file;
};

// A supervisor with its daemon, on a free port and on a Unix socket.
class Supervisor {
	constructor({ conf = ECHO, command = program, wrapper = [], args = ['--listen', '127.0.0.1:0'] } = {}) {
		this.socket = path.join(directory, `socket${++files}`);
		this.file = confFile(`[server]\nsocket = ${this.socket}\n${conf}`);
		const [first, ...rest] = [...wrapper, command, '--supervise', '--config', this.file, ...args];
		this.process = new Daemon(first, rest);
		this.pid = this.process.pid;
		this.children = [];
		supervisors.add(this);
	}

	async waitReady() {
		await this.process.waitReady();
		this.url = `http://${/127\.0\.0\.1:\d+/.exec(this.process.stdout)[0]}`;
		this.note();
		return this;
	}

	log() {
		return this.process.log();
	}

	readies() {
		return this.process.stdout.split('\n').filter((line) => line.startsWith('ready ')).length;
	}

	note() {
		const list = childrenOf(this.pid);
		assert.ok(list.length <= 1, `children: ${list}`);
		if (list.length > 0) this.children.push(list[0]);
		return list[0];
	}

	get daemon() {
		return this.children.at(-1);
	}

	// Resolves when another daemon has said that it is ready.
	async replaced(readies, daemon = this.daemon) {
		await eventually(() => this.readies() > readies && this.note() !== undefined && this.daemon !== daemon, () => `another daemon\n${this.log()}`, LIMIT);
	}

	async kill(signal = 'SIGKILL') {
		const readies = this.readies();
		process.kill(this.daemon, signal);
		await this.replaced(readies);
	}

	deaths() {
		return this.log().split('\n').filter((line) => line.includes('it is started again'));
	}

	// Kills daemons until it makes such a pause. On a busy machine one lives for long, and the pauses
	// begin anew.
	async killUntilPause(ms) {
		for (let kills = 1; kills < 50; kills++) {
			const readies = this.readies();
			const before = this.deaths().length;
			process.kill(this.daemon, 'SIGKILL');
			await eventually(() => this.deaths().length > before, 'its death is told', LIMIT);
			if (this.deaths().at(-1).endsWith(` in ${ms} ms`)) return;
			await this.replaced(readies);
		}
		assert.fail(`no pause of ${ms} ms:\n${this.log()}`);
	}

	async stop(signal) {
		const status = await this.process.stop(signal);
		supervisors.delete(this);
		return status;
	}
}

const start = (options) => new Supervisor(options).waitReady();

const check = (name, body, options = {}) =>
	test(`supervise: ${name}`, { timeout: 5 * LIMIT, ...options }, async () => {
		try {
			await body();
		} catch (error) {
			for (const supervisor of supervisors) process.stderr.write(`--- ${supervisor.pid}:\n${supervisor.log().slice(-3000)}\n`);
			throw error;
		}
	});

async function requireService(url) {
	assert.strictEqual((await request(url, 'GET', '/echo', { timeout: LIMIT })).text, 'Welcome to SockJS!\n');
}

// GET; resolves with all that came.
function askForService(socket) {
	return new Promise((resolve, reject) => {
		let text = '';
		socket.write('GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
		socket.setEncoding('latin1').on('data', (data) => { text += data; }).on('end', () => resolve(text)).on('error', reject);
	});
}
const requestUnix = (file) => askForService(net.connect(file));

// --- the two processes ---------------------------------------------------------------------------

check('the daemon is a child with the same options; the supervisor has the sockets, no module, and little memory', async () => {
	const supervisor = await start();
	await requireService(supervisor.url);
	assert.strictEqual(supervisor.process.stdout, `ready ${supervisor.url.slice('http://'.length)} unix:${supervisor.socket}\n`);
	const words = fs.readFileSync(`/proc/${supervisor.daemon}/cmdline`, 'utf8').split('\0').slice(1, -1);
	assert.deepStrictEqual(words, ['--config', supervisor.file, '--listen', '127.0.0.1:0']);
	assert.match(fs.readFileSync(`/proc/${supervisor.daemon}/maps`, 'utf8'), /echo\.so/);
	assert.doesNotMatch(fs.readFileSync(`/proc/${supervisor.pid}/maps`, 'utf8'), /echo\.so/);
	const linksOf = (pid) => fs.readdirSync(`/proc/${pid}/fd`).filter((fd) => fd > 2 && fs.existsSync(`/proc/${pid}/fd/${fd}`)).map((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`));
	const ours = linksOf('self'); // what make and the like leave open
	const open = linksOf(supervisor.pid).filter((link) => !ours.includes(link));
	assert.strictEqual(open.filter((link) => link.startsWith('socket:')).length, 3, open.join(' '));
	assert.ok(open.every((link) => /^(socket:|pipe:|anon_inode:\[signalfd\])/.test(link)), open.join(' '));
	assert.ok(open.length <= 5, open.join(' '));
	const dirty = /^Private_Dirty:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${supervisor.pid}/smaps_rollup`, 'latin1'));
	if (!isSanitized) assert.ok(Number(dirty[1]) * 1024 < MEMORY, dirty[0]);
	assert.deepStrictEqual(await supervisor.stop(), { code: 0, signal: null });
});

for (const signal of ['SIGTERM', 'SIGINT'])
	check(`${signal} ends the daemon in good order, then the supervisor, and removes the socket`, async () => {
		const supervisor = await start();
		const client = await WebSocketClient.connect(supervisor.url, '/echo/000/x/websocket');
		assert.strictEqual(await client.readText(), 'o');
		assert.ok(fs.existsSync(supervisor.socket));
		const stopped = supervisor.stop(signal);
		assert.match(await client.readText(), /^c\[1001,/);
		await client.readClose();
		client.connection.close();
		assert.deepStrictEqual(await stopped, { code: 0, signal: null });
		assert.ok(!isAlive(supervisor.daemon));
		assert.ok(!fs.existsSync(supervisor.socket));
		assert.match(supervisor.log(), new RegExp(`${signal}: stopping, 1 sessions`));
	});

check('a second signal is in more of a hurry, and is passed on too', async () => {
	const supervisor = await start();
	const answer = await openStream(supervisor.url, 'POST', '/echo/chunking_test'); // takes four seconds, and a single signal waits for it
	await answer.readBytes(2);
	supervisor.process.child.kill('SIGTERM');
	await eventually(() => /stopping/.test(supervisor.log()), 'the first has arrived', LIMIT);
	assert.deepStrictEqual(await supervisor.stop('SIGINT'), { code: 0, signal: null });
	await assert.rejects(answer.readToEnd(), /the answer was cut off/);
});

check('a supervisor that is killed takes the daemon along, in good order', async () => {
	const supervisor = await start();
	process.kill(supervisor.pid, 'SIGKILL');
	await eventually(() => !isAlive(supervisor.daemon), 'the daemon has ended', LIMIT);
	await eventually(() => /SIGTERM: stopping/.test(supervisor.log()), () => supervisor.log());
	await supervisor.stop();
});

check('a supervisor that is killed at any moment of its start leaves no daemon', async () => {
	const file = confFile(`${ECHO}`);
	const left = () => fs.readdirSync('/proc').filter((name) => {
		try {
			return /^\d+$/.test(name) && isAlive(name) && fs.readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0').includes(file);
		} catch {
			return false; // gone
		}
	});
	for (let ms = 0; ms < 20; ms++) {
		const daemon = new Daemon(program, ['--supervise', '--config', file, '--listen', '127.0.0.1:0']);
		await sleep(ms);
		await daemon.stop('SIGKILL');
	}
	await eventually(() => left().length === 0, () => `left: ${left()}`, LIMIT);
});

check('the next supervisor takes over the socket that a killed one has left', async () => {
	const first = await start();
	process.kill(first.pid, 'SIGKILL');
	await eventually(() => !isAlive(first.daemon), 'the daemon has ended', LIMIT);
	assert.ok(fs.existsSync(first.socket));
	const second = await start({ args: ['--listen', '127.0.0.1:0', '--socket', first.socket] });
	assert.match(await requestUnix(first.socket), /Welcome to SockJS!\n$/);
	await second.stop();
	assert.ok(!fs.existsSync(first.socket));
	await first.stop();
});

// --- death and restart ---------------------------------------------------------------------------

check('who connects while the daemon is dead is served by the next one, over TCP and Unix', async () => {
	const supervisor = await start();
	const readies = supervisor.readies();
	process.kill(supervisor.pid, 'SIGSTOP'); // so that there is time to connect
	process.kill(supervisor.daemon, 'SIGKILL');
	await eventually(() => childrenOf(supervisor.pid).length === 0, 'there is no daemon', LIMIT);
	const sockets = [new URL(supervisor.url).port, supervisor.socket].map((where) => net.connect(where));
	await Promise.all(sockets.map((socket) => once(socket, 'connect')));
	const answers = sockets.map(askForService);
	process.kill(supervisor.pid, 'SIGCONT');
	await supervisor.replaced(readies);
	for (const answer of answers)
		assert.match(await answer, /^HTTP\/1\.1 200 [^]*Welcome to SockJS!\n$/);
	await supervisor.stop();
});

check('20 kills under a loop of connects: none is refused', async () => {
	const all = await Promise.all(Array.from({ length: 5 }, () => start()));
	let running = true;
	const results = { served: 0, broken: 0, refused: 0 };
	// One that the daemon had accepted breaks with it. Nothing else may happen to a connection.
	const connect = async ({ url }) => {
		while (running) {
			try {
				await requireService(url);
				results.served++;
			} catch (error) {
				if (error.code === 'ECONNREFUSED') results.refused++;
				else results.broken++;
			}
		}
	};
	const loops = all.flatMap((supervisor) => [connect(supervisor), connect(supervisor)]);
	for (let kills = 0; kills < 4; kills++) await Promise.all(all.map((supervisor) => supervisor.kill()));
	const { served } = results;
	await eventually(() => results.served > served + 20, 'all is well again', LIMIT);
	running = false;
	await Promise.all(loops);
	assert.strictEqual(results.refused, 0);
	assert.ok(results.broken <= 20 * 2, `${results.broken} broken connections`);
	await Promise.all(all.map((supervisor) => supervisor.stop()));
});

// Of a sanitized daemon SIGSEGV makes an exit.
unsanitized(check)('says of what a daemon died, and makes longer pauses the more often it dies at once', async () => {
	let supervisor;
	const words = [
		/was killed by signal 11 \(Segmentation fault.*at once$/, /was killed by signal 9 \(Killed\).* in 100 ms$/,
		/was killed by signal 6 .* in 200 ms$/, /ended with status 0.* in 400 ms$/,
	];
	// On a busy machine one lives for long: then it is tried again.
	for (let tries = 1; tries <= 10; tries++) {
		supervisor = await start();
		for (const signal of ['SIGSEGV', 'SIGKILL', 'SIGABRT', 'SIGTERM']) await supervisor.kill(signal);
		await eventually(() => supervisor.deaths().length === 4, 'each is told');
		if (words.every((each, index) => each.test(supervisor.deaths()[index])) || tries === 10) break;
		await supervisor.stop();
	}
	const deaths = supervisor.deaths();
	for (const [index, each] of words.entries())
		assert.match(deaths[index], each);
	assert.ok(deaths.every((line) => / error: supervisor: the daemon \(process \d+\)/.test(line)), deaths.join('\n'));
	await sleep(LONG_LIFE);
	await supervisor.kill();
	await expectLogged(supervisor, /at once\n.*at once\n(ready .*\n)*$|at once[^]*at once/);
	await supervisor.stop();
});

check('may be stopped during a pause', async () => {
	const supervisor = await start();
	await supervisor.killUntilPause(1600);
	const readies = supervisor.readies();
	assert.deepStrictEqual(await supervisor.stop(), { code: 0, signal: null });
	assert.strictEqual(supervisor.readies(), readies, 'no daemon was started meanwhile');
	assert.ok(!fs.existsSync(supervisor.socket));
});

// --- graceful restart ----------------------------------------------------------------------------

check('SIGTERM to the daemon, and SIGUSR2 to the supervisor: clients are told, and another daemon serves', async () => {
	const supervisor = await start();
	for (const [pid, signal, words] of [[supervisor.daemon, 'SIGTERM', / error: .*ended with status 0/], [supervisor.pid, 'SIGUSR2', /SIGUSR2[^]* info: .*ended with status 0, it is started again at once/]]) {
		const client = await WebSocketClient.connect(supervisor.url, '/echo/000/x/websocket');
		assert.strictEqual(await client.readText(), 'o');
		const readies = supervisor.readies();
		process.kill(pid, signal);
		assert.match(await client.readText(), /^c\[1001,/);
		await client.readClose();
		client.connection.close();
		await supervisor.replaced(readies);
		await expectLogged(supervisor, words);
		await requireService(supervisor.url);
	}
	assert.strictEqual(new Set(supervisor.children).size, 3);
	await supervisor.stop();
});

check('SIGHUP and SIGUSR1 are passed on; the second means nothing to a daemon', async () => {
	const supervisor = await start();
	supervisor.process.child.kill('SIGUSR1');
	supervisor.process.child.kill('SIGHUP');
	await eventually(() => /reloaded|the daemon \(process \d+\) was killed by signal 1 /.test(supervisor.log()), 'SIGHUP has arrived', LIMIT);
	assert.doesNotMatch(supervisor.log(), /killed by signal 10/);
	await requireService(supervisor.url);
	await supervisor.stop();
});

check('a restart takes the program that lies there then; as long as there is none, the former one', async () => {
	const folder = path.join(directory, 'upgrade');
	const copy = path.join(folder, 'sessiond', 'sockjs-sessiond');
	fs.mkdirSync(path.dirname(copy), { recursive: true });
	fs.copyFileSync(program, copy);
	const modules = path.join(path.dirname(path.dirname(fs.realpathSync(program))), 'examples');
	const supervisor = await start({ command: copy, conf: `module_path = ${modules}\n${ECHO}` });
	const inode = (file) => fs.statSync(file).ino;
	const former = inode(copy);
	assert.strictEqual(inode(`/proc/${supervisor.daemon}/exe`), former);

	fs.copyFileSync(program, `${copy}.new`);
	fs.renameSync(`${copy}.new`, copy);
	const readies = supervisor.readies();
	process.kill(supervisor.pid, 'SIGUSR2');
	await supervisor.replaced(readies);
	assert.notStrictEqual(inode(copy), former);
	assert.strictEqual(inode(`/proc/${supervisor.daemon}/exe`), inode(copy));

	fs.rmSync(copy);
	await supervisor.kill();
	assert.strictEqual(inode(`/proc/${supervisor.daemon}/exe`), former);
	await requireService(supervisor.url);
	await supervisor.stop();
}, { skip: fs.readFileSync(program).subarray(0, 2).toString() === '#!' && 'the program is a script' });

// --- what cannot start ---------------------------------------------------------------------------

check('a first start that fails ends the supervisor with the reason and its status', async () => {
	const taken = net.createServer();
	await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve));
	const socket = path.join(directory, 'never');
	const server = `[server]\nsocket = ${socket}\n`;
	const cases = [
		[`${server}[service /echo]\nmodul = echo\n`, [], 78, /:4: unknown option "modul"/],
		[`${server}[service /echo]\nmodule = nosuchmodule\n`, [], 78, /nosuchmodule\.so in/], // found by the daemon
		[`${server}${ECHO}`, ['--listen', `127.0.0.1:${taken.address().port}`], 69, /Address already in use/],
		[`${server}${ECHO}`, ['--listen', 'nonsense'], 78, /"nonsense" is no port/],
		[ECHO, [], 78, /nowhere to listen/],
	];
	for (const [text, args, status, words] of cases) {
		const { code, stdout, stderr } = await runDaemon(['--supervise', '--config', confFile(text), ...args]);
		assert.strictEqual(code, status, stderr);
		assert.strictEqual(stdout, '');
		assert.match(stderr, words);
		assert.ok(!fs.existsSync(socket), 'no socket is left');
	}
	taken.close();
});

check('a later start that fails is tried again until the configuration is right', async () => {
	const supervisor = await start();
	const good = fs.readFileSync(supervisor.file);
	fs.writeFileSync(supervisor.file, 'nonsense\n');
	const readies = supervisor.readies();
	const dead = supervisor.daemon;
	process.kill(dead, 'SIGKILL');
	await eventually(() => /ended with status 78, it is started again in 100 ms/.test(supervisor.log()), 'the failure is told', LIMIT);
	assert.match(supervisor.log(), /\.conf:1: /);
	fs.writeFileSync(supervisor.file, good);
	await supervisor.replaced(readies, dead);
	await requireService(supervisor.url);
	await supervisor.stop();
});

// --- sockets that systemd passes -----------------------------------------------------------------

// Starts the program with these descriptors, from 3 on.
function startWith(descriptors, text, args = []) {
	const child = spawn('/bin/sh', ['-c', `LISTEN_PID=$$ LISTEN_FDS=${descriptors.length} exec "$0" "$@"`, program, '--config', confFile(text), ...args], {
		stdio: ['ignore', 'pipe', 'pipe', ...descriptors],
	});
	const daemon = { child, output: '' };
	for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (data) => { daemon.output += data; });
	daemon.exited = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));
	return daemon;
}

const listenOn = (where) => new Promise((resolve) => {
	const server = net.createServer();
	server.listen(where, () => resolve(server));
});
const descriptorOf = (server) => server._handle.fd;

// Node would accept as well. Closing, it removes a Unix socket's file, which has to stay.
function giveUp(servers, file) {
	fs.linkSync(file, `${file}.kept`);
	for (const server of servers) server.close();
	fs.renameSync(`${file}.kept`, file);
}

for (const args of [[], ['--supervise']])
	check(`sockets passed by systemd are used, configured or not, and their files stay ${args}`, async () => {
		const file = path.join(directory, `passed${args.length}`);
		const sockets = [await listenOn({ port: 0, host: '127.0.0.1' }), await listenOn({ port: 0, host: '127.0.0.1' }), await listenOn(file)];
		const urls = sockets.slice(0, 2).map((server) => `127.0.0.1:${server.address().port}`);
		const daemon = startWith(sockets.map(descriptorOf), `[server]\nlisten = ${urls[1]}\nsocket = ${file}\n${ECHO}`, args);
		giveUp(sockets, file);
		try {
			await eventually(() => /^ready .*\n/m.test(daemon.output), () => daemon.output, LIMIT);
			assert.strictEqual(/^ready (.*)$/m.exec(daemon.output)[1], `${urls.join(' ')} unix:${file}`);
			for (const url of urls) await requireService(`http://${url}`);
			assert.match(await requestUnix(file), /Welcome to SockJS!\n$/);
		} finally {
			daemon.child.kill('SIGTERM');
		}
		assert.strictEqual(await daemon.exited, 0, daemon.output);
		assert.ok(fs.existsSync(file), 'the file is for systemd to remove');
	});

check('what is no listening socket is refused with its number', async () => {
	const server = await listenOn({ port: 0, host: '127.0.0.1' });
	const daemon = startWith([descriptorOf(server), fs.openSync('/dev/null')], ECHO);
	assert.strictEqual(await daemon.exited, 69);
	assert.match(daemon.output, /LISTEN_FDS is 2, but descriptor 4 is no socket\n/);
	server.close();
});
