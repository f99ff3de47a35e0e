'use strict';

// Sends requests as a browser does: over connections that are kept and used again.

const http = require('node:http');

// The connections of one client to the server.
class Lanes {
	constructor(url) {
		this.url = new URL(url);
		this.agent = new http.Agent({ keepAlive: true });
		this.requests = new Set();
	}

	// Always resolves, with {status, isWhole, error, isStale}:
	// - status is 0 if there was no answer, and error says why;
	// - isWhole: the answer has come to its end;
	// - isStale: the connection had been kept, and was closed before anything came over it.
	//   A browser then asks again over a new connection.
	// take(chunk, status) is called with pieces of the body, which may be cut anywhere.
	// limit: ms until the end of the answer; 0 for no limit.
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
