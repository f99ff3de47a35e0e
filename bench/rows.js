'use strict';

// What `make bench` measures. A row:
//   title        of the table and the chart
//   measure      of bench/measures.js
//   way          how messages go, by the name that each server has for it
//   servers      ours first; one that has no such way cannot be here
//   connections  one number or several, each a group of its own
//   size         bytes of a message (20)
//   atOnce       clients that wait for an answer at a time (100, or half of them)
//   rate         messages a second of a fan-out; unset: as fast as everybody gets them
//   half         of `latency`: whose top rate decides
//   settled      of `memory` and `instructions`: ms that connections are idle before (300)
//   without      of `memory`: parts that do not count
//   goals        what is to be reached: bench/goals.js

const { connect, echo, fanout, firstAnswer, instructions, latency, memory } = require('./measures');

const OURS = 'sockjs-fcgi';
const NODE = 'sockjs-node';
const EPOLL = 'bare epoll';
const HTTP = 'bare HTTP';
const WEBSOCKETS = [OURS, EPOLL, NODE, 'socket.io'];
const APPLICATIONS = [...['module', 'worker in C', 'worker in PHP', 'worker in Python', 'callback to PHP-FPM'].map((name) => `${OURS}, ${name}`), NODE];
const KB = 1024;
const FLAT = 1.1; // how much a cost may grow with the number of connections
const TWO = `${OURS}, two daemons`;
const shared = (one) => ({ against: one, most: 1.1, rate: 1.8 }); // what a second daemon is to bring
const HELD_FOR = 2500; // ms: what waits for longer than a second may be kept in another way
const HELD = [{ most: 6 * KB }, { against: NODE, most: 0.4 }];
const counted = (...names) => names.map((name) => `${name}, counted`);
const behind = (kind, ...names) => [OURS, ...names].map((name) => `${name} behind ${kind}`);

const rows = {
	websocket: {
		title: 'WebSocket echo',
		measure: echo,
		way: 'websocket',
		servers: WEBSOCKETS,
		connections: [1, 100, 1000, 10000, 15000],
		goals: [
			{ connections: 100, against: EPOLL, most: 1.05 },
			{ connections: 100, against: NODE, most: 0.35 },
			{ connections: 15000, since: 100, most: FLAT },
		],
	},
	raw: {
		title: 'raw WebSocket echo, 16 bytes',
		measure: echo,
		way: 'raw',
		size: 16,
		servers: [OURS, EPOLL, NODE, 'tornado', 'websocketd'],
	},
	'raw-64k': {
		title: 'raw WebSocket echo, 64 KB',
		measure: echo,
		way: 'raw',
		size: 65536,
		atOnce: 10,
		servers: [OURS, EPOLL, NODE, 'tornado'],
		goals: [
			{ against: EPOLL, most: 1.2 },
			{ against: NODE, most: 0.5 },
		],
	},
	deflate: {
		title: 'WebSocket echo, 2 KB compressed',
		measure: echo,
		way: 'deflate',
		size: 2000,
		servers: [OURS, EPOLL, 'socket.io', 'tornado'],
	},
	fanout: {
		title: 'one message to all WebSockets',
		measure: fanout,
		way: 'websocket to all',
		connections: [1000, 10000],
		servers: [...WEBSOCKETS, 'tornado', 'nchan', 'pushpin'],
		goals: [
			{ connections: 1000, against: EPOLL, most: 1.05 },
			{ connections: 1000, against: NODE, most: 0.5 },
		],
	},
	publish: {
		title: 'published to a channel of WebSockets',
		measure: fanout,
		way: 'channel to all',
		connections: 1000,
		servers: [OURS, `${OURS}, Redis`, `${TWO}, Redis`, 'nchan', 'pushpin'],
	},
	polling: {
		title: 'xhr-polling',
		measure: echo,
		way: 'polling',
		servers: [OURS, 'bare libmicrohttpd', 'bare libmicrohttpd, held', HTTP, NODE, 'socket.io'],
		goals: [
			{ against: 'bare libmicrohttpd', most: 1.3 },
			{ against: NODE, most: 0.18 },
		],
	},
	'polling-lighttpd': {
		title: 'xhr-polling through lighttpd',
		measure: echo,
		way: 'polling',
		servers: behind('lighttpd', 'bare FastCGI', 'bare libfcgi', NODE),
		goals: [
			{ parts: ['sessiond', 'supervisor', 'fcgi'], of: 'lighttpd', most: 0.6 },
			{ against: `${NODE} behind lighttpd`, most: 0.2 },
		],
	},
	'polling-nginx': {
		title: 'xhr-polling through nginx',
		measure: echo,
		way: 'polling',
		servers: behind('nginx', 'bare libfcgi', NODE),
	},
	'polling-apache-proxy': {
		title: 'xhr-polling through Apache, mod_proxy_fcgi',
		measure: echo,
		way: 'polling',
		servers: behind('apache-proxy', 'bare libfcgi', NODE),
	},
	'polling-apache-fcgid': {
		title: 'xhr-polling through Apache, mod_fcgid',
		measure: echo,
		way: 'polling',
		connections: 8,
		servers: behind('apache-fcgid', 'bare libfcgi', NODE),
	},
	'polling-to-all': {
		title: 'one message to all polls',
		measure: fanout,
		way: 'polling to all',
		connections: 1000,
		servers: [OURS, HTTP, NODE, 'socket.io', 'nchan'],
	},
	'xhr-streaming': {
		title: 'xhr-streaming echo',
		measure: echo,
		way: 'xhr-streaming',
		servers: [OURS, HTTP, NODE],
	},
	eventsource: {
		title: 'eventsource echo',
		measure: echo,
		way: 'eventsource',
		servers: [OURS, HTTP, NODE],
	},
	'stream-1': {
		title: 'xhr-streaming, one message a second to each',
		measure: fanout,
		way: 'xhr-streaming to all',
		connections: 1000,
		rate: 1,
		servers: [OURS, HTTP, NODE, 'pushpin'],
	},
	'stream-100': {
		title: 'xhr-streaming, 100 messages a second to each',
		measure: fanout,
		way: 'xhr-streaming to all',
		connections: 1000,
		rate: 100,
		servers: [OURS, HTTP, NODE],
	},
	'eventsource-1': {
		title: 'eventsource, one message a second to each',
		measure: fanout,
		way: 'eventsource to all',
		connections: 1000,
		rate: 1,
		servers: [OURS, HTTP, NODE, 'nchan'],
	},
	'eventsource-100': {
		title: 'eventsource, 100 messages a second to each',
		measure: fanout,
		way: 'eventsource to all',
		connections: 1000,
		rate: 100,
		servers: [OURS, HTTP, NODE, 'nchan'],
	},
	connect: {
		title: 'WebSockets that connect and close',
		measure: connect,
		way: 'websocket',
		servers: WEBSOCKETS,
	},
	latency: {
		title: 'WebSocket echo at half of the top rate of sockjs-node',
		measure: latency,
		way: 'websocket',
		half: NODE,
		servers: WEBSOCKETS,
	},
	'memory-websocket': {
		title: 'memory of an idle WebSocket',
		measure: memory,
		way: 'websocket',
		connections: [100, 1000, 10000, 15000],
		servers: [OURS, NODE, 'socket.io'],
		goals: [
			{ connections: 10000, most: 1.2 * KB },
			{ connections: 10000, against: NODE, most: 0.1 },
			{ connections: 15000, since: 100, most: FLAT },
		],
	},
	'memory-poll': {
		title: 'memory of a held poll',
		measure: memory,
		settled: HELD_FOR,
		way: 'polling',
		connections: 5000,
		servers: [OURS, NODE, 'socket.io'],
		goals: HELD,
	},
	'memory-stream': {
		title: 'memory of an idle stream',
		measure: memory,
		settled: HELD_FOR,
		way: 'xhr-streaming',
		connections: 5000,
		servers: [OURS, NODE],
		goals: HELD,
	},
	'memory-poll-lighttpd': {
		title: 'memory of a held poll behind lighttpd, without lighttpd',
		measure: memory,
		settled: HELD_FOR,
		way: 'polling',
		connections: 3000,
		without: ['lighttpd'],
		servers: behind('lighttpd', NODE),
		goals: [{ most: 8 * KB }],
	},
	start: { title: 'start', measure: firstAnswer, way: 'websocket', servers: [OURS, NODE] },
	store: {
		title: 'xhr-polling with a store',
		measure: echo,
		way: 'polling',
		servers: [
			OURS,
			`${OURS}, store off`,
			`${OURS}, store normal`,
			`${OURS}, store full`,
			NODE,
		],
	},
	workers: {
		title: 'WebSocket echo by an application in another process', measure: echo, way: 'websocket', servers: APPLICATIONS,
	},
	'workers-polling': {
		title: 'xhr-polling echo by an application in another process', measure: echo, way: 'polling', servers: APPLICATIONS,
	},
	'daemons-websocket': {
		title: 'WebSocket echo by two daemons',
		measure: echo,
		way: 'websocket',
		connections: 200,
		servers: [TWO, OURS],
		goals: [shared(OURS)],
	},
	'daemons-polling': {
		title: 'xhr-polling by two daemons',
		measure: echo,
		way: 'polling',
		connections: 200,
		servers: [TWO, OURS],
		goals: [shared(OURS)],
	},
	'daemons-polling-lighttpd': {
		title: 'xhr-polling by two daemons, through lighttpd',
		measure: echo,
		way: 'polling',
		connections: 200,
		servers: [`${TWO} behind lighttpd`, `${OURS} behind lighttpd`],
		goals: [shared(`${OURS} behind lighttpd`)],
	},
	'daemons-fanout': {
		title: 'one message to all WebSockets, by two daemons with a Redis',
		measure: fanout,
		way: 'websocket to all',
		connections: 1000,
		servers: [`${TWO}, Redis`, OURS],
		goals: [shared(OURS)],
	},
	'instructions-websocket': {
		title: 'WebSocket echo among idle sessions',
		measure: instructions,
		way: 'websocket',
		connections: [200, 10000],
		servers: counted(OURS, EPOLL),
		goals: [{ connections: 10000, since: 200, most: FLAT }],
	},
	'instructions-polling': {
		title: 'xhr-polling among idle sessions',
		measure: instructions,
		settled: HELD_FOR,
		way: 'polling',
		connections: [200, 10000],
		servers: counted(OURS, 'bare libmicrohttpd'),
		goals: [{ connections: 10000, since: 200, most: FLAT }],
	},
};

module.exports = { rows };
