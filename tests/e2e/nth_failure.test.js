'use strict';

// One scenario, in which the nth allocation of a peer's size, accept, send or open fails, for every
// n until it does not come to so many. Each time: the program goes on; what was acknowledged comes
// once and in order, or its client is told the end; who has nothing to do with it notices nothing;
// the next client is served; no descriptor and no memory stays behind.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { isSanitized } = require('./lib/daemon');
const fastcgi = require('./lib/fastcgi');
const { Fault } = require('./lib/fault');
const http = require('./lib/http');
const { Pair } = require('./lib/responder');
const { WebSocketClient } = require('./lib/websocket');

const PATIENCE = 20000; // ms; a client that waits longer has been forgotten
const POLLS = 40; // after which all must be back
const MOST = 400; // calls a scenario may have; more: it does not end
// Bytes: what peers make so large. A request's own struct and libfcgi's buffers are smaller: small
// fixed ones end the process.
const PEER_SIZE = 10000;
const LONG = 'x'.repeat(20000);
const MEMORY_SLACK = 1 << 20; // bytes: how a heap happens to lie

const FAULTS = [
	['m', 'ENOMEM', 'allocation'],
	['a', 'EMFILE', 'accept4'],
	['a', 'ECONNABORTED', 'accept4'],
	['s', 'short', 'send'],
	['s', 'EAGAIN', 'send'],
	['s', 'EPIPE', 'send'],
	['o', 'EMFILE', 'open'],
];

// Calls that a program does not make in the scenario: the two have one connection, which stays.
const IMPOSSIBLE = ['fastcgi sessiond accept4', 'fastcgi sessiond open', 'fastcgi responder open'];

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const isLate = (error) => error instanceof http.TimeoutError || /not within|not closed after/.test(error.message);

// Each of them resolves with {status, text}; status 0: there was no answer, or not all of it.
async function ask(send) {
	try {
		const { status, text } = await send();
		return { status, text };
	} catch (error) {
		// A client that waits for ever is worse than one that is cut off.
		assert.ok(!isLate(error), error.stack);
		return { status: 0, text: '' };
	}
}

const ways = {
	http: (pair) => (method, target, body) => ask(() => http.request(pair.sessiond.url, method, target, { body, timeout: PATIENCE })),
	fastcgi: (pair) => (method, target, body) => ask(() => fastcgi.request(pair.address, method, target, { body, timeout: PATIENCE })),
};

let names = 0;

// A session by poll: three sends of one long message each. Throws if what was acknowledged is lost,
// doubled or out of order.
async function polling(request) {
	const base = `/echo/000/client${++names}`;
	const known = new Set(); // acknowledged
	const seen = [];
	let isOver = (await request('POST', `${base}/xhr`)).text !== 'o\n';
	for (let i = 0; i < 3 && !isOver; i++) {
		const { status } = await request('POST', `${base}/xhr_send`, JSON.stringify([`${i}${LONG}`]));
		if (status === 204 || status === 200) known.add(i);
	}
	for (let polls = 0; !isOver && [...known].some((i) => !seen.includes(i)); polls++) {
		const { status, text } = await request('POST', `${base}/xhr`);
		assert.ok(polls < POLLS, `acknowledged ${[...known]}, arrived ${seen}`);
		if (status === 200 && text[0] === 'a') seen.push(...JSON.parse(text.slice(1)).map(parse));
		isOver = status === 404 || text[0] === 'c' || text[0] === 'o';
	}
	assert.deepEqual(seen, [...new Set(seen)].sort(), 'once each, in order');
}

function parse(message) {
	assert.equal(message.slice(1), LONG);
	return Number(message[0]);
}

async function websocket(url, count) {
	let client;
	let done = 0;
	try {
		client = await WebSocketClient.connect(url, `/echo/000/client${++names}/websocket`, { timeout: PATIENCE });
		assert.equal(await client.readText(PATIENCE), 'o');
		for (; done < count; done++) await echo(client, `${done}${LONG}`);
	} catch (error) {
		assert.ok(!isLate(error) && !/instead/.test(error.message), error.stack);
	}
	if (client) client.connection.close();
	return done;
}

async function echo(client, text) {
	client.send(JSON.stringify([text]));
	const frame = await client.readText(PATIENCE);
	if (frame[0] === 'c') throw new Error(`told the end: ${frame}`);
	if (frame !== `a${JSON.stringify([text])}`) throw new Error(`${frame.slice(0, 30)} instead of an echo`);
}

// A stream whose first message is as long; its client may see it break, or 503.
async function streaming(request, url) {
	const base = `/echo/000/client${++names}`;
	let stream;
	try {
		stream = await http.openStream(url, 'POST', `${base}/xhr_streaming`, { timeout: PATIENCE });
		if (stream.status === 200) {
			await stream.readUntil('o\n', PATIENCE);
			const { status } = await request('POST', `${base}/xhr_send`, JSON.stringify([LONG]));
			if (status === 204) await stream.readUntil(LONG, PATIENCE);
		}
	} catch (error) {
		assert.ok(!isLate(error), error.stack);
	}
	if (stream) stream.connection.close();
}

// What happens while a call fails.
async function scenario(pair, request) {
	await polling(request);
	if (request.isHttp) {
		await websocket(pair.sessiond.url, 2);
		await streaming(request, pair.sessiond.url);
		const { status, text } = await request('GET', '/page.html');
		assert.ok(status !== 200 || text.length === pair.page.length, `${text.length} bytes of a page`);
	}
	await request('GET', '/echo/info');
}

// Another client is served as if nothing had been; at once, or when the store has been tried again.
async function served(request) {
	const base = `/echo/000/client${++names}`;
	const end = Date.now() + PATIENCE;
	const insist = async (...words) => {
		for (;;) {
			const answer = await request(...words);
			if (answer.status !== 503) return answer;
			assert.ok(Date.now() < end, `${words[1]}: still 503`);
			await sleep(50);
		}
	};
	assert.equal((await insist('POST', `${base}/xhr`)).text, 'o\n');
	assert.equal((await insist('POST', `${base}/xhr_send`, '["next"]')).status, 204);
	assert.equal((await insist('POST', `${base}/xhr`)).text, 'a["next"]\n');
}

function memory(daemon) {
	return Number(/^RssAnon:\s*(\d+) kB$/m.exec(fs.readFileSync(`/proc/${daemon.pid}/status`, 'latin1'))[1]) * 1024;
}

async function descriptorsReturn(daemon, before) {
	const end = Date.now() + PATIENCE;
	while (daemon.openDescriptors() > before) {
		assert.ok(Date.now() < end, `${daemon.openDescriptors()} descriptors, ${before} before`);
		await sleep(20);
	}
}

// way: how clients come; victim: of which program the calls fail.
function nthFailures(way, victim) {
	describe(`nth failure: ${victim}, clients by ${way}`, () => {
		const page = 'page '.repeat(5000);
		let pair;
		let fault;
		let request;
		let bystander;

		before(async () => {
			pair = new Pair({ services: '[service /echo]\nmodule = echo\ndisconnect_delay = 60s\nheartbeat_delay = 10m\n' });
			pair.page = page;
			const files = path.join(pair.directory, 'files');
			fs.mkdirSync(files);
			fs.writeFileSync(path.join(files, 'page.html'), page);
			const lines = `store = ${path.join(pair.directory, 'store')}\nstatic = ${files}\n`;
			pair.rewrite((text) => text.replace('[server]\n', `[server]\n${lines}`));
			fault = new Fault(pair.directory);
			const env = (name) => (name === victim ? { env: fault.env } : {});
			await pair.startSessiond({ listen: '127.0.0.1:0', ...env('sessiond') });
			await pair.startResponder(env('responder'));
			request = ways[way](pair);
			request.isHttp = way === 'http';
			bystander = await WebSocketClient.connect(pair.sessiond.url, '/echo/000/bystander/websocket');
			assert.equal(await bystander.readText(), 'o');
			await scenario(pair, request);
		});
		after(async () => {
			if (bystander) bystander.connection.close();
			fault.close();
			await pair.stop();
		});

		for (const [call, error, name] of FAULTS) {
			if (IMPOSSIBLE.includes(`${way} ${victim} ${name}`)) continue;
			// A sanitizer's allocations are not to be had.
			if (call === 'm' && isSanitized) continue;
			test(`${name} with ${error}`, async (t) => {
				const daemon = pair[victim];
				const descriptors = daemon.openDescriptors();
				const bytes = memory(daemon);
				let n = 0;
				try {
					for (let isReached = true; isReached; ) {
						assert.ok(++n < MOST, 'the scenario does not end');
						fault.set(call, n, error, PEER_SIZE);
						await scenario(pair, request);
						isReached = fault.take();
						await echo(bystander, `bystander ${n}`);
						await served(request);
						await descriptorsReturn(daemon, descriptors);
						assert.equal(daemon.child.exitCode, null);
					}
					if (!isSanitized) assert.ok(memory(daemon) - bytes <= MEMORY_SLACK, `${memory(daemon) - bytes} bytes more`);
				} catch (problem) {
					problem.message = `call ${n}: ${problem.message}\n${pair.log().slice(-2000)}`;
					throw problem;
				} finally {
					fault.take();
				}
				assert.ok(n > 1, 'no call failed');
				t.diagnostic(`${n - 1} calls failed`);
			});
		}
	});
}

nthFailures('http', 'sessiond');
nthFailures('fastcgi', 'sessiond');
nthFailures('fastcgi', 'responder');
