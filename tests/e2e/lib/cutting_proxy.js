'use strict';

// A network that breaks: passes TCP connections on to a port, and cuts each after a random number of
// bytes in a random direction. What was sent before the cut may or may not have arrived.

const net = require('node:net');

class CuttingProxy {
	// limit: at most as many bytes pass before a cut; 0: none is cut.
	constructor(port, limit) {
		this.port = port;
		this.limit = limit;
		this.cuts = 0;
		this.isAway = false; // nobody gets through
		this.pairs = new Set();
		this.server = net.createServer({ allowHalfOpen: false }, (client) => this.accept(client));
	}

	async listen() {
		await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
		this.url = `http://127.0.0.1:${this.server.address().port}`;
		return this;
	}

	accept(client) {
		if (this.isAway)
			return client.destroy();
		const server = net.connect(this.port, '127.0.0.1');
		const pair = { ends: [client, server], end: () => { this.pairs.delete(pair); client.destroy(); server.destroy(); } };
		this.pairs.add(pair);
		this.join(client, server, pair);
		this.join(server, client, pair);
		return undefined;
	}

	// Each direction has a number of bytes of its own; the first that is used up cuts both.
	join(from, to, pair) {
		let left = this.limit > 0 ? 1 + Math.floor(Math.random() * this.limit) : Infinity;
		from.on('data', (bytes) => {
			if (bytes.length < left) {
				left -= bytes.length;
				to.write(bytes);
				return;
			}
			this.cuts++;
			to.write(bytes.subarray(0, left));
			setImmediate(pair.end);
		});
		from.on('close', pair.end);
		from.on('error', pair.end);
	}

	// Breaks all that is there, and lets nobody through until `come` is called.
	leave() {
		this.isAway = true;
		for (const pair of this.pairs)
			pair.end();
	}

	// Breaks all that is there now.
	cutAll() {
		for (const pair of this.pairs) {
			this.cuts++;
			pair.end();
		}
	}

	come() {
		this.isAway = false;
	}

	close() {
		this.leave();
		this.server.close();
	}
}

module.exports = { CuttingProxy };
