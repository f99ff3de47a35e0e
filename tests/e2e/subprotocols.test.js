'use strict';

// websocket_protocols: which subprotocol is agreed on, and that real clients of one are content:
// ws, a browser, @stomp/stompjs.

const assert = require('node:assert');
const crypto = require('node:crypto');
const path = require('node:path');
const { test, before, after } = require('node:test');
const WebSocket = require('ws');
const { skip: noBrowser, launch } = require('./lib/browser');
const { startDaemon, withLog, withTimeout } = require('./lib/daemon');
const { page: startPage } = require('./lib/page_server');

const TIMEOUT = 20000; // ms
const module_ = (name) => path.join(process.env.SOCKJS_BUILDDIR || path.resolve(__dirname, '../..'), 'tests/modules', `${name}.so`);

const conf = `
[service /stomp]
module = ${module_('stomp')}
websocket_protocols = v12.stomp v11.stomp
websocket_protocols = v10.stomp

[service /plain]
module = ${module_('stomp')}
`;

let daemon;
before(async () => { daemon = await startDaemon({ conf }); });
after(() => daemon.stop());
const check = (name, options, body) => test(`subprotocols: ${name}`, options, withLog(() => daemon, body));

const urls = {
	'the raw websocket': (service) => `${daemon.url.replace('http', 'ws')}/${service}/websocket`,
	'the SockJS websocket': (service) => `${daemon.url.replace('http', 'ws')}/${service}/000/${crypto.randomBytes(4).toString('hex')}/websocket`,
};

// What the client makes of it: the subprotocol, or why it gives up.
function agreed(url, protocols) {
	return withTimeout(new Promise((resolve) => {
		const socket = new WebSocket(url, protocols);
		socket.on('open', () => {
			resolve(socket.protocol);
			socket.terminate();
		});
		socket.on('error', (error) => resolve(error.message));
	}), TIMEOUT, 'the websocket neither opens nor fails');
}

for (const [name, url] of Object.entries(urls)) {
	check(`${name}: the first of ours that the client offers`, {}, async () => {
		assert.strictEqual(await agreed(url('stomp'), ['v12.stomp']), 'v12.stomp');
		assert.strictEqual(await agreed(url('stomp'), ['v10.stomp', 'v11.stomp']), 'v11.stomp');
		assert.strictEqual(await agreed(url('stomp'), ['mqtt', 'v10.stomp']), 'v10.stomp');
		assert.strictEqual(await agreed(url('stomp'), []), '');
	});

	check(`${name}: where none is known none is chosen, and the client gives up`, {}, async () => {
		assert.strictEqual(await agreed(url('stomp'), ['mqtt']), 'Server sent no subprotocol');
		assert.strictEqual(await agreed(url('stomp'), ['V12.STOMP']), 'Server sent no subprotocol');
		assert.strictEqual(await agreed(url('plain'), ['v12.stomp']), 'Server sent no subprotocol');
	});
}

check('the module knows which it is, and may close', {}, async () => {
	const closeOf = (protocols) => withTimeout(new Promise((resolve) => {
		const socket = new WebSocket(urls['the raw websocket']('stomp'), protocols);
		socket.on('message', (data) => {
			resolve(`${data}`);
			socket.terminate();
		});
		socket.on('open', () => socket.send('CONNECT\naccept-version:1.1,1.2\n\n\0'));
		socket.on('close', (code, reason) => resolve(`${code} ${reason}`));
	}), TIMEOUT, 'nothing comes');
	assert.strictEqual(await closeOf(['v11.stomp', 'mqtt']), 'CONNECTED\nversion:1.1\nserver:websocket-raw\n\n\0');
	assert.strictEqual(await closeOf([]), '4002 Only STOMP is spoken here');
});

// Whoever has not run npm since it was added cannot run this.
let stompjs;
try {
	stompjs = require('@stomp/stompjs');
} catch (error) {
	stompjs = null;
}

check('@stomp/stompjs with brokerURL', { skip: stompjs ? false : '@stomp/stompjs is not installed' }, async () => {
	global.WebSocket ??= WebSocket;
	const client = new stompjs.Client({ brokerURL: urls['the raw websocket']('stomp'), reconnectDelay: 0 });
	const body = await withTimeout(new Promise((resolve, reject) => {
		client.onStompError = client.onWebSocketError = reject;
		client.onConnect = ({ headers }) => {
			assert.strictEqual(headers.version, '1.2');
			client.subscribe('/topic/a', (message) => resolve(message.body));
			client.publish({ destination: '/topic/a', body: 'hello, ä€😀' });
		};
		client.activate();
	}), TIMEOUT, 'no message');
	assert.strictEqual(body, 'hello, ä€😀');
	await client.deactivate();
});

check('a browser', { skip: noBrowser, timeout: 120000 }, async (t) => {
	const server = await startPage(t);
	const browser = await launch();
	t.after(() => browser.close());
	const page = await browser.newPage();
	await page.goto(server.url);
	const inPage = (protocols) => page.evaluate(({ url, protocols }) => new Promise((resolve) => {
		const socket = new WebSocket(url, protocols);
		socket.onopen = () => resolve(`open ${socket.protocol}`);
		socket.onerror = () => resolve('error');
	}), { url: urls['the raw websocket']('stomp'), protocols });
	assert.strictEqual(await inPage(['v12.stomp']), 'open v12.stomp');
	assert.strictEqual(await inPage(['v10.stomp', 'v11.stomp', 'v12.stomp']), 'open v12.stomp');
	assert.strictEqual(await inPage(['mqtt']), 'error');
	assert.strictEqual(await inPage([]), 'open ');
});
