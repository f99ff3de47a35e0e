'use strict';

// SOCKJS_TEST_ENGINE: the URL of a Redis at a Unix socket, in which the daemons of the tests have
// their channels, each in a database of its own. So the tests of channels are those of the engine.

const DATABASES = 4096;

// The line of [server]; empty without that variable.
const engine = () => (process.env.SOCKJS_TEST_ENGINE === undefined ? ''
	: `engine = ${process.env.SOCKJS_TEST_ENGINE}?db=${Math.floor(Math.random() * DATABASES)}\n`);

// A whole configuration with that line.
function withEngine(text) {
	if (engine() === '')
		return text;
	return /^\[server\]\n/m.test(text) ? text.replace(/^\[server\]\n/m, `[server]\n${engine()}`) : `[server]\n${engine()}${text}`;
}

module.exports = { DATABASES, engine, withEngine };
