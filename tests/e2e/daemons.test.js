'use strict';

// Several daemons on one configuration ([server] daemons): how they are started, replaced, reloaded
// and asked, and what clients notice of it.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Daemon, program, runDaemon, startDaemon, temporaryDirectory } = require('./lib/daemon');
const { Connection, request } = require('./lib/http');
const { Redis, skip: redisIsMissing } = require('./lib/redis');
const { startStack, srcdir } = require('./lib/stack');
const { openTalkers, hearMore, finish, until } = require('./lib/talkers');
const { WebSocketClient } = require('./lib/websocket');

const buildDirectory = process.env.SOCKJS_BUILDDIR || srcdir;
const sockjsctl = path.join(buildDirectory, 'sessiond', 'ctl', 'sockjsctl');
const ECHO = '[service /echo]\nmodule = echo\n';
const BROADCAST = '[service /broadcast]\nmodule = broadcast\n';
const TALKING = 8;
const SILENT = 4;

const childrenOf = (pid) => fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(/\s+/).filter(Boolean).map(Number);
const readies = (daemon) => daemon.stdout.split('\n').filter((line) => line.startsWith('ready ')).length;

// Several of them, on a port and on Unix sockets in a folder of their own.
class Daemons {
	static async start(count, { server = '', services = ECHO } = {}) {
		const daemons = new Daemons();
		daemons.folder = temporaryDirectory();
		daemons.clients = [];
		daemons.socket = path.join(daemons.folder, 'socket');
		const conf = (n, more) => `[server]\ndaemons = ${n}\nsocket = ${daemons.socket}\nstore = ${daemons.folder}/store\n${server}${more}`;
		daemons.write = (n, more = services) => fs.writeFileSync(path.join(daemons.main.directory, 'sockjs.conf'), conf(n, more));
		daemons.main = await startDaemon({ conf: conf(count, services) });
		daemons.url = daemons.main.url;
		return daemons;
	}

	get pids() {
		return childrenOf(this.main.pid);
	}

	log() {
		return this.main.stderr;
	}

	lines(words) {
		return this.log().split('\n').filter((line) => line.includes(words));
	}

	files(begin) {
		return fs.readdirSync(this.folder).filter((name) => name.startsWith(begin) && !/-wal$|-shm$/.test(name)).sort();
	}

	ctl(...args) {
		return spawnSync(sockjsctl, ['--socket', path.join(this.folder, 'control.sock'), ...args], { encoding: 'utf8', timeout: 30000 });
	}

	json(...args) {
		const { stdout, stderr } = this.ctl(...args, '--json');
		assert.equal(stderr, '');
		return JSON.parse(stdout);
	}

	// What `change` does ends with so many lines `ready` more.
	async replaced(change, lines = 1) {
		const before = readies(this.main);
		change();
		await until(() => readies(this.main) >= before + lines, `ready again\n${this.log()}`);
	}

	async openWebSocket(index, service = '/echo') {
		const client = await WebSocketClient.handshake(await Connection.open(this.url), `${service}/000/ws${index}/websocket`);
		this.clients.push(client);
		assert.equal(await client.readText(), 'o');
		return client;
	}

	async stop() {
		for (const { connection } of this.clients) connection.close();
		const status = await this.main.stop();
		fs.rmSync(this.folder, { recursive: true, force: true });
		return status;
	}
}

// On the same port, with the file as it is.
async function startAgain({ main }) {
	const daemon = new Daemon(program, ['--config', path.join(main.directory, 'sockjs.conf'), '--listen', `127.0.0.1:${main.port}`]);
	await daemon.waitReady();
	return daemon;
}

const check = (name, count, options, body) =>
	test(`${count} daemons: ${name}`, { timeout: 120000 }, async () => {
		const daemons = await Daemons.start(count, options);
		try {
			await body(daemons);
		} catch (error) {
			process.stderr.write(`--- log:\n${daemons.log().slice(-4000)}\n`);
			throw error;
		} finally {
			await daemons.stop();
		}
	});

for (const count of [2, 3])
	check('each has its own sockets and store; all answer at one address, and are ready together', count, {}, async (daemons) => {
		const indices = Array.from({ length: count }, (_, i) => i);
		assert.equal(daemons.pids.length, count);
		assert.equal(daemons.main.stdout, `ready 127.0.0.1:${daemons.main.port} unix:${daemons.socket}\n`);
		assert.deepEqual(daemons.files('socket'), ['socket', ...indices.map((i) => `socket.${i}`)]);
		assert.deepEqual(daemons.files('control'), ['control.sock', ...indices.map((i) => `control.sock.${i}`)]);
		assert.deepEqual(daemons.files('store'), indices.map((i) => `store.${i}`));
		const modes = new Set(daemons.files('socket').map((name) => fs.statSync(path.join(daemons.folder, name)).mode & 0o777));
		assert.deepEqual([...modes], [0o666]);
		const sockets = await Promise.all(Array.from({ length: 16 * count }, (_, i) => daemons.openWebSocket(i)));
		const rows = daemons.json('sessions');
		assert.equal(rows.length, sockets.length);
		assert.deepEqual([...new Set(rows.map((row) => row.daemon))].sort(), indices, 'each has some');
		const status = daemons.json('status');
		assert.equal(status.ready, true);
		assert.equal(status.sessions, sockets.length);
		assert.deepEqual(status.daemons.map(({ sessions }) => sessions), indices.map((i) => rows.filter(({ daemon }) => daemon === i).length));
		for (const { connection } of daemons.clients) connection.close();
		assert.equal((await daemons.main.stop()).code, 0);
		assert.deepEqual([...daemons.files('socket'), ...daemons.files('control')], [], 'nothing is left behind');
	});

const post = async (url, id, what, body = '', service = '/echo') => {
	const answer = await request(url, 'POST', `${service}/000/${id}/${what}`, { body, timeout: 30000 });
	return `${answer.status} ${answer.text}`;
};

// Sessions that poll, by the index of the daemon that has them: `each` of each.
async function openSessions(daemons, count, each) {
	const homes = Array.from({ length: count }, () => []);
	for (let i = 0; homes.some((list) => list.length < each); i++) {
		const before = daemons.json('status').daemons.map(({ sessions }) => sessions);
		assert.equal(await post(daemons.url, `poll${i}`, 'xhr'), '200 o\n');
		const home = daemons.json('status').daemons.findIndex(({ sessions }, d) => sessions > before[d]);
		homes[home].push(`poll${i}`);
	}
	return homes;
}

async function exchange(url, id, text, service) {
	const poll = post(url, id, 'xhr', '', service);
	assert.equal(await post(url, id, 'xhr_send', JSON.stringify([text]), service), '204 ');
	assert.equal(await poll, `200 a["${text}"]\n`);
}

check('one that is killed takes its own websockets with it, and nothing else', 2, {}, async (daemons) => {
	const sockets = await Promise.all(Array.from({ length: 20 }, (_, i) => daemons.openWebSocket(i)));
	const [, others] = await openSessions(daemons, 2, 1);
	const before = daemons.json('status').daemons.map(({ websockets }) => websockets);
	const poll = post(daemons.url, others[0], 'xhr');
	await daemons.replaced(() => process.kill(daemons.pids[0], 'SIGKILL'));
	await until(() => sockets.filter(({ connection }) => connection.closed).length === before[0], 'its websockets have ended');
	assert.equal(await post(daemons.url, others[0], 'xhr_send', '["on"]'), '204 ');
	assert.equal(await poll, '200 a["on"]\n');
	const after = daemons.json('status').daemons;
	assert.deepEqual(after.map(({ websockets }) => websockets), [0, before[1]]);
	assert.deepEqual(after.map(({ restarts }) => restarts), [1, 0]);
	await until(() => daemons.lines('supervisor: daemon 0 (process').length > 0, 'its death is told');
	assert.equal(daemons.lines('supervisor: daemon 0 (process').length, 1);
	// It is the one with fewer now: what comes is its own until they are even.
	await Promise.all(Array.from({ length: 4 }, (_, i) => daemons.openWebSocket(`new${i}`)));
	assert.ok(daemons.json('status').daemons[0].websockets > 0);
});

check('tail follows each, and the next one of each', 2, {}, async (daemons) => {
	const tail = new Daemon(sockjsctl, ['--socket', path.join(daemons.folder, 'control.sock'), 'tail']);
	const homes = () => new Set(tail.stdout.split('\n').filter((line) => line.includes('opened')).map((line) => rows.get(line.split(/ +/)[3])));
	const rows = new Map();
	const openAtBoth = async (name) => {
		for (let i = 0; homes().size < 2; i++) {
			assert.ok(i < 1000, `both are followed\n${tail.log()}`);
			await daemons.openWebSocket(`${name}${i}`);
			daemons.json('sessions').forEach(({ id, daemon }) => rows.set(id, daemon));
		}
	};
	await openAtBoth('first');
	await daemons.replaced(() => process.kill(daemons.pids[0], 'SIGKILL'));
	await until(() => tail.stderr.includes('again'), 'it follows the next one');
	assert.match(tail.stderr, /^sockjsctl: \S+control[.]sock[.]0: the daemon has [^\n]*; waiting for the next one\nsockjsctl: \S+[.]0: the daemon is there again\n$/);
	tail.stdout = '';
	rows.clear();
	await openAtBoth('second');
	tail.child.kill('SIGTERM');
	await tail.stop();
});

check('each is asked at the shared address for what it counts, and says whose it is', 2, { server: 'metrics_token = 0123456789abcdef\n' }, async (daemons) => {
	const headers = { Authorization: 'Bearer 0123456789abcdef' };
	await Promise.all(Array.from({ length: 10 }, (_, i) => daemons.openWebSocket(i)));
	const counts = daemons.json('status').daemons.map(({ websockets }) => websockets);
	const connection = await Connection.open(daemons.url);
	for (const i of [0, 1, 1, 0]) {
		const { status, text } = await connection.request('GET', `/metrics?daemon=${i}`, { headers });
		assert.equal(status, 200);
		assert.equal(Number(/^sockjs_websockets\{daemon="(\d)"\} (\d+)$/m.exec(text)[2]), counts[i]);
		assert.ok(text.split('\n').every((line) => line === '' || line.startsWith('#') || line.includes(`{daemon="${i}"`)), text);
	}
	for (const query of ['', '?daemon=2', '?daemon=', '?daemon=1x']) {
		const { text } = await connection.request('GET', `/metrics${query}`, { headers });
		assert.match(text, /^sockjs_ready\{daemon="[01]"\} 1$/m);
	}
	assert.equal((await connection.request('GET', '/up?daemon=1')).text, 'up\n');
	connection.close();
});

check('a reload reaches all; a mistake changes none; another number waits for the restart', 2, {}, async (daemons) => {
	const more = `${ECHO}[service /more]\nmodule = echo\n`;
	const served = () => daemons.json('status').daemons.map(({ services }) => Object.keys(services));
	daemons.write(2, more);
	process.kill(daemons.main.pid, 'SIGHUP');
	await until(() => daemons.lines('reloaded: 2 services').length === 2, 'both have reloaded');
	assert.deepEqual(served(), [['/echo', '/more'], ['/echo', '/more']]);
	daemons.write(2, `${ECHO}[service /worse]\nmodule = nosuch\n`);
	process.kill(daemons.main.pid, 'SIGHUP');
	await until(() => daemons.lines('the old configuration stays').length === 1, 'it is refused');
	// sockjsctl asks one after the other.
	assert.equal(daemons.ctl('reload').status, 78);
	daemons.write(3);
	assert.equal(daemons.ctl('reload').stdout, 'reloaded\n');
	assert.deepEqual(served(), [['/echo'], ['/echo']]);
	// Whoever else is asked, of its own accord the supervisor tells the others.
	daemons.write(3, more);
	assert.equal((await request(path.join(daemons.folder, 'control.sock.1'), 'POST', '/control/reload')).status, 200);
	await until(() => daemons.lines('reloaded: 2 services').length === 4, 'both have reloaded');
	daemons.write(3);
	process.kill(daemons.pids[1], 'SIGHUP');
	await until(() => daemons.lines('reloaded: 1 services').length === 4, 'both have reloaded');
	assert.equal(daemons.lines('the old configuration stays').length, 2);
	assert.equal(daemons.lines('daemons takes effect after a restart').length, 6);
	assert.deepEqual(served(), [['/echo'], ['/echo']]);
	assert.equal(daemons.pids.length, 2);
});

check('reloads that overlap end, and none is lost while one daemon ends', 3, {}, async (daemons) => {
	const reloads = (services) => daemons.lines(`reloaded: ${services}`).length;
	const endings = () => daemons.lines('SIGTERM: stopping').length;
	const signals = [daemons.main.pid, ...daemons.pids, daemons.main.pid, ...daemons.pids];
	for (const pid of signals) process.kill(pid, 'SIGHUP');
	await until(() => reloads(1) >= 3, 'all have reloaded');
	// A restart begins when the last reload is over.
	await daemons.replaced(() => process.kill(daemons.main.pid, 'SIGUSR2'));
	assert.ok(reloads(1) <= 3 * signals.length, `${reloads(1)} reloads`);
	// A client that does not answer holds the first daemon for a while; the others hear of the file.
	while (daemons.json('status').daemons[0].websockets === 0) await daemons.openWebSocket(daemons.clients.length);
	const before = endings();
	process.kill(daemons.main.pid, 'SIGUSR2');
	await until(() => endings() > before, 'one ends');
	daemons.write(3, `${ECHO}[service /more]\nmodule = echo\n`);
	process.kill(daemons.main.pid, 'SIGHUP');
	await until(() => reloads(2) >= 2, 'the others have reloaded');
});

check('another `socket` moves with a restart; a daemon that dies before it has the former one', 2, {}, async (daemons) => {
	const ids = (await openSessions(daemons, 2, 4)).flat();
	daemons.socket = path.join(daemons.folder, 'other');
	daemons.write(2);
	await daemons.replaced(() => process.kill(daemons.pids[0], 'SIGKILL'));
	for (const id of ids) await exchange(daemons.url, id, 'before');
	assert.deepEqual(daemons.files('other'), []);
	await daemons.replaced(() => process.kill(daemons.main.pid, 'SIGUSR2'));
	assert.deepEqual([daemons.files('other'), daemons.files('socket')], [['other', 'other.0', 'other.1'], []]);
	for (const id of ids) await exchange(daemons.url, id, 'after');
});

check('sessions and their subscriptions go where they belong when the number changes', 1, { services: ECHO + BROADCAST }, async (daemons) => {
	const ids = Array.from({ length: 12 }, (_, i) => `stay${i}`);
	let said = 0;
	for (const id of ids) assert.equal(await post(daemons.url, id, 'xhr'), '200 o\n');
	// Its channel is its daemon's alone, and it is the only one there.
	assert.equal(await post(daemons.url, 'subscriber', 'xhr', '', '/broadcast'), '200 o\n');
	process.kill(daemons.main.pid, 'SIGTERM');
	await daemons.main.exited;
	// The one daemon had no supervisor, so the first change is a start.
	daemons.write(2);
	daemons.main = Object.assign(await startAgain(daemons), { directory: daemons.main.directory });
	for (const count of [2, 3, 1, 2]) {
		if (count !== daemons.pids.length) {
			daemons.write(count);
			await daemons.replaced(() => assert.equal(daemons.ctl('restart').status, 0));
		}
		assert.equal(daemons.pids.length, count);
		assert.deepEqual(daemons.files('store'), count === 1 ? ['store'] : Array.from({ length: count }, (_, i) => `store.${i}`));
		assert.equal(daemons.files('control').length, count === 1 ? 1 : count + 1);
		assert.equal(daemons.json('sessions').length, ids.length + 1);
		for (const id of ids) await exchange(daemons.url, id, `${said++}`);
		await exchange(daemons.url, 'subscriber', `${said++}`, '/broadcast');
	}
});


// Clients of the service, of both daemons.
async function openListeners(daemons) {
	const clients = await Promise.all(Array.from({ length: 12 }, (_, i) => daemons.openWebSocket(i, '/broadcast')));
	assert.equal(new Set(daemons.json('sessions').map((row) => row.daemon)).size, 2);
	return clients;
}

const APART = `${BROADCAST}[service /status]\nmodule = status\n`;
check('without an engine, a module that uses channels is told once that they are apart', 2, { services: APART }, async (daemons) => {
	await openListeners(daemons);
	const lines = () => daemons.lines('[service /broadcast] uses, with 2 daemons, channels: each daemon has its own');
	await until(() => lines().length >= 2, 'each says it');
	await openListeners(daemons);
	assert.equal(lines().length, 2);
	assert.deepEqual(daemons.lines('groups'), []);
});

test('2 daemons: with a Redis, what one publishes the clients of the other hear', { timeout: 60000, skip: redisIsMissing }, async () => {
	const redis = await Redis.start();
	const daemons = await Daemons.start(2, { server: `engine = ${redis.url}\n`, services: `${BROADCAST}[app x]\nkey = k\nsecret = s\n` });
	try {
		const clients = await openListeners(daemons);
		const hear = async (text) => {
			for (const client of clients) assert.equal(await client.readText(), `a["${text}"]`);
		};
		clients[0].send('["from a client"]');
		await hear('from a client');
		const { status, stderr } = daemons.ctl('publish', 'everybody', 'from a script', '--service', '/broadcast');
		assert.equal(status, 0, stderr);
		await hear('from a script');
		assert.deepEqual(daemons.lines('uses, with 2 daemons'), []);
	} finally {
		await daemons.stop();
		await redis.stop();
	}
});

test('daemons: what cannot be is refused', async () => {
	const folder = temporaryDirectory();
	const file = path.join(folder, 'sockjs.conf');
	const refuse = async (text, words, status = 78) => {
		fs.writeFileSync(file, text);
		for (const more of [['--check'], []]) {
			const { code, stderr } = await runDaemon(['--config', file, ...more]);
			assert.equal(code, status);
			assert.ok(stderr.includes(words), stderr);
		}
	};
	await refuse(`[server]\nlisten = 127.0.0.1:0\ndaemons = 2\n${ECHO}`, 'several daemons need a Unix socket');
	const addresses = '127.0.0.1:0 '.repeat(14);
	await refuse(`[server]\nlisten = ${addresses}\nsocket = s\ndaemons = 2\n${ECHO}`, 'more than 16 sockets to listen on, of which each of several daemons has 2');
	await refuse(`[server]\nsocket = s\ndaemons = 65\n${ECHO}`, 'daemons: "65" is out of range (1 to 64)');
	await refuse('[server]\nsocket = s\ndaemons = 2\n[app x]\nkey = k\nsecret = s\n', ':4: the clients of an [app] are in several daemons');
	// What no daemon can start with is said once.
	fs.writeFileSync(file, '[server]\nsocket = s\ndaemons = 3\n[service /x]\nmodule = nosuch\n');
	const { code, stderr, stdout } = await runDaemon(['--config', file]);
	assert.equal(code, 78);
	assert.equal(stderr.match(/nosuch\.so/g).length, 1, stderr);
	assert.equal(stdout, '');
	assert.deepEqual(fs.readdirSync(folder), ['sockjs.conf']);
	fs.rmSync(folder, { recursive: true });
});

test(`lighttpd: ${TALKING + SILENT} polling clients notice no death and no restart, and no other number of daemons`, { timeout: 120000 }, async () => {
	const folder = temporaryDirectory();
	const conf = path.join(folder, 'sockjs.conf');
	fs.writeFileSync(conf, `[server]\ndaemons = 2\nstore = ${folder}/store\n${ECHO}`);
	const stack = await startStack('lighttpd', { conf });
	let clients = [];
	const replaced = (former, count = former.length) =>
		until(() => stack.pids.sessiond.length === count && !stack.pids.sessiond.some((pid) => former.includes(pid)), `${count} others are there`);
	try {
		const [supervisor] = stack.pids.supervisor;
		const words = fs.readFileSync(`/proc/${supervisor}/cmdline`, 'utf8').split('\0');
		const file = words[words.indexOf('--config') + 1];
		clients = await openTalkers(stack.url, TALKING, SILENT);
		await hearMore(clients);

		const [victim] = stack.pids.sessiond;
		process.kill(victim, 'SIGKILL');
		await until(() => stack.pids.sessiond.length === 2 && !stack.pids.sessiond.includes(victim), 'another is there');
		await hearMore(clients);

		let former = stack.pids.sessiond;
		process.kill(supervisor, 'SIGUSR2');
		await replaced(former);
		await hearMore(clients);

		for (const count of [3, 1]) {
			former = stack.pids.sessiond;
			fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/^daemons = .*/m, `daemons = ${count}`));
			process.kill(supervisor, 'SIGUSR2');
			await replaced(former, count);
			await hearMore(clients);
		}
		await finish(clients);
	} catch (error) {
		process.stderr.write(stack.log().slice(-6000));
		throw error;
	} finally {
		clients.forEach((client) => client.socket.close());
		await stack.stop();
		fs.rmSync(folder, { recursive: true, force: true });
	}
});
