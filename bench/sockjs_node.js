'use strict';

// Usage: sockjs_node.js PORT
// The npm package `sockjs`, for comparison: /echo answers who has sent, /broadcast tells everybody.

const http = require('node:http');
const net = require('node:net');
const sockjs = require('sockjs');

const HOUR = 3600000; // ms: nothing but the messages is measured
const options = { log: () => {}, response_limit: 1 << 30, heartbeat_delay: HOUR, disconnect_delay: 60000 };

// It has TCP probe each connection that is idle for five seconds, each second, up to ten times. Of
// ten thousand connections on one machine these probes are so many that the system drops them, and
// then ends the connections.
net.Socket.prototype.setKeepAlive = function setKeepAlive() {
	return this;
};

const [port] = process.argv.slice(2).map(Number);
const server = http.createServer();

const echo = sockjs.createServer(options);
echo.on('connection', (connection) => connection.on('data', (message) => connection.write(message)));
echo.installHandlers(server, { prefix: '/echo' });

const everybody = new Set();
const broadcast = sockjs.createServer(options);
broadcast.on('connection', (connection) => {
	everybody.add(connection);
	connection.on('close', () => everybody.delete(connection));
	connection.on('data', (message) => {
		for (const each of everybody)
			each.write(message);
	});
});
broadcast.installHandlers(server, { prefix: '/broadcast' });

server.listen(port, '127.0.0.1', 4096, () => console.log(`ready http://127.0.0.1:${port}`));
process.on('SIGTERM', () => process.exit(0));
