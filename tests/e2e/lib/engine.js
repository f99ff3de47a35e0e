'use strict';

// SOCKJS_TEST_ENGINE: the URL of a Redis at a Unix socket, in which the daemons of the tests have
// their channels, each in a database of its own. So the tests of channels are those of the engine.
// SOCKJS_TEST_DAEMONS: how many daemons there are with it wherever a test starts one; default 1.

const path = require('node:path');

const DATABASES = 4096;
const daemons = process.env.SOCKJS_TEST_DAEMONS ?? '1';
const hasOneDaemon = daemons === '1';
let begun = 0;

// The lines of [server]; empty without that variable.
function engine() {
	if (process.env.SOCKJS_TEST_ENGINE === undefined)
		return '';
	const line = `engine = ${process.env.SOCKJS_TEST_ENGINE}?db=${begun++ % DATABASES}\n`;
	return hasOneDaemon ? line : `${line}daemons = ${daemons}\n`;
}

// A whole configuration with these lines. Several daemons need a socket: it is in that directory.
function withEngine(text, directory) {
	const more = engine();
	if (more === '')
		return text;
	const socket = hasOneDaemon || /^socket =/m.test(text) ? '' : `socket = ${path.join(directory, 'sessiond.sock')}\n`;
	return /^\[server\]\n/m.test(text) ? text.replace(/^\[server\]\n/m, `[server]\n${socket}${more}`) : `[server]\n${socket}${more}${text}`;
}

module.exports = { DATABASES, hasOneDaemon, engine, withEngine };
