'use strict';

// sockjs-client in headless Chromium through one kind of stack, over each transport that it has
// there, from a page of the server's own origin and from another. Entry files call register(kind)
// for each way in.

const assert = require('node:assert');
const { test, before, after } = require('node:test');
const { skip, launch } = require('./lib/browser');
const { withLog } = require('./lib/daemon');
const { startProcesses } = require('./lib/fcgid');
const { page: pageServer } = require('./lib/page_server');
const { startStack } = require('./lib/stack');

const TIMEOUT = 120000; // ms for anything that a page does
const MANY = 1000; // messages
const LARGE = 1000000; // characters

const transports = ['websocket', 'xhr-streaming', 'eventsource', 'iframe-eventsource', 'htmlfile', 'iframe-htmlfile', 'xhr-polling',
	'iframe-xhr-polling', 'jsonp-polling'];
const viaFrame = (transport) => transport.startsWith('iframe-');

// --- what runs in the page: window.connect(path, transport) and what is done with it -------------

function helpers() {
	window.connect = (url, transport, options) => new Promise((resolve, reject) => {
		const socket = new SockJS(url, null, { ...(transport ? { transports: transport } : {}), timeout: 20000, ...options });
		socket.onopen = () => resolve(socket);
		socket.onclose = ({ code, reason }) => reject(new Error(`closed before it was open: ${code} ${reason}`));
	});
	// Resolves with null, or with what went wrong.
	window.echo = (socket, messages) => new Promise((resolve) => {
		let next = 0;
		socket.onclose = ({ code, reason }) => resolve(`closed after ${next} of ${messages.length}: ${code} ${reason}`);
		socket.onmessage = ({ data }) => {
			if (data !== messages[next])
				resolve(`message ${next} differs: ${data.length} for ${messages[next].length} characters`);
			else if (++next === messages.length)
				resolve(null);
		};
		messages.forEach((message) => socket.send(message));
	});
	window.finish = (socket) => new Promise((resolve) => {
		socket.onmessage = null;
		socket.onclose = ({ code }) => resolve(code);
		socket.close();
	});
	// A whole life: opens, echoes, closes. Resolves with {transport, problem, code}.
	window.live = async (url, transport, messages) => {
		const socket = await window.connect(url, transport);
		const used = socket.transport;
		const problem = await window.echo(socket, messages);
		return { transport: used, problem, code: await window.finish(socket) };
	};
	window.many = (count) => Array.from({ length: count }, (_, i) => `message ${i}`);
	window.rich = () => {
		const list = ['', ' ', '[]', '"\\\n\r\t\0', '%00%zz+&=d', '</script>', 'data: x\r\n\r\n', 'ä€😀 <b>&amp;</b>', '\u2028\u2029', '\ufeff'];
		for (let high = 0; high < 256; high++)
			list.push(String.fromCharCode(...Array.from({ length: 256 }, (_, low) => high << 8 | low)));
		return list;
	};
}

// --- the tests of one stack ----------------------------------------------------------------------

// fcgiOnly: the web server passes no websocket on. bodyLimit: characters that it takes in a body.
// processes: lib/fcgid.js.
function register(kind, { fcgiOnly = false, bodyLimit = Infinity, processes = 0 } = {}) {
	const label = fcgiOnly ? `${kind}, FastCGI only` : kind;
	const available = transports.filter((transport) => transport !== 'websocket' || !fcgiOnly);
	const endings = [];
	const problems = []; // that the pages of the running test told of
	let stack, browser, elsewhere;

	before(async () => {
		if (skip)
			return;
		stack = await startStack(kind, { env: fcgiOnly ? { SOCKJS_STACK_FCGI_ONLY: '1' } : {} });
		if (processes > 0)
			await startProcesses(stack.url, processes);
		elsewhere = await pageServer({ after: (end) => endings.push(end) });
		browser = await launch();
	});
	after(async () => {
		if (browser)
			await browser.close();
		endings.forEach((end) => end());
		if (stack)
			await stack.stop();
	});

	// A page of the server's origin (the iframe page, which has the client in it if its URL is this
	// origin's), or of another.
	const open = async (context, origin) => {
		const page = await context.newPage();
		page.setDefaultTimeout(TIMEOUT);
		page.on('pageerror', (error) => problems.push(`${error}`));
		page.on('console', (line) => { if (line.type() === 'error') problems.push(`${line.text()} ${line.location().url}`); });
		await page.addInitScript(helpers);
		await page.goto(origin === 'same' ? `${stack.url}/echo/info` : elsewhere.url);
		if (origin === 'same')
			await page.addScriptTag({ url: `${elsewhere.url}/sockjs.min.js` });
		return page;
	};
	const check = (name, body) => test(`${label}: browser ${name}`, { skip, timeout: 5 * TIMEOUT }, withLog(() => stack, async () => {
		const context = await browser.newContext();
		// Iframes load the client from a place that this machine has.
		await context.route(/^https?:\/\/(?!127\.0\.0\.1).*sockjs.*\.js$/, async (route) =>
			route.fulfill({ response: await context.request.get(`${elsewhere.url}/sockjs.min.js`) }));
		problems.length = 0;
		try {
			await body(context);
			assert.deepStrictEqual(problems, [], 'no script of the page failed');
		} finally {
			await context.close();
		}
	}));

	for (const origin of ['same', 'other'])
		for (const transport of available) {
			if (transport === 'htmlfile' && origin === 'other')
				continue; // without an iframe of its own it is for the page's own origin
			const limit = transport === 'websocket' ? Infinity : bodyLimit;
			check(`${transport}, from ${origin === 'same' ? 'the same' : 'another'} origin`, async (context) => {
				const page = await open(context, origin);
				const live = (body) => page.evaluate(body, { url: `${stack.url}/echo`, transport, MANY, LARGE });
				const well = { transport, problem: null, code: 1000 };
				if (limit === Infinity)
					assert.deepStrictEqual(await live(({ url, transport }) => window.live(url, transport, window.rich())), well);
				assert.deepStrictEqual(await live(({ url, transport }) => window.live(url, transport, ['plain', 'ä€😀 \u2028'])), well);
				assert.deepStrictEqual(await live(({ url, transport, MANY }) => window.live(url, transport, window.many(MANY))), well);
				if (limit > LARGE)
					assert.deepStrictEqual(await live(({ url, transport, LARGE }) => window.live(url, transport, ['x'.repeat(LARGE)])), well);
				const close = await page.evaluate(({ url, transport }) => new Promise((resolve) => {
					const socket = new SockJS(url, null, { transports: transport, timeout: 20000 });
					socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
				}), { url: `${stack.url}/close`, transport });
				assert.deepStrictEqual(close, { code: 3000, reason: 'Go away!', wasClean: true });
			});
		}

	check('falls back where websockets are refused', async (context) => {
		const page = await open(context, 'same');
		for (const service of fcgiOnly ? ['/disabled_websocket_echo', '/echo'] : ['/disabled_websocket_echo']) {
			const { transport, problem } = await page.evaluate((url) => window.live(url, null, ['x']), stack.url + service);
			assert.deepStrictEqual([transport, problem], ['xhr-streaming', null]);
		}
	});

	check('goes on after a page was reloaded in the middle', async (context) => {
		for (const transport of available.filter((each) => each !== 'htmlfile')) { // it is for pages of the same origin
			const page = await open(context, 'other');
			const begin = async ({ url, transport }) => {
				window.echo(await window.connect(url, transport), window.many(1000));
			};
			for (let i = 0; i < 3; i++) {
				await page.evaluate(begin, { url: `${stack.url}/echo`, transport });
				await page.reload();
			}
			const result = await page.evaluate(({ url, transport }) => window.live(url, transport, ['x']), { url: `${stack.url}/echo`, transport });
			assert.deepStrictEqual(result, { transport, problem: null, code: 1000 });
			await page.close();
		}
	});

	check('has two services on one page', async (context) => {
		for (const transport of available.filter((each) => !viaFrame(each) && each !== 'htmlfile')) {
			const page = await open(context, 'other');
			const results = await page.evaluate(({ url, transport }) => Promise.all([
				window.live(`${url}/echo`, transport, window.many(200)),
				window.live(`${url}/cookie_needed_echo`, transport, window.many(200)),
			]), { url: stack.url, transport });
			assert.deepStrictEqual(results, Array(2).fill({ transport, problem: null, code: 1000 }));
			await page.close();
		}
	});

	return { check, open, getStack: () => stack };
}

module.exports = { register };
