'use strict';

// The modules of examples/, each driven by the real sockjs-client over websocket and over polling:
// what it is for, what it answers to bad input, and that nobody else is bothered.

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Client, connect } = require('./lib/client');
const { startDaemon, runDaemon, temporaryDirectory, withLog } = require('./lib/daemon');
const { Connection, request } = require('./lib/http');
const { WebSocketClient } = require('./lib/websocket');
const { srcdir } = require('./lib/stack');

const directory = temporaryDirectory();
process.on('exit', () => fs.rmSync(directory, { recursive: true, force: true }));

const SECRET = 'a secret that both sides know';
const secretFile = (name, content, mode) => {
	const file = path.join(directory, name);
	fs.writeFileSync(file, content);
	fs.chmodSync(file, mode);
	return file;
};
const secret = secretFile('secret', `${SECRET}\n`, 0o640);

let daemon;
before(async () => {
	daemon = await startDaemon({
		conf: `
[server]
disconnect_delay = 2s ; what the end may have to wait for
[service /echo]
module = echo
[service /ticker]
module = ticker
[service /chat]
module = chat
[service /other_chat]
module = chat
[service /multiplex]
module = multiplex
[service /auth]
module = auth
module.secret_file = ${secret}
[service /worker]
module = worker-threads
module.queue = 2
[service /busy]
module = worker-threads
module.threads = 1
module.queue = 1
`,
	});
});
// Jobs wait when it is stopped: it ends all the same, and a sanitizer finds nothing wrong.
after(async () => {
	const { code } = await daemon.stop();
	assert.strictEqual(code, 0, daemon.log());
});

const check = (name, body) => test(`examples: ${name}`, withLog(() => daemon, body));
const open = (service, transports) => connect(`${daemon.url}${service}`, { transports });

// The messages that arrive after those that were read, one by one; `ask` sends and reads the next.
async function talker(service, transports) {
	const client = await open(service, transports);
	let read = 0;
	const next = async () => (await client.received(++read))[read - 1];
	const send = (message) => client.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
	return {
		client, next, send, close: () => client.close(),
		json: async () => JSON.parse(await next()),
		ask: (message) => { send(message); return next(); },
		// Whatever is still on its way arrives before the answer to a message that has none of its
		// own.
		unread: () => client.messages.slice(read),
	};
}

async function enter(service, transport, room, name) {
	const person = await talker(service, transport);
	const { id, welcome } = await person.json();
	assert.strictEqual(typeof welcome, 'string');
	person.id = id;
	person.send({ join: room, name });
	person.names = (await person.json()).names;
	assert.deepStrictEqual(await person.json(), { id, joined: name });
	return person;
}

const sign = (claim, key = SECRET) => `${claim}.${crypto.createHmac('sha256', key).update(claim).digest('hex')}`;
const soon = () => Math.floor(Date.now() / 1000) + 60;

const transports = ['websocket', 'xhr-polling'];

check('echo sends back, ticker ticks', () => Promise.all(transports.map(async (transport) => {
	const [echo, ticker] = [await talker('/echo', transport), await talker('/ticker', transport)];
	assert.strictEqual(await echo.ask('ä€😀'), 'ä€😀');
	assert.strictEqual(await ticker.next(), 'tick!');
	await Promise.all([echo.close(), ticker.close()]);
})));

for (const transport of transports) {
	const over = (name, body) => check(`${name}, over ${transport}`, body);

	over('chat: two rooms hear themselves alone, and know who is there', async () => {
		const ann = await enter('/chat', transport, 'tea', 'Ann');
		assert.deepStrictEqual(ann.names, { [ann.id]: 'Ann' });
		const bob = await enter('/chat', transport, 'tea', 'Bob "the" Ä');
		assert.deepStrictEqual(bob.names, { [ann.id]: 'Ann', [bob.id]: 'Bob "the" Ä' });
		const cat = await enter('/chat', transport, 'coffee', 'Ann');
		assert.deepStrictEqual(cat.names, { [cat.id]: 'Ann' });
		const dan = await enter('/other_chat', transport, 'tea', 'Dan');
		assert.deepStrictEqual(dan.names, { [dan.id]: 'Dan' }, 'another service has other rooms');
		assert.deepStrictEqual(await ann.json(), { id: bob.id, joined: 'Bob "the" Ä' });
		ann.send({ say: 'Hello' });
		for (const person of [ann, bob])
			assert.deepStrictEqual(await person.json(), { id: ann.id, said: 'Hello' });
		cat.send({ say: 'to coffee' });
		assert.deepStrictEqual(await cat.json(), { id: cat.id, said: 'to coffee' });
		ann.send({ join: 'coffee', name: 'Anna' });
		assert.deepStrictEqual(await bob.json(), { id: ann.id, left: 'Ann' });
		assert.deepStrictEqual((await ann.json()).names, { [cat.id]: 'Ann', [ann.id]: 'Anna' });
		assert.deepStrictEqual(await ann.json(), { id: ann.id, joined: 'Anna' });
		assert.deepStrictEqual(await cat.json(), { id: ann.id, joined: 'Anna' });
		bob.send({ say: 'without Ann' });
		assert.deepStrictEqual(await bob.json(), { id: bob.id, said: 'without Ann' });
		ann.send({ leave: true });
		assert.deepStrictEqual(await cat.json(), { id: ann.id, left: 'Anna' });
		ann.send({ say: 'from outside' });
		assert.match((await ann.json()).error, /join/);
		await bob.close();
		const eve = await enter('/chat', transport, 'tea', 'Eve');
		for (const person of [cat, dan])
			assert.deepStrictEqual(person.unread(), []);
		if (transport === 'websocket')
			assert.deepStrictEqual(eve.names, { [eve.id]: 'Eve' }, 'who closes has left');
		await Promise.all([ann, cat, dan, eve].map((person) => person.close()));
	});

	over('chat: who errs hears of it, and nobody else', async () => {
		const good = await enter('/chat', transport, 'quiet', 'Good');
		const bad = await enter('/chat', transport, 'quiet', 'Bad');
		await good.json();
		for (const [message, expected] of [['', /end of file|expected/], ['no JSON', /expected near/], ['[1', /\]/], ['{"say": "\ud800"}', /./], ['{"say": "\\ud800"}', /Unicode/],
			['"say"', /expected near/], ['[]', /join/], ['{}', /join/], ['{"say": 1}', /join/], ['{"join": "tea"}', /join/], ['{"join": 1, "name": "x"}', /join/],
			[`{"say": "${'x'.repeat(5000)}"}`, /4096/], ['['.repeat(4000), /depth/]]) {
			bad.send(message);
			const { id, error } = await bad.json();
			assert.match(error, expected, message.slice(0, 40));
			assert.strictEqual(id, bad.id);
		}
		bad.send({ say: 'at last' });
		assert.deepStrictEqual(await good.json(), { id: bad.id, said: 'at last' });
		await Promise.all([good.close(), bad.close()]);
	});

	over('multiplex: channels, with commas in what they carry', async () => {
		const [one, two] = [await talker('/multiplex', transport), await talker('/multiplex', transport)];
		for (const message of ['sub,echo', 'sub,news', 'sub,once', 'sub,echo'])
			one.send(message);
		two.send('sub,news');
		for (const payload of ['a,b,,c', '', ',', 'sub,news', 'ä€😀', 'x\0y'])
			assert.strictEqual(await one.ask(`msg,echo,${payload}`), `msg,echo,${payload}`);
		assert.strictEqual(await two.ask('msg,news,1,2'), 'msg,news,1,2');
		assert.strictEqual(await one.next(), 'msg,news,1,2');
		assert.strictEqual(await one.ask('msg,once,x'), 'msg,once,that was it, goodbye');
		assert.strictEqual(await one.next(), 'uns,once');
		one.send('uns,news');
		assert.strictEqual(await one.ask('msg,news,x'), 'uns,news', 'a closed channel says so');
		assert.strictEqual(await two.ask('msg,news,y'), 'msg,news,y');
		assert.strictEqual(await one.ask('msg,echo,end'), 'msg,echo,end', 'nothing else has come');
		for (const [message, expected] of [['', 'err,,'], ['sub', 'err,,'], ['msg,', 'err,,'], ['sub,no', 'err,no,there is no'], [`sub,${'n'.repeat(1000)}`, 'err,,there is no'],
			['msg,echo', 'err,echo,'], ['xyz,echo,a', 'err,echo,'], ['sub,ech', 'err,ech,'], ['sub,echoes', 'err,echoes,'], [',,,,,', 'err,,']]) {
			const answer = await one.ask(message);
			assert.ok(answer.startsWith(expected), `${message}: ${answer}`);
		}
		await one.close();
		assert.strictEqual(await two.ask('msg,news,z'), 'msg,news,z');
		await two.close();
	});

	over('auth: a good token, and then the application', async () => {
		const visitor = await talker(`/auth?token=${sign(`Ann.${soon()}`)}`, transport);
		assert.strictEqual(await visitor.next(), 'Ann');
		assert.strictEqual(await visitor.ask('anything'), 'anything');
		await visitor.close();
	});

	over('auth: no token, a forged one, one that has expired', async () => {
		const good = sign(`Ann.${soon()}`);
		const refused = async (query) => {
			const client = new Client(`${daemon.url}/auth${query}`, { transports: transport });
			await client.closeCode();
			assert.deepStrictEqual(client.messages, [], query);
		};
		await refused('');
		await refused(`?token=${good.replace('Ann', 'Bob')}`);
	});

	over('worker-threads: a slow job delays nobody', async () => {
		const worker = await talker('/worker', transport);
		const echo = await talker('/echo', transport);
		worker.send('5000000');
		let echoes = 0;
		for (; worker.client.messages.length === 0; echoes++)
			await echo.ask(`${echoes}`);
		assert.strictEqual(await worker.next(), '5000000: 348513 primes');
		// The last one may have waited for the job.
		assert.ok(echoes > 2, `${echoes} echoes`);
		await Promise.all([worker.close(), echo.close()]);
	});

	over('worker-threads: answers, and what is no number', async () => {
		const worker = await talker('/worker', transport);
		for (const [message, expected] of [['0', '0: 0 primes'], ['2', '2: 1 primes'], ['100', '100: 25 primes'], ['100000', '100000: 9592 primes'],
			...['', 'x', '1.5', '-1', '10000001', '99999999999999999999999', '12 and more than that'].map((message) => [message, 'expected a number up to 10000000'])])
			assert.strictEqual(await worker.ask(message), expected, message);
		await worker.close();
	});

	over('worker-threads: a full queue says so, and a client that has gone harms nothing', async () => {
		const [one, two] = [await talker('/busy', transport), await talker('/busy', transport)];
		for (let i = 0; i < 12; i++)
			one.send('500000');
		assert.strictEqual(await one.next(), 'busy, try again');
		await one.close();
		let answer;
		do
			answer = await two.ask('10');
		while (answer === 'busy, try again');
		assert.strictEqual(answer, '10: 4 primes');
		await two.close();
	});
}

check('a raw websocket\'s binary messages are no text: refused where text is expected', async () => {
	for (const [service, expected] of [['/chat', /"error"/], ['/multiplex', /^err,,/], ['/worker', /^expected/]]) {
		const client = await WebSocketClient.connect(daemon.url, `${service}/websocket`);
		if (service === '/chat')
			assert.match(await client.readText(), /welcome/);
		client.sendBinary(Buffer.from([0x73, 0x75, 0x62, 0x2c, 0xff, 0xfe, 0x2c, 0x80]));
		assert.match(await client.readText(), expected);
		client.connection.close();
	}
});

check('jobs that wait do not keep the daemon from ending', async () => {
	const own = await startDaemon({ conf: '[service /worker]\nmodule = worker-threads\nmodule.queue = 256\n' });
	const client = await WebSocketClient.connect(own.url, '/worker/websocket');
	for (let i = 0; i < 200; i++)
		client.send('10000000');
	client.send('x');
	assert.match(await client.readText(), /expected/);
	client.connection.close();
	assert.strictEqual((await own.stop()).code, 0, own.log());
});

check('auth: the status says what is wrong with a token', async () => {
	const good = sign(`Ann.${soon()}`);
	const statusOf = async (query) => {
		const statuses = [
			(await request(daemon.url, 'POST', `/auth/000/${crypto.randomBytes(6).toString('hex')}/xhr${query}`)).status,
			(await WebSocketClient.handshake(await Connection.open(daemon.url), `/auth/websocket${query}`, { check: false })).answer.status,
		];
		return statuses[1] === statuses[0] ? statuses[0] : statuses;
	};
	for (const token of ['', 'x', '..', 'Ann', `Ann.${soon()}`, `.${soon()}.${'0'.repeat(64)}`])
		assert.strictEqual(await statusOf(`?token=${token}`), 401, token);
	for (const token of [good.replace('Ann', 'Bob'), sign(`Ann.${soon()}`, 'another secret of the same'), good.slice(0, -1), `${good}0`,
		good.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')), `Ann.${soon()}.x`,
		sign(`Ann.${soon()}`).replace(/\.(\d+)\./, (_, expiry) => `.${Number(expiry) + 1}.`)])
		assert.strictEqual(await statusOf(`?token=${token}`), 403, token);
	for (const token of [sign(`Ann.${Math.floor(Date.now() / 1000) - 1}`), sign('Ann.0')])
		assert.strictEqual(await statusOf(`?token=${token}`), 401, token);
	assert.strictEqual(await statusOf(''), 401);
	assert.strictEqual((await request(daemon.url, 'POST', `/auth/000/aaaaaaaa/xhr?c=x&token=${good}&t=1`)).status, 200);
});

for (const [what, conf, expected] of [
	['no secret', 'module = auth', /sockjs\.conf:1:.*secret_file: expected/],
	['a secret that is not there', 'module = auth\nmodule.secret_file = /nonexistent', /secret_file: expected/],
	['a secret that all may read', () => `module = auth\nmodule.secret_file = ${secretFile('open', SECRET, 0o644)}`, /mode 640/],
	['a secret that the group may write', () => `module = auth\nmodule.secret_file = ${secretFile('writable', SECRET, 0o660)}`, /mode 640/],
	['a short secret', () => `module = auth\nmodule.secret_file = ${secretFile('short', 'fifteen letters\n', 0o600)}`, /16 characters/],
	['an option that auth does not know', 'module = auth\nmodule.secret = x', /no option "module.secret"/],
	...['amplify', 'broadcast', 'chat', 'close', 'echo', 'multiplex', 'ticker'].map((name) =>
		[`an option for ${name}, which has none`, `module = ${name}\nmodule.secret = x`, /sockjs\.conf:3: .*no option "module.secret"/]),
	['too many threads', 'module = worker-threads\nmodule.threads = 17', /sockjs\.conf:3:/],
	['a queue without room', 'module = worker-threads\nmodule.queue = 0', /sockjs\.conf:3:/],
])
	test(`examples: ${what}: the daemon says so and does not start`, async () => {
		const file = path.join(directory, 'sockjs.conf');
		fs.writeFileSync(file, `[service /x]\n${typeof conf === 'function' ? conf() : conf}\n`);
		const { code, stderr } = await runDaemon(['--config', file, '--listen', '127.0.0.1:1']);
		assert.notStrictEqual(code, 0);
		assert.match(stderr, expected);
	});

test('examples: each is short enough to be read', () => {
	for (const name of ['echo.c', 'ticker.c', 'chat.c', 'multiplex.c', 'auth.c', 'worker-threads.c', 'haproxy.cfg'])
		assert.ok(fs.readFileSync(path.join(srcdir, 'examples', name), 'utf8').split('\n').length <= 120, name);
});
