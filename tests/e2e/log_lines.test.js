'use strict';

// What the log says of requests, of modules that misbehave, and of clients that come to the wrong
// port.

const assert = require('node:assert');
const net = require('node:net');
const path = require('node:path');
const { withTimeout } = require('./lib/daemon');
const { request: fastcgi } = require('./lib/fastcgi');
const { eventually, expectLogged } = require('./lib/guard');
const { request } = require('./lib/http');
const { checkPairs } = require('./lib/responder');
const { srcdir } = require('./lib/stack');

const TROUBLE = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'tests', 'modules', 'trouble.so');
const services = `[service /trouble]\nmodule = ${TROUBLE}\n[service /echo]\nmodule = echo\n`;
const LISTEN = { listen: '127.0.0.1:0' };
const check = checkPairs('log lines');

// Has the module do what is asked, in a session of its own. Its answer is not waited for.
async function ask(url, text) {
	assert.strictEqual((await request(url, 'POST', '/trouble/000/session_1/xhr', {})).text, 'o\n');
	return request(url, 'POST', '/trouble/000/session_1/xhr_send', { body: JSON.stringify([text]) }).catch(() => {});
}

check('a callback that blocks', { server: 'slow_callback = 100ms', services }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	assert.strictEqual((await ask(url, 'block')).status, 204);
	await expectLogged(pair.sessiond,
		/ error: module \S*trouble\.so of \[service \/trouble\] blocked the loop for \d+\.\d{3} s, in data \(slow_callback is 100 ms\)/);
});

for (const [name, signal] of [['crash', 'SIGSEGV'], ['recurse', 'SIGSEGV'], ['abort', 'SIGABRT']])
	check(`a callback that dies: ${name}`, { services }, async (pair) => {
		const { url, exited } = await pair.startSessiond(LISTEN);
		const line = new RegExp(`^sockjs-sessiond: ${signal} in callback data of module \\S*trouble\\.so in \\[service /trouble\\]$`, 'm');
		await ask(url, name);
		const status = await withTimeout(exited, 20000, () => 'it lives');
		await expectLogged(pair.sessiond, line);
		if (!/Sanitizer/.test(pair.sessiond.log()))
			assert.strictEqual(status.signal, signal);
		pair.daemons.length = 0; // a sanitizer's report is no fault here
	});

check('a fault of its own, while no callback runs', {}, async (pair) => {
	const { child, exited } = await pair.startSessiond(LISTEN);
	child.kill('SIGSEGV');
	await withTimeout(exited, 20000, () => 'it lives');
	assert.doesNotMatch(pair.sessiond.log(), /in callback/);
	pair.daemons.length = 0;
});

check('TLS at a port without', {}, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	const { port } = new URL(url);
	for (let i = 0; i < 9; i++) {
		const socket = net.connect(port, '127.0.0.1');
		socket.on('error', () => {});
		socket.write(Buffer.from('16030100c8010000c40303', 'hex'));
		await new Promise((resolve) => socket.on('close', resolve).resume());
	}
	await expectLogged(pair.sessiond, new RegExp(` error: a client speaks TLS \\(https, wss\\) to port ${port}, which serves plain HTTP`));
	assert.ok(pair.sessiond.log().match(/ error: a client speaks TLS/g).length < 9, 'the lines are limited');
});

check('requests through the responder, with their client', { server: 'trusted_proxies = 10.0.0.1', fcgi: 'log_level = info', services:
	'[service /echo]\nmodule = echo\nlog_level = info\n[service /quiet]\nmodule = echo\nlog_level = error\n' }, async (pair) => {
	await pair.startSessiond();
	await pair.startResponder();
	const send = (method, target, from, headers = {}) => fastcgi(pair.address, method, target,
		{ body: target.endsWith('_send') ? '["x"]' : '', params: { REMOTE_ADDR: from }, headers });
	assert.strictEqual((await send('POST', '/echo/000/session_1/xhr', '10.0.0.1', { 'X-Forwarded-For': '203.0.113.7' })).text, 'o\n');
	assert.strictEqual((await send('POST', '/quiet/000/session_2/xhr', '198.51.100.8')).text, 'o\n');
	assert.strictEqual((await send('POST', '/echo/000/session_1/xhr_send', '2001:db8::7')).status, 204);
	assert.strictEqual((await send('GET', '/nowhere', '198.51.100.7')).status, 404);
	await expectLogged(pair.responder, / info: 198\.51\.100\.7 GET \/nowhere 404 \d+ms$/m);
	await expectLogged(pair.responder, / info: 203\.0\.113\.7 POST \/echo\/000\/\S+\/xhr 200 \d+ms$/m);
	await expectLogged(pair.responder, / info: 2001:db8::7 POST \/echo\/000\/\S+\/xhr_send 204 \d+ms$/m);
	assert.doesNotMatch(pair.responder.log(), /session_1|quiet/);
});
