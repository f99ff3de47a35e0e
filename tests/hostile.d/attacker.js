'use strict';

// One process of an attack: `node attacker.js NAME PORT SOCKET` attacks until it is killed. It says
// `attacking` when it has begun.

const { spawn } = require('node:child_process');
const net = require('node:net');
const path = require('node:path');
const { attacks } = require('./attacks');

const builddir = process.env.SOCKJS_BUILDDIR || path.join(__dirname, '../..');
const [name, port, socketPath] = process.argv.slice(2);

// Every connection of an attacker may break at any time; that is no failure.
function connect(options = { port: Number(port), host: '127.0.0.1' }) {
	const socket = net.connect({ ...options, allowHalfOpen: true });
	socket.on('error', () => {});
	return socket;
}

// Writes the bytes again and again, or what make() returns each time, as fast as the server takes
// them.
function flood(socket, bytes, make = () => bytes) {
	const more = () => {
		if (socket.destroyed) return;
		let taken = true;
		for (let i = 0; taken && i < 4; i++) taken = socket.write(make());
		if (taken) setImmediate(more);
	};
	socket.on('drain', more);
	more();
}

// Keeps `count` connections: `begin(socket)` has each of them; when one ends, another begins.
function keep(count, begin, options) {
	const one = () => {
		const socket = connect(options);
		socket.once('close', () => setTimeout(one, 10));
		socket.once('end', () => socket.destroy());
		socket.once('connect', () => begin(socket));
	};
	for (let i = 0; i < count; i++) one();
}

// Sends the handshake; `begin(socket)` when the answer is there. reads: what comes is read, and
// thrown away.
function websocket(socket, handshake, reads, begin) {
	socket.write(handshake);
	socket.once('data', () => {
		if (reads) socket.resume();
		else socket.pause();
		begin(socket);
	});
}

// Starts a built program that attacks by itself, and ends with this process. input: its standard
// input.
function run(program, args, input) {
	const child = spawn(path.join(builddir, program), args, { stdio: ['pipe', 'inherit', 'inherit'] });
	child.stdin.end(input);
}

attacks[name].begin({ connect, flood, keep, websocket, run, local: { path: socketPath } });
process.stdout.write('attacking\n');
setInterval(() => {}, 1000);
