'use strict';

// Usage: reference_server.js PORT [CONF...]
//
// npm `sockjs` as a program, like tests/stack: serves the services of the configuration files
// (default: the standard ones) on 127.0.0.1:PORT until TERM or INT.

const path = require('node:path');
const { startReference } = require('./lib/reference');

async function main([port, ...files]) {
	if (!/^[0-9]+$/.test(port || '')) {
		console.error('Usage: reference_server.js PORT [CONF...]');
		process.exit(64);
	}
	const conf = files.length ? files : [path.join(__dirname, '../services.conf')];
	const server = await startReference(Number(port), conf);
	console.log(`ready ${server.url}`);
	console.log(`pids reference=${process.pid}`);
}

// Held requests would keep it waiting: it has nothing to save.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => process.exit(0));

main(process.argv.slice(2)).catch((error) => {
	console.error(String(error));
	process.exit(1);
});
