'use strict';

// sockjs-resume.js in headless Chromium: its connection goes on over each transport of today's
// browsers when the network is cut.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { skip, launch } = require('./lib/browser');
const { CuttingProxy } = require('./lib/cutting_proxy');
const { startDaemon, temporaryDirectory, withLog } = require('./lib/daemon');
const { srcdir } = require('./lib/stack');

const TIMEOUT = 120000; // ms for anything that a page does
const CUTS = 4;
const isLong = process.env.SOCKJS_LONG === '1';
const transports = isLong
	? ['websocket', 'xhr-streaming', 'eventsource', 'iframe-eventsource', 'htmlfile', 'xhr-polling', 'jsonp-polling']
	: ['websocket', 'xhr-streaming', 'jsonp-polling'];

const directory = temporaryDirectory();
const client = path.join(path.dirname(require.resolve('sockjs-client/package.json')), 'dist/sockjs.min.js');
fs.copyFileSync(client, path.join(directory, 'sockjs.min.js'));
fs.copyFileSync(path.join(srcdir, 'www/sockjs-resume.js'), path.join(directory, 'sockjs-resume.js'));
fs.writeFileSync(path.join(directory, 'index.html'),
	'<!doctype html><title>resume</title><script src="sockjs.min.js"></script><script src="sockjs-resume.js"></script><body></body>');
process.on('exit', () => fs.rmSync(directory, { recursive: true, force: true }));

const conf = `
[server]
static = ${directory}
store = ${path.join(directory, 'sessions.db')}
disconnect_delay = 20s
sockjs_url = /sockjs.min.js
[service /echo]
module = echo
resume = on
`;

let daemon;
let browser;
before(async () => {
	if (skip) return;
	daemon = await startDaemon({ conf });
	browser = await launch();
});
after(async () => {
	if (browser) await browser.close();
	if (daemon) await daemon.stop();
});

// Runs in the page: numbered messages, some of which begin as a leg's own do.
function begin(transport) {
	const messageOf = (n) => (n % 3 === 0 ? `~${n}` : String(n));
	const state = { sent: 0, got: 0, wrong: null, breaks: 0, closes: [], isQuiet: false };
	const socket = new ResumingSockJS('/echo', null, { transports: transport, timeout: 10000, patience: 2000 });
	const talk = () => {
		while (!state.isQuiet && socket.readyState === 1 && state.sent - state.got < 5)
			socket.send(messageOf(state.sent++));
	};
	socket.addEventListener('open', talk);
	socket.addEventListener('message', ({ data }) => {
		if (data !== messageOf(state.got)) state.wrong = state.wrong || `${data}, not ${messageOf(state.got)}`;
		state.got++;
		talk();
	});
	socket.addEventListener('reconnecting', () => { state.breaks++; });
	socket.addEventListener('close', ({ code, reason, wasClean }) => state.closes.push({ code, reason, wasClean }));
	window.state = state;
	window.socket = socket;
}

for (const transport of transports) {
	test(`browser: ${transport}: ${CUTS} cuts, and each message once and in order`, { skip }, withLog(() => daemon, async () => {
		const proxy = await new CuttingProxy(daemon.port, 0).listen();
		const context = await browser.newContext();
		const page = await context.newPage();
		const until = (condition, argument) => page.waitForFunction(condition, argument, { timeout: TIMEOUT, polling: 20 });
		try {
			await page.goto(`${proxy.url}/index.html`);
			await page.evaluate(begin, transport);
			for (let i = 1; i <= CUTS; i++) {
				const got = await page.evaluate(() => window.state.got);
				await until((before) => window.state.got > before + 10 || window.state.wrong || window.state.closes.length > 0, got);
				proxy.cutAll();
			}
			await page.evaluate(() => { window.state.isQuiet = true; });
			await until(() => window.state.got === window.state.sent || window.state.wrong || window.state.closes.length > 0);
			await page.evaluate(() => window.socket.close(4000, 'enough'));
			await until(() => window.state.closes.length > 0);
			const state = await page.evaluate(() => window.state);
			assert.strictEqual(state.wrong, null);
			assert.strictEqual(state.got, state.sent);
			// What it gets by requests a browser may ask for again, without a word to the page.
			if (transport === 'websocket')
				assert.strictEqual(state.breaks, CUTS);
			assert.deepStrictEqual(state.closes, [{ code: 4000, reason: 'enough', wasClean: true }]);
		} finally {
			await context.close();
			proxy.close();
		}
	}));
}
