'use strict';

// Headless Chromium with the page that the project serves, over each transport that sockjs-client
// has in it: two tabs talk, every character survives, and a page of another origin is as welcome.

const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { skip, launch } = require('./lib/browser');
const { startDaemon, temporaryDirectory } = require('./lib/daemon');
const { eventually, openFiles } = require('./lib/guard');
const { srcdir } = require('./lib/stack');

const TIMEOUT = 120000; // ms for anything that a page does; nine tabs on a busy machine are slow
const AWAY = 30; // s that a tab may take from one poll to the next: were its session over by then, it would not hear what is said meanwhile

// The transports that sockjs-client 1.6.1 itself calls possible in today's Chromium. htmlfile
// without an iframe of its own only works on the page's own origin.
const transports = ['websocket', 'xhr-streaming', 'eventsource', 'iframe-eventsource', 'htmlfile', 'iframe-htmlfile', 'xhr-polling',
	'iframe-xhr-polling', 'jsonp-polling'];
const crossOrigin = transports.filter((transport) => transport !== 'htmlfile');

// What looks at a transport from a further side does so for some of them, and for all in
// long_browser.test.js.
const isLong = process.env.SOCKJS_LONG === '1';
const some = (list) => (isLong ? list : list.filter((each) => ['websocket', 'xhr-streaming', 'xhr-polling', 'jsonp-polling'].includes(each)));

const client = fs.readFileSync(path.join(path.dirname(require.resolve('sockjs-client/package.json')), 'dist/sockjs.min.js'));
// Runs in the page: sockjs-client soon gives up a transport that takes its time, as all do on a busy
// machine, and answers that come then are errors in its scripts.
function makePatient(timeout) {
	let client;
	Object.defineProperty(window, 'SockJS', {
		get: () => client,
		set(real) {
			client = new Proxy(real, {
				construct: (target, [url, protocols, options]) => new target(url, protocols, { ...options, timeout }),
			});
		},
	});
}

const directory = temporaryDirectory();
const www = path.join(directory, 'www');
fs.cpSync(path.join(srcdir, 'www'), www, { recursive: true });
fs.writeFileSync(path.join(www, 'sockjs.min.js'), client);
process.on('exit', () => fs.rmSync(directory, { recursive: true, force: true }));

const conf = `
[server]
static = ${www}
disconnect_delay = ${AWAY}s
sockjs_url = /sockjs.min.js

[service /echo]
module = echo
response_limit = 4096

[service /chat]
module = chat

[service /multiplex]
module = multiplex

[service /cookie]
module = echo
jsessionid = on

[service /close]
module = close
`;

let daemon;
let browser;
let other; // a web server of another origin, whose only page has sockjs-client
let otherUrl;

before(async () => {
	if (skip)
		return;
	daemon = await startDaemon({ conf });
	other = http.createServer((request, response) => {
		const isScript = request.url === '/sockjs.min.js';
		response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html; charset=UTF-8');
		response.end(isScript ? client : '<!DOCTYPE html><title>other</title><script src="/sockjs.min.js"></script><body></body>');
	});
	await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
	otherUrl = `http://127.0.0.1:${other.address().port}/`;
	browser = await launch();
});
after(async () => {
	if (browser)
		await browser.close();
	if (other) {
		other.closeAllConnections();
		other.close();
	}
	if (daemon)
		await daemon.stop();
});

function check(name, body) {
	test(`browser: ${name}`, { skip, timeout: 10 * TIMEOUT }, async () => {
		const shared = await browser.newContext();
		const contexts = [shared];
		const problems = [];
		// The tabs of a context share six connections to the server; a tab that is apart has its
		// own.
		const open = async (url, { apart = false } = {}) => {
			const context = apart ? await browser.newContext() : shared;
			contexts.push(context);
			context.setDefaultTimeout(TIMEOUT);
			const page = await context.newPage();
			page.on('pageerror', (error) => problems.push(`${error}`));
			await page.addInitScript(makePatient, TIMEOUT);
			await page.goto(url);
			return page;
		};
		try {
			await body(open);
			assert.deepStrictEqual(problems, [], 'no script of the page failed');
		} catch (error) {
			process.stderr.write(`--- ${name}: ${problems.join('\n')}\n${daemon.log().slice(-4000)}\n---\n`);
			throw error;
		} finally {
			await Promise.all(contexts.map((context) => context.close()));
		}
	});
}

const textOf = (page, id) => page.locator(`#${id}`).textContent();

// The page holds two connections, and is at rest once both stand.
async function openChat(open, transport, options) {
	const page = await open(`${daemon.url}/${transport ? `?transport=${transport}` : ''}`, options);
	for (const id of ['status', 'echo-status'])
		await page.waitForFunction((name) => document.getElementById(name).textContent === 'connected', id);
	await page.waitForFunction(() => !document.getElementById('send').disabled); // it has joined
	return page;
}

async function say(page, text) {
	await page.fill('#text', text);
	await page.click('#send');
}

const hears = (page, text) => page.locator('#log').getByText(text, { exact: true }).waitFor();

for (const transport of some(transports))
	check(`two tabs talk over ${transport}`, async (open) => {
		const [left, right] = [await openChat(open, transport), await openChat(open, transport)];
		for (const page of [left, right])
			assert.strictEqual(await textOf(page, 'transport'), transport);
		for (const [speaker, text] of [[left, `hello over ${transport}`], [right, 'ä€😀 <b>&amp;</b> "quoted" %41'], [left, 'bye']]) {
			await say(speaker, text);
			await Promise.all([hears(left, text), hears(right, text)]);
		}
	});

check('without a choice the page takes websocket', async (open) => {
	const page = await openChat(open);
	assert.strictEqual(await textOf(page, 'transport'), 'websocket');
});

check('tabs on different transports hear each other', async (open) => {
	const pages = [];
	for (const transport of some(transports))
		pages.push(await openChat(open, transport, { apart: true }));
	await say(pages[0], 'to all');
	await Promise.all(pages.map((page) => hears(page, 'to all')));
	await say(pages.at(-1), 'to all, by polling');
	await Promise.all(pages.map((page) => hears(page, 'to all, by polling')));
});

check('who is in another room hears nothing of this one; who comes and goes is shown', async (open) => {
	const [left, right] = [await openChat(open, 'websocket&room=this'), await openChat(open, 'xhr-polling&room=this', { apart: true })];
	const other = await openChat(open, 'websocket&room=other', { apart: true });
	const name = await textOf(right, 'name');
	await hears(left, `${name} has come`);
	await say(left, 'to this room');
	await hears(right, 'to this room');
	await say(other, 'to the other');
	await hears(other, 'to the other');
	assert.doesNotMatch(await textOf(other, 'log'), /to this room/);
	assert.doesNotMatch(await textOf(left, 'log'), /to the other/);
	await right.context().close();
	await hears(left, `${name} has gone`);
	assert.strictEqual(await textOf(left, 'people'), await textOf(left, 'name'));
});

for (const transport of ['websocket', 'xhr-polling'])
	check(`channels over one connection, over ${transport}`, async (open) => {
		const openPage = async (options) => {
			const page = await open(`${daemon.url}/multiplex.html?transport=${transport}`, options);
			await page.locator('[data-channel=news][data-open=true]').waitFor();
			return page;
		};
		const pages = [await openPage(), await openPage({ apart: true })];
		const card = (page, channel) => page.locator(`[data-channel=${channel}]`);
		const send = async (page, channel, text) => {
			await card(page, channel).locator('input').fill(text);
			await card(page, channel).getByText('Send', { exact: true }).click();
		};
		const shows = (page, channel, text) => card(page, channel).locator('li').getByText(text, { exact: true }).waitFor();
		await send(pages[0], 'echo', 'a,b,,c');
		await shows(pages[0], 'echo', 'a,b,,c');
		await send(pages[1], 'news', 'uns,news');
		await Promise.all(pages.map((page) => shows(page, 'news', 'uns,news')));
		await card(pages[0], 'news').getByText('Close', { exact: true }).click();
		await card(pages[0], 'once').getByText('Open', { exact: true }).click();
		await send(pages[0], 'once', 'x');
		await shows(pages[0], 'once', 'that was it, goodbye');
		await pages[0].locator('[data-channel=once][data-open=false]').waitFor();
		await send(pages[1], 'news', 'to those who have it open');
		await shows(pages[1], 'news', 'to those who have it open');
		await send(pages[0], 'echo', 'still there');
		await shows(pages[0], 'echo', 'still there');
		assert.strictEqual(await card(pages[0], 'news').locator('li').count(), 1);
		assert.strictEqual(await card(pages[1], 'echo').locator('li').count(), 0);
	});

check('the page is served with its parts', async (open) => {
	const failed = [];
	const page = await open('about:blank');
	page.on('response', (response) => { if (response.status() >= 400) failed.push(`${response.status()} ${response.url()}`); });
	page.on('requestfailed', (request) => failed.push(`${request.failure().errorText} ${request.url()}`));
	await page.goto(`${daemon.url}/`);
	await page.waitForFunction(() => document.getElementById('status').textContent === 'connected');
	assert.deepStrictEqual(failed, []);
});

// Runs in the page: echoes `messages`, resolves with what went wrong (null: nothing) and the
// transport.
function echoInPage({ url, transport, messages }) {
	return new Promise((resolve) => {
		const socket = new SockJS(url, null, { transports: transport });
		let next = 0;
		let used = null;
		const finish = (problem) => {
			socket.onclose = socket.onmessage = null;
			socket.close();
			resolve({ problem, used });
		};
		socket.onopen = () => {
			used = socket.transport;
			messages.forEach((message) => socket.send(message));
		};
		socket.onmessage = (event) => {
			if (event.data !== messages[next]) {
				let at = 0;
				while (event.data[at] === messages[next][at])
					at++;
				finish(`message ${next} differs at ${at}: sent ${messages[next].charCodeAt(at).toString(16)}, got ${event.data.charCodeAt(at).toString(16)}`);
			} else if (++next === messages.length) {
				finish(null);
			}
		};
		socket.onclose = (event) => finish(`closed with ${event.code} ${event.reason} after ${next} messages`);
	});
}

// As echoInPage with 256 messages that hold every UTF-16 unit once; made there, as lone surrogates
// do not travel.
async function echoEverything(page, url, transport) {
	await page.evaluate(`window.echoInPage = ${echoInPage}`);
	return page.evaluate(({ url, transport }) => {
		const messages = [];
		for (let high = 0; high < 256; high++)
			messages.push(String.fromCharCode(...Array.from({ length: 256 }, (_, low) => high << 8 | low)));
		return window.echoInPage({ url, transport, messages });
	}, { url, transport });
}

for (const transport of some(transports))
	check(`every character from U+0000 to U+FFFF comes back over ${transport}`, async (open) => {
		const page = await open(`${daemon.url}/`);
		assert.deepStrictEqual(await echoEverything(page, `${daemon.url}/echo`, transport), { problem: null, used: transport });
	});

for (const transport of some(crossOrigin))
	check(`a page of another origin talks over ${transport}`, async (open) => {
		const page = await open(otherUrl);
		for (const prefix of ['/echo', '/cookie'])
			assert.deepStrictEqual(await page.evaluate(echoInPage, { url: `${daemon.url}${prefix}`, transport, messages: ['plain', 'ä€😀', 'x'.repeat(20000)] }),
				{ problem: null, used: transport });
	});

for (const transport of some(crossOrigin))
	check(`a page of another origin is told of the server's close over ${transport}`, async (open) => {
		const page = await open(otherUrl);
		const event = await page.evaluate(({ url, transport }) => new Promise((resolve) => {
			const socket = new SockJS(url, null, { transports: transport });
			socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
		}), { url: `${daemon.url}/close`, transport });
		assert.deepStrictEqual(event, { code: 3000, reason: 'Go away!', wasClean: true });
	});

check('a request with credentials from another origin is allowed, and its cookie is kept', async (open) => {
	const page = await open(otherUrl);
	const answers = await page.evaluate(async (url) => {
		const poll = async () => {
			const response = await fetch(`${url}/cookie/000/credentials/xhr`, { method: 'POST', credentials: 'include' });
			return `${response.status} ${await response.text()}`;
		};
		const first = await poll();
		const send = await fetch(`${url}/cookie/000/credentials/xhr_send`, {
			method: 'POST', credentials: 'include', body: '["a"]', headers: { 'Content-Type': 'application/json', 'X-Own': 'y' },
		});
		return [first, `${send.status} ${await send.text()}`, await poll()];
	}, daemon.url);
	assert.deepStrictEqual(answers, ['200 o\n', '204 ', '200 a["a"]\n']);
	const cookies = await page.context().cookies(daemon.url);
	assert.deepStrictEqual(cookies.map(({ name, value, path: where }) => [name, value, where]), [['JSESSIONID', 'dummy', '/']]);
});

for (const transport of ['websocket', 'xhr-streaming', 'xhr-polling'])
	check(`a tab that is closed leaves nothing behind, over ${transport}`, async (open) => {
		const right = await openChat(open, transport);
		await say(right, 'one');
		await hears(right, 'one');
		const descriptors = daemon.openDescriptors();
		const left = await openChat(open, transport, { apart: true });
		await say(left, 'two');
		await hears(right, 'two');
		assert.ok(daemon.openDescriptors() > descriptors);
		await left.context().close();
		await eventually(() => daemon.openDescriptors() <= descriptors,
			() => `${daemon.openDescriptors()} descriptors, ${descriptors} before:\n${openFiles(daemon.pid)}`);
		await say(right, 'three');
		await hears(right, 'three');
	});
