'use strict';

// --check of both programs: what would keep them from starting is found before, nothing is changed,
// and each message names its remedy.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { test, after } = require('node:test');
const { Daemon, program, runDaemon, killAll, temporaryDirectory } = require('./lib/daemon');
const { responderProgram } = require('./lib/responder');
const { freePort, srcdir } = require('./lib/stack');

const EX_USAGE = 64;
const EX_UNAVAILABLE = 69;
const EX_NOPERM = 77;
const EX_CONFIG = 78;

const buildDirectory = process.env.SOCKJS_BUILDDIR || srcdir;
const directory = temporaryDirectory();
after(() => {
	killAll();
	fs.rmSync(directory, { recursive: true, force: true });
});

const ECHO = '[service /echo]\nmodule = echo\n';
let files = 0;
function confFile(text) {
	const file = path.join(directory, `${++files}.conf`);
	fs.writeFileSync(file, text);
	return file;
}

const check = (name, ...rest) => test(`check: ${name}`, ...rest);

check('a unit that is written out, and a module that is named as a file: what to write', async () => {
	const unit = await runDaemon(['--config', confFile(`${ECHO}heartbeat_delay = 25 sec\n`), '--check']);
	assert.strictEqual(unit.code, EX_CONFIG);
	assert.match(unit.stderr, /"25 sec" is not a number of milliseconds .*; say 25s\n/);
	const script = await runDaemon(['--config', confFile('[service /a]\nmodule = chat.php\n'), '--check']);
	assert.strictEqual(script.code, EX_CONFIG);
	assert.match(script.stderr, /:1: module "chat\.php": .* a script is named by `program`, as in: program = php chat\.php\n/);
	const module = await runDaemon(['--config', confFile('[service /a]\nmodule = auction.so\n'), '--check']);
	assert.strictEqual(module.code, EX_CONFIG);
	assert.match(module.stderr, /say \.\/auction\.so for a file beside sockjs\.conf; a name goes without \.so, as auction\n/);
});

check('a time without a unit that is far too short for its option: a word, no more', async () => {
	const file = confFile([
		'[server]', 'socket = s', 'request_timeout = 20', 'keepalive_timeout = 75ms', 'disconnect_delay = 500',
		'[service /echo]', 'module = echo', 'heartbeat_delay = 25', 'response_limit = 4096',
		'[service /php]', 'program = true', 'worker_timeout = 10', 'ack_timeout = 0',
		'[fcgi]', 'backend_timeout = 100', 'request_timeout = 5000', '',
	].join('\n'));
	const word = (line, name, value) => `${file}:${line}: ${name}: ${value} is ${value} ms; did you mean ${value}s?`;
	const words = (stderr) => stderr.split('\n').filter((line) => line.includes('did you mean')).map((line) => line.replace(/^\S+: /, ''));
	const daemon = await runDaemon(['--config', file, '--check']);
	assert.strictEqual(daemon.code, 0, daemon.stderr);
	assert.deepStrictEqual(words(daemon.stderr), [
		word(3, 'request_timeout', 20), word(8, 'heartbeat_delay', 25), word(12, 'worker_timeout', 10), word(15, 'backend_timeout', 100)]);
	const responder = spawnSync(responderProgram, ['--config', file, '--listen', path.join(directory, 'unit'), '--check'], { encoding: 'utf8' });
	assert.strictEqual(responder.status, 0, responder.stderr);
	assert.deepStrictEqual(words(responder.stderr), [word(15, 'backend_timeout', 100)]);
});

// What a start would stumble over, as whom (root leaves its rights: it may do anything).
const nobody = process.getuid() === 0 ? ['setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups'] : [];
async function checkAsNobody(text) {
	const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-check-'));
	try {
		for (const name of ['sockjs-sessiond', 'echo.so'])
			fs.copyFileSync(name === 'echo.so' ? path.join(buildDirectory, 'examples', name) : program, path.join(copy, name));
		fs.writeFileSync(path.join(copy, 'conf'), `[server]\n${text}\n[service /echo]\nmodule = ./echo.so\n`);
		fs.chmodSync(copy, 0o777);
		const [command, ...args] = [...nobody, path.join(copy, 'sockjs-sessiond'), '--config', path.join(copy, 'conf'), '--check'];
		const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 60000 });
		assert.deepStrictEqual(fs.readdirSync(copy).sort(), ['conf', 'echo.so', 'sockjs-sessiond'], 'nothing is made');
		return { code: status, stdout, stderr };
	} finally {
		fs.rmSync(copy, { recursive: true });
	}
}

const obstacles = {
	'static that is not there': ['static = nosuch', EX_CONFIG, /static: \S+\/nosuch: No such file or directory/],
	'a socket in a folder that is not there': ['socket = no/such/s', EX_UNAVAILABLE, /cannot listen on \S+\/no\/such\/s: there is no such folder/],
	'a socket in a folder of somebody else': ['socket = /proc/s', EX_UNAVAILABLE, /cannot listen on \/proc\/s: Permission denied \(this user may not make a file in its folder\)/],
	'a socket with too long a path': [`socket = ${'s'.repeat(120)}`, EX_CONFIG, /socket: the path is (longer|too long)/],
	'a socket for a group of others': ['socket = s\nsocket_group = root', EX_NOPERM, /socket_group must be one that this user is in/],
	'a control socket in a folder of somebody else': ['control = /proc/s', EX_UNAVAILABLE, /cannot listen on \/proc\/s: Permission denied \(this user may not make a file in its folder\)/],
	'a store in a folder of somebody else': ['store = /proc/s.db', EX_CONFIG, /the folder of the store \/proc\/s\.db: Permission denied/],
	'a store that is a folder': ['store = .', EX_CONFIG, /cannot open the store \S+: Is a directory/],
	'an address of another machine': ['listen = 192.0.2.1:80', EX_UNAVAILABLE, /cannot listen on 192\.0\.2\.1:80: Cannot assign requested address \(this machine has no such address\)/],
	'a path as an address': ['listen = /run/x.sock', EX_CONFIG, /listen: \/run\/x\.sock is not ADDR:PORT, .*`socket` is for the path/],
	'a comment behind an address': ['listen = 127.0.0.1:0 # here', EX_CONFIG, /listen: # begins no comment behind a value; ; does/],
	'an URL as an address': ['listen = http://localhost:8080', EX_CONFIG, /listen: http:\/\/localhost:8080 is not ADDR:PORT/],
};
for (const [name, [text, expected, words]] of Object.entries(obstacles))
	check(`the daemon's finds ${name}`, async () => {
		const { code, stderr } = await checkAsNobody(text);
		assert.match(stderr, words);
		assert.strictEqual(code, expected);
	});

check('a start that fails says why, too', async () => {
	for (const [line, expected, words] of [['socket = no/such/s', EX_UNAVAILABLE, /cannot listen on \S*no\/such\/s: No such file or directory \(its folder is not there\)$/m],
		['store = no/such/s.db', EX_CONFIG, /cannot open the store \S*no\/such\/s\.db: No such file or directory \(its folder is not there\)$/m]]) {
		const { code, stderr } = await runDaemon(['--config', confFile(`[server]\n${line}\n${ECHO}`), '--listen', '127.0.0.1:0']);
		assert.match(stderr, words);
		assert.strictEqual(code, expected);
	}
});

check('the daemon\'s leaves nothing behind, and says so if it could not look', async () => {
	const fine = await checkAsNobody('listen = *:0\nsocket = s\nstore = s.db\nstatic = .\ncontrol = none');
	assert.deepStrictEqual([fine.code, fine.stderr], [0, '']);
	const other = await checkAsNobody('user = daemon\nsocket = /proc/s');
	assert.strictEqual(other.code, 0, other.stderr);
	assert.match(other.stderr, /sockets, static, store and programs are not looked at: that takes root, or user daemon/);
});

check('the daemon\'s says which programs cannot be started; that of the other services can', async () => {
	const { code, stderr } = await checkAsNobody('socket = s\n[service /php]\nprogram = phpp chat.php\n[service /mine]\nprogram = ./chat.php\n[service /sh]\nprogram = sh chat.sh\n[service /c]\nprogram = sh -c exit\n');
	assert.strictEqual(code, 0, stderr);
	assert.match(stderr, /^sockjs-sessiond: \S+conf:\d+: program: phpp: there is no such program in PATH .*\nsockjs-sessiond: \S+conf:\d+: program: \.\/chat\.php: it, or .* is not there\nsockjs-sessiond: \S+conf:\d+: program: chat\.sh: No such file or directory, seen from the folder of sockjs\.conf\n$/);
});

check('the daemon\'s says what will not do what it is to: nowhere to listen, and names that nobody has', async () => {
	const nowhere = await checkAsNobody('');
	assert.strictEqual(nowhere.code, 0);
	assert.match(nowhere.stderr, /^sockjs-sessiond: nowhere to listen, if systemd passes no sockets: set `listen = 127\.0\.0\.1:8080` or `socket = PATH` in \[server\]\n$/);
	const names = await checkAsNobody('socket = s\nsocket_users = nobody nosuchuser\ncontrol_users = nogroup\npublish_users = @nogroup nobody, @nosuchgroup');
	assert.strictEqual(names.code, 0);
	assert.strictEqual(names.stderr, `sockjs-sessiond: socket_users: there is no user "nosuchuser"
sockjs-sessiond: control_users: there is no user "nogroup"; a group has a @ before it
sockjs-sessiond: publish_users: there is no group "nosuchgroup"
`);
});

check('the daemon\'s while the daemon runs: it is not in its own way, and another is named', async () => {
	const port = await freePort();
	const folder = fs.mkdtempSync(path.join(directory, 'running-'));
	const both = `listen = 127.0.0.1:${port}\nstore = ${folder}/s.db\n`;
	const file = confFile(`[server]\n${both}socket = ${folder}/s\n${ECHO}`);
	const daemon = new Daemon(program, ['--config', file]);
	await daemon.waitReady();
	const own = await runDaemon(['--config', file, '--check']);
	assert.deepStrictEqual([own.code, own.stderr], [0, '']);
	const other = await runDaemon(['--config', confFile(`[server]\n${both}${ECHO}`), '--check']);
	assert.strictEqual(other.code, 0);
	assert.match(other.stderr, new RegExp(`127\\.0\\.0\\.1:${port} is in use`));
	assert.match(other.stderr, new RegExp(`process ${daemon.pid} has the store`));
	await daemon.stop();
});

check('a socket of somebody dead that cannot be removed is no socket in use', { skip: nobody.length === 0 && 'there is nobody else' }, () => {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-stale-'));
	const socket = path.join(folder, 's');
	const conf = path.join(folder, 'conf');
	try {
		fs.writeFileSync(conf, `[server]\nsocket = ${socket}\n[fcgi]\nlisten = ${socket}\n`);
		spawnSync(process.execPath, ['-e', `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`]);
		fs.chmodSync(socket, 0o777);
		fs.chmodSync(folder, 0o1777); // sticky
		fs.copyFileSync(responderProgram, path.join(folder, 'sockjs.fcgi'));
		for (const args of [['--check'], []]) {
			const [command, ...rest] = [...nobody, path.join(folder, 'sockjs.fcgi'), '--config', conf, ...args];
			const { status, stderr } = spawnSync(command, rest, { encoding: 'utf8', timeout: 60000 });
			assert.strictEqual(status, EX_UNAVAILABLE, stderr);
			assert.match(stderr, /a dead process has left its socket, which this one cannot remove: (Permission denied|Operation not permitted)/);
		}
		assert.ok(fs.existsSync(socket));
	} finally {
		fs.rmSync(folder, { recursive: true });
	}
});

// --- the responder

const checkResponder = (text) => spawnSync(responderProgram, ['--config', confFile(`[server]\nsocket = ${directory}/sessiond\n[fcgi]\n${text}\n`), '--check'],
	{ encoding: 'utf8', timeout: 60000 });

check('the responder\'s accepts what a start would', async () => {
	for (const text of ['', 'autostart = on', `listen = ${directory}/fcgi`, `listen = 127.0.0.1:${await freePort()}`]) {
		const { status, stdout, stderr } = checkResponder(text);
		assert.deepStrictEqual([status, stderr], [0, '']);
		assert.match(stdout, /the configuration is fine\n$/);
	}
	assert.ok(!fs.existsSync(`${directory}/fcgi`));
});

check('the responder\'s finds what would stop it', () => {
	for (const [text, expected, words] of [['listen = /no/such/s', EX_UNAVAILABLE, /cannot listen on \/no\/such\/s: /],
		['listen = 192.0.2.1:9000', EX_UNAVAILABLE, /cannot listen on 192\.0\.2\.1:9000: /], ['listen = nine', EX_CONFIG, /neither a path nor ADDR:PORT/],
		['autostart = on\nsessiond = /no/such', EX_CONFIG, /sessiond: \/no\/such: No such file or directory/]]) {
		const { status, stderr } = checkResponder(text);
		assert.match(stderr, words);
		assert.strictEqual(status, expected);
	}
});

check('the responder\'s names an address that somebody has', async () => {
	const server = net.createServer();
	await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
	const { status, stderr } = checkResponder(`listen = 127.0.0.1:${server.address().port}`);
	server.close();
	assert.strictEqual(status, 0);
	assert.match(stderr, /127\.0\.0\.1:\d+ is in use/);
});

check('a responder that is started as plain CGI says so, to the browser as well', () => {
	const { status, stdout, stderr } = spawnSync(responderProgram, ['--config', confFile(`[server]\nsocket = ${directory}/sessiond\n`)],
		{ encoding: 'utf8', input: '', env: { ...process.env, GATEWAY_INTERFACE: 'CGI/1.1', REQUEST_METHOD: 'GET' } });
	assert.strictEqual(status, EX_USAGE);
	assert.match(stderr, /the web server has started this program as plain CGI/);
	assert.match(stdout, /^Status: 500 .*\r\nContent-Type: text\/plain.*\r\n\r\n.*plain CGI.*FastCGI/s);
});
