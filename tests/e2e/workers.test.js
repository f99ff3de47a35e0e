'use strict';

// Applications that are processes which serve many connections (`program`, and `serve` over the
// control socket): what a client hears on each transport, and that nothing is lost or repeated when
// the process, the daemon, or both are killed, replaced or started anew.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { test, before, after } = require('node:test');
const SockJS = require('sockjs-client');
const { program, withLog } = require('./lib/daemon');
const { eventually, expectLogged } = require('./lib/guard');
const { Pair } = require('./lib/responder');
const { haveSubscribed } = require('./lib/subscribers');
const { WebSocketClient } = require('./lib/websocket');
const { server, scripts, isAlive } = require('./lib/workers');

// Notes each event in the file `events`, and does what messages say: ["echo","x"].
const application = (version) => `#!/usr/bin/env python3
import json, os, signal, sys
FOLDER = os.path.dirname(os.path.abspath(__file__))
states, calls = {}, []
def call(name, **members):
    calls.append(json.dumps(dict(call=name, **members)) + '\\n')
def say(id, *what):
    call('write', id=id, data=json.dumps(what))
def flush():
    OUT.write(''.join(calls))
    OUT.flush()
    calls.clear()
def die(id, *what):
    say(id, 'never')
    flush()
    os.kill(os.getpid(), signal.SIGKILL)
def die_once(id, name):
    if not os.path.exists(FOLDER + '/' + name):
        open(FOLDER + '/' + name, 'w').close()
        die(id)
    say(id, 'lived')
COMMANDS = {
    'echo': lambda id, text: say(id, text),
    'pid': lambda id: say(id, os.getpid()),
    'version': lambda id: say(id, ${version}),
    'state': lambda id, value: call('state', id=id, value=value),
    'get': lambda id: say(id, states.get(id)),
    'close': lambda id, code, reason: call('close', id=id, code=code, reason=reason),
    'subscribe': lambda id, channel: (call('subscribe', id=id, channel=channel), say(id, 'in')),
    'publish': lambda id, channel, text: call('publish', channel=channel, data=text),
    'others': lambda id, channel, text:
        call('publish', channel=channel, data=text, **{'except': id}),
    'wrong': lambda id: call('jump', ref=id),
    'die': die_once,
    'dies': die,
}
def main(source, target):
    global OUT
    OUT = target
    for line in source:
        event = json.loads(line)
        id = event.get('id')
        with open(FOLDER + '/events', 'a') as file:
            file.write(line)
        if event['event'] == 'connection':
            say(id, 'hello', event['protocol'], event['prefix'], event['headers'].get('x-mine'))
        elif event['event'] == 'connect':
            if 'no' in event['url']:
                call('refuse', id=id, status=401)
            else:
                call('accept', id=id)
        elif event['event'] == 'resume':
            states[id] = event['state']
        elif event['event'] == 'error' and event['code'] == 'unknown':
            say(event['ref'], 'unknown')
        elif 'base64' in event:
            call('write', id=id, base64=event['base64'])
        elif event['event'] == 'data':
            command, *arguments = json.loads(event['data'])
            COMMANDS[command](id, *arguments)
        if 'seq' in event:
            call('ack', seq=event['seq'])
        flush()
if __name__ == '__main__':
    main(sys.stdin, sys.stdout)
`;

// Connects, and serves; one text file for both ways would lose lines.
const guest = `#!/usr/bin/env python3
import os, socket, sys
if len(sys.argv) > 3:
    os.setgroups([]); os.setgid(int(sys.argv[3])); os.setuid(int(sys.argv[3]))
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
target, source = connection.makefile('w'), connection.makefile('r')
target.write('{"call":"serve","service":"%s"}\\n' % sys.argv[2])
target.flush()
if len(sys.argv) > 3:
    print(repr(source.read(100)))
else:
    import work
    work.main(source, target)
`;

const files = scripts({ 'work.py': application(1), 'guest.py': guest });
const services = `
[service /work]
program = python3 ${files.path('work.py')}
headers = x-mine
disconnect_delay = 60s
[service /two]
program = python3 ${files.path('work.py')}
processes = 2
[service /door]
program = python3 ${files.path('work.py')}
accept = application
[service /served]
module = worker
worker_timeout = 100
[service /patient]
module = worker
worker_timeout = 5m
`;

let pair;
before(async () => {
	pair = new Pair({ server: `${server}\nstore = ${files.path('store')}`, services });
	fs.chmodSync(pair.directory, 0o777);
	pair.sessiond = await pair.start(program, ['--supervise', '--listen', '127.0.0.1:0']);
	pair.sessiond.url = `http://${/127\.0\.0\.1:\d+/.exec(pair.sessiond.stdout)[0]}`;
});
after(async () => {
	await pair.stop();
	files.remove();
});

const check = (name, body) => test(`workers: ${name}`, withLog(() => pair, body));

// The events of a name that the application has heard.
function eventsOf(name) {
	const file = files.path('events');
	// Of a line a part may be there.
	const lines = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
	const events = lines.map((line) => JSON.parse(line));
	return events.filter(({ event }) => event === name);
}

// How often it has heard that this connection is closed.
function closesOf(id) {
	return eventsOf('close').filter((event) => event.id === id).length;
}

// A real client; next(): the next thing that it hears, decoded.
class Client {
	constructor(transport, prefix = '/work') {
		this.heard = [];
		const options = { transports: transport, timeout: 20000 };
		this.socket = new SockJS(pair.sessiond.url + prefix, null, options);
		this.socket.onmessage = ({ data }) => this.heard.push(data);
		this.socket.onclose = ({ code, reason }) => {
			this.closed = `${code} ${reason}`;
		};
	}

	say(...what) {
		this.socket.send(JSON.stringify(what));
	}

	async text() {
		await eventually(() => this.heard.length > 0, 'something is heard');
		return this.heard.shift();
	}

	async next() {
		return JSON.parse(await this.text());
	}
}

let names = 0;

// One that polls by hand, and goes on with the next daemon.
class Poller {
	constructor(prefix = '/work') {
		this.path = `${prefix}/000/poller${++names}_${process.pid}`;
		this.heard = [];
	}

	async ask(what, body) {
		for (;;) {
			try {
				const url = `${pair.sessiond.url}${this.path}/${what}`;
				const answer = await fetch(url, { method: 'POST', body });
				return { status: answer.status, text: await answer.text() };
			} catch (error) {
				await new Promise((resolve) => setTimeout(resolve, 50));
			}
		}
	}

	async open() {
		assert.equal((await this.ask('xhr')).text, 'o\n');
		return this;
	}

	async say(...what) {
		const { status } = await this.ask('xhr_send', JSON.stringify([JSON.stringify(what)]));
		assert.equal(status, 204);
	}

	async next() {
		while (this.heard.length === 0) {
			const { text } = await this.ask('xhr');
			if (text[0] === 'a')
				this.heard.push(...JSON.parse(text.slice(1)));
			else
				assert.equal(text, 'h\n');
		}
		return JSON.parse(this.heard.shift());
	}
}

// --- what is heard ------------------------------------------------------------------------------

for (const transport of ['websocket', 'xhr-streaming', 'xhr-polling'])
	check(`a client on ${transport}`, async () => {
		const client = new Client(transport);
		assert.deepEqual(await client.next(), ['hello', transport, '/work', null]);
		client.say('echo', 'h\u00e9 \u{1f600}\u0000');
		assert.deepEqual(await client.next(), ['h\u00e9 \u{1f600}\u0000']);
		client.say('wrong');
		assert.deepEqual(await client.next(), ['unknown']);
		const { id } = eventsOf('connection').at(-1);
		client.say('close', 3333, 'bye');
		await eventually(() => client.closed, 'it is closed');
		assert.equal(client.closed, '3333 bye');
		await eventually(() => closesOf(id) > 0, 'its end is told');
	});

check('a raw websocket, with text and bytes', async () => {
	const headers = { 'X-Mine': 'me' };
	const socket = await WebSocketClient.connect(pair.sessiond.url, '/work/websocket', { headers });
	const hello = '["hello", "websocket-raw", "/work", "me"]';
	assert.equal(String((await socket.read()).payload), hello);
	const bytes = Buffer.from([0, 255, 1]);
	socket.sendBinary(bytes);
	const { opcode, payload } = await socket.read();
	assert.equal(opcode, 2);
	assert.deepEqual(payload, bytes);
	socket.sendClose(1000);
});

check('channels', async () => {
	const [one, two] = [new Client('websocket'), new Client('xhr-streaming')];
	for (const client of [one, two]) {
		await client.next();
		client.say('subscribe', 'news');
		assert.deepEqual(await client.next(), ['in']);
	}
	await haveSubscribed(pair, 'news', 2);
	one.say('others', 'news', '1');
	assert.equal(await two.text(), '1');
	two.say('publish', 'news', '2');
	assert.equal(await one.text(), '2');
	assert.equal(await two.text(), '2');
	one.socket.close();
	two.socket.close();
});

check('two processes share the connections', async () => {
	const clients = Array.from({ length: 4 }, () => new Client('websocket', '/two'));
	const pids = new Map();
	for (const client of clients) {
		await client.next();
		client.say('pid');
		const [pid] = await client.next();
		pids.set(pid, (pids.get(pid) || 0) + 1);
	}
	assert.deepEqual([...pids.values()], [2, 2]);
	clients.forEach(({ socket }) => socket.close());
});

check('who is let in', async () => {
	const socket = await WebSocketClient.connect(pair.sessiond.url, '/door/websocket?yes');
	assert.match(String((await socket.read()).payload), /hello/);
	socket.sendClose(1000);
	const path = '/door/websocket?no';
	const refused = await WebSocketClient.connect(pair.sessiond.url, path, { check: false });
	assert.equal((await refused.answer).status, 401);
	const poller = new Poller('/door');
	assert.equal((await poller.ask('xhr?no')).status, 401);
	assert.equal((await poller.open()).heard.length, 0);
	assert.equal((await poller.next())[0], 'hello');
});

// --- ends ---------------------------------------------------------------------------------------

check('a process that is killed', async () => {
	const client = new Client('websocket');
	await client.next();
	client.say('state', { n: 1 });
	client.say('die', 'died');
	client.say('get');
	assert.deepEqual(await client.next(), ['lived'], 'what it called before it died is not done');
	assert.deepEqual(await client.next(), [{ n: 1 }]);
	client.socket.close();
});

check('a message that every process dies of', async () => {
	const client = new Client('xhr-streaming');
	await client.next();
	client.say('dies');
	await eventually(() => client.closed, 'it is closed');
	assert.match(client.closed, /^4500 /);
	assert.deepEqual(client.heard, []);
	await expectLogged(pair, /\/work\]: event data of connection \S+ has ended its process 3 times/);
});

// The daemons that a supervisor has started: its children.
function daemonPids() {
	const { pid } = pair.sessiond;
	const text = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
	return text.split(' ').filter(Boolean).map(Number);
}

async function replaceDaemons(signal) {
	const former = daemonPids();
	const told = signal === 'SIGUSR2' ? [pair.sessiond.pid] : former;
	const areOthers = (pids) => pids.length === former.length && !pids.some((pid) => former.includes(pid));
	told.forEach((pid) => process.kill(pid, signal));
	await eventually(() => areOthers(daemonPids()), 'other daemons are there');
	assert.ok(!former.some(isAlive));
}

check('a daemon that is killed', async () => {
	const poller = await new Poller().open();
	assert.deepEqual((await poller.next())[0], 'hello');
	const socket = new Client('websocket');
	await socket.next();
	const { id } = eventsOf('connection').at(-1);
	await poller.say('state', [7]);
	await poller.say('echo', 'before');
	assert.deepEqual(await poller.next(), ['before']);
	await replaceDaemons('SIGKILL');
	await poller.say('get');
	assert.deepEqual(await poller.next(), [[7]]);
	await eventually(() => closesOf(id) > 0, 'the end of the websocket is told');
	assert.equal(closesOf(id), 1);
});

check('a graceful restart repeats nothing', async () => {
	const poller = await new Poller().open();
	await poller.next();
	for (let i = 0; i < 20; i++)
		await poller.say('echo', i);
	const heard = [(await poller.next())[0]];
	const before = eventsOf('data').length;
	await replaceDaemons('SIGUSR2');
	while (heard.length < 20)
		heard.push((await poller.next())[0]);
	await poller.say('echo', 'end');
	assert.deepEqual(await poller.next(), ['end']);
	assert.deepEqual(heard, Array.from({ length: 20 }, (_, i) => i));
	assert.ok(eventsOf('data').length <= before + 20);
});

check('a reload with another program loses nothing', async () => {
	const client = new Client('websocket');
	const poller = await new Poller().open();
	await client.next();
	await poller.next();
	client.say('version');
	assert.deepEqual(await client.next(), [1]);
	fs.writeFileSync(files.path('next.py'), application(2), { mode: 0o755 });
	pair.rewrite((text) => text.replace('work.py', 'next.py'));
	for (let i = 0; i < 50; i++)
		client.say('echo', i);
	process.kill(pair.sessiond.pid, 'SIGHUP');
	for (let i = 0; i < 50; i++)
		assert.deepEqual(await client.next(), [i]);
	let version;
	while (version !== 2) {
		client.say('version');
		[version] = await client.next();
	}
	await poller.say('version');
	assert.deepEqual(await poller.next(), [2]);
	assert.equal(client.closed, undefined);
	client.socket.close();
});

// --- processes that connect ---------------------------------------------------------------------

function startGuest(control, ...args) {
	const child = spawn('python3', [files.path('guest.py'), path.join(pair.directory, control), ...args],
		{ stdio: ['ignore', 'pipe', 'pipe'] });
	child.text = '';
	for (const stream of [child.stdout, child.stderr])
		stream.setEncoding('utf8').on('data', (text) => { child.text += text; });
	child.ended = new Promise((resolve) => { child.on('close', resolve); });
	return child;
}

// One for each daemon: several have sockets of their own, with a number behind the name.
function startGuests(service) {
	const names = fs.readdirSync(pair.directory).filter((name) => name.startsWith('control.sock'));
	const own = names.length === 1 ? names : names.filter((name) => /\d$/.test(name));
	return own.map((name) => startGuest(name, service));
}

function end(children) {
	children.forEach((child) => child.kill('SIGKILL'));
	return Promise.all(children.map(({ ended }) => ended));
}

check('a process that connects, and none', async () => {
	const asks = async () => (await new Poller('/served').ask('xhr')).status;
	await eventually(async () => await asks() === 503, 'nobody is there');
	const guests = startGuests('/served');
	await eventually(async () => await asks() === 200, 'somebody is there');
	await end(guests);
});

check('what waits for a process that connects', async () => {
	const guests = startGuests('/patient');
	const client = new Client('xhr-streaming', '/patient');
	assert.deepEqual(await client.next(), ['hello', 'xhr-streaming', '/patient', null]);
	client.say('echo', 'x');
	assert.deepEqual(await client.next(), ['x']);
	await end(guests);
	client.say('echo', 'waits');
	const next = startGuests('/patient');
	assert.deepEqual(await client.next(), ['waits']);
	client.socket.close();
	await end(next);
});

check('who may not serve', async () => {
	if (process.getuid() !== 0)
		return;
	const child = startGuest('control.sock', '/served', '12345');
	await child.ended;
	assert.doesNotMatch(child.text, /hello/);
	assert.match(child.text, /PermissionError|40[03]/);
});

check('a first line that is none', async () => {
	const socket = net.connect(path.join(pair.directory, 'control.sock'));
	let text = '';
	socket.setEncoding('utf8').on('data', (more) => { text += more; });
	socket.write('{"call":"serve","service":"/nowhere"}\n');
	await new Promise((resolve) => { socket.on('end', resolve); });
	assert.equal(text, '{"event":"error","ref":null,"code":"unknown","message":'
		+ '"there is no [service /nowhere] with `module = worker` or `program`"}\n');
});
