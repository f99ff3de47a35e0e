'use strict';

// Tabs that lie in the background for ten minutes, where the browser lets timers tick once a second
// and after five minutes once a minute. Their sessions must outlive that with the default delays,
// and what is sent to them arrives once and in order.

const assert = require('node:assert');
const { test } = require('node:test');
const { skip, launchWithBackground } = require('./lib/browser');
const { withLog } = require('./lib/daemon');
const { sleep } = require('./lib/guard');
const { page: pageServer } = require('./lib/page_server');
const { startStack } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');

const TIMEOUT = 120000; // ms for anything that a page does
const MINUTE = 60000;
const AWAY = 10 * MINUTE;
const RARELY_SINCE = 6 * MINUTE; // Chromium lets timers tick rarely after 5 minutes
const PAUSE = 8000; // ms between two batches of messages
const BURST = 20; // messages of every third batch

const TICK = 100; // ms, what the page asks for
const SOME_TICKS = 30; // of a visible page
const SPARE = 1.5; // a hidden one ticks once a second, but not in step with our clock

const transports = ['websocket', 'xhr-streaming', 'eventsource', 'xhr-polling', 'jsonp-polling'];

// Runs in the page.
function begin({ url, transport, TICK }) {
	window.ticks = 0;
	setInterval(() => window.ticks++, TICK);
	window.received = [];
	window.events = [];
	window.socket = new SockJS(url, null, { transports: transport, timeout: 20000 });
	window.socket.onmessage = ({ data }) => window.received.push(data);
	window.socket.onopen = () => window.events.push('open');
	window.socket.onclose = ({ code, reason }) => window.events.push(`close ${code} ${reason}`);
}

async function openTab(context, { page: address, service, transport, problems }) {
	const page = await context.newPage();
	page.setDefaultTimeout(TIMEOUT);
	page.on('pageerror', (error) => problems.push(`${transport}: ${error}`));
	page.on('console', (line) => {
		if (line.type() === 'error')
			problems.push(`${transport}: ${line.text()}`);
	});
	await page.goto(address);
	await page.evaluate(begin, { url: service, transport, TICK });
	await page.waitForFunction(() => window.events.length > 0);
	await page.waitForFunction((count) => window.ticks >= count, SOME_TICKS);
	return { transport, page };
}

const look = ({ page }) => page.evaluate(() => ({
	visibility: document.visibilityState,
	ticks: window.ticks,
	received: window.received.length,
	events: window.events,
}));

// Everybody has a message when its sender, who is no better than the rest, has it back.
async function broadcast(url, messages) {
	const sender = await WebSocketClient.connect(url, '/broadcast/websocket');
	for (const message of messages) {
		sender.send(message);
		assert.strictEqual(await sender.readText(TIMEOUT), message);
	}
	sender.sendClose(1000);
	await sender.readClose();
}

// Sends to the tabs until they have been away for long. Resolves with [{at, looks}], a row a batch.
async function sendMeanwhile(url, tabs, sent) {
	const rows = [];
	const start = Date.now();
	for (let batch = 0; Date.now() < start + AWAY; batch++) {
		const messages = Array.from({ length: batch % 3 === 2 ? BURST : 1 }, (_, i) => `${batch}.${i}`);
		await broadcast(url, messages);
		sent.push(...messages);
		rows.push({ at: Date.now() - start, looks: await Promise.all(tabs.map(look)) });
		await sleep(PAUSE);
	}
	return rows;
}

// The timers of the tab tick at most once in `ms` between two rows.
function assertThrottled(tab, index, from, to, ms) {
	const ticks = to.looks[index].ticks - from.looks[index].ticks;
	const most = Math.ceil((to.at - from.at) / ms * SPARE) + 1;
	assert.ok(ticks <= most, `${tab.transport}: ${ticks} ticks in ${to.at - from.at} ms`);
}

async function inBackground(t, stack, context) {
	const [tabs, sent, problems] = [[], [], []];
	const { url: page } = await pageServer(t);
	const service = `${stack.url}/broadcast`;
	for (const transport of transports)
		tabs.push(await openTab(context, { page, service, transport, problems }));
	await (await context.newPage()).bringToFront();

	const rows = await sendMeanwhile(stack.url, tabs, sent);
	const rare = rows.find(({ at }) => at >= RARELY_SINCE);
	const last = rows.at(-1);
	for (const { at, looks } of [rows[0], rare, last])
		t.diagnostic(`ticks after ${at} ms: ${looks.map(({ ticks }) => ticks)}`);
	for (const { looks } of rows)
		for (const { visibility, events } of looks)
			assert.deepStrictEqual([visibility, events], ['hidden', ['open']]);
	tabs.forEach((tab, index) => {
		assertThrottled(tab, index, rows[0], last, 1000);
		assertThrottled(tab, index, rare, last, MINUTE);
	});

	for (const { transport, page: tab } of tabs) {
		const hasAll = () => tab.waitForFunction((count) => window.received.length >= count, sent.length);
		const message = `back, ${transport}`;
		await tab.bringToFront();
		await hasAll();
		await tab.evaluate((text) => window.socket.send(text), message);
		sent.push(message);
		await hasAll();
		const found = await tab.evaluate(() => [window.events, window.received]);
		assert.deepStrictEqual(found, [['open'], sent], transport);
	}
	assert.deepStrictEqual(problems, []);
}

const options = { skip, timeout: 3 * AWAY };
test('browser: tabs in the background for ten minutes keep their sessions', options, async (t) => {
	const stack = await startStack('lighttpd');
	t.after(() => stack.stop());
	const { context, close } = await launchWithBackground();
	t.after(close);
	await withLog(() => stack, () => inBackground(t, stack, context))(t);
});
