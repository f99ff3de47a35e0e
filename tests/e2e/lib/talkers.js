'use strict';

// Clients that poll with sockjs-client, and count what comes back from the service /echo: for tests
// in which daemons end and begin under them.

const assert = require('node:assert/strict');
const SockJS = require('sockjs-client');

const STEPS = 10; // messages that each talking client hears before hearMore is content
const PATIENCE = 30000; // ms

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition, what) {
	const end = Date.now() + PATIENCE;
	while (!condition()) {
		if (Date.now() > end) assert.fail(`not within ${PATIENCE} ms: ${what}`);
		await sleep(10);
	}
}

// Sends a message whenever the former one has come back, if it talks.
class Talker {
	constructor(url, talks) {
		this.talks = talks;
		this.sent = 0;
		this.heard = [];
		this.opened = 0;
		this.socket = new SockJS(`${url}/echo`, null, { transports: ['xhr-polling'], timeout: 10000 });
		this.socket.onopen = () => {
			this.opened++;
			if (this.talks) this.send();
		};
		this.socket.onmessage = ({ data }) => {
			this.heard.push(data);
			if (this.talks) this.send();
		};
		this.socket.onclose = ({ code, reason }) => {
			this.closed = `${code} ${reason}`;
		};
	}

	send() {
		this.socket.send(`${this.sent++}`);
	}

	check() {
		assert.equal(this.closed, undefined, 'no client notices');
		assert.equal(this.opened, 1);
		assert.deepEqual(
			this.heard,
			Array.from({ length: this.heard.length }, (_, i) => `${i}`),
			'every message comes back once, in order',
		);
	}
}

// So many that talk, and others that say something in the end only; all of them open.
async function openTalkers(url, talking, silent) {
	const talkers = Array.from({ length: talking + silent }, (_, index) => new Talker(url, index < talking));
	await until(() => talkers.every((talker) => talker.opened), 'all clients are open');
	return talkers;
}

// Until each that talks has heard more, and none has been closed.
async function hearMore(talkers) {
	const before = talkers.map((talker) => talker.heard.length);
	const hasMore = (talker, i) => talker.heard.length >= before[i] + STEPS;
	await until(
		() => talkers.some((talker) => talker.closed) || talkers.every((talker, i) => !talker.talks || hasMore(talker, i)),
		'the clients are served',
	);
	talkers.forEach((talker) => talker.check());
}

// Until everything that was sent is back.
async function finish(talkers) {
	for (const talker of talkers) {
		talker.talks = false;
		if (talker.sent === 0) talker.send();
	}
	await until(() => talkers.every((talker) => talker.closed || talker.heard.length === talker.sent), 'everything is back');
	talkers.forEach((talker) => talker.check());
}

module.exports = { openTalkers, hearMore, finish, until };
