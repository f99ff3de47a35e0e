'use strict';

// Headless Chromium for tests of pages, and why there may be none.

const fs = require('node:fs');
const { freePort } = require('./stack');

const CHROMIUM = process.env.CHROMIUM || ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((file) => fs.existsSync(file));

// playwright-core ends the process when node is too old for it, so this has to be known before.
const [, neededNode] = /(\d+)/.exec(require('playwright-core/package.json').engines.node);
const isOldNode = Number(process.versions.node.split('.')[0]) < Number(neededNode);
const skip = !CHROMIUM ? 'Chromium is not installed' : isOldNode && `playwright-core needs node ${neededNode}`;

const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
	'--disable-background-networking', '--disable-component-update', '--disable-sync'];

const chromium = () => require('playwright-core').chromium;
const launch = (options) => chromium().launch({ executablePath: CHROMIUM, args, ...options });

// Chromium whose tabs are hidden, and their timers throttled, unless they are in front, as users
// have it. playwright asks for the contrary, and has each tab that it opens believe that it is
// seen; so the tabs are opened by way of a second connection, which asks for nothing. Resolves with
// {context, close}.
async function launchWithBackground() {
	const port = await freePort();
	const browser = await launch({
		args: [...args, `--remote-debugging-port=${port}`],
		ignoreDefaultArgs: ['--disable-background-timer-throttling',
			'--disable-backgrounding-occluded-windows', '--disable-renderer-backgrounding'],
	});
	try {
		const address = `http://127.0.0.1:${port}`;
		const second = await chromium().connectOverCDP(address, { noDefaults: true });
		const close = () => second.close().finally(() => browser.close());
		return { context: second.contexts()[0], close };
	} catch (error) {
		await browser.close();
		throw error;
	}
}

module.exports = { skip, launch, launchWithBackground };
