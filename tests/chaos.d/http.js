'use strict';

// Requests as a browser makes them: over connections that are kept and used again.

const http = require('node:http');

// One client's connections to the server.
class Lanes {
	constructor(url) {
		this.url = new URL(url);
		this.agent = new http.Agent({ keepAlive: true });
		this.requests = new Set();
	}

	// Resolves with {status, isWhole, error, isStale}, always. status 0: there was no answer; error says why. isWhole: the
	// answer came to its end. isStale: a kept connection turned out to be closed before anything came over it, after which a
	// browser asks again over a new one. take(chunk, status) is called with what comes of the body, cut anywhere.
	// limit: ms until the answer's end, 0 for none.
	post(path, body, limit, take) {
		return new Promise((resolve) => {
			const bytes = Buffer.from(body);
			const request = http.request({
				agent: this.agent,
				host: this.url.hostname,
				port: this.url.port,
				method: 'POST',
				path,
				headers: { 'Content-Length': bytes.length, 'Content-Type': 'text/plain' },
			});
			this.requests.add(request);
			request.on('close', () => this.requests.delete(request));
			const timer = limit && setTimeout(() => request.destroy(new Error(`no answer in ${limit} ms`)), limit);
			request.on('close', () => clearTimeout(timer));
			let status = 0;
			const fail = (error) =>
				resolve({ status, isWhole: false, error: error.code || error.message, isStale: status === 0 && request.reusedSocket });
			request.on('error', fail);
			request.on('response', (response) => {
				status = response.statusCode;
				response.setEncoding('utf8');
				response.on('data', (chunk) => take(chunk, status));
				response.on('end', () => resolve({ status, isWhole: response.complete }));
				response.on('error', fail);
				response.on('close', () => fail(new Error('cut')));
			});
			request.end(bytes);
		});
	}

	close() {
		for (const request of this.requests) request.destroy();
		this.agent.destroy();
	}
}

module.exports = { Lanes };
