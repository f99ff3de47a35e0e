'use strict';

// pusher-js and laravel-echo in Chromium, in tabs of one site, through one kind of stack. Entry
// files call register(kind), with what is different there:
//   fcgiOnly    the web server passes nothing to sessiond itself: clients poll
//   transports  to try, each alone; beside them, that which is found where websockets are refused

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { skip, launch } = require('../lib/browser');
const { temporaryDirectory } = require('../lib/daemon');
const { freePort, startStack } = require('../lib/stack');
const { APP, KEY, authorize, optionsFor, trigger } = require('../lib/pusher_clients');

const TRANSPORTS = ['ws', 'xhr_streaming', 'xhr_polling'];
const TIMEOUT = 120000; // ms
const fileOf = (library, file) => path.join(path.dirname(require.resolve(library)), file);
const scripts = [
	fileOf('pusher-js', '../web/pusher.min.js'),
	fileOf('laravel-echo', 'echo.iife.js'),
];

// Runs in the page. What happens is in window.seen, as [what, data].
function connect({ key, options, user, room }) {
	window.seen = [];
	const pusher = window.pusher = new window.Pusher(key, {
		...options,
		channelAuthorization: {
			customHandler: ({ socketId, channelName }, callback) =>
				window.authorize(socketId, channelName, user).then((answer) => callback(null, answer)),
		},
	});
	const echo = window.echo = new window.Echo.default({ broadcaster: 'pusher', key, client: pusher });
	const note = (what) => (data) => window.seen.push([what, data]);
	window.room = echo.join(room)
		.listen('.added', note('added')).listenForWhisper('typing', note('typing'));
	for (const what of ['here', 'joining', 'leaving'])
		window.room[what](note(what));
}

class Tabs {
	constructor(context, url) {
		this.context = context;
		this.url = url;
	}

	async open({ transports, wsUrl, user, room }) {
		const page = await this.context.newPage();
		page.setDefaultTimeout(TIMEOUT);
		await page.goto(`${this.url}/up`); // any page of the site
		for (const script of scripts)
			await page.addScriptTag({ path: script });
		const options = optionsFor(this.url, transports, wsUrl);
		await page.evaluate(connect, { key: KEY, options, user, room });
		await this.saw(page, 'here');
		page.transport = await page.evaluate(() => window.pusher.connection.connection.transport.name);
		return page;
	}

	async saw(page, what) {
		const find = (wanted) => window.seen.filter(([each]) => each === wanted).map(([, data]) => data);
		await page.waitForFunction((wanted) => window.seen.some(([each]) => each === wanted), what);
		return page.evaluate(find, what);
	}
}

let rooms = 0;

// Two tabs of Ann, one of Bob; an event, a client event, and who goes.
async function meet(tabs, transports, wsUrl) {
	const room = `room${++rooms}`;
	const bob = await tabs.open({ transports, wsUrl, user: 'bob', room });
	const ann = () => tabs.open({ transports, wsUrl, user: 'ann', room });
	const [one, two] = await Promise.all([ann(), ann()]);
	for (const tab of [bob, one, two])
		assert.ok(transports.includes(tab.transport), tab.transport);
	const names = (await tabs.saw(two, 'here'))[0].map(({ name }) => name).sort();
	assert.deepStrictEqual(names, ['name of ann', 'name of bob']);
	await trigger(tabs.url, `presence-${room}`, 'added', { title: 'ä' });
	for (const tab of [bob, one, two])
		assert.deepStrictEqual(await tabs.saw(tab, 'added'), [{ title: 'ä' }]);
	await one.evaluate(() => window.room.whisper('typing', { text: 'hi' }));
	for (const tab of [bob, two])
		assert.deepStrictEqual(await tabs.saw(tab, 'typing'), [{ text: 'hi' }]);
	await one.close();
	await two.close();
	assert.deepStrictEqual(await tabs.saw(bob, 'leaving'), [{ name: 'name of ann' }]);
	assert.deepStrictEqual(await tabs.saw(bob, 'joining'), [{ name: 'name of ann' }]);
	assert.strictEqual((await tabs.saw(bob, 'typing')).length, 1);
	const { transport } = bob;
	await bob.close();
	return transport;
}

async function withTabs(url, body) {
	const browser = await launch();
	try {
		const context = await browser.newContext();
		await context.exposeFunction('authorize', authorize);
		await body(new Tabs(context, url));
	} finally {
		await browser.close();
	}
}

function register(kind, { fcgiOnly = false, transports } = {}) {
	const alone = transports || (fcgiOnly ? ['xhr_polling'] : TRANSPORTS);
	const name = `pusher-js in Chromium: ${kind}${fcgiOnly ? ', FastCGI only' : ''}`;
	const env = fcgiOnly ? { SOCKJS_STACK_FCGI_ONLY: '1' } : {};
	test(name, { skip, timeout: 4 * TIMEOUT }, async (t) => {
		const directory = temporaryDirectory();
		const conf = path.join(directory, 'sockjs.conf');
		fs.writeFileSync(conf, `[server]\ndisconnect_delay = 2s\nheartbeat_delay = 1s\n${APP}`);
		const stack = await startStack(kind, { conf, env });
		const check = (what, body) => t.test(what, { timeout: TIMEOUT }, body);
		try {
			await withTabs(stack.url, async (tabs) => {
				for (const transport of alone)
					await check(transport, () => meet(tabs, [transport]));
				await check('without websockets it falls back by itself', async () => {
					const wsUrl = `http://127.0.0.1:${await freePort()}`;
					assert.notStrictEqual(await meet(tabs, TRANSPORTS, wsUrl), 'ws');
				});
			});
		} catch (error) {
			error.message += `\n--- the log\n${stack.log()}`;
			throw error;
		} finally {
			await stack.stop();
			fs.rmSync(directory, { recursive: true, force: true });
		}
	});
}

module.exports = { register };
