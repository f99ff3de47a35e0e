'use strict';

// Measures what resume costs: the daemon's CPU time for a websocket's echo of a client that resumes,
// and of one that does not, at the same daemon; without and with a store.

const fs = require('node:fs');
const path = require('node:path');
const WebSocket = require('ws');
const { parseArguments } = require('./common');
const { startDaemon } = require('../tests/e2e/lib/daemon');

const options = parseArguments(
	'Usage: node bench/resume_cost.js [--OPTION N ...]\n\n' +
	'Clients with websockets send, and wait for each echo before they send again: those that resume and those that do not\n' +
	'take turns at one daemon. Prints the microseconds of its CPU time for a message and their ratio, without and with a store.', {
		messages: { default: 20000, help: 'messages for each round' },
		rounds: { default: 7, help: 'number of rounds' },
		clients: { default: 50, help: 'number of clients of each kind' },
		size: { default: 20, help: 'characters of a message' },
	});

const ACK_MESSAGES = 32; // as sockjs-resume.js
const TICK = 10000; // us
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

function cpu(pid) {
	const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
	const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	return (Number(fields[11]) + Number(fields[12])) * TICK;
}

const text = 'x'.repeat(options.size);
const frame = JSON.stringify([text]);

// Resolves with a client once it is open; run(n) has n messages echoed.
function open(url, resumes) {
	return new Promise((resolve, reject) => {
		const socket = new WebSocket(url);
		const client = { socket, got: 0, left: 0, done: null };
		const take = (message) => {
			if (message !== text) {
				if (message.startsWith('~o')) resolve(client);
				return;
			}
			if (++client.got % ACK_MESSAGES === 0 && resumes)
				socket.send(JSON.stringify([`~a${client.got}`]));
			if (--client.left > 0) socket.send(frame);
			else client.done();
		};
		client.run = (n) => new Promise((done) => {
			client.left = n;
			client.done = done;
			socket.send(frame);
		});
		socket.on('message', (data) => {
			const said = String(data);
			if (said === 'o' && resumes) socket.send('["~n"]');
			else if (said === 'o') resolve(client);
			else if (said[0] === 'a') JSON.parse(said.slice(1)).forEach(take);
		});
		socket.on('error', reject);
	});
}

async function measure(name, server) {
	const daemon = await startDaemon({ conf: `[server]\nlog_level = error\n${server}\n[service /echo]\nmodule = echo\nresume = on\n` });
	const kinds = [['plain', 'plain'], ['resume', 'resume-x~']].map(([kind, id]) => ({ kind, id, costs: [] }));
	for (const each of kinds) {
		each.clients = await Promise.all(Array.from({ length: options.clients }, (_, i) =>
			open(`ws://127.0.0.1:${daemon.port}/echo/000/${each.id}${i}/websocket`, each.kind === 'resume')));
	}
	for (let i = 0; i < options.rounds; i++) {
		for (const { clients, costs } of kinds) {
			const begun = cpu(daemon.pid);
			await Promise.all(clients.map((client) => client.run(Math.ceil(options.messages / clients.length))));
			costs.push((cpu(daemon.pid) - begun) / options.messages);
		}
	}
	const [plain, resume] = kinds.map(({ costs }) => median(costs));
	console.log(`${name}: ${plain.toFixed(2)} us a message, with resume ${resume.toFixed(2)}: ${(resume / plain).toFixed(2)}`);
	kinds.forEach(({ clients }) => clients.forEach(({ socket }) => socket.terminate()));
	await daemon.stop();
}

async function main() {
	await measure('no store', '');
	await measure('store', `store = ${path.join('.', 'sessions.db')}\n`);
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
