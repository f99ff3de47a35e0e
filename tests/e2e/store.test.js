'use strict';

// The session store, as an administrator and a client see it: where it is, who may have it, what
// goes on after a restart, and what happens when it is damaged or there is no room.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { test, after } = require('node:test');
const { Daemon, program, runDaemon, killAll, temporaryDirectory } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { Connection, request } = require('./lib/http');
const { messagesOf } = require('./lib/session');
const { WebSocketClient } = require('./lib/websocket');

const modules = path.join(process.env.SOCKJS_BUILDDIR || path.join(__dirname, '..', '..'), 'tests', 'modules');
const LIMIT = 20000; // ms; a sanitized daemon on a busy machine
const LONG = 20000; // bytes of a message that is to take room
const DISK = 8 << 20; // bytes
const OTHERS = 5 << 20;
const COPIES = 12;
const VERSION_AT = 60; // of the database's header: its user_version, 4 bytes
const EX_UNAVAILABLE = 69;
const EX_CONFIG = 78;

const places = new Set();

after(() => {
	killAll();
	for (const { directory, mounted } of places) {
		if (mounted) spawnSync('umount', ['-l', directory]);
		fs.rmSync(directory, { recursive: true, force: true });
	}
});

// A folder with a configuration, in which one daemon follows the other.
class Place {
	constructor({ server = 'store = sessions.db', services = '[service /echo]\nmodule = echo\n', directory = temporaryDirectory() } = {}) {
		this.directory = directory;
		this.conf = path.join(directory, 'sockjs.conf');
		this.store = path.join(directory, 'sessions.db');
		this.log = '';
		fs.writeFileSync(this.conf, `[server]\nlog_level = error\n${server}\n${services}`);
		places.add(this);
	}

	get args() {
		return ['--config', this.conf, '--listen', '127.0.0.1:0'];
	}

	async start(env) {
		this.daemon = new Daemon(program, this.args, { env, cwd: '/' });
		await this.daemon.waitReady();
		this.url = `http://${/127\.0\.0\.1:\d+/.exec(this.daemon.stdout)[0]}`;
		return this;
	}

	async stop(signal) {
		const status = await this.daemon.stop(signal);
		this.log += this.daemon.log();
		if (signal !== 'SIGKILL') assert.deepStrictEqual(status, { code: 0, signal: null }, this.daemon.log());
	}

	async restart(signal) {
		await this.stop(signal);
		await this.start();
	}

	post(what, body = '') {
		return request(this.url, 'POST', `/echo/000/${what}`, { body, timeout: LIMIT });
	}

	async poll(session) {
		const { status, text } = await this.post(`${session}/xhr`);
		assert.strictEqual(status, 200, text);
		return text.trimEnd();
	}

	async open(session) {
		assert.strictEqual(await this.poll(session), 'o');
	}

	async send(session, ...messages) {
		return (await this.post(`${session}/xhr_send`, JSON.stringify(messages))).status;
	}

	says(pattern) {
		return eventually(() => pattern.test(this.daemon.stderr), `a line ${pattern}`, LIMIT);
	}

	files(begin = 'sessions.db') {
		return fs.readdirSync(this.directory).filter((name) => name.startsWith(begin));
	}
}

const check = (name, body, options = {}) =>
	test(`store: ${name}`, { timeout: 5 * LIMIT, ...options }, async (t) => {
		try {
			await body(t);
		} catch (error) {
			for (const place of places) process.stderr.write(`--- ${place.directory}:\n${place.log.slice(-2000)}\n${place.daemon?.log().slice(-2000)}\n`);
			throw error;
		} finally {
			for (const { daemon } of places)
				if (daemon && daemon.child.exitCode === null && daemon.child.signalCode === null) await daemon.stop('SIGKILL');
		}
	});

// --- where it is ---------------------------------------------------------------------------------

check('its path is relative to the configuration, and nobody else reads it', async () => {
	const place = await new Place().start();
	assert.strictEqual(fs.statSync(place.store).mode & 0o777, 0o600);
	await place.open('s');
	for (const name of place.files()) assert.strictEqual(fs.statSync(path.join(place.directory, name)).mode & 0o777, 0o600, name);
	await place.stop();
	assert.deepStrictEqual(place.files(), ['sessions.db']);
});

check('systemd names a folder for it; `none` says that there is none', async () => {
	const state = temporaryDirectory();
	const env = { STATE_DIRECTORY: state };
	const place = await new Place({ server: '' }).start(env);
	assert.ok(fs.existsSync(path.join(state, 'sessions.db')));
	await place.open('s');
	await place.stop();
	await place.start(env);
	assert.strictEqual(await place.send('s', 'x'), 204);
	await place.stop();

	for (const server of ['store = none', '']) {
		const without = await new Place({ server }).start(server ? env : {});
		await without.open('s');
		await without.restart('SIGKILL');
		assert.strictEqual(await without.send('s', 'x'), 404);
		assert.deepStrictEqual(without.files(), []);
	}
	fs.rmSync(state, { recursive: true });
});

check('a second daemon is told that it is taken', async () => {
	const place = await new Place().start();
	await place.open('s');
	const { code, stderr } = await runDaemon(place.args, { timeout: LIMIT });
	assert.strictEqual(code, EX_UNAVAILABLE, stderr);
	assert.match(stderr, /cannot open the store .*sessions\.db: another daemon uses it/);
	assert.strictEqual(await place.send('s', 'x'), 204);
	assert.strictEqual(await place.poll('s'), 'a["x"]');
});

// --- one daemon after the other ------------------------------------------------------------------

for (const signal of ['SIGTERM', 'SIGKILL'])
	for (const sync of ['off', 'normal', 'full'])
		check(`after ${signal} sessions go on, with what is queued, in order (store_sync = ${sync})`, async () => {
			const place = await new Place({ server: `store = sessions.db\nstore_sync = ${sync}` }).start();
			await Promise.all(['a', 'b'].map((session) => place.open(session)));
			assert.strictEqual(await place.send('a', '1', '2'), 204);
			assert.strictEqual(await place.send('a', '3'), 204);
			await place.restart(signal);
			assert.strictEqual(await place.send('a', '4'), 204);
			assert.strictEqual(await place.poll('a'), 'a["1","2","3","4"]');
			const held = place.poll('b');
			assert.strictEqual(await place.send('b', '1'), 204);
			assert.strictEqual(await held, 'a["1"]');
			await place.restart(signal);
			assert.strictEqual(await place.send('a', '5'), 204);
			assert.strictEqual(await place.poll('a'), 'a["5"]');
		});

check('a stream ends with SIGTERM, and the next goes on with the session', async () => {
	const place = await new Place().start();
	const connection = await Connection.open(place.url);
	const stream = await connection.open('POST', '/echo/000/s/xhr_streaming');
	await stream.readUntil('\no\n', LIMIT);
	assert.strictEqual(await place.send('s', 'x'), 204);
	await stream.readUntil('a["x"]\n', LIMIT);
	const stopped = place.stop();
	assert.strictEqual(String(await stream.readToEnd(LIMIT)), 'h\n');
	connection.close();
	await stopped;
	await place.start();
	const another = await Connection.open(place.url);
	const next = await another.open('POST', '/echo/000/s/xhr_streaming');
	assert.strictEqual(await place.send('s', 'y'), 204);
	assert.strictEqual(String(await next.readUntil('a["y"]\n', LIMIT)).replace(/^h+\n/, ''), 'a["y"]\n');
	another.close();
});

check('its files are removed while it is in use: that is said once, and nothing that was acknowledged is lost', async () => {
	const place = await new Place().start();
	await place.open('a');
	assert.strictEqual(await place.send('a', 'one'), 204);
	for (const name of place.files())
		fs.unlinkSync(path.join(place.directory, name));
	assert.strictEqual(await place.send('a', 'two'), 204);
	await place.open('b');
	assert.strictEqual(await place.send('b', 'three'), 204);
	await place.says(/somebody has removed or replaced/);
	assert.strictEqual(place.daemon.stderr.match(/somebody has removed or replaced/g).length, 1);
	await place.restart('SIGKILL');
	assert.strictEqual(await place.poll('a'), 'a["one","two"]');
	assert.strictEqual(await place.poll('b'), 'a["three"]');
	await place.stop();
});

check('an application hears of both; what it writes then is not lost', async () => {
	const place = await new Place({ services: '[service /echo]\nmodule = lasting\n', server: `store = sessions.db\nmodule_path = ${modules}` }).start();
	await place.open('s');
	assert.strictEqual(await place.poll('s'), 'a["connection"]');
	await place.restart('SIGTERM');
	assert.strictEqual(await place.poll('s'), 'a["suspend","resume"]');
	await place.restart('SIGKILL');
	assert.strictEqual(await place.poll('s'), 'a["resume"]');
});

check('a session that nobody asks for after a restart ends', async () => {
	const place = await new Place({ server: 'store = sessions.db\ndisconnect_delay = 400' }).start();
	await place.open('s');
	await place.restart('SIGKILL');
	await eventually(async () => (await place.send('s', 'x')) === 404, 'the session is gone', LIMIT);
	await place.restart();
	assert.strictEqual(await place.send('s', 'x'), 404);
});

check('a closed session still has its close frame', async () => {
	const place = await new Place({ services: '[service /echo]\nmodule = close\n' }).start();
	await place.open('s');
	await place.restart('SIGKILL');
	assert.strictEqual(await place.poll('s'), 'c[3000,"Go away!"]');
	await place.restart('SIGKILL');
	assert.strictEqual(await place.poll('s'), 'c[3000,"Go away!"]');
});

// --- files that are not as they should be --------------------------------------------------------

check('one that a newer version wrote is refused, and left as it is', async () => {
	const place = await new Place().start();
	await place.stop();
	const bytes = fs.readFileSync(place.store);
	bytes.writeUInt32BE(1000, VERSION_AT);
	fs.writeFileSync(place.store, bytes);
	const { code, stderr } = await runDaemon(place.args);
	assert.strictEqual(code, EX_CONFIG, stderr);
	assert.match(stderr, /was written by a newer version: its format is 1000/);
	assert.deepStrictEqual(fs.readFileSync(place.store), bytes);
});

check('a damaged one is set aside: the daemon says so, and starts without sessions', async () => {
	const place = await new Place().start();
	await place.open('s');
	await place.stop();
	const bytes = fs.readFileSync(place.store).fill(0x5a, 100);
	fs.writeFileSync(place.store, bytes);
	await place.start();
	assert.strictEqual(await place.send('s', 'x'), 404);
	await place.says(/error: .*damaged/);
	const aside = () => place.files('sessions.db.damaged-').filter((name) => !name.endsWith('-wal'));
	const [name] = aside();
	assert.match(name, /^sessions\.db\.damaged-\d{8}T\d{6}Z$/);
	assert.deepStrictEqual(fs.readFileSync(path.join(place.directory, name)), bytes);
	await place.open('s');
	await place.restart();
	assert.strictEqual(await place.send('s', 'x'), 204);
	assert.deepStrictEqual(aside(), [name]);
});

// --- room ----------------------------------------------------------------------------------------

// Until a send is refused. What was acknowledged is counted.
async function fill(place, session) {
	for (let count = 0; ; count++) {
		const status = await place.send(session, 'x'.repeat(LONG));
		if (status === 503) return count;
		assert.strictEqual(status, 204);
		assert.ok(count < 1000, 'the store gets full');
	}
}

async function survivesAFullStore(place, makeRoom) {
	const websocket = await WebSocketClient.connect(place.url, '/echo/000/w/websocket');
	assert.strictEqual(await websocket.readText(), 'o');
	await place.open('waiting');
	await place.open('full');
	const stored = await fill(place, 'full');
	assert.ok(stored > 3, `${stored} messages were stored`);
	await place.says(/the store cannot be written \(it is full, or the disk is\)/);

	// Who needs no room is served: also a poll, with what was stored.
	websocket.send('["still here"]');
	assert.strictEqual(await websocket.readText(), 'a["still here"]');
	assert.strictEqual((await place.post('new/xhr')).status, 503);
	await makeRoom();
	const got = messagesOf(await place.poll('full')).length;
	assert.ok(got >= stored, `${got} of ${stored}`);

	await eventually(async () => (await place.send('waiting', 'again')) === 204, 'there is room', LIMIT);
	await place.says(/the store can be written again/);
	await place.restart('SIGKILL');
	assert.match(await place.poll('waiting'), /^a\[.*"again"\]$/);
	assert.strictEqual(await place.send('full', 'last'), 204);
	assert.strictEqual(await place.poll('full'), 'a["last"]');
	websocket.connection.close();
}

check('at store_limit sends get 503, the others go on, and what is fetched makes room', async () => {
	const place = await new Place({ server: 'store = sessions.db\nstore_limit = 1M\nstore_session_limit = 1M\nstore_address_limit = 1M\nqueue_limit = 64M' }).start();
	await survivesAFullStore(place, () => {});
});

check('the same on a full disk', async (t) => {
	const directory = temporaryDirectory();
	if (process.getuid() !== 0 || spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', directory]).status !== 0) {
		fs.rmSync(directory, { recursive: true });
		t.skip('no file system can be mounted here');
		return;
	}
	const place = new Place({ server: 'store = sessions.db\nqueue_limit = 64M', directory });
	const other = path.join(directory, 'other');
	place.mounted = true;
	await place.start();
	fs.writeFileSync(other, Buffer.alloc(OTHERS));
	await survivesAFullStore(place, () => fs.unlinkSync(other));
});

// --- shares of it --------------------------------------------------------------------------------

const SMALL = 'store = sessions.db\nstore_limit = 1M'; // a session's share is 32 KiB, an address's 128
const [HOSTILE, OTHER] = ['127.0.0.2', '127.0.0.3'];

const uniqueId = () => crypto.randomBytes(6).toString('hex');

// A client at an address of its own.
class ClientAt {
	constructor(place, address) {
		Object.assign(this, { place, address });
	}

	async post(what, body = '') {
		const connection = await Connection.open(this.place.url, { localAddress: this.address });
		try {
			return await connection.request('POST', `/echo/000/${what}`, { body, timeout: LIMIT });
		} finally {
			connection.close();
		}
	}

	async poll(session) {
		const { status, text } = await this.post(`${session}/xhr`);
		return status === 200 ? text.trimEnd() : status;
	}

	async send(session, message = 'x'.repeat(LONG)) {
		return (await this.post(`${session}/xhr_send`, JSON.stringify([message]))).status;
	}

	// Until it is refused. How many were taken.
	async fill(session) {
		for (let count = 0; ; count++) {
			const status = await this.send(session);
			if (status === 503) return count;
			assert.strictEqual(status, 204);
			assert.ok(count < 1000, 'its share gets full');
		}
	}

	// Opens sessions and fills each; until there can be no further one. Their names.
	async fillAll() {
		for (const sessions = []; ; ) {
			const session = `full${sessions.length}`;
			if ((await this.poll(session)) === 503) return sessions;
			sessions.push(session);
			await this.fill(session);
			assert.ok(sessions.length < 1000, 'its share gets full');
		}
	}

	// Has one message stored, and fetches it.
	async echo(session, text) {
		assert.strictEqual(await this.send(session, text), 204);
		assert.strictEqual(await this.poll(session), `a["${text}"]`);
	}

	// Nothing of what a client does is refused while `body` runs, nor after it.
	async goesOnDuring(body) {
		let done = false;
		const session = uniqueId();
		const work = (async () => {
			assert.strictEqual(await this.poll(session), 'o');
			for (let i = 0, last = false; !last; i++) {
				last = done;
				await this.echo(session, `${i}`);
			}
			assert.strictEqual(await this.poll(uniqueId()), 'o');
		})();
		const [result] = await Promise.all([body().finally(() => (done = true)), work]);
		return result;
	}
}

check('an address that takes its share gets 503 alone, also after a restart, until its sessions end', async () => {
	const place = await new Place({ server: `${SMALL}\ndisconnect_delay = 8000` }).start();
	const [hostile, other] = [HOSTILE, OTHER].map((address) => new ClientAt(place, address));
	const sessions = await other.goesOnDuring(() => hostile.fillAll());
	assert.ok(sessions.length > 1, `${sessions.length} sessions`);
	await place.says(/store_address_limit \(131072 bytes\) reached by 127\.0\.0\.2/);
	assert.strictEqual(await hostile.send(sessions[0]), 503);

	await place.restart('SIGKILL');
	assert.strictEqual(await hostile.poll('another'), 503);
	assert.strictEqual(await hostile.send(sessions[0]), 503);
	await other.goesOnDuring(() => hostile.fill(sessions[0]));

	// Nothing was lost of what was taken; and nobody asks for the other sessions any more.
	assert.deepStrictEqual(messagesOf(await hostile.poll(sessions[0])), Array(2).fill('x'.repeat(LONG)));
	await eventually(async () => (await hostile.poll(uniqueId())) === 'o', 'there is room again', LIMIT);
	assert.doesNotMatch(place.log + place.daemon.log(), /cannot be written|127\.0\.0\.3/);
});

check('a session that takes its share gets 503 alone, until it reads', async () => {
	const place = await new Place({ server: SMALL }).start();
	const [hostile, other] = [HOSTILE, OTHER].map((address) => new ClientAt(place, address));
	assert.strictEqual(await hostile.poll('full'), 'o');
	assert.strictEqual(await other.goesOnDuring(() => hostile.goesOnDuring(() => hostile.fill('full'))), 2);
	await place.says(/\[#\d+\] store_session_limit \(32768 bytes\) reached by a session of 127\.0\.0\.2/);
	await place.restart('SIGKILL');
	assert.strictEqual(await hostile.send('full', 'x'), 503);
	assert.strictEqual(messagesOf(await hostile.poll('full')).length, 2);
	await hostile.echo('full', 'again');
	assert.doesNotMatch(place.log + place.daemon.log(), /cannot be written/);
});

check('who is sent messages and never reads is closed; the others get theirs', async () => {
	const options = 'store_session_limit = 100k\nstore_address_limit = 150k';
	const place = await new Place({ server: `${SMALL}\n${options}`, services: '[service /echo]\nmodule = broadcast\n' }).start();
	const [hostile, other] = [HOSTILE, OTHER].map((address) => new ClientAt(place, address));
	const lazy = Array.from({ length: 10 }, (_, i) => `lazy${i}`);
	for (const session of lazy) assert.strictEqual(await hostile.poll(session), 'o');
	assert.strictEqual(await other.poll('reader'), 'o');
	for (let i = 0; i < 40; i++) await other.echo('reader', `${i} ${'x'.repeat(LONG)}`);
	for (const session of lazy) assert.strictEqual(await hostile.poll(session), 'c[1008,"Messages are not read fast enough"]');
	await hostile.goesOnDuring(async () => {});
	assert.doesNotMatch(place.daemon.log(), /cannot be written/);
});

// --- power cuts ----------------------------------------------------------------------------------

// What is on the disk at some moment; the daemon is held meanwhile, as both files are one.
async function copy(place, to) {
	fs.mkdirSync(to);
	process.kill(place.daemon.pid, 'SIGSTOP');
	try {
		await eventually(() => /^State:\tT/m.test(fs.readFileSync(`/proc/${place.daemon.pid}/status`, 'latin1')), 'the daemon is held', LIMIT);
		for (const name of place.files()) fs.copyFileSync(path.join(place.directory, name), path.join(to, name));
	} finally {
		process.kill(place.daemon.pid, 'SIGCONT');
	}
}

check(`a daemon starts from each of ${COPIES} copies made under load`, async () => {
	const place = await new Place({ server: 'store = sessions.db' }).start();
	const copies = temporaryDirectory();
	let stopped = false, sent = 0;
	const client = async (session) => {
		await place.open(session);
		for (let i = 0; !stopped; i++) {
			assert.strictEqual(await place.send(session, `${i} ${'x'.repeat(Math.random() * 4000)}`), 204);
			sent++;
			if (i % 5 === 4) await place.poll(session);
		}
	};
	const clients = Promise.all(Array.from({ length: 8 }, (_, i) => client(`s${i}`)));
	for (let i = 0; i < COPIES; i++) {
		const before = sent;
		await Promise.race([clients, eventually(() => sent > before + Math.random() * 60, 'the load goes on', LIMIT)]);
		await copy(place, path.join(copies, `${i}`));
	}
	stopped = true;
	await clients;
	await place.stop('SIGKILL');
	for (let i = 0; i < COPIES; i++) {
		const other = new Place({ directory: path.join(copies, `${i}`) });
		await other.start();
		await other.open('fresh');
		assert.strictEqual(await other.send('fresh', 'x'), 204);
		await other.stop();
		assert.strictEqual(other.files('sessions.db.damaged-').length, 0, other.log);
	}
	fs.rmSync(copies, { recursive: true });
});
