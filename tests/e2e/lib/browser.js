'use strict';

// Headless Chromium for tests of pages, and why there may be none.

const fs = require('node:fs');

const CHROMIUM = process.env.CHROMIUM || ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((file) => fs.existsSync(file));

// playwright-core ends the process when node is too old for it, so this has to be known before.
const [, neededNode] = /(\d+)/.exec(require('playwright-core/package.json').engines.node);
const isOldNode = Number(process.versions.node.split('.')[0]) < Number(neededNode);
const skip = !CHROMIUM ? 'Chromium is not installed' : isOldNode && `playwright-core needs node ${neededNode}`;

function launch() {
	return require('playwright-core').chromium.launch({
		executablePath: CHROMIUM,
		args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
			'--disable-component-update', '--disable-sync'],
	});
}

module.exports = { skip, launch };
