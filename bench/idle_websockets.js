'use strict';

// Measures how much resident memory an idle SockJS websocket costs sockjs-sessiond.

const { parseArguments, startOurs, residentBytes, openWebsockets } = require('./common');

const options = parseArguments(
	'Usage: node bench/idle_websockets.js [--OPTION N ...]\n\n' +
	'Opens SockJS websockets that then send nothing. Prints by how much the daemon\'s resident memory grew for each.\n' +
	'Each websocket needs an open file, here and in the daemon (ulimit -n).', {
		connections: { default: 8000, help: 'number of connections' },
		'max-bytes': { help: 'exit with 1 if a connection costs more than N bytes' },
	});

async function main() {
	const server = await startOurs();
	const first = await openWebsockets(server.port, 10); // so that what is allocated only once is not counted
	const before = residentBytes(server.pid);
	const sockets = await openWebsockets(server.port, options.connections);
	const after = residentBytes(server.pid);
	const each = (after - before) / options.connections;
	console.log(`${options.connections} idle websockets: ${(after / 1048576).toFixed(1)} MB resident, ` +
		`${(before / 1048576).toFixed(1)} MB without them, ${each.toFixed(0)} bytes each`);
	for (const socket of [...first, ...sockets])
		socket.destroy();
	await server.stop();
	if (options['max-bytes'] !== undefined && !(each <= options['max-bytes'])) {
		console.log(`more than ${options['max-bytes']}`);
		process.exitCode = 1;
	}
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
