'use strict';

// A service whose application is asked through PHP-FPM (callback): straight and through lighttpd,
// with scripts that fail, and while PHP-FPM is stopped and started.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { startDaemon, withLog } = require('./lib/daemon');
const { eventually, expectLogged } = require('./lib/guard');
const { PhpFpm } = require('./lib/php_fpm');
const { startStack } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');

const SCRIPT = `<?php
// Notes what it is asked, then does what each message says.
ini_set('display_errors', '0');
ini_set('log_errors', '1');
$input = file_get_contents('php://input');
$asked = json_decode($input, true);
$id = $asked['connection']['id'];
$state = $asked['state'] ?? 0;
$calls = [];
foreach ($asked['events'] as $event) {
	$attempt = (int)$_SERVER['SOCKJS_ATTEMPT'];
	$note = [$_SERVER['SOCKJS_DELIVERY'], $attempt, $event['event'], $event['data'] ?? null];
	file_put_contents(__DIR__ . '/notes', json_encode($note) . "\\n", FILE_APPEND | LOCK_EX);
	[$word, $rest] = explode(' ', ($event['data'] ?? $event['event']) . ' ', 2);
	$write = fn($data) => ['call' => 'write', 'id' => $id, 'data' => trim($data)];
	switch ($word) {
	case 'connect':
		parse_str(parse_url($asked['connection']['url'], PHP_URL_QUERY) ?? '', $query);
		$calls[] = isset($query['refuse'])
			? ['call' => 'refuse', 'id' => $id, 'status' => (int)$query['refuse']]
			: ['call' => 'accept', 'id' => $id];
		break;
	case 'connection': $calls[] = $write('welcome'); break;
	case 'close': $calls[] = ['call' => 'publish', 'channel' => 'ends', 'data' => $id]; break;
	case 'echo': $calls[] = $write($rest); break;
	case 'id': $calls[] = $write($id); break;
	case 'count': $state++; break;
	case 'listen':
		$calls[] = ['call' => 'subscribe', 'id' => $id, 'channel' => trim($rest)];
		$calls[] = $write('listening');
		break;
	case 'tell': $calls[] = ['call' => 'publish', 'channel' => 'news', 'data' => trim($rest)]; break;
	case 'end':
		$calls[] = ['call' => 'close', 'id' => $id, 'code' => 3001, 'reason' => 'as asked'];
		break;
	case 'exit': exit;
	case 'fatal': undefined_function();
	case 'status': http_response_code(500); break;
	case 'text': exit('this is no JSON');
	case 'object': exit('{"call":"write"}');
	case 'kill': posix_kill(posix_getpid(), 9);
	case 'sleep': sleep(3); break;
	case 'once':
		if ($attempt === 1) exit;
		$calls[] = $write("attempt $attempt");
	}
	if ($word === 'count') $calls[] = $write("count $state");
}
$calls[] = ['call' => 'state', 'id' => $id, 'value' => $state];
header('Content-Type: application/json');
echo json_encode($calls);
`;

const hasFpm = PhpFpm.find() !== undefined;
const hasLighttpd = ['/usr/sbin/lighttpd', '/usr/bin/lighttpd'].some(fs.existsSync);
let folder, app, fpm, daemon, conf;

before(async () => {
	if (!hasFpm) return;
	folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-callback-'));
	const user = process.getuid() === 0 ? 'nobody' : undefined;
	app = path.join(folder, 'app');
	fs.mkdirSync(app);
	fs.chmodSync(folder, 0o755);
	if (user) execFileSync('chown', [user, app]);
	fs.writeFileSync(path.join(app, 'app.php'), SCRIPT);
	fpm = new PhpFpm(app, user);
	await fpm.start();
	const script = path.join(app, 'app.php');
	const callback = `callback = fastcgi:${fpm.socket} ${script}\ndisconnect_delay = 3s\n`;
	conf = `[server]
store = ${path.join(folder, 'store')}
[service /app]
${callback}
[service /door]
${callback}accept = application
[service /hurry]
${callback}callback_timeout = 1s
`;
	daemon = await startDaemon({ conf });
});
after(async () => {
	if (daemon) await daemon.stop();
	if (fpm) fpm.stop();
	if (folder) fs.rmSync(folder, { recursive: true, force: true });
});

const check = (name, body, skip = !hasFpm && 'PHP-FPM is not there') =>
	test(`callback: ${name}`, { skip }, withLog(() => daemon, body));

// What the script has noted: [delivery, attempt, event, data].
function notes() {
	const text = fs.readFileSync(path.join(app, 'notes'), 'utf8');
	return text.split('\n').slice(0, -1).map((line) => JSON.parse(line));
}

async function open(url = daemon.url, where = '/app/websocket') {
	const client = await WebSocketClient.connect(url, where);
	assert.equal(await client.readText(), 'welcome');
	return client;
}

async function ask(client, message) {
	client.send(message);
	return client.readText();
}

// A session that polls.
class Poller {
	constructor(url, service) {
		this.base = `${url}${service}/000/${Math.random().toString(36).slice(2)}`;
		this.messages = [];
	}

	async post(what, body) {
		return fetch(`${this.base}/${what}`, { method: 'POST', body });
	}

	// The next frame.
	async poll() {
		const answer = await this.post('xhr');
		assert.equal(answer.status, 200);
		const frame = (await answer.text()).trim();
		assert.ok(frame !== 'o' || !this.isOpen, 'its session has ended');
		this.isOpen = true;
		if (frame[0] === 'a') this.messages.push(...JSON.parse(frame.slice(1)));
		return frame;
	}

	async open() {
		assert.equal(await this.poll(), 'o');
		while (this.messages.length === 0) await this.poll();
		assert.deepEqual(this.messages.splice(0), ['welcome']);
	}

	async send(...messages) {
		const answer = await this.post('xhr_send', JSON.stringify(messages));
		assert.equal(answer.status, 204);
	}
}

check('write, state, publish, close', async () => {
	const one = await open(), other = await open();

	const odd = 'a\0"b" \u{1f600}\\</c>';
	assert.equal(await ask(one, `echo ${odd}`), odd);
	for (let n = 1; n <= 3; n++) assert.equal(await ask(one, 'count'), `count ${n}`);
	assert.equal(await ask(other, 'count'), 'count 1');
	assert.equal(await ask(other, 'listen news'), 'listening');
	one.send('tell the news');
	assert.equal(await other.readText(), 'the news');
	one.send('end');
	const { code, reason } = await one.readClose();
	assert.deepEqual({ code, reason }, { code: 3001, reason: 'as asked' });
	other.connection.close();
});

check('a repetition is told from the first time', async () => {
	const client = await open();
	assert.equal(await ask(client, 'once'), 'attempt 2');
	const [first, second] = notes().filter(([, , , data]) => data === 'once');
	assert.equal(first[0], second[0]);
	assert.match(first[0], /^[0-9a-f-]{36}:2-2$/);
	assert.deepEqual([first[1], second[1]], [1, 2]);
	client.connection.close();
});

check('through lighttpd', async () => {
	const file = path.join(folder, 'lighttpd.conf');
	fs.writeFileSync(file, conf.replace(/^store = .*$/m, ''));
	const stack = await startStack('lighttpd', { conf: file });
	try {
		const poller = new Poller(stack.url, '/app');
		await poller.open();
		await poller.send('count', 'echo b', 'count');
		while (poller.messages.length < 3) await poller.poll();
		assert.deepEqual(poller.messages, ['count 1', 'b', 'count 2']);
		const client = await open(stack.url);
		assert.equal(await ask(client, 'echo c'), 'c');
		client.connection.close();
	} finally {
		await stack.stop();
	}
}, !(hasFpm && hasLighttpd) && 'PHP-FPM or lighttpd is not there');

// All at once: each is asked three times, with pauses.
check('a message that no answer comes to ends its connection', async () => {
	const words = ['exit', 'fatal', 'status', 'text', 'object', 'kill', 'sleep'];
	const listener = await open();
	assert.equal(await ask(listener, 'listen ends'), 'listening');
	const clients = await Promise.all(words.map(async (word) => {
		const client = await open(daemon.url, word === 'sleep' ? '/hurry/websocket' : '/app/websocket');
		client.id = await ask(client, 'id');
		client.send(word);
		assert.equal((await client.readClose()).code, 4500, word);
		return client;
	}));
	for (const word of words) {
		const tries = notes().filter(([, , , data]) => data === word);
		assert.deepEqual(tries.map(([, attempt]) => attempt), [1, 2, 3], word);
	}
	// Their ends are told, once. (That of /hurry is published in its own service.)
	const ends = [];
	while (ends.length < words.length - 1) ends.push(await listener.readText());
	assert.deepEqual(ends.sort(), clients.slice(0, -1).map(({ id }) => id).sort());
	// Of lines that come so often the log has some.
	await expectLogged(daemon, /event data of connection \S+ was not handled by callback 3 times: /);
	await expectLogged(daemon, /callback: PHP message: PHP Fatal error: {2}Uncaught Error: Call to/);
	listener.connection.close();
});

check('it decides who is let in', async () => {
	const client = await open(daemon.url, '/door/websocket');
	assert.equal(await ask(client, 'echo in'), 'in');
	client.connection.close();
	const poller = new Poller(daemon.url, '/door');
	await poller.open();
	for (const status of [401, 403, 503]) {
		const url = `${daemon.url}/door/000/${status}/xhr?refuse=${status}`;
		const refused = await fetch(url, { method: 'POST' });
		assert.equal(refused.status, status);
	}
});

// Each has its messages handled in their order, once, whatever PHP-FPM does meanwhile.
async function chat(rounds) {
	const poller = new Poller(daemon.url, '/app'), expected = [];
	await poller.open();
	await poller.send('id');
	while (poller.messages.length === 0) await poller.poll();
	const [id] = poller.messages.splice(0);
	for (let round = 0; round < rounds; round++) {
		const messages = [`echo a${round}`, 'count', `echo b${round}`];
		await poller.send(...messages);
		expected.push(`a${round}`, `count ${round + 1}`, `b${round}`);
		while (poller.messages.length < expected.length) await poller.poll();
	}
	assert.deepEqual(poller.messages, expected);
	return id;
}

check('PHP-FPM is stopped and started', async () => {
	const CHATS = 10, ROUNDS = 12, STOPS = 3;
	const listener = await open();
	assert.equal(await ask(listener, 'listen ends'), 'listening');
	const former = notes().length;
	const chats = Array.from({ length: CHATS }, () => chat(ROUNDS));
	let running = true;
	const all = Promise.all(chats).finally(() => { running = false; });
	all.catch(() => {}); // it is awaited later
	for (let stop = 1; stop <= STOPS; stop++) {
		const enough = former + stop * CHATS * ROUNDS / (STOPS + 1);
		await eventually(() => !running || notes().length > enough, 'it is asked');
		fpm.stop();
		const isSaid = () => /callback: cannot connect to .*: no such file/.test(daemon.log());
		await eventually(() => !running || isSaid(), 'the log says so');
		await fpm.start();
	}
	const waited = new Set(await all), ended = new Set();
	// They do not poll any more: their ends are told, each once.
	while (waited.size > 0) {
		const id = await listener.readText();
		assert.ok(!ended.has(id), `the end of ${id} is told twice`);
		ended.add(id);
		waited.delete(id);
	}
	listener.connection.close();
});

check('a daemon that is killed', async () => {
	const poller = new Poller(daemon.url, '/app');
	const restart = async () => {
		await daemon.stop('SIGKILL');
		daemon = await startDaemon({ conf });
		poller.base = poller.base.replace(/^http:\/\/[^/]*/, daemon.url);
	};
	await poller.open();
	await poller.send('count', 'echo a');
	while (poller.messages.length < 2) await poller.poll();
	fpm.stop();
	await poller.send('count', 'echo b');
	await restart();
	await fpm.start();
	while (poller.messages.length < 4) await poller.poll();
	await restart();
	await poller.send('echo unique');
	while (poller.messages.length < 5) await poller.poll();
	assert.deepEqual(poller.messages, ['count 1', 'a', 'count 2', 'b', 'unique']);
	// What was not asked before has a delivery of its own.
	const [delivery] = notes().find(([, , , data]) => data === 'echo unique');
	assert.equal(notes().filter(([other]) => other === delivery).length, 1);
});
