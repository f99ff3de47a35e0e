'use strict';

// Measures how much CPU time an echo over a SockJS websocket costs the server, compared with
// sockjs-node in the same minute.

const { parseArguments, startOurs, startSockjsNode, cpuTime, openWebsockets, exchange } = require('./common');

const options = parseArguments(
	'Usage: node bench/websocket_cpu.js [--OPTION N ...]\n\n' +
	'Measures the CPU time (user and system) that a SockJS websocket echo costs. sockjs-sessiond and sockjs-node take turns.\n' +
	'Prints the ratio of the medians.', {
		messages: { default: 10000, help: 'messages for each round and server' },
		rounds: { default: 11, help: 'number of rounds' },
		connections: { default: 64, help: 'number of connections; each waits for its echo before it sends again' },
		size: { default: 20, help: 'characters of a message' },
	});

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

async function prepare(name, server) {
	const sockets = await openWebsockets(server.port, options.connections);
	const message = 'x'.repeat(options.size);
	await exchange(sockets, message, 10000); // node compiles what is hot
	return {
		name,
		costs: [],
		async round() {
			const before = cpuTime(server.pid);
			await exchange(sockets, message, options.messages);
			this.costs.push((cpuTime(server.pid) - before) / options.messages);
		},
		close() {
			for (const socket of sockets)
				socket.removeAllListeners('close').destroy();
			return server.stop();
		},
	};
}

async function main() {
	const ours = await prepare('sockjs-sessiond', await startOurs());
	const theirs = await prepare('sockjs-node', await startSockjsNode());
	for (let i = 0; i < options.rounds; i++) {
		await ours.round();
		await theirs.round();
	}
	await ours.close();
	await theirs.close();
	for (const { name, costs } of [ours, theirs])
		console.log(`${name.padEnd(16)} ${median(costs).toFixed(1)} us a message (${costs.map((cost) => cost.toFixed(1)).join(' ')})`);
	console.log(`ratio            ${(median(ours.costs) / median(theirs.costs)).toFixed(2)}`);
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
