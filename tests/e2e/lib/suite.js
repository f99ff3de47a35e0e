'use strict';

// Runs the conformance suite (tests/e2e/conformance/*.js) against one kind of target.
//
// Each file exports register(target), which calls target.test(name, [options], body); body gets a
// Context. node's runner runs top-level tests one after another, and most of this suite is waiting:
// so the bodies run here, side by side, and each top-level test only waits for its body and reports
// it. Options of a test:
//   wait     it mostly waits: started at once and beside the limit of those that work
//   timeout  ms, default 120000
//   conf     `defaults`: runs against the services of defaults.conf
//
// A test's name begins with the section of the protocol whose sentence it asserts (`s5: ...`).
//
// Against the reference a test that lib/differences.js lists must fail, and in the way described
// there; against a web server the same holds for lib/web_servers.js.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { inspect } = require('node:util');

const differences = require('./differences');
const { Connection } = require('./http');
const { Session } = require('./session');
const { startStack, srcdir } = require('./stack');
const webServers = require('./web_servers');
const { WebSocketClient } = require('./websocket');

const AT_ONCE = { work: 6, wait: Infinity }; // tests that run side by side: those that work, and that just wait
// mod_fcgid has a process for each request, and a request that finds none idle waits a second
// before it even starts one. So what counts in tenths of seconds comes last, when there are
// processes.
const AT_ONCE_FCGID = { work: 4, wait: 6, last: /disconnect_delay|receiver|heartbeat_delay$/ };
const FCGID_MAX_HELD = 13; // polls: one less than there are processes
const DEFAULT_TIMEOUT = 120000; // ms
const SHOWN_CONNECTIONS = 6; // of a failed test
const SHOWN_LOG = 200; // lines
const SANITIZER = /^.*(ERROR: [A-Za-z]+Sanitizer|runtime error:).*$/m;

const configurations = {
	standard: [path.join(srcdir, 'tests/services.conf'), path.join(srcdir, 'tests/e2e/extra.conf')],
	defaults: [path.join(srcdir, 'tests/e2e/defaults.conf')],
};

const differencesOf = (kind) => (kind === 'reference' ? differences : webServers[kind] || []);

// What a test talks through. It knows every connection it opened, closes them, and can show what
// went over them.
class Context {
	constructor(url) {
		this.url = url;
		this.connections = [];
	}

	uniqueId() {
		return `id_${crypto.randomBytes(6).toString('hex')}`;
	}

	async connect(options) {
		const connection = await Connection.open(this.url, options);
		this.connections.push(connection);
		return connection;
	}

	// One request on a connection of its own; resolves with the whole answer.
	async request(method, target, options) {
		const connection = await this.connect();
		const answer = await connection.request(method, target, options);
		connection.close();
		return answer;
	}

	// The same, but only the head of the answer is waited for.
	async openStream(method, target, options) {
		return (await this.connect()).open(method, target, options);
	}

	async websocket(target, options) {
		return WebSocketClient.handshake(await this.connect(), target, options);
	}

	// A SockJS websocket, opened: its `o` is read.
	async sockjs(prefix, options) {
		const socket = await this.websocket(`${prefix}/000/${this.uniqueId()}/websocket`, options);
		assert.equal(await socket.readText(), 'o');
		return socket;
	}

	session(prefix, options) {
		return new Session(this, prefix, options);
	}

	close() {
		this.connections.forEach((connection) => connection.close());
	}

	describe() {
		return this.connections
			.slice(-SHOWN_CONNECTIONS)
			.map((connection, index) => `connection ${index}\n${connection.describe()}`)
			.join('\n');
	}
}

function withTimeout(promise, ms) {
	let timer;
	const late = new Promise((resolve, reject) => {
		timer = setTimeout(() => reject(new Error(`the test took longer than ${ms} ms`)), ms);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

class Case {
	constructor(name, options, body) {
		this.name = name;
		this.body = body;
		this.options = { timeout: DEFAULT_TIMEOUT, conf: 'standard', ...options };
		this.result = new Promise((resolve) => {
			this.finish = resolve;
		});
	}

	// Never rejects: the result is {error, transcript}, or {skip}.
	async run(stacks) {
		const stack = await stacks[this.options.conf];
		if (stack.skip) return this.finish(stack);
		if (stack.error)
			return this.finish({
				error: new Error('the stack did not start (its own test below says why)'),
			});
		const context = new Context(stack.url);
		try {
			await withTimeout(Promise.resolve(context).then(this.body), this.options.timeout);
			this.finish({});
		} catch (error) {
			this.finish({ error, transcript: context.describe() });
		} finally {
			context.close();
		}
		return undefined;
	}
}

// A difference shows mostly as something that the reference never sends.
const waits = ({ options, difference }) => options.wait || difference;

async function runSome(cases, atOnce, stacks) {
	const queue = [...cases];
	const worker = async () => {
		for (let next = queue.shift(); next; next = queue.shift()) await next.run(stacks);
	};

	await Promise.all(Array.from({ length: Math.min(atOnce, queue.length) }, worker));
}

async function runAll(kind, cases, stacks) {
	const atOnce = ['apache-fcgid', 'htaccess'].includes(kind) ? AT_ONCE_FCGID : AT_ONCE;
	const isLast = ({ name }) => Boolean(atOnce.last && atOnce.last.test(name));
	const some = (last, waiting) =>
		cases.filter((each) => isLast(each) === last && Boolean(waits(each)) === waiting);

	for (const last of [false, true])
		await Promise.all([
			runSome(some(last, true), atOnce.wait, stacks),
			runSome(some(last, false), atOnce.work, stacks),
		]);
}

function startAll(kind, daemons) {
	// A daemon would hold its part of what there are processes for; here it may hold all.
	const server = `fcgid_max_held = ${FCGID_MAX_HELD * daemons}\n`;
	const stacks = {};
	for (const [name, conf] of Object.entries(configurations)) {
		if (name !== 'standard' && process.env.SOCKJS_TARGET && kind !== 'reference')
			stacks[name] = Promise.resolve({ skip: `SOCKJS_TARGET does not serve ${name}.conf` });
		else stacks[name] = startStack(kind, { conf, daemons, server }).catch((error) => ({ error }));
	}
	return stacks;
}

function registerAll(kind) {
	const directory = path.join(__dirname, '../conformance');
	const cases = [];
	const target = {
		kind,
		test(name, ...rest) {
			const body = rest.pop();
			assert.ok(!cases.some((each) => each.name === name), `two tests are named "${name}"`);
			cases.push(new Case(name, rest[0], body));
			cases.at(-1).difference = differencesOf(kind).find((each) => each.test === name);
		},
	};

	for (const file of fs
		.readdirSync(directory)
		.filter((each) => each.endsWith('.js'))
		.sort())
		require(path.join(directory, file)).register(target);
	return cases;
}

function showFailure(t, transcript = '') {
	for (const line of String(transcript).split('\n')) t.diagnostic(line);
}

// A test of ours must pass.
async function report(t, result) {
	if (result.skip) return t.skip(result.skip);
	if (result.error) {
		showFailure(t, result.transcript);
		throw result.error;
	}
	return undefined;
}

// A test that is listed as a difference must fail, with the message it is listed with.
async function reportDifference(t, result, difference) {
	t.diagnostic(`intended difference: ${difference.reason}`);
	if (result.skip) return t.skip(result.skip);
	if (difference.sometimes && !result.error) return undefined;
	assert.ok(result.error, 'listed as a difference, but there is none');
	const { message, actual, expected } = result.error;
	if (!difference.observed.test(`${message} (${inspect(actual)} !== ${inspect(expected)})`)) {
		showFailure(t, result.transcript);
		throw result.error;
	}
	return undefined;
}

function reportCase(each) {
	test(each.name, async (t) => {
		const result = await each.result;
		each.failed = true;
		await (each.difference ? reportDifference(t, result, each.difference) : report(t, result));
		each.failed = false;
	});
}

function checkList(list, cases) {
	test('every intended difference names a test of the suite, once', () => {
		const names = cases.map(({ name }) => name);
		for (const { test: name } of list)
			assert.ok(names.includes(name), `no test is named "${name}"`);
		assert.equal(new Set(list.map(({ id }) => id)).size, list.length);
		assert.equal(new Set(list.map(({ test: name }) => name)).size, list.length);
	});
}

function showLog(name, stack) {
	const lines = stack.log().trimEnd().split('\n');
	console.error(
		`--- log of ${stack.kind} (${name}), the last ${SHOWN_LOG} of ${lines.length} lines`,
	);
	console.error(lines.slice(-SHOWN_LOG).join('\n'));
}

// The stack must have lived through everything the suite did to it.
function checkSurvival(name, stacks, cases) {
	test(`the stack with the ${name} services lived through the suite and stops`, async (t) => {
		const stack = await stacks[name];
		await Promise.all(cases.map(({ result }) => result));
		if (stack.skip) return t.skip(stack.skip);
		if (stack.error) throw stack.error;
		const { pidsLines } = stack;
		const status = await stack.stop();
		const alarm = SANITIZER.exec(stack.log());
		if (cases.some(({ failed }) => failed) || pidsLines !== 1 || status !== 0 || alarm)
			showLog(name, stack);
		assert.equal(pidsLines, 1, 'a program was replaced while the suite ran');
		assert.equal(alarm && alarm[0], null);
		assert.equal(status, 0);
		return undefined;
	});
}

// Runs the suite against a kind of target (`reference`, or what tests/stack knows) as top-level
// tests, with so many daemons.
function run(kind, { daemons = 1 } = {}) {
	// A broadcast is a group's, which is one daemon's.
	const cases = registerAll(kind).filter(
		({ name }) => daemons === 1 || !name.includes('broadcast'),
	);
	const stacks = startAll(kind, daemons);

	runAll(kind, cases, stacks);
	if (differencesOf(kind).length > 0) checkList(differencesOf(kind), cases);
	cases.forEach((each) => reportCase(each));
	Object.keys(stacks).forEach((name) => checkSurvival(name, stacks, cases));
}

module.exports = { run };
