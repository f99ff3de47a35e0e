'use strict';

// Who has asked to subscribe has not yet, where daemons share channels, and the next publisher may be
// at another one.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { eventually } = require('./guard');
const { srcdir } = require('./stack');

const sockjsctl = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'sessiond/ctl/sockjsctl');

// Resolves when so many have subscribed to the channel, on all daemons of a Pair.
function haveSubscribed(pair, channel, count) {
	const number = () => {
		const { stdout, stderr } = spawnSync(sockjsctl, ['--config', pair.file, '--json', 'channels'], { encoding: 'utf8' });
		assert.strictEqual(stderr, '');
		return JSON.parse(stdout).filter(({ name }) => name === channel).reduce((sum, { subscribers }) => sum + subscribers, 0);
	};
	return eventually(() => number() === count, `${channel} has ${count} subscribers`);
}

module.exports = { haveSubscribed };
