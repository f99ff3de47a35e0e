'use strict';

// A web server of an origin of its own, whose only page has sockjs-client.

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');

const client = fs.readFileSync(path.join(path.dirname(require.resolve('sockjs-client/package.json')), 'dist/sockjs.min.js'));

// Ends with the test t.
async function page(t) {
	const server = http.createServer((request, response) => {
		const isScript = request.url === '/sockjs.min.js';
		response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html; charset=UTF-8');
		response.end(isScript ? client : '<!DOCTYPE html><title>page</title><script src="/sockjs.min.js"></script><body></body>');
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.after(() => {
		server.closeAllConnections();
		server.close();
	});
	return { url: `http://127.0.0.1:${server.address().port}` };
}

module.exports = { page };
