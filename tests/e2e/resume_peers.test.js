'use strict';

// A service with resume = on, seen by others: the client that stays away for too long, sockjs-client
// itself, and peers that say what no client would.

const assert = require('node:assert');
const http = require('node:http');
const { test, before, after } = require('node:test');
const WebSocket = require('ws');
const { connect } = require('./lib/client');
const { startDaemon, withLog, withTimeout } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { CuttingProxy } = require('./lib/cutting_proxy');
const { Talker } = require('./lib/resume');

const LIMIT = 20000; // ms
const OTHER_KEY = '0123456789abcdef'.repeat(2);

const conf = `
[server]
guesses_per_minute = 5
[service /echo]
module = echo
resume = on
resume_timeout = 2s
log_level = debug
queue_limit = 100k
[service /close]
module = close
resume = on
[service /plain]
module = echo
`;

let daemon;
before(async () => { daemon = await startDaemon({ conf }); });
after(async () => { if (daemon) await daemon.stop(); });
const check = (name, body) => test(name, withLog(() => daemon, body));

// A leg, spoken by hand over a websocket.
class Leg {
	constructor(id = `resume-home~${Math.random()}`.replace('.', ''), service = '/echo') {
		this.told = [];
		this.changed = () => {};
		this.socket = new WebSocket(`ws://127.0.0.1:${daemon.port}${service}/000/${id}/websocket`);
		this.socket.on('error', () => {});
		this.socket.on('message', (data) => {
			const text = String(data);
			if (text[0] === 'a')
				this.told.push(...JSON.parse(text.slice(1)));
			if (text[0] === 'c')
				[this.code] = JSON.parse(text.slice(1));
			this.changed();
		});
		this.opened = new Promise((resolve) => { this.socket.on('open', () => resolve(this)); });
	}

	say(...messages) {
		this.socket.send(JSON.stringify(messages));
	}

	until(condition, what) {
		return withTimeout(new Promise((resolve) => {
			this.changed = () => { if (condition(this)) resolve(this); };
			this.changed();
		}), LIMIT, () => `not within ${LIMIT} ms: ${what}; told ${JSON.stringify(this.told).slice(0, 300)}, closed ${this.code}`);
	}

	heard(text) {
		return this.until(() => this.told.includes(text), text);
	}

	async closedWith(code) {
		await this.until(() => this.code !== undefined, `close ${code}`);
		assert.strictEqual(this.code, code);
		this.socket.terminate();
	}

	// With a new session, whose key it has then.
	async begin() {
		await this.opened;
		this.say('~n');
		await this.until(() => this.told.length > 0, 'open');
		const found = /^~o2000 ([0-9a-f]{32})$/.exec(this.told[0]);
		assert.ok(found, this.told[0]);
		[, this.key] = found;
		return this;
	}
}

const begin = () => new Leg().begin();

const ends = () => daemon.log().split('detached -> ended (times out)').length - 1;

check('the network is away for longer than resume_timeout: one close, and both sides know', async () => {
	const before = ends();
	const proxy = await new CuttingProxy(daemon.port, 0).listen();
	const talker = await new Talker(`${proxy.url}/echo`, 'websocket').opened;
	await talker.until(() => talker.got > 10, 'some echoes');
	proxy.leave();
	assert.deepStrictEqual(await talker.closed(), { code: 1006, reason: 'The server could not be reached again', wasClean: false });
	await eventually(() => ends() === before + 1, 'the daemon has ended the session');
	proxy.close();
	assert.strictEqual(talker.closes.length, 1);
	assert.strictEqual(talker.socket.readyState, 3);
});

check('it is back after that: the session is gone', async () => {
	const before = ends();
	const leg = await begin();
	leg.socket.terminate();
	await eventually(() => ends() === before + 1, 'the daemon has ended the session');
	const late = await new Leg().opened;
	late.say(`~r0 ${leg.key}`);
	await late.closedWith(2021);
});

check('the application closes: the code arrives, once', async () => {
	const talker = new Talker(`${daemon.url}/close`, 'websocket');
	assert.deepStrictEqual(await talker.closed(), { code: 3000, reason: 'Go away!', wasClean: true });
	assert.strictEqual(talker.closes.length, 1);
});

check('the interface is that of SockJS', async () => {
	const { ResumingSockJS } = require('./lib/resume');
	const url = `${daemon.url}/echo`;
	assert.throws(() => new ResumingSockJS('ftp://x/echo'), SyntaxError);
	const socket = new ResumingSockJS(url, null, { transports: 'websocket', bufferLimit: 1000 });
	const told = [];
	const gone = () => told.push('wrong');
	for (const type of ['open', 'message', 'close'])
		socket.addEventListener(type, (event) => told.push([event.type, event.data, event.code, event.target === socket]));
	socket.addEventListener('message', gone);
	socket.removeEventListener('message', gone);
	assert.deepStrictEqual([socket.url, socket.readyState, socket.OPEN, ResumingSockJS.CLOSED], [url, 0, 1, 3]);
	assert.throws(() => socket.send('early'), /InvalidStateError/);
	await eventually(() => socket.readyState === 1, 'open');
	assert.strictEqual(socket.transport, 'websocket');
	assert.throws(() => socket.close(1001), /InvalidAccessError/);
	assert.throws(() => socket.close(1000, 'x'.repeat(124)), SyntaxError);
	socket.send(5);
	await eventually(() => told.length === 2, 'a message');
	await eventually(() => socket.bufferedAmount === 0, 'it is acknowledged');
	socket.close();
	socket.close();
	socket.send('late');
	await eventually(() => socket.readyState === 3 && told.length === 3, 'closed');
	assert.deepStrictEqual(told, [['open', undefined, undefined, true], ['message', '5', undefined, true], ['close', undefined, 1000, true]]);

	const full = new ResumingSockJS(url, null, { transports: 'websocket', bufferLimit: 1000 });
	const closed = new Promise((resolve) => { full.onclose = resolve; });
	full.onopen = () => { full.send('x'.repeat(600)); full.send('x'.repeat(600)); };
	assert.strictEqual((await withTimeout(closed, LIMIT, 'it is closed')).code, 1008);

	const nowhere = new ResumingSockJS(`${daemon.url}/nowhere`);
	assert.strictEqual((await withTimeout(new Promise((resolve) => { nowhere.onclose = resolve; }), LIMIT, 'no close')).code, 1002);
});

// What sockjs-client says and hears is compared with what it says and hears of a service without.
check('sockjs-client itself notices nothing', async () => {
	const hear = async (service, transport) => {
		const client = await connect(daemon.url + service, { transports: transport });
		for (const message of ['a', '~n', '~', '~~', '', '~c', '~a5'])
			client.socket.send(message);
		const received = [...await client.received(7)];
		return { received, close: await client.close(), transport: client.transport };
	};
	for (const transport of ['websocket', 'xhr-streaming', 'xhr-polling', 'eventsource'])
		assert.deepStrictEqual(await hear('/echo', transport), await hear('/plain', transport));
});

check('its info, and its answers to what is wrong, are those of another service', async () => {
	const ask = (path, method = 'GET') => new Promise((resolve, reject) => {
		http.request(daemon.url + path, { method }, (answer) => {
			const { date, 'content-length': length, ...headers } = answer.headers; // entropy has more digits or fewer
			let body = '';
			answer.on('data', (data) => { body += data; });
			answer.on('end', () => resolve({ status: answer.statusCode, headers, body: body.replace(/"entropy":\d+/, '') }));
		}).on('error', reject).end();
	});
	for (const [path, method] of [['/info'], [''], ['/000/abcdefgh/xhr_send', 'POST'], ['/000/abcdefgh/xhr', 'POST'], ['/websocket']])
		assert.deepStrictEqual(await ask(`/echo${path}`, method), await ask(`/plain${path}`, method));
});

check('a leg by hand: a session goes on', async () => {
	const first = await begin();
	first.say('one', '~~two');
	await first.heard('~~two');
	first.socket.terminate();
	const second = await new Leg().opened;
	second.say(`~r1 ${first.key}`);
	await second.heard('~~two');
	assert.deepStrictEqual(second.told, ['~r2', '~~two']);
	second.say('~c');
	await second.closedWith(1000);
});

check('counts that cannot be', async () => {
	for (const wrong of ['~a1', '~a-1', '~a9007199254740992', '~a18446744073709551617', '~a', '~x', '~0 x', '~5', '~o1 x']) {
		const leg = await begin();
		leg.say(wrong);
		await leg.closedWith(2020);
		const next = await new Leg().opened;
		next.say(`~r0 ${leg.key}`);
		await next.heard('~r0');
		next.say('~c');
		await next.closedWith(1000);
	}
	const leg = await begin();
	const next = await new Leg().opened;
	next.say(`~r1 ${leg.key}`);
	await next.closedWith(2021);
});

check('two legs at once: the second takes over, and the first is told', async () => {
	const first = await begin();
	first.say('one');
	await first.heard('one');
	const second = await new Leg().opened;
	second.say(`~r0 ${first.key}`);
	await second.heard('one');
	await first.closedWith(2022);
	second.say('two');
	await second.heard('two');
	second.say('~c');
	await second.closedWith(1000);
});

check('who sends and never acknowledges reaches queue_limit, and only that session ends', async () => {
	const other = await begin();
	const leg = await begin();
	for (let i = 0; i < 200; i++)
		leg.say('x'.repeat(1000));
	await leg.until(() => leg.told.some((text) => text.startsWith('~c1008')), 'it is closed');
	other.say('still here');
	await other.heard('still here');
	other.say('~c');
	await other.closedWith(1000);
});

check('no first message that is one', async () => {
	for (const wrong of ['hello', '~a0', '~?', '~c', '', '~r', `~r0 ${OTHER_KEY.toUpperCase()}`]) {
		const leg = await new Leg().opened;
		leg.say(wrong);
		await leg.closedWith(2020);
	}
});

// The last: it uses the guesses of this address up.
check('a flood of legs that guess keys is refused, and who is there goes on', async () => {
	const leg = await begin();
	const legs = await Promise.all(Array.from({ length: 50 }, () => new Leg().opened));
	for (const each of legs)
		each.say(`~r0 ${OTHER_KEY}`);
	await Promise.all(legs.map((each) => each.until(() => each.code !== undefined, 'an answer')));
	const codes = legs.map(({ code }) => code);
	assert.deepStrictEqual([...new Set(codes)].sort(), [1001, 2021]);
	assert.ok(codes.filter((code) => code === 2021).length <= 5);
	for (const each of legs)
		each.socket.terminate();
	leg.say('here');
	await leg.heard('here');
	leg.socket.terminate();
	const again = await new Leg().opened;
	again.say(`~r1 ${leg.key}`);
	await again.heard('~r1');
	again.socket.terminate();
});
