'use strict';

// The pages in headless Chromium. Transports: all work through a proxy that is set up well, and
// each fault of a proxy is named, with the setting that mends it. Every page: its controls, and
// what axe-core knows.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { startBadProxy } = require('./lib/bad_proxy');
const { skip, launch } = require('./lib/browser');
const { startDaemon } = require('./lib/daemon');
const { srcdir } = require('./lib/stack');
const { makeWww } = require('./lib/www');

const TIMEOUT = 120000; // ms for anything that a page does

const sockjsctl = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'sessiond/ctl/sockjsctl');
const TOKEN = '0123456789abcdef-secret';

const www = makeWww();
const conf = `
[server]
static = ${www}
sockjs_url = /sockjs.min.js
control = control.sock
heartbeat_delay = 1s
status_token = ${TOKEN}

[service /echo]
module = echo

[service /chat]
module = chat

[service /multiplex]
module = multiplex

[service /resume]
module = echo
resume = on

[service /strict]
module = echo
allowed_origins = https://www.example.org

[service /few]
module = echo
websocket = off
transports = xhr-polling eventsource

[service /status]
module = status

[app demo]
key = demo
secret = the-secret-of-the-demo-which-is-none
client_events = on

[service /sign]
module = sign
module.key = demo
module.secret = the-secret-of-the-demo-which-is-none

[service /lost]
module = echo
sockjs_url = /nowhere.js
`;

let daemon;
let browser;
let proxy;

before(async () => {
	if (skip)
		return;
	daemon = await startDaemon({ conf });
	proxy = await startBadProxy(www, daemon.port);
	browser = await launch();
});
after(async () => {
	if (browser)
		await browser.close();
	if (proxy)
		proxy.close();
	if (daemon)
		await daemon.stop();
});

// What the page says: {state, server, of: {TRANSPORT: {state, text, figures}}}; a verdict is
// {cause, text}.
function readPage() {
	const text = (place, selector) => place.querySelector(selector).textContent;
	const verdict = (place) => (place.hidden ? null : { cause: place.dataset.cause, text: place.textContent });
	const of = {};
	for (const card of document.querySelectorAll('[data-transport]'))
		of[card.dataset.transport] = {
			state: text(card, '.outcome'),
			verdict: verdict(card.querySelector('.verdict')),
			figures: [...card.querySelectorAll('dd')].map((each) => each.textContent),
			charts: card.querySelectorAll('polyline').length,
		};
	return { state: text(document, '#state'), server: verdict(document.getElementById('server')), of };
}

async function tryTransports(fault, { service = '/echo', transports, seconds = 0.1, expected = [] } = {}) {
	const page = await browser.newPage();
	page.setDefaultTimeout(TIMEOUT);
	const problems = [];
	page.on('pageerror', (error) => problems.push(`${error}`));
	proxy.fault = fault;
	try {
		const only = transports ? `&transports=${transports}` : '';
		await page.goto(`${proxy.url}/transports.html?seconds=${seconds}&patience=${fault ? 6 : 60}&service=${service}${only}`);
		await page.waitForFunction(() => !document.getElementById('run').disabled);
		assert.deepStrictEqual(problems, expected);
		return await page.evaluate(readPage);
	} finally {
		proxy.fault = null;
		await page.close();
	}
}

const check = (name, body) => test(`pages: ${name}`, { skip, timeout: 2 * TIMEOUT }, body);

check('every transport works where nothing is wrong, and has its figures', async () => {
	const { state, server, of } = await tryTransports(null);
	assert.strictEqual(state, '9 of 9 work', JSON.stringify(of));
	assert.strictEqual(server, null);
	for (const { state: outcome, verdict, figures, charts } of Object.values(of)) {
		assert.deepStrictEqual([outcome, verdict], ['works', null]);
		assert.ok(figures.slice(0, 5).every((each) => /^\d/.test(each)), figures.join());
		assert.ok(charts >= 1);
	}
	for (const name of ['xhr-streaming', 'xhr-polling'])
		assert.match(of[name].figures[5], /then a heartbeat/);
	assert.match(of.websocket.figures[5], /^\d/);
});

// fault, transport, cause, what the verdict says
for (const [fault, transport, cause, words] of [
	['upgrade', 'websocket', 'upgrade', /does not pass the upgrade on.*proxy_set_header Upgrade/s],
	['buffered', 'xhr-streaming', 'buffered', /streams are buffered.*proxy_buffering off/s],
	['buffered', 'iframe-eventsource', 'buffered', /streams are buffered.*proxy_buffering off/s],
])
	check(`${transport} with the fault "${fault}" is explained, and polling works`, async () => {
		const { state, of } = await tryTransports(fault, { transports: `${transport},xhr-polling` });
		assert.strictEqual(state, '1 of 2 work', JSON.stringify(of));
		assert.strictEqual(of['xhr-polling'].state, 'works');
		assert.strictEqual(of[transport].verdict?.cause, cause, JSON.stringify(of[transport]));
		assert.match(of[transport].verdict.text, words);
		assert.doesNotMatch(of[transport].verdict.text, /lighttpd/, 'only what the web server that is there understands');
	});

check('what a proxy cuts is told from what never worked', async () => {
	// Each is tried for longer than the proxy lets it live.
	const { of } = await tryTransports('cut', { transports: 'websocket,xhr-streaming,xhr-polling', seconds: 1 });
	for (const [name, { verdict }] of Object.entries(of)) {
		assert.strictEqual(verdict?.cause, 'cut', `${name}: ${JSON.stringify(of)}`);
		assert.match(verdict.text, /cut after \d.*proxy_read_timeout.*heartbeat_delay = \d+ms/s);
	}
});

for (const [fault, options, cause, words] of [
	['down', {}, 'unreachable', /not answered.*systemctl status sockjs-sessiond/s],
	['gateway', {}, 'gateway', /answers 502.*systemctl status/s],
	['silent', {}, 'silent', /no answer within 6\.0 s/],
	['elsewhere', {}, 'no-service', /404.*\[service \/echo\]/s],
	['host', { service: '/strict' }, 'origin', /may not use this service.*proxy_set_header Host.*allowed_origins = http:/s],
	[null, { service: '/none' }, 'no-service', /not in sockjs\.conf/],
])
	check(`a server with the fault "${fault || options.service}" is explained at once`, async () => {
		const { state, server, of } = await tryTransports(fault, options);
		assert.strictEqual(state, 'does not work');
		assert.strictEqual(server?.cause, cause, JSON.stringify(server));
		assert.match(server.text, words);
		assert.ok(Object.values(of).every((each) => each.state === 'not tried'));
	});

check('what is switched off is no fault; a client that an iframe cannot load is one', async () => {
	const few = await tryTransports(null, { service: '/few', transports: 'websocket,xhr-streaming,xhr-polling' });
	assert.deepStrictEqual(Object.values(few.of).map(({ state }) => state), ['off', 'off', 'works'], JSON.stringify(few));
	const lost = await tryTransports(null, {
		service: '/lost', transports: 'iframe-xhr-polling', expected: ['ReferenceError: SockJS is not defined'],
	});
	assert.strictEqual(lost.of['iframe-xhr-polling'].verdict?.cause, 'client', JSON.stringify(lost));
	assert.match(lost.of['iframe-xhr-polling'].verdict.text, /\/nowhere\.js.*sockjs_url = /s);
});

check('the status needs the token, and then shows figures that change', async () => {
	const page = await browser.newPage();
	page.setDefaultTimeout(TIMEOUT);
	await page.goto(`${daemon.url}/status.html`);
	const show = async (token) => {
		await page.fill('#token', token);
		await page.click('#show');
	};
	const stateIs = (text) => page.waitForFunction((wanted) => document.getElementById('state').textContent === wanted, text);
	await show('a wrong token, of some length');
	await stateIs('The token is wrong.');
	assert.ok(await page.locator('#figures').isHidden());
	await show(TOKEN);
	await stateIs('live');
	const traffic = await page.locator('#traffic').textContent();
	await page.waitForFunction((former) => document.getElementById('traffic').textContent !== former, traffic);
	assert.match(await page.locator('#services').textContent(), /\/echo.*\/status1, websocket: 1/s);
	await page.reload();
	await stateIs('live'); // the tab has kept it
	await page.close();
});

// --- for everybody: axe-core, fingers, narrow screens --------------------------------------------

const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const screens = {
	desktop: { viewport: { width: 1100, height: 900 } },
	phone: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
};

// What a page can be used by, and at rest: each resolves when nothing moves any more.
const uses = {
	'': async (page) => {
		await page.waitForFunction(() => !document.getElementById('send').disabled);
		await page.waitForFunction(() => !document.getElementById('echo-send').disabled);
		await page.fill('#text', 'hello');
		await page.click('#send');
		await page.locator('#log').getByText('hello', { exact: true }).waitFor();
		await page.fill('#echo-text', 'again');
		await page.click('#echo-send');
		await page.locator('#echo-log').getByText('again', { exact: true }).waitFor();
		await page.selectOption('#transports', 'xhr-polling');
		await page.waitForFunction(() => document.getElementById('transport').textContent === 'xhr-polling');
		await page.waitForFunction(() => !document.getElementById('send').disabled);
	},
	'channels.html?name=Ann': async (page) => {
		await page.locator('#people').getByText('Ann (you)').waitFor();
		const other = await page.context().newPage();
		await other.goto(`${daemon.url}/channels.html?name=Bob&transport=xhr_polling`);
		await page.locator('#people').getByText('Bob', { exact: true }).waitFor();
		assert.strictEqual(await other.textContent('#transport'), 'xhr_polling');
		await other.fill('#text', "it's");
		await page.locator('#typing').getByText('Bob is typing').waitFor();
		const command = (await other.textContent('#command')).replace('sockjsctl', '"$0" --socket "$1"');
		const done = spawnSync('sh', ['-c', command, sockjsctl, path.join(daemon.directory, 'control.sock')], { encoding: 'utf8' });
		assert.strictEqual(done.status, 0, done.stderr);
		for (const each of [page, other])
			await each.locator('#log').getByText("it's").waitFor();
		await other.close();
		await page.locator('#people').getByText('Bob', { exact: true }).waitFor({ state: 'detached' });
	},
	'multiplex.html': async (page) => {
		for (const name of ['echo', 'news', 'once']) {
			const card = page.locator(`[data-channel=${name}]`);
			if (name === 'once')
				await card.getByText('Open', { exact: true }).click();
			await page.locator(`[data-channel=${name}][data-open=true]`).waitFor();
			await card.locator('input').fill('a,b');
			await card.getByText('Send', { exact: true }).click();
			await card.locator('li').first().waitFor();
		}
		await page.locator('[data-channel=news]').getByText('Close', { exact: true }).click();
		await page.locator('[data-channel=news][data-open=false]').waitFor();
	},
	'resume.html': async (page) => {
		const has = (id, least) => page.waitForFunction(([place, number]) =>
			Number(document.getElementById(place).textContent) >= number, [id, least]);
		const read = async (id) => Number(await page.textContent(`#${id}`));
		for (let breaks = 1; breaks <= 2; breaks++) {
			await has('back', await read('back') + 3);
			await page.click('#break');
			await has('breaks', breaks);
			await has('back', await read('sent'));
		}
		assert.ok(await page.locator('#wrong').isHidden(), await page.textContent('#wrong'));
		await page.waitForFunction(() => document.getElementById('status').textContent === 'connected');
		assert.strictEqual(await page.textContent('#transport'), 'websocket');
		// The server closes it, and that is said.
		const closed = spawnSync(sockjsctl, ['--socket', path.join(daemon.directory, 'control.sock'), 'close', 'all', '--service', '/resume']);
		assert.strictEqual(closed.status, 0);
		await page.getByText('closed: 3000 Go away!').waitFor();
		await page.click('#again');
		await has('back', 3);
		await page.click('#break');
		await has('breaks', 1);
		await page.waitForFunction(() => document.getElementById('status').textContent === 'connected');
		assert.ok(await page.locator('#wrong').isHidden());
	},
	'transports.html?seconds=0.1&transports=websocket,xhr-polling': async (page) => {
		const isAtRest = () => page.waitForFunction(() => !document.getElementById('run').disabled);
		await isAtRest();
		await page.fill('#service', '/few');
		await page.click('#run');
		await isAtRest();
	},
	'status.html': async (page) => {
		await page.fill('#token', TOKEN);
		await page.click('#show');
		await page.locator('#figures').waitFor();
	},
};

// Runs in the page: what is too small for a finger, too wide for the screen, or cut.
function measurePage() {
	const problems = [];
	for (const each of document.querySelectorAll('a, button, input, select')) {
		const { width, height } = each.getBoundingClientRect();
		const name = each.id || each.textContent.trim();
		if (width > 0 && (width < 44 || height < 44))
			problems.push(`${name} is ${width} x ${height} px`);
		if (each.placeholder) {
			const style = getComputedStyle(each);
			const brush = document.createElement('canvas').getContext('2d');
			brush.font = style.font;
			if (brush.measureText(each.placeholder).width > each.clientWidth - 2 * parseFloat(style.paddingLeft))
				problems.push(`the placeholder of ${name} is cut: ${each.placeholder}`);
		}
	}
	if (document.documentElement.scrollWidth > window.innerWidth)
		problems.push(`${document.documentElement.scrollWidth} px wide`);
	return problems;
}

// A phone is the narrower, and the one for fingers.
for (const [screen, options] of Object.entries(screens).filter(([name]) => process.env.SOCKJS_LONG || name === 'phone'))
	check(`everybody can use each page, on a ${screen}, light and dark`, async () => {
		const context = await browser.newContext(options);
		context.setDefaultTimeout(TIMEOUT);
		try {
			for (const [name, use] of Object.entries(uses)) {
				const page = await context.newPage();
				const problems = [];
				page.on('pageerror', (error) => problems.push(`${error}`));
				page.on('console', (line) => { if (line.type() === 'error') problems.push(line.text()); });
				await page.goto(`${daemon.url}/${name}`);
				await use(page);
				await page.evaluate(axe);
				for (const colorScheme of ['light', 'dark']) {
					await page.emulateMedia({ colorScheme });
					const { violations } = await page.evaluate(() => window.axe.run());
					for (const { id, nodes } of violations)
						problems.push(...nodes.map((node) => `${colorScheme}: ${id} ${node.target} ${node.failureSummary}`));
				}
				problems.push(...await page.evaluate(measurePage));
				assert.deepStrictEqual(problems, [], name);
				await page.close();
			}
		} finally {
			await context.close();
		}
	});
