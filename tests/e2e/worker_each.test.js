'use strict';

// One process a connection (`processes = each`): scripts of the kind that websocketd comes with run
// unchanged, straight and through lighttpd; and what becomes of process and connection when the
// other ends, does not read, or cannot be had.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Client } = require('./lib/addresses');
const { withLog } = require('./lib/daemon');
const { eventually, expectLogged } = require('./lib/guard');
const { Pair } = require('./lib/responder');
const { Session } = require('./lib/session');
const { startStack } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');
const { server, scripts, isAlive } = require('./lib/workers');

const files = scripts({
	'count.sh': `#!/bin/bash
# Simple example script that counts to 10.
for ((COUNT = 1; COUNT <= 10; COUNT++)); do
  echo $COUNT
  sleep 0.01
done
`,
	'greeter.py': `#!/usr/bin/env python3
import sys
# For each line FOO received on STDIN, respond with "Hello FOO!".
while True:
    line = sys.stdin.readline()
    if not line:
        break
    print("Hello %s!" % line.strip())
    sys.stdout.flush()
`,
	'greeter.pl': `#!/usr/bin/perl
use strict;
use warnings;
# Autoflush output
$| = 1;
# For each line FOO received on STDIN, respond with "Hello FOO!".
while (<>) {
  chomp;
  print "Hello $_!\\n";
}
`,
	'dump-env.sh': `#!/bin/bash
# Standard CGI(ish) environment variables, as defined in http://tools.ietf.org/html/rfc3875
NAMES="
  AUTH_TYPE CONTENT_LENGTH CONTENT_TYPE GATEWAY_INTERFACE PATH_INFO PATH_TRANSLATED QUERY_STRING
  REMOTE_ADDR REMOTE_HOST REMOTE_IDENT REMOTE_PORT REMOTE_USER REQUEST_METHOD REQUEST_URI
  SCRIPT_NAME SERVER_NAME SERVER_PORT SERVER_PROTOCOL SERVER_SOFTWARE UNIQUE_ID HTTPS
"
for NAME in \${NAMES}; do
	echo "\${NAME}=\${!NAME:-<unset>}"
done
# Additional HTTP headers
env | grep '^HTTP_'
`,
	// Says who it is, and ends with its input, and for nothing less.
	'pid.sh': '#!/bin/sh\ntrap "" TERM\necho $$\nwhile read line; do echo "$line"; done\necho bye >pids-$$\n',
	'fails.sh': '#!/bin/sh\nread line\necho "$line" >&2\nexit 3\n',
	'flood.sh': '#!/bin/sh\necho $$\ni=0\nwhile :; do i=$((i+1)); echo "line $i"; done\n',
	'deaf.sh': '#!/bin/sh\necho $$\nexec sleep 1000\n',
	'latin.sh': "#!/bin/sh\nprintf 'caf\\351 \\0 x\\n'\n",
});

const service = (name, program, more = '') =>
	`[service /${name}]\nprogram = ${program}\nprocesses = each\n${more}\n`;
const services = [
	service('count', files.path('count.sh')),
	service('python', `"${files.path('greeter.py')}"`),
	service('perl', `perl ${files.path('greeter.pl')}`),
	service('env', files.path('dump-env.sh'), `headers = cookie, proxy, x-mine
allowed_origins = http://example.org`),
	service('pid', files.path('pid.sh')),
	service('fails', files.path('fails.sh')),
	service('flood', files.path('flood.sh')),
	service('deaf', files.path('deaf.sh'), 'worker_queue_limit = 100k'),
	service('latin', files.path('latin.sh')),
	service('one', files.path('pid.sh'), 'max_processes = 1'),
	service('none', './no-such-program'),
].join('');

let pair;
before(async () => {
	pair = new Pair({ server: `${server}\nstore = ${files.path('store')}`, services });
	fs.chmodSync(pair.directory, 0o777);
	await pair.startSessiond({ listen: '127.0.0.1:0' });
});
after(async () => {
	await pair.stop();
	files.remove();
});

const check = (name, body) => test(`worker each: ${name}`, withLog(() => pair, body));
const openRaw = (prefix, headers) =>
	WebSocketClient.connect(pair.sessiond.url, `${prefix}/websocket?a=b`, { headers });
const context = () => new Client(pair.sessiond.url);

async function readAll(socket) {
	const lines = [];
	for (;;) {
		const { opcode, payload } = await socket.read();
		if (opcode === 8)
			return { lines, code: payload.readUInt16BE(0) };
		lines.push(String(payload));
	}
}

// All that a session over polls gets until it is closed.
async function pollAll(session) {
	const lines = [];
	for (;;) {
		const frame = await session.poll();
		if (frame[0] === 'c')
			return { lines, close: JSON.parse(frame.slice(1)) };
		if (frame[0] === 'a')
			lines.push(...JSON.parse(frame.slice(1)));
	}
}

const ONE_TO_TEN = Array.from({ length: 10 }, (_, i) => `${i + 1}`);

async function expectCounts(url) {
	const socket = await WebSocketClient.connect(url, '/count/websocket');
	assert.deepEqual(await readAll(socket), { lines: ONE_TO_TEN, code: 1000 });
	const session = new Session(new Client(url), '/count');
	await session.open();
	assert.deepEqual(await pollAll(session), { lines: ONE_TO_TEN, close: [1000, 'Normal closure'] });
	session.context.close();
}

async function expectGreets(url, prefix) {
	const socket = await WebSocketClient.connect(url, `${prefix}/websocket`);
	socket.send('Ann');
	assert.equal(await socket.readText(), 'Hello Ann!');
	socket.send('Bob\nund Eve');
	assert.equal(await socket.readText(), 'Hello Bob!');
	assert.equal(await socket.readText(), 'Hello und Eve!');
	socket.connection.close();
	const session = await new Session(new Client(url), prefix).open();
	await session.send(['ä', 'b']);
	const receiver = await session.receive('xhr_streaming');
	assert.deepEqual(await receiver.readMessages(2), ['Hello ä!', 'Hello b!']);
	session.context.close();
}

check('a counter', () => expectCounts(pair.sessiond.url));
check('a greeter in Python', () => expectGreets(pair.sessiond.url, '/python'));
check('a greeter in Perl', () => expectGreets(pair.sessiond.url, '/perl'));

check('one that dumps its environment', async () => {
	const socket = await openRaw('/env', {
		Origin: 'http://example.org',
		'User-Agent': 'test',
		Cookie: 'a=b',
		Proxy: 'http://evil',
		'X-Mine': '1 2',
	});
	const { lines } = await readAll(socket);
	const seen = Object.fromEntries(lines.map((line) => /^(\w+)=(.*)$/.exec(line).slice(1)));
	const { hostname, port } = new URL(pair.sessiond.url);
	assert.match(seen.SERVER_SOFTWARE, /^sockjs-fcgi\/\d/);
	assert.match(seen.UNIQUE_ID, /^[0-9a-f-]{36}$/);
	assert.match(seen.REMOTE_PORT, /^\d+$/);
	for (const name of ['SERVER_SOFTWARE', 'UNIQUE_ID', 'REMOTE_PORT'])
		delete seen[name];
	assert.deepEqual(seen, {
		AUTH_TYPE: '<unset>',
		CONTENT_LENGTH: '<unset>',
		CONTENT_TYPE: '<unset>',
		GATEWAY_INTERFACE: 'websocketd-CGI/0.1',
		PATH_INFO: '/websocket',
		PATH_TRANSLATED: '/env/websocket',
		QUERY_STRING: 'a=b',
		REMOTE_ADDR: hostname,
		REMOTE_HOST: hostname,
		REMOTE_IDENT: '<unset>',
		REMOTE_USER: '<unset>',
		REQUEST_METHOD: 'GET',
		REQUEST_URI: '/env/websocket?a=b',
		SCRIPT_NAME: '/env',
		SERVER_NAME: hostname,
		SERVER_PORT: port,
		SERVER_PROTOCOL: 'HTTP/1.1',
		HTTPS: '<unset>',
		HTTP_HOST: `${hostname}:${port}`,
		HTTP_ORIGIN: 'http://example.org',
		HTTP_USER_AGENT: 'test',
		HTTP_COOKIE: 'a=b',
		HTTP_X_MINE: '1 2',
	});
});

check('what is no UTF-8', async () => {
	assert.deepEqual((await readAll(await openRaw('/latin'))).lines, ['caf? \0 x']);
});

check('a status other than 0 is logged', async () => {
	const socket = await openRaw('/fails');
	socket.send('something is wrong');
	assert.deepEqual(await readAll(socket), { lines: [], code: 1000 });
	await expectLogged(pair, /error: \[service \/fails\]: process \d+ exited with status 3/);
	await expectLogged(pair, /error: \[service \/fails\]: process \d+: something is wrong/);
});

check('the process ends with its connection, in good order', async () => {
	const socket = await openRaw('/pid');
	const pid = Number(await socket.readText());
	assert.ok(isAlive(pid));
	socket.connection.close();
	await eventually(() => !isAlive(pid), 'the process ends');
	assert.ok(fs.existsSync(path.join(pair.directory, `pids-${pid}`)));
});

check('max_processes', async () => {
	const socket = await openRaw('/one');
	const pid = Number(await socket.readText());
	const refused = await context().request('POST', '/one/000/second/xhr');
	assert.equal(refused.status, 503);
	await expectLogged(pair, /error: \[service \/one\]: max_processes \(1\) reached/);
	socket.connection.close();
	await eventually(() => !isAlive(pid), 'the process ends');
	await eventually(async () => {
		const { status } = await context().request('POST', '/one/000/third/xhr');
		return status === 200;
	}, 'there is room again');
});

check('a program that is not there', async () => {
	assert.equal((await context().request('POST', '/none/000/s/xhr')).status, 503);
	await expectLogged(pair, /error: \[service \/none\]: program: \.\/no-such-program: it, or/);
});

// It sleeps: what it writes next has no room in the pipe.
const isBlocked = (pid) => /\) S /.test(fs.readFileSync(`/proc/${pid}/stat`, 'latin1'));

check('who reads slowly has the process wait, and gets all', async () => {
	const session = await new Session(context(), '/flood').open();
	const [pid, ...first] = JSON.parse((await session.poll()).slice(1));
	let looks = 0;
	await eventually(() => {
		looks = isBlocked(pid) ? looks + 1 : 0;
		return looks > 5;
	}, 'the process waits');
	for (let next = 1 + first.length; next < 50000; ) {
		const lines = JSON.parse((await session.poll()).slice(1));
		assert.equal(lines[0], `line ${next}`);
		next += lines.length;
		assert.equal(lines[lines.length - 1], `line ${next - 1}`);
	}
	session.context.close();
	await new Client(pair.sessiond.url).request('POST', `${session.path}/xhr_send`, { body: '[]' });
});

check('a process that does not read', async () => {
	const socket = await openRaw('/deaf');
	const pid = Number(await socket.readText());
	for (let i = 0; i < 50; i++)
		socket.send('x'.repeat(10000));
	assert.equal((await readAll(socket)).code, 4503);
	await eventually(() => !isAlive(pid), 'the process ends');
	await expectLogged(pair, /error: \[service \/deaf\]: worker_queue_limit \(102400\) reached: process \d+ does/);
});

check('neither outlives the daemon', async () => {
	const session = await new Session(context(), '/pid').open();
	const [pid] = JSON.parse((await session.poll()).slice(1));
	const poll = session.poll();
	const socket = await openRaw('/pid');
	const other = Number(await socket.readText());
	pair.sessiond.child.kill('SIGTERM');
	assert.equal(await poll, 'c[1001,"The server is stopping"]');
	assert.equal((await readAll(socket)).code, 1001);
	await pair.sessiond.exited;
	assert.ok(!isAlive(pid) && !isAlive(other));
	assert.ok(fs.existsSync(path.join(pair.directory, `pids-${pid}`)), 'it has read the end');
});

check('... also if that is killed', async () => {
	await pair.startSessiond({ listen: '127.0.0.1:0' });
	const session = await new Session(context(), '/pid').open();
	const [pid] = JSON.parse((await session.poll()).slice(1));
	pair.sessiond.child.kill('SIGKILL');
	await pair.sessiond.exited;
	await eventually(() => !isAlive(pid), 'the process ends');
	await pair.startSessiond({ listen: '127.0.0.1:0' });
	session.context = context();
	assert.equal((await session.sendRaw('["a"]')).status, 404);
});

check('through lighttpd', async () => {
	const conf = files.path('sockjs.conf');
	fs.writeFileSync(conf, `[server]\n${server}\n${services}`);
	const stack = await startStack('lighttpd', { conf });
	try {
		await expectCounts(stack.url);
		await expectGreets(stack.url, '/python');
		await expectGreets(stack.url, '/perl');
	} catch (error) {
		process.stderr.write(stack.log());
		throw error;
	} finally {
		await stack.stop();
	}
});
