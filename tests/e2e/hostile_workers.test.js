'use strict';

// Programs of `processes = N` that do everything wrong. The connections of another service notice
// nothing, the log names the service and what was wrong, and nobody is left behind.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { after } = require('node:test');
const { Client } = require('./lib/addresses');
const { guard, eventually, expectLogged } = require('./lib/guard');
const { Session } = require('./lib/session');
const { WebSocketClient } = require('./lib/websocket');
const { server, scripts, isAlive } = require('./lib/workers');

const files = scripts({
	// Says what is wrong for each message, and tells its client the codes that come back.
	'broken.pl': `#!/usr/bin/perl
use strict; use warnings; use JSON::PP; $| = 1;
my ($id, @codes);
while (<STDIN>) {
	my $event = decode_json($_);
	if ($event->{event} eq 'error') {
		push @codes, $event->{code};
		print encode_json({call => 'write', id => $id, data => encode_json(\\@codes)}), "\\n"
			if ($event->{ref} // '') eq 'last';
	}
	if ($event->{event} eq 'data') {
		$id = $event->{id};
		print qq({"call":"ack","seq":$event->{seq}}\\n);
		print "this is no JSON\\n", "{\\"call\\":\\n", "[1]\\n", "7\\n", "{}\\n", "{\\"call\\":7}\\n";
		print "\\0\\xff\\xfe\\n", '[' x 100000, "\\n", qq({"call":"ack"}\\n);
		print qq({"call":"ack","seq":-1}\\n{"call":"ack","seq":99999}\\n);
		print qq({"call":"no such call"}\\n{"call":"write","data":"x"}\\n);
		print qq({"call":"write","id":"$id"}\\n{"call":"write","id":"$id","data":7}\\n);
		print qq({"call":"close","id":"$id","code":1}\\n{"call":"write","id":"?","data":"x"}\\n);
		print qq({"call":"close","id":"?","ref":"last"}\\n);
	}
	print qq({"call":"ack","seq":$event->{seq}}\\n) if $event->{event} eq 'connection';
}
`,
	'endless.sh': '#!/bin/sh\nread hello\nread event\nexec head -c 1000000000 /dev/zero\n',
	'deaf.sh': '#!/bin/sh\necho $$ >>pids\nexec sleep 1000\n',
	'mute.sh': '#!/bin/sh\necho $$ >>pids\nwhile read line; do :; done\n',
	'forks.sh': `#!/bin/sh
(setsid sleep 2 &)
sleep 1000 &
echo $! >>pids
read hello
read event
`,
	'exits.sh': '#!/bin/sh\nexit 7\n',
	'screams.sh': '#!/bin/sh\nread hello\nread event\nyes I am not well | head -n 10000 >&2\nexit 8\n',
	'stays.sh': `#!/bin/sh
trap '' TERM INT HUP
echo $$ >>pids
while read line; do echo '{"call":"ack","seq":1}'; done
while :; do echo '{"call":"publish","channel":"c","data":"still here"}'; done
`,
	'new.pl': `#!/usr/bin/perl
use strict; use warnings; use JSON::PP; $| = 1;
while (<STDIN>) {
	my $event = decode_json($_);
	print encode_json({call => 'write', id => $event->{id}, data => 'new'}), "\\n"
		if $event->{event} =~ /^(connection|resume)$/;
	print qq({"call":"ack","seq":$event->{seq}}\\n) if $event->{seq};
}
`,
});

const service = (name, program, more = '') => `[service /${name}]\nprogram = ${program}\n${more}\n`;
const conf = `[server]
${server}
log_level = error
store = ${files.path('store')}
[service /echo]
module = ${files.path('echo.so')}
${service('broken', files.path('broken.pl'))}
${service('endless', files.path('endless.sh'))}
${service('deaf', files.path('deaf.sh'), 'worker_queue_limit = 100k\ndisconnect_delay = 60s')}
${service('mute', files.path('mute.sh'), 'ack_timeout = 200ms')}
${service('forks', files.path('forks.sh'))}
${service('exits', files.path('exits.sh'), 'worker_timeout = 300ms')}
${service('none', './no-such-program', 'worker_timeout = 300ms')}
${service('screams', files.path('screams.sh'))}
${service('stays', files.path('stays.sh'))}
`;

const { check } = guard('hostile workers', conf, { folderMode: 0o777 });

let pids = [];
after(async () => {
	files.remove();
	await eventually(() => !pids.some(isAlive), () => `all are dead: ${pids.filter(isAlive)}`);
});

const notePids = (daemon) => {
	const file = path.join(daemon.directory, 'pids');
	pids = fs.readFileSync(file, 'utf8').trim().split('\n').map(Number);
};
const open = (daemon, prefix) => WebSocketClient.connect(daemon.url, `${prefix}/websocket`);

// An event that a process has died of three times ends its connection.
async function expectDeadly(daemon, prefix, line) {
	const socket = await open(daemon, prefix);
	for (;;) {
		const { opcode, payload } = await socket.read(30000);
		if (opcode !== 8) continue;
		assert.equal(payload.readUInt16BE(0), 4500);
		break;
	}
	await expectLogged(daemon, line);
}

async function expectRefused(daemon, prefix) {
	const client = new Client(daemon.url);
	await eventually(async () => {
		const { status } = await client.request('POST', `${prefix}/000/${client.uniqueId()}/xhr`);
		return status === 503;
	}, 'new clients are refused');
	client.close();
}

check('broken JSON, unknown calls and ids', async (daemon) => {
	const socket = await open(daemon, '/broken');
	socket.send('try');
	const codes = JSON.parse(await socket.readText());
	assert.deepEqual(codes, [
		...Array(11).fill('invalid'), 'unknown', ...Array(4).fill('invalid'), 'gone', 'gone',
	]);
	await expectLogged(daemon, /error: .*\/broken.*: process \d+: invalid: a line is no JSON: this is no JSON$/m);
	socket.connection.close();
});

check('a line without end', (daemon) =>
	expectDeadly(daemon, '/endless', /\/endless.* wrote a line of more than 1048576 bytes/));

check('one that never acknowledges', (daemon) =>
	expectDeadly(daemon, '/mute', /\/mute.*: process \d+ is ended: it has not acknowledged/));

check('one whose children keep its pipes', (daemon) =>
	expectDeadly(daemon, '/forks', /\/forks.*: process \d+ exited with status 0/));

check('one that floods the log', async (daemon) => {
	await expectDeadly(daemon, '/screams', /\/screams.*: process \d+ exited with status 8/);
	await expectLogged(daemon, /\/screams.* writes more than 100 lines to its stderr/);
	assert.ok(daemon.log().split('I am not well').length < 1000);
});

check('one that ends at once', async (daemon) => {
	await expectRefused(daemon, '/exits');
	await expectLogged(daemon, /\/exits.*: process \d+ exited with status 7/);
});

check('one that is not there', async (daemon) => {
	await expectRefused(daemon, '/none');
	await expectLogged(daemon, /\/none.*: program: \.\/no-such-program: it, or the interpreter/);
});

check('one that never reads', async (daemon) => {
	const session = await new Session(new Client(daemon.url), '/deaf').open();
	const body = JSON.stringify(['x'.repeat(50000)]);
	await eventually(async () => {
		const { status } = await session.sendRaw(body);
		assert.ok(status === 204 || status === 503, `${status}`);
		return status === 503;
	}, 'sends are refused');
	await expectRefused(daemon, '/deaf');
	await expectLogged(daemon, /\/deaf.*worker_queue_limit/);
	session.context.close();
});

check('one that ignores TERM, and writes while it is stopped', async (daemon) => {
	const socket = await open(daemon, '/stays');
	const file = path.join(daemon.directory, 'sockjs.conf');
	fs.writeFileSync(file, conf.replace(files.path('stays.sh'), files.path('new.pl')));
	daemon.child.kill('SIGHUP');
	assert.equal(await socket.readText(30000), 'new');
	socket.connection.close();
	notePids(daemon);
	assert.ok(pids.some(isAlive));
});
