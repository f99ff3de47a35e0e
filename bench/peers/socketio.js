'use strict';

// Usage: socketio.js PORT
// The npm package `socket.io`: /echo answers who has sent, /broadcast tells everybody.

const http = require('node:http');
const { Server } = require('socket.io');

const HOUR = 3600000; // ms: nothing but the messages is measured
const options = {
	pingInterval: HOUR,
	pingTimeout: HOUR,
	serveClient: false,
	perMessageDeflate: true,
};

const [port] = process.argv.slice(2).map(Number);
const server = http.createServer();

const echo = new Server(server, { ...options, path: '/echo' });
echo.on('connection', (socket) => socket.on('m', (message) => socket.emit('m', message)));

const broadcast = new Server(server, { ...options, path: '/broadcast' });
broadcast.on('connection', (socket) => socket.on('m', (message) => broadcast.emit('m', message)));

server.listen(port, '127.0.0.1', 4096, () => console.log(`ready http://127.0.0.1:${port}`));
process.on('SIGTERM', () => process.exit(0));
