'use strict';

// Usage: exercise.js URL
// Uses everything a server with the services /echo, /close, /broadcast and /deflate has, once or a
// few times: for a server that runs under a tool which watches it. Exits with 0 if the answers were
// right.

const assert = require('node:assert');
const SockJS = require('sockjs-client');
const WebSocket = require('ws');
const { Connection, request } = require('./lib/http');
const { WebSocketClient } = require('./lib/websocket');

const [url] = process.argv.slice(2);
const TIMEOUT = 60000;

async function pages() {
	for (const [method, target, status] of [['GET', '/', 404], ['GET', '/echo', 200], ['GET', '/echo/', 200], ['GET', '/echo/iframe.html', 200],
		['GET', '/echo/info', 200], ['OPTIONS', '/echo/info', 204], ['OPTIONS', '/echo/0/s/xhr', 204], ['POST', '/echo/info', 405], ['GET', '/echo/0/s', 404],
		['GET', '/echo/0/s/jsonp', 500], ['GET', '/echo/websocket', 400]])
		assert.strictEqual((await request(url, method, target, { timeout: TIMEOUT, headers: { Origin: 'http://x', Cookie: 'JSESSIONID=a' } })).status, status, target);
}

async function polls() {
	assert.strictEqual((await request(url, 'POST', '/echo/0/nosession/xhr_send', { body: '["a"]', timeout: TIMEOUT })).status, 404);
	const session = '/echo/0/polls';
	assert.strictEqual((await request(url, 'POST', `${session}/xhr`, { timeout: TIMEOUT })).text, 'o\n');
	for (const body of ['["a","b"]', '[', '', '[]', '{}', `["${'x'.repeat(100000)}"]`])
		await request(url, 'POST', `${session}/xhr_send`, { body, timeout: TIMEOUT });
	assert.match((await request(url, 'POST', `${session}/xhr`, { timeout: TIMEOUT })).text, /^a\["a","b"/);
	assert.match((await request(url, 'GET', '/echo/0/jsonp/jsonp?c=f', { timeout: TIMEOUT })).text, /^\/\*\*\/f\("o"\);/);
	await request(url, 'POST', '/echo/0/jsonp/jsonp_send', { body: 'd=%5B%22a%22%5D', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, timeout: TIMEOUT });
	assert.match((await request(url, 'GET', '/echo/0/jsonp/jsonp?c=f', { timeout: TIMEOUT })).text, /^\/\*\*\/f\("a/);
	for (let i = 0; i < 2; i++)
		await request(url, 'POST', '/close/0/closed/xhr', { timeout: TIMEOUT });
}

async function vanishing() {
	for (const [method, target] of [['POST', '/echo/0/v1/xhr_streaming'], ['GET', '/echo/0/v2/eventsource'], ['GET', '/echo/0/v3/htmlfile?c=f']]) {
		const connection = await Connection.open(url);
		await (await connection.open(method, target, { timeout: TIMEOUT })).readUntil('o', TIMEOUT);
		connection.reset();
	}
	const half = await Connection.open(url);
	half.write('POST /echo/0/polls/xhr_send HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n["a');
	half.close();
}

async function websockets() {
	const client = await WebSocketClient.connect(url, '/echo/0/w/websocket', { timeout: TIMEOUT });
	assert.strictEqual(await client.readText(TIMEOUT), 'o');
	client.send(`["${'x'.repeat(200000)}"]`);
	await client.readText(TIMEOUT);
	client.sendFrame(1, '["frag', { fin: false });
	client.sendFrame(9, 'ping');
	client.sendFrame(0, 'ment"]');
	assert.strictEqual(await client.readText(TIMEOUT), 'a["fragment"]');
	client.sendFrame(3, '');
	assert.strictEqual((await client.readClose(TIMEOUT)).code, 1002);
	const raw = await WebSocketClient.connect(url, '/echo/websocket', { early: '', timeout: TIMEOUT });
	raw.sendBinary(Buffer.alloc(1000));
	await raw.read(TIMEOUT);
	raw.sendClose(1000);
	await raw.readClose(TIMEOUT);
	(await WebSocketClient.connect(url, '/echo/websocket', { timeout: TIMEOUT })).connection.reset();
}

function deflate() {
	return new Promise((resolve, reject) => {
		const socket = new WebSocket(`${url.replace('http', 'ws')}/deflate/websocket`, { perMessageDeflate: { threshold: 0 } });
		let count = 0;
		socket.on('error', reject).on('open', () => { for (let i = 0; i < 5; i++) socket.send('compress '.repeat(1000)); });
		socket.on('message', () => { if (++count === 5) socket.close(); });
		socket.on('close', resolve);
	});
}

function client(transport, service) {
	return new Promise((resolve, reject) => {
		const socket = new SockJS(`${url}${service}`, null, { transports: transport, timeout: TIMEOUT });
		socket.onopen = () => socket.send('hello');
		socket.onmessage = () => socket.close();
		socket.onclose = ({ code, reason }) => {
			if (code === 1000 || code === 3000)
				resolve();
			else
				reject(new Error(`${transport} at ${service}: ${code} ${reason}`));
		};
	});
}

async function main() {
	await pages();
	await polls();
	await vanishing();
	await websockets();
	await deflate();
	for (const transport of ['websocket', 'xhr-streaming', 'eventsource', 'xhr-polling'])
		for (const service of ['/echo', '/broadcast', '/close'])
			await client(transport, service);
}

main().catch((error) => {
	console.error(error);
	process.exitCode = 1;
}).finally(() => setTimeout(() => process.exit(), 100));
