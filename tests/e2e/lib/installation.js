'use strict';

// What the tests of installations share: commands run as whom, trees compared, and an installed
// daemon looked at as a browser would.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { request } = require('./http');
const { WebSocketClient } = require('./websocket');

const COMMAND_LIMIT = 900000; // ms, on a busy machine

// What `make check` has put into the environment is not for another make.
function cleanEnvironment() {
	const env = { ...process.env, LC_ALL: 'C' };
	for (const name of Object.keys(env))
		if (/^(MAKE|MFLAGS|GNUMAKEFLAGS|DESTDIR|CFLAGS|LDFLAGS|CPPFLAGS|CC$|DEB_|TESTS|V$|SOCKJS_|NODE_TEST|TAP)/.test(name))
			delete env[name];
	return env;
}

// Runs a command to its end and returns what it printed. `fails`: it must not succeed.
function run(command, args, { env = {}, cwd, as = [], fails = false } = {}) {
	const [program, ...rest] = [...as, command, ...args];
	const { status, signal, error, stdout, stderr } = spawnSync(program, rest, {
		cwd, env: { ...cleanEnvironment(), ...env }, encoding: 'utf8', timeout: COMMAND_LIMIT, maxBuffer: 1 << 26,
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const output = stdout + stderr;
	if (error) throw error;
	if ((status !== 0) !== fails)
		assert.fail(`${[program, ...rest].join(' ')}: ${signal || `status ${status}`}\n${output.slice(-4000)}`);
	return output;
}

const isThere = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

// Every path below a folder, with what it is: for a file its content, for a link its target.
function tree(folder, { skip = () => false } = {}) {
	const found = {};
	const walk = (relative) => {
		for (const entry of fs.readdirSync(path.join(folder, relative), { withFileTypes: true })) {
			const name = path.join(relative, entry.name);
			const full = path.join(folder, name);
			if (skip(`/${name}`)) continue;
			if (entry.isDirectory()) {
				found[name] = 'folder';
				walk(name);
			} else if (entry.isSymbolicLink()) found[name] = `link to ${fs.readlinkSync(full)}`;
			else if (entry.isFile()) found[name] = fs.readFileSync(full, 'latin1');
			else found[name] = 'special';
		}
	};
	walk('');
	return found;
}

// The names that are in one tree only, or differ.
function differences(former, latter) {
	return [...new Set([...Object.keys(former), ...Object.keys(latter)])].filter((name) => former[name] !== latter[name]).sort()
		.map((name) => `${name}: ${name in former ? (name in latter ? 'changed' : 'gone') : 'new'}`);
}

// The page, its files and the two services of the configuration that is installed.
async function visit(url) {
	const page = await request(url, 'GET', '/');
	assert.strictEqual(page.status, 200);
	for (const [, file] of page.text.matchAll(/(?:src|href)="\/?([\w.]+\.(?:js|css|svg))"/g))
		assert.strictEqual((await request(url, 'GET', `/${file}`)).status, 200, file);
	const greeting = await request(url, 'GET', '/echo');
	assert.strictEqual(greeting.text, 'Welcome to SockJS!\n');
	await echo(url, '/echo');
	assert.strictEqual((await request(url, 'GET', '/chat/info')).status, 200);
}

async function openEcho(url, service) {
	const client = await WebSocketClient.connect(url, `${service}/000/${Math.random().toString(36).slice(2)}/websocket`);
	assert.strictEqual((await client.read()).text, 'o');
	return client;
}

async function exchange(client, text) {
	client.send(JSON.stringify([text]));
	assert.strictEqual((await client.read()).text, `a${JSON.stringify([text])}`);
}

async function echo(url, service) {
	const client = await openEcho(url, service);
	await exchange(client, 'hello');
	client.connection.close();
}

module.exports = { run, cleanEnvironment, isThere, tree, differences, visit, openEcho, exchange, echo };
