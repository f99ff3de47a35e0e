'use strict';

// SIGHUP: options, services and modules change, and nobody's connection or session ends by it.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test } = require('node:test');
const { allAsleep } = require('./lib/asleep');
const { program: sessiond, withLog } = require('./lib/daemon');
const fastcgi = require('./lib/fastcgi');
const { eventually } = require('./lib/guard');
const { Connection, formatRequest, openStream, request } = require('./lib/http');
const { LocalPeer, encodeHello, encodeSend, TYPE } = require('./lib/local_socket');
const { Pair } = require('./lib/responder');
const { freePort, srcdir } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');

const PATIENCE = 10000; // ms
const RELOADS = 50;
const modules = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'tests/modules');

const section = (prefix, module, lines = '') => `[service ${prefix}]\nmodule = ${module}\n${lines}\n`;

// A daemon whose log has what it did, and a responder before it.
class Site extends Pair {
	static async start(services, server = '') {
		const site = new Site();
		site.write(services, server);
		await site.startSessiond({ listen: `127.0.0.1:${await freePort()}` });
		await site.startResponder();
		site.url = site.sessiond.url;
		return site;
	}

	write(services, server = '') {
		fs.writeFileSync(this.file, `[server]\nsocket = ${this.socket}\nstore = sessions.db\n${server}\n${services}`);
	}

	// Lines of the daemon's log, without those of requests.
	lines(words) {
		return this.sessiond.stderr.split('\n').filter((line) => line.includes(words));
	}

	// Resolves with the lines that say how the reload ended.
	async hangUp() {
		const ends = () => this.sessiond.stderr.split('\n').slice(0, -1).filter((line) => /: (reloaded: |.*the old configuration stays$)/.test(line));
		const before = ends().length;
		process.kill(this.sessiond.pid, 'SIGHUP');
		await eventually(() => ends().length > before, 'the reload is over', PATIENCE);
		return ends().at(-1);
	}

	async reload(services, server) {
		this.write(services, server);
		const line = await this.hangUp();
		assert.match(line, /reloaded: /);
		return line.replace(/^.*reloaded: /, '');
	}

	direct(method, target, body) {
		return request(this.url, method, target, { body, timeout: PATIENCE });
	}

	fastcgi(method, target, body) {
		return fastcgi.request(this.address, method, target, { body, timeout: PATIENCE });
	}
}

const check = (name, services, body) => {
	let site;
	test(`reload: ${name}`, withLog(() => site && { log: () => site.log() }, async (t) => {
		site = await Site.start(services);
		try {
			await body(site, t);
		} finally {
			await site.stop();
		}
	}));
};

let sessions = 0;
const newSession = (prefix) => `${prefix}/000/reload${++sessions}`;

// A session that polls; `way` is how its requests come: Site's direct or fastcgi.
class Poller {
	static async open(way, prefix) {
		const poller = new Poller();
		Object.assign(poller, { way, session: newSession(prefix) });
		assert.strictEqual((await way('POST', `${poller.session}/xhr`)).text, 'o\n');
		return poller;
	}

	async send(message) {
		const { status } = await this.way('POST', `${this.session}/xhr_send`, JSON.stringify([message]));
		assert.strictEqual(status, 204, `${this.session}: ${message} was not taken`);
	}

	async receive() {
		for (;;) {
			const { text } = await this.way('POST', `${this.session}/xhr`);
			if (text !== 'h\n')
				return text;
		}
	}

	async exchange(message) {
		const answer = this.receive();
		await this.send(message);
		const text = await answer;
		assert.strictEqual(text[0], 'a', `${this.session}: ${text}`);
		return JSON.parse(text.slice(1))[0];
	}
}

async function openWebSocket(site, prefix) {
	const client = await WebSocketClient.connect(site.url, `${newSession(prefix)}/websocket`);
	assert.strictEqual(await client.readText(), 'o');
	client.exchange = async (message) => {
		client.send(JSON.stringify([message]));
		const text = await client.readText(PATIENCE);
		assert.strictEqual(text[0], 'a', text);
		return JSON.parse(text.slice(1))[0];
	};
	return client;
}

// A stream of xhr_streaming: frames as lines, behind the prelude.
async function openStreaming(site, prefix) {
	const session = newSession(prefix);
	const stream = await openStream(site.url, 'POST', `${session}/xhr_streaming`);
	const frame = async () => {
		for (;;) {
			const line = (await stream.readUntil('\n', PATIENCE)).toString();
			if (!/^h*\n$/.test(line))
				return line.trim();
		}
	};
	assert.strictEqual(await frame(), 'o');
	return {
		exchange: async (message) => {
			assert.strictEqual((await site.direct('POST', `${session}/xhr_send`, JSON.stringify([message]))).status, 204);
			const text = await frame();
			assert.strictEqual(text[0], 'a', text);
			return JSON.parse(text.slice(1))[0];
		},
		close: () => stream.connection.close(),
	};
}

// --- under load ----------------------------------------------------------------------------------

// The i-th of many configurations that serve /echo. Its number is in the iframe page.
const configurationOf = (i) => {
	const echo = section('/echo', 'echo', `sockjs_url = /version-${i}.js\nheartbeat_delay = ${1 + i % 7 * 4}s\ndisconnect_delay = ${5 + i % 5}s\nresponse_limit = ${16 + i % 3}M\n`
		+ `queue_limit = ${1 + i % 4}M\nmessage_limit = ${64 + i % 9}k\nmessages_limit = ${10 + i % 5}\nbody_limit = ${64 + i % 9 * 8}k\nbase_url = /base${i}\nwebsocket_heartbeat = ${i % 2 ? 'ping' : 'frame'}`);
	const other = i % 3 ? section(`/other${i % 4}`, i % 2 ? 'close' : 'broadcast') : '';
	return [i % 2 ? other + echo : echo + other, `request_timeout = ${10 + i % 3}s\nkeepalive_timeout = ${20 + i % 3}s\nsession_limit = ${1000 + i}\nconnection_limit = ${500 + i}\nlog_level = ${i % 5 ? 'info' : 'debug'}`];
};

check(`${RELOADS} times under load, with other options each time: no connection breaks, no session ends`, section('/echo', 'echo'), async (site, t) => {
	const clients = [];
	for (let i = 0; i < 5; i++)
		clients.push(await openWebSocket(site, '/echo'), await openStreaming(site, '/echo'), await Poller.open((...rest) => site.direct(...rest), '/echo'), await Poller.open((...rest) => site.fastcgi(...rest), '/echo'));
	const idle = await openWebSocket(site, '/echo');
	let isOver = false;
	let echoes = 0;
	const running = clients.map(async (client, index) => {
		for (let i = 0; !isOver; i++, echoes++)
			assert.strictEqual(await client.exchange(`${index} ${i}`), `${index} ${i}`);
	});
	const failed = Promise.all(running).then(() => assert.ok(isOver));
	let descriptors;
	for (let i = 0; i < RELOADS; i++) {
		const [services, server] = configurationOf(i);
		const before = echoes;
		await Promise.race([site.reload(services, server), failed]);
		for (const answer of [await site.direct('GET', '/echo/iframe.html'), await site.fastcgi('GET', '/echo/iframe.html')])
			assert.ok(answer.text.includes(`/version-${i}.js`), `the new options count at once: ${i}`);
		await Promise.race([eventually(() => echoes >= before + clients.length, 'the clients go on', PATIENCE), failed]);
		if (i === 10)
			descriptors = site.sessiond.openDescriptors();
	}
	isOver = true;
	await failed;
	assert.strictEqual(await idle.exchange('still here'), 'still here');
	t.diagnostic(`${echoes} echoes meanwhile`);
	await eventually(() => site.sessiond.openDescriptors() <= descriptors, 'no descriptor is left open');
	assert.strictEqual(site.lines(' error: ').length, 0);
	clients.forEach((client) => client.close && client.close());
});

// --- mistakes ------------------------------------------------------------------------------------

check('a mistake in the file: the old configuration stays, and the log says why', section('/echo', 'echo'), async (site) => {
	const poller = await Poller.open((...rest) => site.fastcgi(...rest), '/echo');
	const good = section('/echo', 'echo', 'sockjs_url = /never.js');
	for (const [services, server, words] of [
		[`${good}heartbeat_dely = 3s\n`, '', ':8: unknown option "heartbeat_dely", did you mean "heartbeat_delay"?; the old configuration stays'],
		[good + section('/more', 'ecko'), '', ':8: module "ecko": no ecko.so in '],
		[good + section('/more', `${modules}/first.so`) + section('/refuses', `${modules}/refusing.so`), '', 'of [service /refuses] refuses to start (7)'],
		[good, 'static = /nonexistent', 'static: /nonexistent: No such file or directory'],
		[good + section('/echo', 'echo'), '', '[service /echo] was begun on line 5 already'],
	]) {
		site.write(services, server);
		const line = await site.hangUp();
		assert.ok(line.includes(`error: ${site.file}:`) && line.includes(words) && line.endsWith('; the old configuration stays'), line);
		assert.strictEqual(await poller.exchange('after it'), 'after it');
		assert.strictEqual((await site.direct('GET', '/more')).status, 404);
	}
	fs.rmSync(site.file);
	assert.match(await site.hangUp(), /No such file or directory; the old configuration stays$/);
	assert.doesNotMatch((await site.direct('GET', '/echo/iframe.html')).text, /never\.js/);
	assert.deepStrictEqual(site.lines('generation '), ['generation first starts', 'generation first stops']);
	assert.strictEqual(await site.reload(good), '1 services, 0 new, 0 retired');
	assert.match((await site.direct('GET', '/echo/iframe.html')).text, /never\.js/);
});

// --- modules and sections ------------------------------------------------------------------------

// Both wait for sessions to be missed.
describe('reload: what is retired', { concurrency: 2 }, () => {
	check('a module whose file was replaced: sessions keep the old one, new ones have the new one', section('/echo', 'echo'), async (site) => {
		const file = path.join(site.directory, 'app.so');
		const install = (name) => {
			fs.copyFileSync(path.join(modules, name), `${file}.new`);
			fs.renameSync(`${file}.new`, file);
		};
		const services = section('/echo', 'echo') + section('/app', './app.so', 'disconnect_delay = 3s') + section('/twin', './app.so');
		const ways = [(...rest) => site.direct(...rest), (...rest) => site.fastcgi(...rest)];
		install('first.so');
		assert.strictEqual(await site.reload(services), '3 services, 2 new, 0 retired');
		const old = [await openWebSocket(site, '/app'), await openStreaming(site, '/app'), await Poller.open(ways[0], '/app'), await Poller.open(ways[1], '/app')];
		const closed = await openWebSocket(site, '/twin');
		assert.strictEqual(await site.reload(services), '3 services, 0 new, 0 retired');
		const descriptors = site.sessiond.openDescriptors();
		install('second.so');
		// A request whose body comes later belongs to the session that it names; without one, to
		// the new service.
		const late = await Connection.open(site.url);
		const body = '["late"]';
		const whole = formatRequest('POST', `${old[2].session}/xhr_send`, { host: 'x', body });
		late.write(whole.subarray(0, whole.length - 3));
		const newcomer = await Connection.open(site.url);
		const arriving = Object.assign(new Poller(), { way: ways[0], session: newSession('/app') });
		newcomer.write(formatRequest('POST', `${arriving.session}/xhr`, { host: 'x', headers: { 'Content-Length': 3 } }));
		await allAsleep(site.sessiond);
		assert.strictEqual(await site.reload(services), '3 services, 2 new, 2 retired');
		late.write(whole.subarray(whole.length - 3));
		assert.strictEqual((await late.readAnswer()).status, 204);
		late.close();
		newcomer.write('abc');
		assert.strictEqual((await (await newcomer.readAnswer()).readToEnd()).toString(), 'o\n');
		newcomer.close();
		assert.strictEqual(await old[2].receive(), 'a["first: late"]\n');
		assert.strictEqual(await arriving.exchange('late too'), 'second: late too');
		const fresh = [await openWebSocket(site, '/app'), await openStreaming(site, '/app'), await Poller.open(ways[0], '/app'), await Poller.open(ways[1], '/app')];
		for (let i = 0; i < 3; i++) {
			for (const client of old)
				assert.strictEqual(await client.exchange(`${i}`), `first: ${i}`);
			for (const client of fresh)
				assert.strictEqual(await client.exchange(`${i}`), `second: ${i}`);
		}
		assert.strictEqual(await closed.exchange('twin'), 'first: twin');
		closed.connection.close();
		await eventually(() => site.lines('generation first stops').length === 1, 'the service without sessions ends');
		// Once more, with three generations at the same time.
		install('first.so');
		assert.strictEqual(await site.reload(services), '3 services, 2 new, 2 retired');
		const last = await Poller.open(ways[1], '/app');
		assert.strictEqual(await old[0].exchange('a'), 'first: a');
		assert.strictEqual(await fresh[3].exchange('b'), 'second: b');
		assert.strictEqual(await last.exchange('c'), 'first: c');
		old[0].connection.close();
		old[1].close();
		fresh[0].connection.close();
		fresh[1].close();
		// The polling ones go without a word, and are missed after disconnect_delay.
		await eventually(() => site.lines('generation second stops').length === 2 && site.lines('generation first stops').length === 2, 'what is retired ends with its sessions', PATIENCE);
		assert.strictEqual(site.lines('generation first starts').length, 4);
		await eventually(() => site.sessiond.openDescriptors() <= descriptors, () => `${site.sessiond.openDescriptors()} descriptors, ${descriptors} before`);
		assert.strictEqual(site.lines(' error: ').length, 0);
	});

	check('a section that is gone: new sessions get 404, those there are live on; one that comes is served at once, by the responder too', section('/echo', 'echo') + section('/gone', 'echo', 'disconnect_delay = 3s'), async (site) => {
		const ways = [(...rest) => site.direct(...rest), (...rest) => site.fastcgi(...rest)];
		const left = [await openWebSocket(site, '/gone'), await openStreaming(site, '/gone'), await Poller.open(ways[0], '/gone'), await Poller.open(ways[1], '/gone')];
		const held = [left[2].receive(), left[3].receive()];
		await allAsleep(site.sessiond, site.responder);
		assert.strictEqual(await site.reload(section('/new', 'echo') + section('/', 'echo')), '2 services, 2 new, 2 retired');
		for (const poller of left.slice(2))
			await poller.send('held');
		assert.deepStrictEqual(await Promise.all(held), ['a["held"]\n', 'a["held"]\n']);
		for (const way of ways) {
			assert.strictEqual((await way('GET', '/new')).text, 'Welcome to SockJS!\n');
			assert.strictEqual(await (await Poller.open(way, '/new')).exchange('hello'), 'hello');
			for (const [method, target] of [['GET', '/gone'], ['GET', '/gone/info'], ['GET', '/gone/iframe.html'], ['POST', '/gone/000/other/xhr'], ['POST', '/gone/000/other/xhr_send'], ['GET', '/echo/info']])
				assert.strictEqual((await way(method, target, method === 'POST' ? '["x"]' : undefined)).status, 404, target);
			assert.strictEqual((await way('OPTIONS', `${left[2].session}/xhr`)).status, 204);
		}
		for (const client of left)
			assert.strictEqual(await client.exchange('on'), 'on');
		// It comes back: new sessions are the new one's, and the old ones are still there.
		assert.strictEqual(await site.reload(section('/gone', 'echo') + section('/new', 'echo')), '2 services, 1 new, 1 retired');
		for (const client of [...left, await Poller.open(ways[1], '/gone')])
			assert.strictEqual(await client.exchange('back'), 'back');
		left[0].connection.close();
		left[1].close();
		await eventually(() => site.lines('[service /gone], which was retired, has ended').length === 1, 'it ends with the last session', PATIENCE);
		for (const way of ways)
			assert.strictEqual((await way('POST', `${left[2].session}/xhr_send`, '["x"]')).status, 404);
	});
});

// A peer of the local socket that has not read the new services yet, or never does.
check('requests that cross with new services mean the service they were made for', section('/first', 'echo') + section('/second', `${modules}/second.so`), async (site) => {
	const poller = await Poller.open((...rest) => site.direct(...rest), '/second');
	const id = poller.session.split('/')[3];
	const peer = await LocalPeer.open(site.socket);
	// New services come when something is retired, and again when it has ended.
	const read = async (type) => {
		let message = await peer.read();
		while (message.type === TYPE.services && type !== TYPE.services)
			message = await peer.read();
		assert.strictEqual(message.type, type);
		return message;
	};
	peer.write(encodeHello());
	await read(TYPE.hello);
	await read(TYPE.services);
	await site.reload(section('/second', `${modules}/second.so`) + section('/third', 'echo'));
	let sequence = 0n;
	const send = (session, service) => peer.write(encodeSend(session, ['old number'], { service, request: 1 + Number(sequence), sequence: ++sequence }));
	send(id, 1);
	assert.strictEqual((await read(TYPE.sent)).payload[0], 0);
	assert.strictEqual(await poller.receive(), 'a["second: old number"]\n');
	// The first is gone, and its number is nobody else's.
	send(id, 0);
	assert.strictEqual((await read(TYPE.sent)).payload[0], 1);
	send(id, 2);
	assert.strictEqual((await read(TYPE.sent)).payload[0], 1);
	send(id, 3);
	await peer.expectEnd();
	assert.strictEqual(await poller.exchange('on'), 'second: on');
});

// --- [server] ------------------------------------------------------------------------------------

check('[server]: folder, limits and times at once; what needs a restart is named', section('/echo', 'echo'), async (site) => {
	const services = section('/echo', 'echo');
	const folders = ['a', 'b'].map((name) => path.join(site.directory, name));
	for (const folder of folders) {
		fs.mkdirSync(folder);
		fs.writeFileSync(path.join(folder, 'name.txt'), folder);
	}
	assert.strictEqual((await site.direct('GET', '/name.txt')).status, 404);
	for (const folder of folders) {
		await site.reload(services, `static = ${folder}`);
		assert.strictEqual((await site.direct('GET', '/name.txt')).text, folder);
	}
	await site.reload(services);
	assert.strictEqual((await site.direct('GET', '/name.txt')).status, 404);

	const poller = await Poller.open((...rest) => site.direct(...rest), '/echo');
	await site.reload(services, 'session_limit = 1');
	assert.strictEqual((await site.direct('POST', '/echo/000/toomany/xhr')).status, 503);
	assert.strictEqual(await poller.exchange('within'), 'within');
	await site.reload(services, 'session_limit = 2\nconnection_limit = 2\nkeepalive_timeout = 1s');
	assert.strictEqual((await site.direct('POST', '/echo/000/enough/xhr')).text, 'o\n');
	const kept = await Connection.open(site.url);
	const idleSince = Date.now(); // or later
	assert.strictEqual((await kept.request('GET', '/echo')).status, 200);
	await kept.expectClose();
	assert.ok(Date.now() - idleSince > 900, 'the new keepalive_timeout');

	await site.reload(services, 'connection_memory = 64k');
	assert.strictEqual(site.lines('connection_memory takes effect after a restart').length, 1);
	await site.hangUp();
	assert.strictEqual(site.lines('connection_memory takes effect after a restart').length, 2);
	await site.reload(services);
	assert.strictEqual(site.lines('takes effect after a restart').length, 2);
});

check('a fallback: its requests are answered by the one that has them', section('/echo', 'echo'), async (site) => {
	const fallback = (name) => section('/echo', 'echo') + `[fallback]\nmodule = ${modules}/${name}.so\n`;
	assert.strictEqual(await site.reload(fallback('pages')), '2 services, 1 new, 0 retired');
	const waiting = site.direct('GET', '/much-later'); // half a second
	const body = await Connection.open(site.url);
	body.write(formatRequest('POST', '/half', { host: 'x', headers: { 'Content-Length': 4 } }));
	await eventually(async () => (await site.direct('GET', '/later')).text === 'later', 'it serves');
	assert.strictEqual(await site.reload(fallback('first')), '2 services, 1 new, 1 retired');
	assert.strictEqual((await site.direct('GET', '/later')).text, 'first');
	assert.strictEqual((await waiting).text, 'later');
	assert.strictEqual(site.lines('[fallback], which was retired, has ended').length, 0, 'a request is still under way');
	body.write('body');
	assert.notStrictEqual((await (await body.readAnswer()).readToEnd()).toString(), 'first');
	body.close();
	await eventually(() => site.lines('[fallback], which was retired, has ended').length === 1, 'it ends with its last request');
	assert.strictEqual(await site.reload(section('/echo', 'echo')), '1 services, 0 new, 1 retired');
	assert.strictEqual((await site.direct('GET', '/later')).status, 404);
});

test('reload: under a supervisor: its sockets stay, those that come are the daemon\'s own', async () => {
	const site = new Site();
	const ports = [await freePort(), await freePort()];
	const [first, second] = ports.map((port) => `http://127.0.0.1:${port}`);
	const services = section('/echo', 'echo');
	try {
		site.write(services, `listen = 127.0.0.1:${ports[0]}`);
		site.sessiond = await site.start(sessiond, ['--supervise']);
		assert.strictEqual(await site.reload(services, `listen = 127.0.0.1:${ports[1]}`), '1 services, 0 new, 0 retired');
		for (const url of [first, second])
			assert.strictEqual((await request(url, 'GET', '/echo')).status, 200);
		assert.strictEqual(await site.reload(services, `listen = 127.0.0.1:${ports[0]}`), '1 services, 0 new, 0 retired');
		await assert.rejects(request(second, 'GET', '/echo'), { code: 'ECONNREFUSED' });
		assert.strictEqual((await request(first, 'GET', '/echo')).status, 200);
	} finally {
		await site.stop();
	}
});

test('reload: addresses come and go, and nobody who is connected notices', async () => {
	const site = new Site();
	const ports = [];
	while (ports.length < 4)
		ports.push(await freePort());
	const urls = ports.map((port) => `http://127.0.0.1:${port}`);
	const listen = (...indexes) => `listen = ${indexes.map((i) => `127.0.0.1:${ports[i]}`).join(' ')}`;
	const services = section('/echo', 'echo');
	const answers = async (url) => (await request(url, 'GET', '/echo')).text === 'Welcome to SockJS!\n';
	const isRefused = (url) => assert.rejects(request(url, 'GET', '/echo'), { code: 'ECONNREFUSED' });
	try {
		site.write(services, listen(0, 1));
		await site.startSessiond();
		await site.startResponder();
		Object.assign(site, { url: urls[0] });
		const clients = [await openWebSocket(site, '/echo'), await Poller.open((...rest) => site.fastcgi(...rest), '/echo')];
		// The first goes, the second stays, the third comes; the local socket moves.
		const moved = path.join(site.directory, 'moved');
		fs.writeFileSync(site.file, `[server]\nsocket = ${moved}\nstore = sessions.db\n${listen(1, 2)}\n${services}`);
		assert.match(await site.hangUp(), /reloaded: 1 services, 0 new, 0 retired/);
		await isRefused(urls[0]);
		assert.ok(await answers(urls[1]) && await answers(urls[2]));
		assert.ok(fs.existsSync(moved) && !fs.existsSync(site.socket));
		for (const client of clients)
			assert.strictEqual(await client.exchange('connected'), 'connected');
		// What is taken, and what is no address, changes nothing; nor does a mistake that is found
		// later.
		site.write(services, listen(2, 1, 0));
		assert.match(await site.hangUp(), /reloaded/);
		const other = await Site.start(services);
		const [spare] = urls.splice(3);
		try {
			for (const [server, more, words] of [[`${listen(0, 3)} 127.0.0.1:${new URL(other.url).port}`, '', /cannot listen on 127\.0\.0\.1:\d+: Address already in use/],
				[`${listen(3)} 127.0.0.1:http`, '', /"http" is no port/], [listen(1, 3), section('/bad', 'nothing'), /no nothing\.so/]]) {
				site.write(services + more, server);
				const line = await site.hangUp();
				assert.ok(line.includes(`error: ${site.file}:`) && words.test(line) && /the old configuration stays$/.test(line), line);
				for (const url of urls)
					assert.ok(await answers(url), `${url} is still served`);
				await isRefused(spare);
			}
		} finally {
			await other.stop();
		}
		fs.writeFileSync(site.file, `[server]\n${services}`);
		assert.match(await site.hangUp(), /nowhere to listen/);
		for (const client of clients)
			assert.strictEqual(await client.exchange('still'), 'still');
	} finally {
		await site.stop();
	}
});
