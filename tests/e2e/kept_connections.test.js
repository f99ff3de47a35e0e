'use strict';

// Connections that a web server keeps to the responder (Apache's enablereuse, nginx's keepalive)
// cost it no thread, and take nothing from others.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { test } = require('node:test');
const { request } = require('./lib/http');
const { startStack } = require('./lib/stack');

const AT_ONCE = 100; // held polls, which want a connection each
const THREADS = 8; // of the responder, at most

const sockets = (pid) => fs.readdirSync(`/proc/${pid}/fd`).filter((fd) => {
	try {
		return fs.readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
	} catch {
		return false; // closed meanwhile
	}
}).length;

for (const kind of ['apache-proxy', 'nginx'])
	test(`${kind}: idle kept connections take no thread of the responder`, async (t) => {
		const stack = await startStack(kind);
		try {
			const [pid] = stack.pids.fcgi;
			const before = sockets(pid);
			const post = (session, what, body = '') => request(stack.url, 'POST', `/echo/000/kept${session}/${what}`, { body });
			const sessions = Array.from({ length: AT_ONCE }, (_, index) => index);

			await Promise.all(sessions.map(async (session) => assert.equal((await post(session, 'xhr')).text, 'o\n')));
			const polls = sessions.map((session) => post(session, 'xhr'));
			// A send is answered while so many are held.
			await Promise.all(sessions.map(async (session) => assert.equal((await post(session, 'xhr_send', '["x"]')).status, 204)));
			for (const poll of polls)
				assert.equal((await poll).text, 'a["x"]\n');

			const kept = sockets(pid) - before;
			const threads = fs.readdirSync(`/proc/${pid}/task`).length;
			t.diagnostic(`${kept} connections are kept, ${threads} threads`);
			assert.ok(kept > THREADS, `only ${kept} connections are kept`);
			assert.ok(threads <= THREADS, `${threads} threads`);
			for (let i = 0; i < AT_ONCE; i++)
				assert.equal((await request(stack.url, 'GET', '/echo')).status, 200);
		} catch (error) {
			console.error(stack.log());
			throw error;
		} finally {
			await stack.stop();
		}
	});
