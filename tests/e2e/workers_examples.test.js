'use strict';

// The chats of examples/ in other languages, each driven by the real sockjs-client through lighttpd
// and through Apache with mod_fcgid: two clients in a room, and the application killed under them.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { giveAway, processesOf } = require('../chaos.d/application');
const { connect } = require('./lib/client');
const { temporaryDirectory } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { PhpFpm } = require('./lib/php_fpm');
const { startStack, srcdir } = require('./lib/stack');

const LIMIT = 60000; // ms
const isThere = (program) => spawnSync(program, ['--version']).error === undefined;
const missing = (program) => (isThere(program) ? false : `there is no ${program}`);
// Another user may not look everywhere that PATH leads.
const found = (name) => (fs.existsSync(`/usr/bin/${name}`) ? `/usr/bin/${name}` : name);
const run = (name) => (script) => `program = ${found(name)} ${script}`;

// What the page shows; whether it is there; the lines of its service.
const CHATS = {
	'chat.php': { by: /^PHP \d/, skip: missing('php'), lines: run('php') },
	'chat.py': { by: /^Python 3/, skip: missing('python3'), lines: run('python3') },
	'chat.pl': { by: /^Perl 5/, skip: missing('perl'), lines: run('perl') },
	'chat.js': { by: /^JavaScript, Node v/, skip: missing('node'), lines: run('node') },
	'chat.sh': {
		by: /^POSIX shell$/,
		skip: false,
		lines: (script, { rooms }) => `program = sh ${script} ${rooms}\nprocesses = each`,
	},
	'chat_callback.php': {
		by: /^PHP \d.*fpm/,
		skip: PhpFpm.find() ? false : 'there is no PHP-FPM',
		lines: (script, { fpm }) => `callback = fastcgi:${fpm.socket} ${script}`,
	},
};
const names = Object.keys(CHATS).filter((name) => !CHATS[name].skip);

// --- a stack with all of them

// Copies it: another user may not look where the sources are.
function service(name, folder, places) {
	const script = path.join(folder, name);
	fs.copyFileSync(path.join(srcdir, 'examples', name), script);
	fs.chmodSync(script, 0o644);
	return `[service /${name.replace('.', '_')}]\n${CHATS[name].lines(script, places)}\n`;
}

async function startChats(kind) {
	const folder = temporaryDirectory(), rooms = path.join(folder, 'rooms');
	fs.mkdirSync(rooms);
	giveAway(rooms);
	const user = giveAway(folder);
	const fpm = new PhpFpm(folder, user);
	const services = names.map((name) => service(name, folder, { rooms, fpm }));
	const server = `[server]\n${user ? `user = ${user}\n` : ''}store = ${folder}/sessions.db\n`;
	const conf = path.join(folder, 'sockjs.conf');
	fs.writeFileSync(conf, `${server}${services.join('')}`);
	if (names.includes('chat_callback.php')) await fpm.start();
	const stack = await startStack(kind, { conf });
	const pids = (name) => processesOf(stack, path.join(folder, name));
	const signal = (name, which) => pids(name).forEach((pid) => process.kill(pid, which));
	const kill = {
		// The daemon starts another one.
		worker: async (name) => {
			await eventually(() => pids(name).length === 1, `${name} runs`, LIMIT);
			const [victim] = pids(name);
			process.kill(victim, 'SIGKILL');
			const isAnother = () => pids(name).length === 1 && pids(name)[0] !== victim;
			return eventually(isAnother, `${name} runs again`, LIMIT);
		},
		callback: async () => {
			fpm.stop();
			await fpm.start();
		},
	};
	const stop = async () => {
		await stack.stop();
		fpm.stop();
		fs.rmSync(folder, { recursive: true, force: true });
	};
	return { url: stack.url, signal, kill, stop, log: () => stack.log() + fpm.log() };
}

// --- people

// A client that reads one message after the other.
async function visitor(url, transports) {
	const client = await connect(url, { transports, timeout: LIMIT });
	let read = 0;
	const next = async () => JSON.parse((await client.received(++read))[read - 1]);
	const send = (message) => client.socket.send(JSON.stringify(message));
	return { client, next, send, unread: () => client.messages.slice(read) };
}

async function enter(url, transports, room, name, by) {
	const person = await visitor(url, transports);
	const welcome = await person.next();
	assert.match(welcome.by, by);
	assert.match(welcome.welcome, /join a room/);
	person.id = welcome.id;
	person.send({ join: room, name });
	person.names = (await person.next()).names;
	assert.deepEqual(await person.next(), { id: person.id, joined: name });
	return person;
}

const hears = async (person, ...messages) => {
	for (const message of messages) assert.deepEqual(await person.next(), message);
};

async function chat(chats, name) {
	const url = `${chats.url}/${name.replace('.', '_')}`;
	const { by } = CHATS[name];
	const ann = await enter(url, 'xhr-polling', 'tea', 'Ann', by);
	assert.deepEqual(ann.names, { [ann.id]: 'Ann' });
	const bob = await enter(url, 'websocket', 'tea', 'Bob "the" Ä€😀', by);
	assert.deepEqual(bob.names, { [ann.id]: 'Ann', [bob.id]: 'Bob "the" Ä€😀' });
	await hears(ann, { id: bob.id, joined: 'Bob "the" Ä€😀' });
	const cat = await enter(url, 'xhr-polling', 'coffee', 'Cat', by);
	assert.deepEqual(cat.names, { [cat.id]: 'Cat' }, 'another room');

	const text = 'Hello \\ "you" €😀\n';
	ann.send({ say: text });
	for (const person of [ann, bob]) await hears(person, { id: ann.id, said: text });
	bob.send('nonsense');
	assert.match((await bob.next()).error, /join/);

	await killed(chats, name, ann, bob);
	const dan = await enter(url, 'websocket', 'tea', 'Dan', by);
	assert.equal(dan.names[ann.id], 'Ann', 'who is there is known again');
	await hears(ann, { id: dan.id, joined: 'Dan' });
	await dan.client.close();
	await hears(ann, { id: dan.id, left: 'Dan' });
	ann.send({ leave: true });
	ann.send({ say: 'from outside' });
	assert.match((await ann.next()).error, /join/);
	assert.deepEqual(cat.unread(), []);
	for (const person of [ann, cat]) person.client.socket.close();
}

// Nothing is lost and nothing comes twice; in the end Bob leaves.
async function killed(chats, name, ann, bob) {
	if (name === 'chat.sh') {
		process.kill(Number(bob.id), 'SIGTERM'); // his process
		assert.equal((await bob.client.closed).wasClean, true);
		return hears(ann, { id: bob.id, left: 'Bob "the" Ä€😀' });
	}
	const texts = Array.from({ length: 20 }, (_, i) => `message ${i}`);
	const say = (some) => some.forEach((text) => ann.send({ say: text }));
	say(texts.slice(0, 10));
	const done = chats.kill[name === 'chat_callback.php' ? 'callback' : 'worker'](name);
	say(texts.slice(10));
	await done;
	const said = texts.map((text) => ({ id: ann.id, said: text }));
	for (const person of [ann, bob]) await hears(person, ...said);
	if (name !== 'chat_callback.php') await stopped(chats, name, ann, bob);
	await bob.client.close();
	return hears(ann, { id: bob.id, left: 'Bob "the" Ä€😀' });
}

// A process that is killed with somebody's join: the next one knows who is there before it comes.
async function stopped(chats, name, ann, bob) {
	const eve = await visitor(ann.client.socket.url, 'websocket');
	const { id } = await eve.next();
	chats.signal(name, 'SIGSTOP');
	eve.send({ join: 'tea', name: 'Eve' });
	await chats.kill.worker(name);
	const { names } = await eve.next();
	assert.deepEqual(names, { [ann.id]: 'Ann', [bob.id]: bob.names[bob.id], [id]: 'Eve' });
	await eve.client.close();
	for (const person of [ann, bob]) await hears(person, { id, joined: 'Eve' }, { id, left: 'Eve' });
}

for (const kind of ['lighttpd', 'apache-fcgid']) {
	let chats;
	before(async () => { chats = await startChats(kind); });
	after(() => chats?.stop());
	for (const [name, { skip }] of Object.entries(CHATS))
		test(`workers examples: ${name} through ${kind}`, { skip, timeout: 3 * LIMIT }, async () => {
			try {
				await chat(chats, name);
			} catch (error) {
				console.error(chats.log().split('\n').slice(-60).join('\n'));
				throw error;
			}
		});
}

test('workers examples: each is short enough to be read', () => {
	for (const name of Object.keys(CHATS)) {
		const text = fs.readFileSync(path.join(srcdir, 'examples', name), 'utf8');
		assert.ok(text.split('\n').length <= 60, name);
	}
});
