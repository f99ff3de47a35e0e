'use strict';

// The real sockjs-client in node, for tests that wait for what it is told.

const SockJS = require('sockjs-client');
const { withTimeout } = require('./daemon');

const TIMEOUT = 20000;

// Collects what a client is told and lets a test wait for it.
class Client {
	constructor(url, options) {
		this.messages = [];
		this.waiters = new Set();
		const socket = this.socket = new SockJS(url, null, options);
		const changed = () => { for (const waiter of [...this.waiters]) waiter(); };
		this.opened = new Promise((resolve, reject) => {
			socket.onopen = () => { this.transport = socket.transport; resolve(this); };
			this.rejectOpened = reject;
		});
		this.opened.catch(() => {});
		this.closed = new Promise((resolve) => {
			socket.onclose = (event) => {
				const { code, reason, wasClean } = event;
				this.closeEvent = { code, reason, wasClean };
				this.rejectOpened(new Error(`closed before it was open: ${code} ${reason}`));
				resolve(this.closeEvent);
				changed();
			};
		});
		socket.onmessage = (event) => { this.messages.push(event.data); changed(); };
	}

	async open() {
		return withTimeout(this.opened, TIMEOUT, 'the client did not open');
	}

	async close() {
		this.socket.close();
		return this.closeCode();
	}

	async closeCode() {
		return withTimeout(this.closed, TIMEOUT, 'no close event');
	}

	async received(count) {
		let waiter;
		const enough = new Promise((resolve, reject) => {
			waiter = () => {
				if (this.messages.length >= count)
					resolve(this.messages);
				else if (this.closeEvent)
					reject(new Error(`closed (${this.closeEvent.code} ${this.closeEvent.reason}) after ` +
						`${this.messages.length} of ${count} messages`));
			};
			this.waiters.add(waiter);
			waiter();
		});
		return withTimeout(enough, TIMEOUT, () => `${this.messages.length} of ${count} messages within ${TIMEOUT} ms`)
			.finally(() => this.waiters.delete(waiter));
	}
}

function connect(url, options) {
	return new Client(url, options).open();
}

module.exports = { Client, connect };
