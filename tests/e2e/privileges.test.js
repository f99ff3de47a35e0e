'use strict';

// Whom the daemon and the responder become when root starts them, what they may still do as root,
// and who may connect to their Unix sockets.

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, after } = require('node:test');

// Where the daemon was built another user may not look: it runs from a copy.
function copyBuild() {
	const build = process.env.SOCKJS_BUILDDIR || path.join(__dirname, '..', '..');
	const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-privileges-'));
	fs.chmodSync(copy, 0o755);
	for (const name of ['sessiond/sockjs-sessiond', 'fcgi/sockjs.fcgi', 'examples/echo.so']) {
		const file = path.join(copy, name);
		fs.mkdirSync(path.dirname(file), { mode: 0o755 });
		fs.copyFileSync(path.join(build, name), file);
		fs.chmodSync(file, 0o755);
	}
	process.env.SOCKJS_SESSIOND = path.join(copy, 'sessiond', 'sockjs-sessiond');
	process.env.SOCKJS_FCGI = path.join(copy, 'fcgi', 'sockjs.fcgi');
	return copy;
}

const build = copyBuild();
const { program, startDaemon, runDaemon, killAll, temporaryDirectory } = require('./lib/daemon');
const { request: ask } = require('./lib/fastcgi');
const { eventually } = require('./lib/guard');
const { request } = require('./lib/http');
const { Pair, responderProgram } = require('./lib/responder');
const { freePort } = require('./lib/stack');

const EX_NOPERM = 77;
const EX_CONFIG = 78;
const ECHO = '[service /echo]\nmodule = echo\n';
const NOBODY = Number(spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).stdout);
const NOGROUP = Number(spawnSync('id', ['-g', 'nobody'], { encoding: 'utf8' }).stdout);
const DAEMON_GROUP = Number(spawnSync('getent', ['group', 'daemon'], { encoding: 'utf8' }).stdout.split(':')[2]);

const directory = temporaryDirectory();
fs.chmodSync(directory, 0o711);
after(() => {
	killAll();
	for (const folder of [directory, build])
		fs.rmSync(folder, { recursive: true, force: true });
});

let files = 0;
function confFile(text) {
	const file = path.join(directory, `${++files}.conf`);
	fs.writeFileSync(file, text, { mode: 0o644 });
	return file;
}

const check = (name, body) => test(`privileges: ${name}`, body);
const asRoot = (name, body) => test(`privileges: ${name}`,
	{ skip: process.getuid() === 0 ? false : 'only root can become somebody else' }, body);

function identity(pid) {
	const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
	const numbers = (name) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)[1].trim().split(/\s+/).filter(Boolean).map(Number);
	const capabilities = ['CapPrm', 'CapEff', 'CapInh'].map((name) => new RegExp(`^${name}:\\s*(\\w+)$`, 'm').exec(status)[1]);
	return { uid: numbers('Uid'), gid: numbers('Gid'), groups: numbers('Groups'), capabilities };
}

// Whoever adopts it need not have waited for it.
const hasEnded = (pid) => !fs.existsSync(`/proc/${pid}`) || /^State:\s*Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));

const NO_CAPABILITIES = Array(3).fill('0000000000000000');

asRoot('user: every id is the user\'s, no group and no capability is left', async () => {
	const daemon = await startDaemon({ conf: `[server]\nuser = nobody\n${ECHO}` });
	try {
		assert.deepStrictEqual(identity(daemon.pid), {
			uid: Array(4).fill(NOBODY), gid: Array(4).fill(NOGROUP), groups: [NOGROUP], capabilities: NO_CAPABILITIES,
		});
		assert.strictEqual((await request(daemon.url, 'GET', '/echo')).status, 200);
	} finally {
		await daemon.stop();
	}
});

asRoot('group: takes the place of the user\'s group', async () => {
	const daemon = await startDaemon({ conf: `[server]\nuser = nobody\ngroup = daemon\n${ECHO}` });
	try {
		const { gid, groups } = identity(daemon.pid);
		assert.deepStrictEqual(gid, Array(4).fill(DAEMON_GROUP));
		assert.ok(!groups.includes(0), `groups ${groups}`);
	} finally {
		await daemon.stop();
	}
});

asRoot('sockets are bound before, as root; the Unix socket is the user\'s, with group and mode', async () => {
	const folder = path.join(directory, 'closed');
	fs.mkdirSync(folder, { mode: 0o700 });
	const socket = path.join(folder, 's');
	const daemon = await startDaemon({
		conf: `[server]\nuser = nobody\nsocket = ${socket}\nsocket_group = daemon\nsocket_mode = 0620\n${ECHO}`,
	});
	try {
		const { uid, gid, mode } = fs.statSync(socket);
		assert.deepStrictEqual({ uid, gid, mode: mode & 0o777 }, { uid: NOBODY, gid: DAEMON_GROUP, mode: 0o620 });
	} finally {
		await daemon.stop();
	}
});

for (const args of [[], ['-n']])
	asRoot(`modules are loaded after${args.length ? ', by -n too' : ''}: one that only root can read is refused`, async () => {
		const module = path.join(directory, 'secret.so');
		fs.copyFileSync(path.join(path.dirname(program), '..', 'examples', 'echo.so'), module);
		fs.chmodSync(module, 0o600);
		const conf = `[server]\nuser = nobody\nlisten = 127.0.0.1:${await freePort()}\n[service /echo]\nmodule = ${module}\n`;
		const { code, stdout, stderr } = await runDaemon(['--config', confFile(conf), ...args]);
		assert.strictEqual(code, EX_CONFIG);
		assert.strictEqual(stdout, '');
		assert.match(stderr, /secret\.so.*Permission denied/);
	});

asRoot('log: root makes the file with the user\'s rights, wherever the path leads', async () => {
	const folders = ['log', 'of_root'].map((name) => path.join(directory, name));
	const [log, ofRoot] = folders;
	folders.forEach((folder) => fs.mkdirSync(folder, { mode: 0o755 }));
	fs.chownSync(log, NOBODY, NOGROUP);
	fs.symlinkSync(ofRoot, path.join(log, 'link'));
	// The supervisor stays root, and writes that it was told to start the daemon anew.
	const restart = async (file, said) => {
		const daemon = await startDaemon({ conf: `[server]\nuser = nobody\nlog = ${file}\nlog_level = info\n${ECHO}`, args: ['--supervise'] });
		try {
			fs.rmSync(file, { force: true });
			process.kill(daemon.pid, 'SIGUSR2');
			await eventually(() => /supervisor: SIGUSR2/.test(said(daemon)), () => said(daemon));
		} finally {
			await daemon.stop();
		}
	};

	const file = path.join(log, 'daemon');
	await restart(file, () => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''));
	const { uid, gid } = fs.statSync(file);
	assert.deepStrictEqual({ uid, gid }, { uid: NOBODY, gid: NOGROUP });
	await restart(path.join(log, 'link', 'daemon'), (daemon) => daemon.stderr);
	assert.deepStrictEqual(fs.readdirSync(ofRoot), []);
});

asRoot('the signal of a parent\'s death is kept', async () => {
	const conf = confFile(`[server]\nuser = nobody\nlisten = 127.0.0.1:${await freePort()}\n${ECHO}`);
	const parent = spawn('sh', ['-c', 'setpriv --pdeathsig TERM "$0" --config "$1" & echo $!; wait', program, conf],
		{ stdio: ['ignore', 'pipe', 'inherit'] });
	let out = '';
	parent.stdout.setEncoding('utf8').on('data', (text) => { out += text; });
	await eventually(() => /^ready .*\n/m.test(out) && /^\d+$/m.test(out), () => out);
	const pid = Number(/^\d+$/m.exec(out)[0]);
	assert.strictEqual(identity(pid).uid[0], NOBODY);
	parent.kill('SIGKILL');
	await eventually(() => hasEnded(pid), 'the daemon outlived its parent');
});

asRoot('--supervise: the supervisor stays root and holds the sockets, each daemon becomes the user', async () => {
	const socket = path.join(directory, 'supervised');
	const supervisor = await startDaemon({
		conf: `[server]\nuser = nobody\nsocket = ${socket}\nsocket_group = daemon\nsocket_mode = 0660\n${ECHO}`,
		args: ['--supervise'],
	});
	const daemons = () => fs.readFileSync(`/proc/${supervisor.pid}/task/${supervisor.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
	try {
		const { uid, gid, mode } = fs.statSync(socket);
		assert.deepStrictEqual({ uid, gid, mode: mode & 0o777 }, { uid: NOBODY, gid: DAEMON_GROUP, mode: 0o660 });
		assert.strictEqual(identity(supervisor.pid).uid[0], 0);
		const [first] = daemons();
		assert.deepStrictEqual(identity(first).uid, Array(4).fill(NOBODY));
		process.kill(first, 'SIGKILL');
		assert.strictEqual((await request(supervisor.url, 'GET', '/echo')).status, 200);
		const [second] = daemons();
		assert.notStrictEqual(second, first);
		assert.deepStrictEqual(identity(second).uid, Array(4).fill(NOBODY));
		supervisor.child.kill('SIGKILL');
		await eventually(() => hasEnded(second), 'the daemon outlived its supervisor');
	} finally {
		await supervisor.stop();
	}
});

asRoot('the responder gives up root as the daemon does, and its socket is the web server\'s, too', async () => {
	const pair = new Pair({ server: 'user = nobody\nsocket_mode = 0600', fcgi: 'user = nobody\nsocket_group = daemon\nsocket_mode = 0620' });
	try {
		fs.chmodSync(pair.directory, 0o711);
		fs.chmodSync(pair.file, 0o644);
		await pair.startSessiond();
		const { pid, address } = await pair.startResponder();
		assert.deepStrictEqual(identity(pid), {
			uid: Array(4).fill(NOBODY), gid: Array(4).fill(NOGROUP), groups: [NOGROUP], capabilities: NO_CAPABILITIES,
		});
		const { uid, gid, mode } = fs.statSync(address);
		assert.deepStrictEqual({ uid, gid, mode: mode & 0o777 }, { uid: NOBODY, gid: DAEMON_GROUP, mode: 0o620 });
		assert.strictEqual((await ask(address, 'POST', '/echo/000/first/xhr')).text, 'o\n');
	} finally {
		await pair.stop();
	}
});

asRoot('the responder: group takes the place of the user\'s group', async () => {
	const pair = new Pair({ fcgi: 'user = nobody\ngroup = daemon' });
	try {
		fs.chmodSync(pair.directory, 0o711);
		fs.chmodSync(pair.file, 0o644);
		assert.deepStrictEqual(identity((await pair.startResponder()).pid).gid, Array(4).fill(DAEMON_GROUP));
	} finally {
		await pair.stop();
	}
});

check('the responder: group without user is refused', () => {
	const file = confFile('[server]\nsocket = /x\n[fcgi]\ngroup = daemon\n');
	const { status, stderr } = spawnSync(responderProgram, ['--config', file], { encoding: 'utf8' });
	assert.strictEqual(status, EX_CONFIG);
	assert.match(stderr, /set user in \[fcgi\] as well/);
});

for (const [user, says] of [['root', true], ['nobody', false]])
	asRoot(`not root, and user = ${user}: ${says ? 'a line says that it has no effect' : 'as it should be'}`, async () => {
		const daemon = await startDaemon({
			conf: `[server]\nuser = ${user}\n${ECHO}`,
			wrapper: ['sh', '-c', 'chmod 755 . && chmod 644 *.conf && exec setpriv --reuid nobody --regid nogroup --clear-groups "$0" "$@"'],
		});
		try {
			assert.strictEqual(identity(daemon.pid).uid[0], NOBODY);
		} finally {
			await daemon.stop();
		}
		assert.strictEqual(/has no effect/.test(daemon.stderr), says, daemon.stderr);
	});

check('a socket_group this user cannot give is refused, and no socket is left', async () => {
	const folder = fs.mkdtempSync(path.join(directory, 'open-'));
	fs.chmodSync(folder, 0o777);
	const socket = path.join(folder, 's');
	const file = confFile(`[server]\nsocket = ${socket}\nsocket_group = root\n${ECHO}`);
	const wrapper = process.getuid() === 0 ? ['setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups'] : [];
	const [command, ...args] = [...wrapper, program, '--config', file];
	const { status, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 20000 });
	assert.strictEqual(status, EX_NOPERM, stderr);
	assert.match(stderr, /socket_group must be one that this user is in/);
	assert.deepStrictEqual(fs.readdirSync(folder), []);
});

const mistakes = {
	'user = no such user': 'user: there is no user "no such user"',
	'group = nosuchgroup': 'group: there is no group "nosuchgroup"',
	'socket_group = nosuchgroup': 'socket_group: there is no group "nosuchgroup"',
	'socket_mode = 0778': 'socket_mode: "0778" is no octal mode',
	'socket_mode = 4755': 'socket_mode: "4755" is no octal mode',
	'socket_mode = 66': 'socket_mode: "66" is no octal mode',
};
for (const [line, message] of Object.entries(mistakes))
	check(`${line}: file, line and what is wrong`, async () => {
		const file = confFile(`[server]\n${line}\n${ECHO}`);
		const { code, stderr } = await runDaemon(['--config', file, '-n']);
		assert.strictEqual(code, EX_CONFIG);
		assert.ok(stderr.includes(`${file}:2: ${message}`), stderr);
	});

check('group without user is refused', async () => {
	const { code, stderr } = await runDaemon(['--config', confFile(`[server]\ngroup = daemon\n${ECHO}`), '-n']);
	assert.strictEqual(code, EX_CONFIG);
	assert.match(stderr, /set user in \[server\] as well/);
});
