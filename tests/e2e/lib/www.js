'use strict';

// The page's files as a server has them: our own, and sockjs-client beside them.

const fs = require('node:fs');
const path = require('node:path');
const { temporaryDirectory } = require('./daemon');
const { srcdir } = require('./stack');

const clientFile = path.join(path.dirname(require.resolve('sockjs-client/package.json')), 'dist/sockjs.min.js');

// Returns the folder, which goes with this process.
function makeWww() {
	const directory = temporaryDirectory();
	const www = path.join(directory, 'www');
	fs.cpSync(path.join(srcdir, 'www'), www, { recursive: true });
	fs.copyFileSync(clientFile, path.join(www, 'sockjs.min.js'));
	process.on('exit', () => fs.rmSync(directory, { recursive: true, force: true }));
	return www;
}

module.exports = { makeWww };
