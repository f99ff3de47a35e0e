'use strict';

// The counts of tests/chaos themselves: a server that loses, doubles, reorders and forgets on
// purpose must be found out, each fault by its own count and no other; and one that does nothing of
// it must not.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const http = require('node:http');
const path = require('node:path');
const { test } = require('node:test');
const { Clients } = require('../chaos.d/clients');
const { Effects, FAULTS: EFFECT_FAULTS } = require('../chaos.d/effects');
const { Ledger } = require('../chaos.d/ledger');
const { readOptions, UsageError } = require('../chaos.d/options');
const { Publications, FAULTS: PUBLICATION_FAULTS } = require('../chaos.d/publications');
const { Random } = require('../chaos.d/random');
const { report, readCounts, FAULTS } = require('../chaos.d/report');
const { srcdir } = require('./lib/stack');

const RESPONSE_LIMIT = 1000;
const CLIENTS = 4;
const MESSAGES = 30; // that come back to a client before its run ends
const DRAIN = 10000; // ms; those that miss something wait as long
const LIMIT = 180000; // ms

// A small SockJS echo server with faults, which are functions that are told the how-manieth time it
// is in a session:
//   message(text, index)  returns a list of what to queue in its place
//   poll, stream, send    return a status to answer instead; or 'cut', or 'after', which delivers a send all the same
//   frame(index)          returns a frame to answer a poll with, before the others
//   endEarly, swallow     true: the stream ends too soon; the frame goes to a stream that is cut
// They befall a client's first session only.
class FaultyServer {
	constructor(faults) {
		this.faults = faults;
		this.sessions = new Map();
		this.server = http.createServer((request, response) => {
			let body = '';
			request.setEncoding('utf8');
			request.on('data', (chunk) => (body += chunk));
			request.on('end', () => this.answer(request.url.split('/').slice(3), body, response));
		});
	}

	async listen() {
		await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
		this.url = `http://127.0.0.1:${this.server.address().port}`;
	}

	fault(name, session, ...values) {
		if (!session.isFirst) return undefined;
		const index = session.counts[name] || 0;
		session.counts[name] = index + 1;
		return this.faults[name] && this.faults[name](...values, index);
	}

	// Whether the request was answered by a fault.
	refuse(name, session, response) {
		const status = this.fault(name, session);
		if (status === 'cut') response.write('a["x', () => response.destroy());
		else if (status) response.writeHead(status).end();
		return Boolean(status);
	}

	answer([id, what], body, response) {
		if (!this.sessions.has(id)) {
			if (what === 'xhr_send') return response.writeHead(404).end();
			this.sessions.set(id, { isFirst: id.endsWith('-0'), frames: ['o'], counts: {}, deliver: () => {} });
		}
		const session = this.sessions.get(id);
		if (what === 'xhr_send') return this.send(session, body, response);
		return what === 'xhr' ? this.poll(session, response) : this.stream(session, response);
	}

	send(session, body, response) {
		const status = this.fault('send', session);
		if (status && status !== 'after') return response.writeHead(status).end();
		for (const text of JSON.parse(body))
			for (const each of this.fault('message', session, text) || [text]) session.frames.push(`a${JSON.stringify([each])}`);
		response.writeHead(status ? 502 : 204).end();
		session.deliver();
	}

	poll(session, response) {
		if (this.refuse('poll', session, response)) return;
		session.deliver = () => {
			if (!session.frames.length) return;
			session.deliver = () => {};
			response.end(`${this.fault('frame', session) || session.frames.shift()}\n`);
		};
		session.deliver();
	}

	stream(session, response) {
		if (this.refuse('stream', session, response)) return;
		let bytes = 0;
		response.write(`${'h'.repeat(2048)}\n`);
		session.deliver = () => {
			while (session.frames.length && bytes < RESPONSE_LIMIT) {
				const frame = `${session.frames.shift()}\n`;
				if (this.fault('swallow', session)) return this.drop(session, response, frame);
				bytes += frame.length;
				response.write(frame);
			}
			if (bytes < RESPONSE_LIMIT && !(bytes && this.fault('endEarly', session))) return;
			session.deliver = () => {};
			response.end();
		};
		session.deliver();
	}

	drop(session, response, frame) {
		session.deliver = () => {};
		response.write(frame.slice(0, 20), () => response.destroy());
	}

	close() {
		this.server.closeAllConnections();
		this.server.close();
	}
}

async function runAgainst(faults, { isStream = false, isStrict = true } = {}) {
	const server = new FaultyServer(faults);
	await server.listen();
	const clients = new Clients({
		url: server.url,
		polling: isStream ? 0 : CLIENTS,
		streaming: isStream ? CLIENTS : 0,
		random: new Random(7),
		isStrict,
		responseLimit: RESPONSE_LIMIT,
	});
	try {
		clients.start();
		const end = Date.now() + LIMIT;
		const isEnough = (session) => session.isOver || session.ledger.sights.length >= MESSAGES;
		while (clients.received < MESSAGES * CLIENTS || !clients.sessions.every(isEnough)) {
			assert.ok(Date.now() < end, 'the messages come back');
			await new Promise((resolve) => setTimeout(resolve, 5));
		}
		await clients.drain(DRAIN);
		return readCounts(report(clients.sessions, 0).text);
	} finally {
		server.close();
		await clients.stop(); // or they would try for ever
	}
}

// Once in each client's first session.
const isFifth = (index) => index === 5;
const onFifth = (value) => (index) => (isFifth(index) ? value : undefined);
const fifthMessage = (change) => ({ message: (text, index) => (index === 5 ? change(text) : undefined) });

function overtaking() {
	const held = new Map();
	const nameOf = (text) => text.split(' ')[0];
	return {
		message(text, index) {
			if (index === 5) held.set(nameOf(text), text);
			return { 5: [], 6: [text, held.get(nameOf(text))] }[index];
		},
	};
}

const SOME = 'some'; // timing decides how many
const ANY = 'any'; // or none
// What is under way then is not to be had again.
const ended = { 'sessions ended': 4, 'lost': ANY, 'unacknowledged messages': ANY };
const isStream = true;
const isStrict = false;

// Each befalls four clients: [name, the counts that are not 0, the server's faults, what is
// different of the clients].
const cases = [
	['no fault, polling', {}, {}],
	['no fault, streaming', {}, {}, { isStream }],
	['a lost message', { 'lost': 4 }, fifthMessage(() => [])],
	['a message lost, but not with its stream', { 'lost': 4 }, fifthMessage(() => []), { isStream }],
	['a message that comes twice', { 'duplicates': 4 }, fifthMessage((text) => [text, text])],
	['a message that comes three times', { 'duplicates': 8 }, fifthMessage((text) => [text, text, text])],
	['a message that is overtaken', { 'out of order': 4 }, overtaking()],
	['a message that is changed', { 'damaged': 4, 'lost': 4 }, fifthMessage((text) => [`${text}x`])],
	['a message of another session', { 'damaged': 4 }, fifthMessage((text) => [text, `x${text}`])],
	['a frame that is none', { 'damaged': 4 }, { frame: onFifth('x') }],
	['two frames for a poll', { 'damaged': 4 }, { frame: onFifth('h\nh') }],
	['a session that is opened anew', ended, { frame: onFifth('o') }],
	['a session that is closed', ended, { frame: onFifth('c[1002,"Connection interrupted"]') }],
	['a send to a session that is gone', { ...ended, 'unacknowledged messages': SOME }, { send: onFifth(404) }],
	['a poll with 502', { 'sessions ended': 4, 'requests tried again, poll 502': 4 }, { poll: onFifth(502) }],
	['a poll that is cut', { 'sessions ended': 4, 'requests tried again, poll cut': 4 }, { poll: onFifth('cut') }],
	['a poll with 502, where that may be', { 'requests tried again, poll 502': 4 }, { poll: onFifth(502) }, { isStrict }],
	[
		'a send with 503',
		{ 'sessions ended': 4, 'unacknowledged messages': SOME, 'requests tried again, send 503': 4 },
		{ send: onFifth(503) },
	],
	[
		'a send with 502 that was delivered, where that may be',
		{ 'unacknowledged messages': SOME, 'of them came back': SOME, 'requests tried again, send 502': 4 },
		{ send: onFifth('after') },
		{ isStrict },
	],
	[
		'a stream with 502, even where polls may fail',
		{ 'sessions ended': 4, 'requests tried again, stream 502': 4 },
		{ stream: (index) => (index === 1 ? 502 : undefined) },
		{ isStream, isStrict },
	],
	['a frame lost with its stream', { 'lost with a broken stream': 4, 'streams broken': 4 }, { swallow: isFifth }, { isStream }],
	['a stream that ends too soon', { 'streams broken': 4, 'of them as if complete': 4 }, { endEarly: (index) => index === 2 }, { isStream }],
];

// All at once: they mostly wait.
const runs = cases.map(([, , faults, how]) => runAgainst(faults, how));
for (const run of runs) run.catch(() => {}); // its test is told

for (const [i, [name, expected]] of cases.entries())
	test(`chaos counts: ${name}`, async () => {
		const { kills, 'messages acknowledged': acknowledged, ...counts } = await runs[i];
		assert.equal(kills, 0);
		assert.ok(acknowledged >= MESSAGES, `${acknowledged} acknowledged`);
		for (const count of Object.keys({ ...counts, ...expected })) {
			if (expected[count] === SOME) assert.ok(counts[count] > 0, `${count}: ${counts[count]}`);
			else if (expected[count] !== ANY) assert.equal(counts[count], expected[count] || 0, `${count}, of ${JSON.stringify(counts)}`);
		}
	});

// --- the ledger's finer rules

// Messages that were sent one after the other and acknowledged; each of the functions in `events`
// is called with the ledger.
function ledgerOf(...events) {
	const ledger = new Ledger('x');
	for (const event of events) event(ledger);
	return ledger.audit();
}
const send = (isAcknowledged) => (ledger) => ledger.settle(ledger.begin(''), isAcknowledged);
const sent = send(true);
const unknown = send(false);
const back = (number) => (ledger) => ledger.see(ledger.text(number));
const broken = (ledger) => ledger.breakStream();

test('chaos counts: a break explains what is missing between its sending and the next arrival', () => {
	assert.deepEqual(ledgerOf(sent, broken, sent, back(1)).lostWithStream, [0]);
	assert.deepEqual(ledgerOf(sent, sent, broken).lostWithStream, [0, 1]);
	assert.deepEqual(ledgerOf(sent, broken, sent, back(1)).lost, []);
});

test('chaos counts: no other break does', () => {
	assert.deepEqual(ledgerOf(broken, sent, sent, back(1)).lost, [0]);
	assert.deepEqual(ledgerOf(sent, sent, back(1), broken).lost, [0]);
});

test('chaos counts: what has an unknown outcome may come once, or not, and in any order', () => {
	assert.deepEqual(ledgerOf(unknown, unknown, sent, back(2), back(1)), {
		acknowledged: [2],
		lost: [],
		lostWithStream: [],
		duplicates: [],
		outOfOrder: [],
		unknown: [0, 1],
		unknownBack: [1],
	});
	assert.deepEqual(ledgerOf(unknown, back(0), back(0)).duplicates, [0]);
});

test('chaos counts: an echo may be there before the acknowledgement', () => {
	const ledger = new Ledger('x');
	const number = ledger.begin('');
	back(number)(ledger);
	assert.ok(ledger.isBack(number));
	ledger.settle(number, true);
	assert.deepEqual(ledger.audit().lost, []);
	assert.ok(ledger.isSettled());
});

test('chaos counts: a second copy of an earlier message is a duplicate, not out of order', () => {
	const audit = ledgerOf(sent, sent, back(0), back(1), back(0));
	assert.deepEqual(audit.duplicates, [0]);
	assert.deepEqual(audit.outOfOrder, []);
});

test('chaos counts: each fault makes the report a bad one, and a run without messages is none', () => {
	const session = (change) => {
		const ledger = new Ledger('x');
		sent(ledger);
		back(0)(ledger);
		const whole = { ledger, ends: [], failures: new Map(), brokenStreams: { ended: 0, cut: 0 } };
		if (change) change(whole);
		return whole;
	};
	const faults = {
		'lost': ({ ledger }) => sent(ledger),
		'duplicates': ({ ledger }) => back(0)(ledger),
		'out of order': ({ ledger }) => [sent, sent, back(2), back(1)].forEach((event) => event(ledger)),
		'damaged': ({ ledger }) => ledger.see('what?'),
		'sessions ended': ({ ends }) => ends.push('why'),
	};
	assert.ok(report([session()], 0).isGood);
	assert.deepEqual(Object.keys(faults), FAULTS);
	for (const [name, change] of Object.entries(faults)) {
		const { text, isGood, details } = report([session(), session(change)], 3);
		assert.equal(readCounts(text)[name], 1);
		assert.equal(readCounts(text).kills, 3);
		assert.ok(!isGood, name);
		assert.match(details[0], new RegExp(`^${name}: x: `));
	}
	assert.throws(() => report([], 0), /no message/);
});

// --- publications

const at = (offset, epoch = 'e') => ({ offset, epoch });

// Of a channel with three publications, the last unacknowledged, of which one subscriber heard what
// `events` say: [position, number] or, of a subscription, [position, recovered].
function publicationsOf(events, isLasting = true) {
	const channel = new Publications('x', isLasting);
	const reading = channel.reading('reader');
	for (let i = 0; i < 3; i++) {
		const text = channel.next();
		if (i < 2) channel.acknowledge(text, at(i + 1));
	}
	for (const [position, what] of events)
		if (typeof what === 'number') reading.see(position, `x ${what}`);
		else reading.start(position, what);
	const { counts } = channel.audit();
	return Object.fromEntries(PUBLICATION_FAULTS.filter((name) => counts[name] > 0).map((name) => [name, counts[name]]));
}

const begin = [at(0), undefined];
for (const [name, expected, events, isLasting] of [
	['all is well', {}, [begin, [at(1), 0], [at(2), 1]]],
	['what was not acknowledged may come', {}, [begin, [at(1), 0], [at(2), 1], [at(3), 2]]],
	['or come elsewhere', {}, [begin, [at(1), 0], [at(2), 1], [at(3), 7]]],
	['who comes later need not have it', {}, [[at(1), undefined], [at(2), 1]]],
	['a gap', { 'publications missed': 1 }, [begin, [at(2), 1]]],
	['the last is missing', { 'publications missed': 1 }, [begin, [at(1), 0]]],
	['nothing came', { 'publications missed': 1 }, [begin]],
	['it never subscribed', { 'publications missed': 1 }, []],
	['one comes twice', { 'publications twice': 1 }, [begin, [at(1), 0], [at(1), 0], [at(2), 1]]],
	['one comes again elsewhere', { 'publications twice': 1 }, [begin, [at(1), 0], [at(2), 1], [at(3), 0]]],
	['one is late', { 'publications missed': 1, 'publications out of order': 1 }, [begin, [at(2), 1], [at(1), 0]]],
	['another one has its place', { 'publications wrong': 1 }, [begin, [at(1), 2], [at(2), 1]]],
	['an epoch that nobody told', { 'histories gone untold': 1 }, [begin, [at(1), 0], [at(2), 1], [at(1, 'f'), 2]]],
	['recovered', {}, [begin, [at(1), 0], [at(2), true], [at(2), 1]]],
	['recovered, and a part is missing', { 'publications missed': 1 }, [begin, [at(2), true], [at(2), 1]]],
	['recovered, with what was there', { 'publications twice': 1 }, [begin, [at(1), 0], [at(1), true], [at(1), 0], [at(2), 1]]],
	['recovered in another epoch', { 'histories gone untold': 1 }, [begin, [at(1), 0], [at(2, 'f'), true], [at(2), 1]]],
	['recovered in a channel with less', { 'histories gone untold': 1 }, [begin, [at(1), 0], [at(2), 1], [at(1), true]]],
	['gone, and said to be', {}, [begin, [at(1), false], [at(2), 1]], false],
	['gone where nothing may go', { 'histories lost': 1 }, [begin, [at(1), false], [at(2), 1]]],
])
	test(`chaos counts: publications: ${name}`, () => assert.deepEqual(publicationsOf(events, isLasting), expected));

test('chaos counts: publications: one without an offset is for those who listened before', () => {
	const channel = new Publications('x', false);
	const [early, late, told] = ['early', 'late', 'told'].map((name) => channel.reading(name));
	early.start(at(0));
	told.start(at(0));
	channel.acknowledgeTo(channel.next(), channel.listeners());
	late.start(at(1));
	told.start(at(1), false);
	assert.deepEqual(channel.audit().details, ['publications missed: early: "x 0"']);
});

// --- what an application did

// Of what it published, where messages 0 to 2 of "x" were acknowledged.
function effectsOf(...seen) {
	const effects = new Effects();
	for (const text of seen) effects.see(text);
	effects.compare('x', [0, 1, 2]);
	const { counts } = effects.audit();
	return Object.fromEntries(EFFECT_FAULTS.filter((name) => counts[name] > 0).map((name) => [name, counts[name]]));
}

const begun = 'connection 1', over = 'close 1';
const [did0, did1, did2] = [0, 1, 2].map((number) => `did 1 x ${number}`);
for (const [name, expected, seen] of [
	['all is well', {}, [begun, did0, did1, did2, over]],
	['what was not acknowledged may be done, and late', {}, [begun, did0, did1, did2, 'did 1 x 4', 'did 1 x 3', over]],
	['one is missing', { 'effects missed': 1 }, [begun, did0, did2, over]],
	['one was done twice', { 'effects twice': 1 }, [begun, did0, did1, did2, did1, over]],
	['also if it was not acknowledged', { 'effects twice': 1 }, [begun, did0, did1, did2, 'did 1 x 3', 'did 1 x 3', over]],
	['one is late', { 'effects out of order': 1 }, [begun, did0, did2, did1, over]],
	['one before the begin', { 'effects out of order': 1 }, [did0, begun, did1, did2, over]],
	['one after the end', { 'effects out of order': 1 }, [begun, did0, did1, over, did2]],
	['a begin comes twice', { 'begins twice': 1 }, [begun, begun, did0, did1, did2, over]],
	['an end comes twice', { 'ends twice': 1 }, [begun, did0, did1, did2, over, over]],
	['an end does not come', { 'ends untold': 1 }, [begun, did0, did1, did2]],
	['the end of nobody', { 'ends of nobody': 1 }, [begun, did0, did1, did2, over, 'close 2']],
	['an error', { 'application errors': 1 }, [begun, did0, did1, did2, over, 'error invalid channel']],
])
	test(`chaos counts: effects: ${name}`, () => assert.deepEqual(effectsOf(...seen), expected));

// --- the command line

const run = (...args) => spawnSync(path.join(srcdir, 'tests/chaos'), args, { encoding: 'utf8', timeout: LIMIT });

test('chaos: --help', () => {
	const { status, stdout, stderr } = run('--help');
	assert.equal(status, 0);
	assert.match(stdout, /^Usage: tests\/chaos KIND SECONDS/);
	assert.equal(stderr, '');
});

test('chaos: a wrong command line exits with 64', () => {
	const { status, stdout, stderr } = run('lighttpd');
	assert.equal(status, 64);
	assert.equal(stdout, '');
	assert.match(stderr, /^chaos: KIND and SECONDS/);
});

test('chaos: --publish has no value', () => {
	assert.equal(readOptions(['lighttpd', '1', '--publish', '--seed', '2'], 'services.conf').publish, true);
	assert.equal(readOptions(['lighttpd', '1'], 'services.conf').publish, undefined);
});

for (const [words, message] of [
	['', /KIND and SECONDS/],
	['lighttpd', /KIND and SECONDS/],
	['lighttpd 1 2', /KIND and SECONDS/],
	['thttpd 1', /KIND: "thttpd"/],
	['lighttpd x', /SECONDS: "x"/],
	['lighttpd 0', /SECONDS: "0"/],
	['lighttpd 1 --kill init', /--kill: "init"/],
	['lighttpd 1 --kill', /--kill needs/],
	['lighttpd 1 --nonsense 1', /no option --nonsense/],
	['lighttpd 1 --conf /no/such/file', /--conf: \/no\/such\/file/],
	['lighttpd 1 --polling 0 --streaming 0', /no clients/],
	['direct 1 --kill responder', /kind direct/],
	['direct 1 --kill worker', /kind direct/],
	['lighttpd 1 --kill worker --websockets x', /--websockets: "x"/],
])
	test(`chaos: "tests/chaos ${words}" is refused`, () => {
		const read = () => readOptions(words.split(' ').filter(Boolean), 'services.conf');
		assert.throws(read, (error) => error instanceof UsageError && message.test(error.message));
	});
