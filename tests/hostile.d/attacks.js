'use strict';

// The attacks, by name. `what` says it in words; `options` are lines of [server] for it; `store`
// wants one; begin(tools) begins it, with the tools of attacker.js.

const { frame, repeat, request, handshake, deflated } = require('./frames');
const { encodeHello, encodeMessage, encodeSend, TYPE } = require('../e2e/lib/local_socket');

const CLIENTS = 20;
const MANY = 200;

const TEXT = 0x81;
const BINARY = 0x82;
const PING = 0x89;
const RAW = '/echo/websocket';
const SOCKJS = '/echo/000/hostile/websocket';
const DEFLATE = ['Sec-WebSocket-Extensions: permessage-deflate'];

let serial = 0;
const unique = () => `x${process.pid}-${serial++}`;

// CLIENTS websockets that write the same bytes without pause.
const websocketFlood = (path, bytes, reads = true, headers = []) => ({ keep, flood, websocket }) =>
	keep(CLIENTS, (socket) => websocket(socket, handshake(path, headers), reads, () => flood(socket, bytes)));

// Connections that write the bytes once and then a byte a second of `rest`.
const trickle = (count, first, rest, options) => ({ keep }) =>
	keep(count, (socket) => {
		socket.resume();
		socket.write(first);
		let at = 0;
		const timer = setInterval(() => socket.write(rest.subarray(at, (at = (at + 1) % rest.length) || 1)), 1000);
		socket.once('close', () => clearInterval(timer));
	}, options);

// Reads a byte a second of what has come.
function readSlowly(socket) {
	const timer = setInterval(() => socket.read(1), 1000);
	socket.once('close', () => clearInterval(timer));
}

// A session whose polls have large answers; nothing of them is read.
function pollMuch(socket) {
	const path = `/amplify/0/${unique()}`;
	socket.pause();
	for (let i = 0; i < 50; i++)
		socket.write(Buffer.concat([request('POST', `${path}/xhr`), request('POST', `${path}/xhr_send`, { body: '["18","18"]' })]));
}

const requestFlood = (make, count = CLIENTS) => ({ keep, flood }) =>
	keep(count, (socket) => {
		socket.resume();
		flood(socket, null, () => Buffer.concat(Array.from({ length: 100 }, make)));
	});

const blanks = (size) => Buffer.concat([Buffer.from('["a"'), Buffer.alloc(size, ' '), Buffer.from(',"b"]')]);
const manyMessages = `[${Array(60000).fill('""').join(',')}]`;

const attacks = {
	pings: {
		what: 'websockets send pings without pause',
		begin: websocketFlood(RAW, repeat(frame(PING, Buffer.from('p')))),
	},
	'unread-pings': {
		what: 'the same, and read no answer',
		begin: websocketFlood(RAW, repeat(frame(PING, Buffer.alloc(125, 'p'))), false),
	},
	'tiny-messages': {
		what: 'websockets send messages of one byte without pause',
		begin: websocketFlood(RAW, repeat(frame(BINARY, Buffer.from('x')))),
	},
	'tiny-sockjs-messages': {
		what: 'the same in SockJS frames',
		begin: websocketFlood(SOCKJS, repeat(frame(TEXT, Buffer.from('"x"')))),
	},
	'message-arrays': {
		what: 'websockets send frames of 60,000 messages',
		begin: websocketFlood(SOCKJS, frame(TEXT, Buffer.from(manyMessages))),
	},
	'unread-messages': {
		what: 'websockets send messages and do not read the echoes',
		begin: websocketFlood(RAW, repeat(frame(BINARY, Buffer.alloc(1000, 'x'))), false),
	},
	'empty-fragments': {
		what: 'websockets send a message in empty fragments',
		begin: ({ keep, flood, websocket }) =>
			keep(CLIENTS, (socket) =>
				websocket(socket, handshake(RAW), true, () => {
					socket.write(frame(0x01));
					flood(socket, repeat(frame(0x00)));
				}),
			),
	},
	'tiny-fragments': {
		what: 'websockets send a message in fragments of one byte',
		begin: ({ keep, flood, websocket }) =>
			keep(CLIENTS, (socket) =>
				websocket(socket, handshake(RAW), true, () => {
					socket.write(frame(0x01));
					flood(socket, repeat(frame(0x00, Buffer.from('x'))));
				}),
			),
	},
	'inflated-blanks': {
		what: 'a few KB of a websocket inflate to 4 MB of blanks in an array',
		begin: websocketFlood(SOCKJS, deflated(TEXT, blanks(4 * 1024 * 1024 - 100)), true, DEFLATE),
	},
	'inflated-zeros': {
		what: 'a few KB of a websocket inflate to 4 MB of zeros',
		begin: websocketFlood(RAW, deflated(BINARY, Buffer.alloc(4 * 1024 * 1024 - 1)), true, DEFLATE),
	},
	'huge-messages': {
		what: 'websockets announce messages of 100 MB',
		begin: websocketFlood(RAW, frame(BINARY, Buffer.alloc(1 << 18), 100 << 20)),
	},
	'unfinished-messages': {
		what: 'many websockets send messages that do not end',
		begin: ({ keep, websocket }) =>
			keep(MANY, (socket) =>
				websocket(socket, handshake(RAW), true, () => {
					for (let i = 0; i < 60; i++) socket.write(frame(i === 0 ? 0x02 : 0x00, Buffer.alloc(65536)));
				}),
			),
	},
	'unfinished-bodies': {
		what: 'many requests send bodies that do not end',
		begin: ({ keep }) =>
			keep(MANY, (socket) => {
				socket.resume();
				socket.write(request('POST', `/echo/0/${unique()}/xhr_send`, { length: 4 << 20 }));
				for (let i = 0; i < 60; i++) socket.write(Buffer.alloc(65536, ' '));
			}),
	},
	'never-reading-streams': {
		what: 'streams that are not read, of sessions that get all they send back',
		begin: ({ keep }) =>
			keep(MANY, (socket) => {
				const path = `/broadcast/0/${unique()}`;
				socket.pause();
				socket.write(request('POST', `${path}/xhr_streaming`));
			}),
	},
	'slow-readers': {
		what: 'websockets that ask for large answers and read a byte a second',
		begin: ({ keep, websocket }) =>
			keep(CLIENTS, (socket) =>
				websocket(socket, handshake('/amplify/websocket'), false, () => {
					for (let i = 0; i < 400; i++) socket.write(frame(TEXT, Buffer.from('18')));
					readSlowly(socket);
				}),
			),
	},
	'slow-streams': {
		what: 'streams of large messages that are read a byte a second',
		begin: ({ connect, keep }) =>
			keep(CLIENTS, (socket) => {
				const path = `/amplify/0/${unique()}`;
				socket.once('data', () => {
					socket.pause();
					readSlowly(socket);
					const sender = connect();
					sender.resume();
					for (let i = 0; i < 50; i++) sender.write(request('POST', `${path}/xhr_send`, { body: '["18","18"]' }));
					socket.once('close', () => sender.destroy());
				});
				socket.write(request('POST', `${path}/xhr_streaming`));
			}),
	},
	'never-reading-polls': {
		what: 'polls whose large answers are not read',
		begin: ({ keep }) => keep(CLIENTS, pollMuch),
	},
	'slow-polls': {
		what: 'the same, read a byte a second',
		begin: ({ keep }) =>
			keep(CLIENTS, (socket) => {
				pollMuch(socket);
				readSlowly(socket);
			}),
	},
	'slow-frames': {
		what: 'websocket frames that come a byte a second',
		options: ['connection_limit = 300'],
		begin: ({ keep, websocket }) =>
			keep(400, (socket) =>
				websocket(socket, handshake(RAW), true, () => {
					const bytes = frame(BINARY, Buffer.alloc(1000));
					let at = 0;
					const timer = setInterval(() => socket.write(bytes.subarray(at, ++at)), 1000);
					socket.once('close', () => clearInterval(timer));
				}),
			),
	},
	'unanswered-closes': {
		what: 'websockets that are closed, and neither answer nor hang up',
		options: ['connection_limit = 300'],
		begin: ({ keep, websocket }) => keep(400, (socket) => websocket(socket, handshake('/close/websocket'), false, () => {})),
	},
	'slow-heads': {
		what: 'request heads that come a byte a second, on all the connections there may be',
		options: ['connection_limit = 300'],
		begin: trickle(400, Buffer.from('GET /echo/info HTTP/1.1\r\nHost: x\r\nX: '), Buffer.alloc(1000, 'x')),
	},
	'slow-second-heads': {
		what: 'the same after a first request',
		options: ['connection_limit = 300'],
		begin: trickle(400, Buffer.from('GET /echo/info HTTP/1.1\r\nHost: x\r\n\r\nGET /echo/info HTTP/1.1\r\nX: '), Buffer.alloc(1000, 'x')),
	},
	'slow-bodies': {
		what: 'request bodies that come a byte a second, on all the connections there may be',
		options: ['connection_limit = 300'],
		begin: trickle(400, request('POST', '/echo/0/x/xhr_send', { length: 1000 }), Buffer.alloc(1000, ' ')),
	},
	sessions: {
		what: 'new sessions without end',
		options: ['session_limit = 4000'],
		begin: requestFlood(() => request('POST', `/echo/0/${unique()}/xhr`)),
	},
	'stored-sessions': {
		what: 'the same, with a store',
		options: ['session_limit = 5000'],
		store: true,
		begin: requestFlood(() => request('POST', `/echo/0/${unique()}/xhr`)),
	},
	'sends-to-nobody': {
		what: 'sends to sessions that are not there',
		begin: requestFlood(() => request('POST', `/echo/0/${unique()}/xhr_send`, { body: '["x"]' })),
	},
	'huge-ids': {
		what: 'new sessions with ids and headers of 20 KB',
		options: ['session_limit = 5000'],
		begin: requestFlood(() =>
			request('POST', `/echo/0/${unique()}${'y'.repeat(10000)}/xhr`, { headers: [`User-Agent: ${'z'.repeat(10000)}`] }),
		),
	},
	'large-sends': {
		what: 'sessions that send 60,000 messages at once',
		begin: ({ keep }) =>
			keep(CLIENTS, (socket) => {
				const path = `/echo/0/${unique()}`;
				const again = () => socket.write(request('POST', `${path}/xhr_send`, { body: manyMessages }));
				socket.on('data', again);
				socket.write(request('POST', `${path}/xhr`));
			}),
	},
	pipelined: {
		what: 'pipelined requests',
		begin: requestFlood(() => request('GET', '/echo/info')),
	},
	resets: {
		what: 'connections that are reset in the middle of a request',
		begin: ({ keep }) =>
			keep(CLIENTS, (socket) => {
				socket.write(request('POST', `/echo/0/${unique()}/xhr_streaming`));
				setImmediate(() => socket.resetAndDestroy());
			}),
	},
	'local-garbage': {
		what: 'garbage on the local socket',
		begin: ({ keep, flood, local }) => keep(CLIENTS, (socket) => flood(socket, Buffer.alloc(1 << 16, 0)), local),
	},
	'local-flood': {
		what: 'local peers that send to sessions that are not there',
		begin: ({ keep, flood, local }) =>
			keep(CLIENTS, (socket) => {
				socket.resume();
				socket.write(encodeHello());
				flood(socket, repeat(encodeSend('nobody', ['x'])));
			}, local),
	},
	'local-silence': {
		what: 'local peers that say nothing',
		begin: ({ keep, local }) => keep(MANY, () => {}, local),
	},
	'local-descriptors': {
		what: 'local peers that send descriptors, before a greeting and behind the head of a long message',
		begin: ({ run, local }) => run('tests/descriptor_tool', [local.path], Buffer.concat([encodeHello(), encodeMessage(TYPE.send, { length: 1 << 20 })])),
	},
};

module.exports = { attacks };
