'use strict';

// Measures what the session store costs behind lighttpd: the CPU time of all processes for an echo
// over xhr-polling, with and without a store. In one kind of round the receiver waits for the
// message. In the other, the message is queued.

const { parseArguments } = require('./common');
const { isInstalled, startLighttpd } = require('./lighttpd');
const { median, prepare } = require('./polling');
const { startPair } = require('../tests/e2e/lib/responder');

const options = parseArguments(
	'Usage: node bench/store_cost.js [--OPTION N ...]\n\n' +
	'Clients behind lighttpd poll and send over connections that stay open, and wait for each echo before they send again.\n' +
	'Daemons without a store and with a store take turns. First, polls wait for the messages. Then, messages are queued until\n' +
	'the next poll. Prints the ratio of the costs, for which only sessiond\'s part is compared, and the ratio of the median\n' +
	'rates.', {
		messages: { default: 2000, help: 'messages for each round and server; a message is two requests' },
		rounds: { default: 9, help: 'number of rounds of either kind' },
		clients: { default: 32, help: 'number of clients' },
		size: { default: 20, help: 'characters of a message' },
		queued: { default: 1, help: '0: leave out the rounds with queued messages' },
		all: { default: 0, help: '1: measure store_sync off and full, too; 0: only normal' },
	});

const SESSIOND = 2; // of the parts
const SKIPPED = 77; // automake's status for what could not be run

async function start(name, server) {
	const pair = await startPair({ server });
	const load = await prepare(name, await startLighttpd('fastcgi', pair.address), [pair.responder, pair.sessiond], options);
	return { ...load, pair, costs: [], rates: [] };
}

async function measure(servers, how) {
	for (const server of servers)
		server.parts.fill(0);
	for (const list of servers.flatMap(({ costs, rates }) => [costs, rates]))
		list.length = 0;
	for (let i = 0; i < options.rounds; i++)
		for (const server of servers)
			await server.round(how);
	console.log(how === 'waits' ? 'the receiver waits:' : 'the message is queued:');
	const without = servers[0];
	for (const server of servers) {
		server.report(['lighttpd', 'sockjs.fcgi', 'sessiond']);
		// lighttpd and the responder do the same for both; two processes of one program differ by
		// more than what is looked for here.
		const cost = 1 + (server.parts[SESSIOND] - without.parts[SESSIOND]) / median(without.costs);
		const rate = median(server.rates) / median(without.rates);
		if (server !== without)
			console.log(`  ${server.name}: cost ${cost.toFixed(2)}, rate ${rate.toFixed(2)} of that without a store`);
	}
}

async function main() {
	if (!isInstalled()) {
		console.log('skipped: lighttpd is not installed');
		process.exit(SKIPPED);
	}
	const syncs = options.all ? ['normal', 'off', 'full'] : ['normal'];
	const servers = [await start('no store', 'store = none\n')];
	for (const sync of syncs)
		servers.push(await start(`sync ${sync}`, `store = sessions.db\nstore_sync = ${sync}\n`));
	await measure(servers, 'waits');
	if (options.queued)
		await measure(servers, 'queues');
	for (const server of servers) {
		await server.close();
		await server.pair.stop();
	}
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
