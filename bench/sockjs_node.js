'use strict';

// Usage: sockjs_node.js PORT
// The echo service of the npm package `sockjs`, for comparison.

const http = require('node:http');
const sockjs = require('sockjs');

const [port] = process.argv.slice(2).map(Number);
const echo = sockjs.createServer({ log: () => {} });
echo.on('connection', (connection) => connection.on('data', (message) => connection.write(message)));
const server = http.createServer();
echo.installHandlers(server, { prefix: '/echo' });
server.listen(port, '127.0.0.1', 4096, () => console.log(`ready http://127.0.0.1:${port}`));
process.on('SIGTERM', () => process.exit(0));
