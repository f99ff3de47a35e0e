'use strict';

// npm `sockjs` 0.3.24 (the reference implementation of the protocol) serving the services of our
// configuration files, as far as it has the options: the same file configures both sides.

const fs = require('node:fs');
const http = require('node:http');
const sockjs = require('sockjs');

const BOOLEANS = ['websocket', 'jsessionid', 'disable_cors'];
const NUMBERS = ['response_limit', 'heartbeat_delay', 'disconnect_delay'];
const STRINGS = ['sockjs_url', 'base_url'];

const modules = {
	echo() {
		return (connection) => connection.on('data', (message) => connection.write(message));
	},
	close() {
		return (connection) => connection.close(3000, 'Go away!');
	},
	ticker() {
		return (connection) => {
			const timer = setInterval(() => connection.write('tick!'), 1000);
			connection.on('close', () => clearInterval(timer));
		};
	},
	amplify() {
		return (connection) =>
			connection.on('data', (message) => {
				const power = Math.floor(Number(message));
				connection.write('x'.repeat(2 ** (power >= 1 && power <= 18 ? power : 1)));
			});
	},
	broadcast() {
		const connections = new Set();
		return (connection) => {
			connections.add(connection);
			connection.on('close', () => connections.delete(connection));
			connection.on('data', (message) => connections.forEach((each) => each.write(message)));
		};
	},
};

// The `[server]` section's options and the services: [{prefix, options}], in the order of the file.
function parseConfiguration(text) {
	const server = {};
	const services = [];
	let options = server;

	for (const line of text.split('\n').map((each) => each.trim())) {
		const section = /^\[service (~ )?(.*)\]$/.exec(line);
		const option = /^([a-z0-9_]+)\s*=\s*(.*)$/.exec(line);
		if (line === '[server]') options = server;
		else if (section) services.push({ prefix: section[2], options: (options = {}) });
		else if (option) options[option[1]] = option[2];
		else if (line && !/^[#;]/.test(line)) throw new Error(`not understood: ${line}`);
	}
	return { server, services };
}

// Our options in sockjs-node's types. What it does not know (transports, websocket_*) is left out.
function translate(options) {
	const translated = {};

	for (const [name, value] of Object.entries(options)) {
		if (BOOLEANS.includes(name)) translated[name] = value === 'on';
		else if (NUMBERS.includes(name)) translated[name] = Number(value);
		else if (STRINGS.includes(name)) translated[name] = value;
	}
	return translated;
}

// Serves the services of the files on 127.0.0.1:port (0: any); resolves with {url, close()}.
async function startReference(port, files) {
	const { server, services } = parseConfiguration(
		files.map((file) => fs.readFileSync(file, 'utf8')).join('\n'),
	);
	const httpServer = http.createServer();

	httpServer.on('request', (request, response) => {
		response.writeHead(404);
		response.end();
	});
	httpServer.on('upgrade', (request, socket) =>
		socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n'),
	);
	for (const { prefix, options } of services) {
		const service = sockjs.createServer({ log: () => {}, ...translate(server) });
		service.on('connection', modules[options.module]());
		service.installHandlers(httpServer, { ...translate(options), prefix });
	}
	await new Promise((resolve, reject) => {
		httpServer.once('error', reject);
		httpServer.listen(port, '127.0.0.1', resolve);
	});
	return {
		url: `http://127.0.0.1:${httpServer.address().port}`,
		close: () =>
			new Promise((resolve) => {
				httpServer.close(resolve);
				httpServer.closeAllConnections();
			}),
	};
}

module.exports = { startReference, parseConfiguration };
