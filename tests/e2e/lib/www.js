'use strict';

// The page's files as a server has them: our own, and the clients beside them.

const fs = require('node:fs');
const path = require('node:path');
const { temporaryDirectory } = require('./daemon');
const { srcdir } = require('./stack');

const fileOf = (library, file) => path.join(path.dirname(require.resolve(`${library}/package.json`)), file);
const clients = [fileOf('sockjs-client', 'dist/sockjs.min.js'), fileOf('pusher-js', 'dist/web/pusher.min.js')];

// Returns the folder, which goes with this process.
function makeWww() {
	const directory = temporaryDirectory();
	const www = path.join(directory, 'www');
	fs.cpSync(path.join(srcdir, 'www'), www, { recursive: true });
	for (const file of clients)
		fs.copyFileSync(file, path.join(www, path.basename(file)));
	process.on('exit', () => fs.rmSync(directory, { recursive: true, force: true }));
	return www;
}

module.exports = { makeWww };
