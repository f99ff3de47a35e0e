'use strict';

// An account on a shared Apache where nothing can run as a service: the responder starts sessiond
// (`autostart = on`), and starts it again.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { eventually } = require('./lib/guard');
const { request } = require('./lib/http');
const { startStack, srcdir } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');

const LIMIT = 30000; // ms
const AT_ONCE = 20; // requests, each in a process of its own

const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-autostart-'));
fs.chmodSync(temporary, 0o711);
let stack;

before(async () => {
	stack = await startStack('htaccess', {
		conf: [path.join(srcdir, 'tests/services.conf'), path.join(__dirname, 'autostart.conf')],
		env: { TMPDIR: temporary },
	});
});
after(async () => {
	if (stack) await stack.stop();
	fs.rmSync(temporary, { recursive: true, force: true });
});

// The processes of this stack whose program has that name: {pid, args}.
const processes = (name) => execFileSync('ps', ['-e', '-o', 'pid=,stat=,args='])
	.toString()
	.split('\n')
	.map((line) => line.trim().split(/\s+/))
	.filter(([, stat, program, ...rest]) => stat && stat[0] !== 'Z' && path.basename(program) === name && [program, ...rest].join(' ').includes(temporary))
	.map(([pid, , ...args]) => ({ pid: Number(pid), args }));

// Daemons, or their supervisors.
const daemons = (supervisors = false) => processes('sockjs-sessiond')
	.filter(({ args }) => args.includes('--supervise') === supervisors)
	.map(({ pid }) => pid);

async function echoes(id) {
	const post = (what, body = '') => request(stack.url, 'POST', `/echo/000/${id}/${what}`, { body, timeout: LIMIT });
	assert.equal((await post('xhr')).text, 'o\n');
	assert.equal((await post('xhr_send', '["x"]')).status, 204);
	assert.equal((await post('xhr')).text, 'a["x"]\n');
}

const check = (name, body) =>
	test(`.htaccess with autostart: ${name}`, async () => {
		try {
			await body();
		} catch (error) {
			console.error(stack.log());
			throw error;
		}
	});

check('a session echoes, and so does a websocket', async () => {
	await echoes('first');
	const socket = await WebSocketClient.connect(stack.url, '/echo/000/socket/websocket');
	assert.equal(await socket.readText(), 'o');
	socket.send('["x"]');
	assert.equal(await socket.readText(), 'a["x"]');
	socket.connection.close();
});

// Else a send that comes while each process holds a poll would wait until one of them ends.
check('sends have processes of their own', async () => {
	await echoes('other');
	for (const name of ['sockjs.fcgi', 'sockjs-send.fcgi'])
		assert.ok(processes(name).length > 0, name);
});

check('a daemon that is killed is started again, once, whoever asks', async () => {
	const [killed, ...others] = daemons();
	assert.deepEqual(others, []);
	process.kill(killed, 'SIGKILL');
	await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => echoes(`again${index}`)));
	const now = daemons();
	assert.equal(now.length, 1, `${now.length} daemons run`);
	assert.notEqual(now[0], killed);
	await eventually(() => stack.pids.sessiond[0] === now[0], () => `the stack knows of it\n${stack.log()}`, LIMIT);
	assert.deepEqual(stack.pids.supervisor, daemons(true));
});

check('a supervisor that is killed is started again, once, and its daemon has made way', async () => {
	const [killed, ...others] = daemons(true);
	const [former] = daemons();
	assert.deepEqual(others, []);
	process.kill(killed, 'SIGKILL');
	await eventually(() => !daemons().includes(former), 'the daemon has ended', LIMIT);
	await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => echoes(`anew${index}`)));
	assert.equal(daemons(true).length, 1);
	assert.equal(daemons().length, 1);
});

check('the configuration beside the program is nobody\'s business', async () => {
	assert.equal((await request(stack.url, 'GET', '/sockjs.conf')).status, 403);
	assert.equal((await request(stack.url, 'GET', '/.htaccess')).status, 403);
	assert.match((await request(stack.url, 'GET', '/')).text, /<html/);
});

check('the stack takes the daemon along', async () => {
	await stack.stop();
	await eventually(() => daemons().length + daemons(true).length === 0, 'the daemon has ended', LIMIT);
	assert.deepEqual(fs.readdirSync(temporary), []);
});
