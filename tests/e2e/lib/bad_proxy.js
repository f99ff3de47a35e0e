'use strict';

// A web server in front of the daemon that is set up badly, in one way at a time. It serves the
// page's files itself, so that the page comes whatever is wrong with the rest.

const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');

const types = { '.html': 'text/html; charset=UTF-8', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml' };
const streams = /\/(xhr_streaming|eventsource|htmlfile)(\?|$)/;
const LONG = 500; // ms, after which `cut` ends a request

class BadProxy {
	// fault: what is wrong, one of those below; null: nothing.
	constructor(www, daemonPort) {
		this.www = www;
		this.daemonPort = daemonPort;
		this.fault = null;
		this.server = http.createServer((request, response) => this.answer(request, response));
		this.server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
	}

	async listen() {
		await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
		this.url = `http://127.0.0.1:${this.server.address().port}`;
		return this;
	}

	close() {
		this.server.closeAllConnections();
		this.server.close();
	}

	answer(request, response) {
		const file = path.join(this.www, new URL(request.url, 'http://x').pathname);
		if (types[path.extname(file)] && !request.url.includes('iframe') && fs.existsSync(file)) {
			response.writeHead(200, { 'Content-Type': types[path.extname(file)] });
			response.end(fs.readFileSync(file));
		} else if (this.fault === 'down') {
			request.socket.destroy();
		} else if (this.fault === 'gateway') {
			response.writeHead(502, { 'Content-Type': 'text/html', Server: 'nginx/1.22.1' });
			response.end('<h1>502 Bad Gateway</h1>');
		} else if (this.fault === 'elsewhere') {
			response.writeHead(404, { 'Content-Type': 'text/html' });
			response.end('<h1>Not Found</h1>');
		} else if (this.fault !== 'silent') {
			this.pass(request, response);
		}
	}

	pass(request, response) {
		const { method, url, headers } = request;
		const mine = { ...headers, connection: 'close' };
		if (this.fault === 'host')
			mine.host = 'backend';
		delete mine.upgrade; // as a proxy does that knows nothing of upgrades
		const sent = http.request({ host: '127.0.0.1', port: this.daemonPort, method, path: url, headers: mine }, (answer) => {
			const head = { ...answer.headers, server: 'nginx/1.22.1' };
			delete head.connection;
			delete head['transfer-encoding'];
			if (this.fault === 'buffered' && streams.test(url)) {
				const parts = [];
				answer.on('data', (data) => parts.push(data));
				answer.on('end', () => response.writeHead(answer.statusCode, head).end(Buffer.concat(parts)));
			} else {
				response.writeHead(answer.statusCode, head);
				response.flushHeaders();
				answer.pipe(response);
			}
		});
		sent.on('error', () => response.destroy());
		response.on('close', () => sent.destroy());
		request.pipe(sent);
		this.cutLater(response.socket, response);
	}

	upgrade(request, socket, head) {
		if (this.fault === 'upgrade') {
			const response = new http.ServerResponse(request);
			response.shouldKeepAlive = false;
			response.assignSocket(socket);
			this.pass(request, response);
			response.on('finish', () => socket.end());
			return;
		}
		const up = net.connect(this.daemonPort, '127.0.0.1', () => {
			const lines = [];
			for (let i = 0; i < request.rawHeaders.length; i += 2)
				lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}\r\n`);
			up.write(`GET ${request.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
			up.write(head);
			up.pipe(socket);
			socket.pipe(up);
		});
		for (const [one, another] of [[up, socket], [socket, up]]) {
			one.on('error', () => {});
			one.on('close', () => another.destroy());
		}
		this.cutLater(socket, up);
	}

	cutLater(socket, until) {
		if (this.fault !== 'cut')
			return;
		const timer = setTimeout(() => socket.destroy(), LONG);
		until.on('close', () => clearTimeout(timer));
	}
}

const startBadProxy = (www, daemonPort) => new BadProxy(www, daemonPort).listen();

module.exports = { startBadProxy };
