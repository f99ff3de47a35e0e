'use strict';

// What the measurements share: command lines, the servers under test, and a WebSocket load. The
// load consists of ready-made frames, so that the measuring process is not the limit.

const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { Daemon, startDaemon } = require('../tests/e2e/lib/daemon');
const { encodeFrame } = require('../tests/e2e/lib/websocket');
const { freePort } = require('../tests/e2e/lib/stack');

const ARGUMENT = { flag: '', text: ' TEXT' };

// By kind: takes an option's words and returns its value, or undefined if they make no sense.
const READ = {
	flag: () => true,
	text: (words) => words.shift(),
	number: (words) => {
		const value = Number(words.shift());
		return Number.isFinite(value) ? value : undefined;
	},
};

// options: {name: {default, help, kind}}. An option takes a number, or text if its kind is 'text',
// or nothing if its kind is 'flag'. If there is an option `words`, it gets the list of the words that
// are no options. With --help this prints the help and exits; after a mistake it prints a hint and
// exits.
function parseArguments(usage, options) {
	const values = Object.fromEntries(Object.entries(options).map(([name, option]) => [name, option.default]));
	const words = process.argv.slice(2);
	while (words.length > 0) {
		const name = words.shift();
		if (name === '--help') {
			const lines = Object.entries(options).filter(([key]) => key !== 'words').map(([key, option]) =>
				`  --${`${key}${ARGUMENT[option.kind] ?? ' N'}`.padEnd(16)} ${option.help}${option.default === undefined ? '' : ` (${option.default})`}`);
			console.log(`${usage}\n\n${lines.join('\n')}\n  --help`);
			process.exit(0);
		}
		if (values.words && !name.startsWith('--')) {
			values.words.push(name);
			continue;
		}
		const option = name.startsWith('--') ? options[name.slice(2)] : undefined;
		const value = option && READ[option.kind || 'number'](words);
		if (value === undefined) {
			console.error(`${path.basename(process.argv[1])}: ${name}: not understood; see --help`);
			process.exit(64);
		}
		values[name.slice(2)] = value;
	}
	return values;
}

function startOurs() {
	return startDaemon({ conf: '[server]\nlog_level = error\n\n[service /echo]\nmodule = echo\n' });
}

async function startSockjsNode() {
	const port = await freePort();
	const server = new Daemon(process.execPath, ['--no-deprecation', path.join(__dirname, 'sockjs_node.js'), `${port}`],
		{ env: { NODE_ENV: 'production' } });
	server.port = port;
	await server.waitReady();
	return server;
}

const TICKS_PER_SECOND = 100; // USER_HZ: the unit of /proc/PID/stat on Linux, always

// Microseconds of CPU time, user and system, that the process has used.
function cpuTime(pid) {
	const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
	return (Number(fields[11]) + Number(fields[12])) * (1e6 / TICKS_PER_SECOND);
}

function residentBytes(pid) {
	const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
	return Number(/^Rss:\s+(\d+) kB/m.exec(text)[1]) * 1024;
}

function handshake(target) {
	return `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
		`Sec-WebSocket-Key: ${crypto.randomBytes(16).toString('base64')}\r\n\r\n`;
}

// Opens a SockJS websocket. Resolves with its socket when the open frame has come.
function openWebsocket(port) {
	return new Promise((resolve, reject) => {
		const socket = net.connect(port, '127.0.0.1', () => socket.write(handshake(`/echo/000/${crypto.randomBytes(6).toString('hex')}/websocket`)));
		let text = '';
		socket.setNoDelay(true);
		socket.on('error', reject);
		socket.on('data', function opening(data) {
			text += data.toString('latin1');
			const end = text.indexOf('\r\n\r\n');
			if (end < 0 || text.length < end + 7)
				return;
			if (!text.startsWith('HTTP/1.1 101') || text.slice(end + 4) !== '\x81\x01o')
				reject(new Error(`no websocket: ${JSON.stringify(text)}`));
			socket.removeListener('data', opening);
			resolve(socket);
		});
	});
}

async function openWebsockets(port, count) {
	const sockets = [];
	while (sockets.length < count)
		sockets.push(...await Promise.all(Array.from({ length: Math.min(50, count - sockets.length) }, () => openWebsocket(port))));
	return sockets;
}

// Every socket sends a message, waits for its echo, and sends the next one, until `total` echoes
// have come.
function exchange(sockets, message, total) {
	const frame = encodeFrame(1, JSON.stringify([message]));
	const answer = Buffer.byteLength(`a${JSON.stringify([message])}`);
	const answerSize = answer + (answer < 126 ? 2 : 4);
	return new Promise((resolve, reject) => {
		let sent = 0;
		let echoed = 0;
		const send = (socket) => {
			if (sent < total) {
				sent++;
				socket.write(frame);
			}
		};
		for (const socket of sockets) {
			let bytes = 0;
			socket.removeAllListeners('data');
			socket.removeAllListeners('close');
			socket.on('close', () => reject(new Error('the server closed a connection')));
			socket.on('data', (data) => {
				bytes += data.length;
				if (bytes < answerSize)
					return;
				bytes -= answerSize;
				if (++echoed === total)
					resolve();
				send(socket);
			});
			send(socket);
		}
	});
}

module.exports = { parseArguments, startOurs, startSockjsNode, cpuTime, residentBytes, openWebsockets, exchange };
