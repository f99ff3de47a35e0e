'use strict';

// Measures what xhr-polling costs behind lighttpd, through FastCGI to sockjs.fcgi and
// sockjs-sessiond. The CPU time of all processes for a message is compared with sockjs-node behind
// the same lighttpd. The number of requests a second is compared with a bare libfcgi program.

const fs = require('node:fs');
const path = require('node:path');
const { parseArguments, startSockjsNode } = require('./common');
const { median, prepare } = require('./polling');
const { Daemon, temporaryDirectory } = require('../tests/e2e/lib/daemon');
const { startPair } = require('../tests/e2e/lib/responder');
const { srcdir } = require('../tests/e2e/lib/stack');
const { isInstalled, startLighttpd } = require('./lighttpd');

const options = parseArguments(
	'Usage: node bench/polling_cost.js [--OPTION N ...]\n\n' +
	'Clients behind lighttpd poll and send over connections that stay open, and wait for each echo before they send again.\n' +
	'There are three servers, which take turns: sockjs.fcgi with sockjs-sessiond, sockjs-node, and a libfcgi program that\n' +
	'answers a constant. Measures the CPU time (user and system, lighttpd included) for a message, and the requests a second.\n' +
	'Prints the ratios of the medians.', {
		messages: { default: 3000, help: 'messages for each round and server; a message is two requests' },
		rounds: { default: 9, help: 'number of rounds' },
		clients: { default: 32, help: 'number of clients' },
		size: { default: 20, help: 'characters of a message' },
	});

const SKIPPED = 77; // automake's status for what could not be run
async function startBare() {
	const program = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'bench/bare_responder');
	if (!fs.existsSync(program)) {
		console.log(`skipped: ${program} is not built (make check builds it)`);
		process.exit(SKIPPED);
	}
	const directory = temporaryDirectory();
	const bare = new Daemon(program, [path.join(directory, 'socket')]);
	await bare.waitReady();
	return Object.assign(bare, { directory, socket: path.join(directory, 'socket') });
}

async function main() {
	if (!isInstalled()) {
		console.log('skipped: lighttpd is not installed');
		process.exit(SKIPPED);
	}
	const bareProgram = await startBare();
	const pair = await startPair();
	const node = await startSockjsNode();
	const ours = await prepare('sockjs-fcgi', await startLighttpd('fastcgi', pair.address), [pair.responder, pair.sessiond], options);
	const theirs = await prepare('sockjs-node', await startLighttpd('proxy', node.port), [node], options);
	const bare = await prepare('bare libfcgi', await startLighttpd('fastcgi', bareProgram.socket), [bareProgram], options);
	for (let i = 0; i < options.rounds; i++)
		for (const server of [ours, theirs, bare])
			await server.round();
	for (const server of [ours, theirs, bare])
		await server.close();
	await pair.stop();

	ours.report(['lighttpd', 'sockjs.fcgi', 'sessiond']);
	theirs.report(['lighttpd', 'node']);
	bare.report(['lighttpd', 'bare_responder']);
	const cost = median(ours.costs) / median(theirs.costs);
	const rate = median(ours.rates) / median(bare.rates);
	console.log(`cost, of sockjs-node's: ${cost.toFixed(2)}\nrate, of the bare program's: ${rate.toFixed(2)}`);
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
