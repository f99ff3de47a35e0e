'use strict';

// doc/channels.md, followed: its [app], its lines for Laravel Echo with its .env, its page and its
// PHP, its command. What they say is heard in Chromium.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { skip, launch } = require('./lib/browser');
const { startDaemon, temporaryDirectory } = require('./lib/daemon');
const { srcdir } = require('./lib/stack');
const { makeWww } = require('./lib/www');

const TIMEOUT = 60000; // ms
const builddir = process.env.SOCKJS_BUILDDIR || srcdir;
const doc = fs.readFileSync(path.join(srcdir, 'doc/channels.md'), 'utf8');
const www = makeWww();
const directory = temporaryDirectory();
const control = path.join(directory, 'control.sock');

const section = (title) => doc.split(/^## /m).find((each) => each.startsWith(title));
const laravel = section('From nothing to a Laravel application');
const page = section('From nothing to a plain PHP page');
const shell = section('From nothing to sockjsctl');
const code = (text, kind) => new RegExp(`^\`\`\`${kind}\\n([^]*?)^\`\`\`$`, 'm').exec(text)[1];
const indented = (text, start) => {
	const lines = text.slice(text.indexOf(`    ${start}`)).split('\n');
	const count = lines.findIndex((line) => !line.startsWith('    '));
	return lines.slice(0, count).map((line) => line.trim()).join('\n');
};

let daemon;
let browser;

before(async () => {
	if (skip)
		return;
	const app = indented(laravel, '[app 1]');
	daemon = await startDaemon({ conf: `[server]\nstatic = ${www}\ncontrol = ${control}\n${app}\n` });
	browser = await launch();
});
after(async () => {
	if (browser)
		await browser.close();
	if (daemon)
		await daemon.stop();
	fs.rmSync(directory, { recursive: true, force: true });
});

const check = (name, body) => test(`channels.md: ${name}`, { skip, timeout: TIMEOUT }, body);

// A page of the site, which logs what it hears; heard(text) resolves when it has logged that.
async function openPage(name, html) {
	fs.writeFileSync(path.join(www, name), html);
	const opened = await browser.newPage();
	opened.setDefaultTimeout(TIMEOUT);
	const lines = [];
	opened.on('console', (line) => lines.push(line.text()));
	opened.on('pageerror', (error) => lines.push(`${error}`));
	await opened.goto(`${daemon.url}/${name}`);
	opened.heard = async (text) => {
		while (!lines.includes(text))
			await opened.waitForEvent('console').catch(() => assert.fail(lines.join('\n')));
	};
	return opened;
}

// As the doc has it, but for where things are.
function publish(command) {
	const program = `${path.join(builddir, 'sessiond/ctl/sockjsctl')} --socket ${control}`;
	const done = spawnSync('sh', ['-c', command.replace('sockjsctl', program)], { encoding: 'utf8' });
	assert.strictEqual(done.status, 0, done.stderr);
}

const command = /^ {4}\$ (sockjsctl publish .*)$/m.exec(shell)[1];

check('the plain page hears what the shell and PHP publish', async () => {
	const html = `<!DOCTYPE html><title>plain</title>${code(page, 'html')}`;
	const opened = await openPage('plain.html', html);
	await opened.waitForFunction('pusher.channel("news").subscribed');
	publish(command);
	await opened.heard('Hello');
	const script = code(page, 'php').replace("'Hello'", "'from PHP'")
		.replace('/run/sockjs-fcgi/control.sock', control);
	const php = spawnSync('php', ['-r', script], { encoding: 'utf8' });
	if (!php.error && !/undefined function curl_init/.test(php.stdout + php.stderr))
		await opened.heard('from PHP');
	await opened.close();
});

check('Echo connects by its lines, also where websockets are refused', async () => {
	const { hostname, port } = new URL(daemon.url);
	const lines = indented(laravel, 'BROADCAST_CONNECTION').split('\n');
	const env = Object.fromEntries(lines.map((line) => line.split('=')));
	Object.assign(env, { PUSHER_HOST: hostname, PUSHER_PORT: port, PUSHER_SCHEME: 'http' });
	for (const [name, value] of Object.entries(env))
		env[name] = value.replace(/^"\$\{(\w+)\}"$/, (_, of) => env[of]);
	const echo = path.join(path.dirname(require.resolve('laravel-echo')), 'echo.js');
	fs.copyFileSync(echo, path.join(www, 'laravel-echo.js'));
	// What vite makes of an application.
	const imports = {
		'laravel-echo': '/laravel-echo.js',
		'pusher-js': 'data:text/javascript,export default window.Pusher',
	};
	const html = (script) => `<!DOCTYPE html><title>Laravel</title>
		<script src="/pusher.min.js"></script>
		<script type="importmap">${JSON.stringify({ imports })}</script>
		<script type="module">${script.replaceAll('import.meta.env', JSON.stringify(env))}
		window.Echo.channel('news').listen('.added', ({title}) => console.log(title));</script>`;
	const script = code(laravel, 'js');
	for (const [name, text, transport] of [
		['echo.html', script, 'ws'],
		['fallback.html', script.replace('wsPort: port', 'wsPort: 9'), 'xhr_streaming'],
	]) {
		const opened = await openPage(name, html(text));
		await opened.waitForFunction('Echo?.channel("news").subscription.subscribed');
		const used = await opened.evaluate('Echo.connector.pusher.connection.connection.transport.name');
		assert.strictEqual(used, transport);
		publish(command.replace('Hello', `over ${transport}`));
		await opened.heard(`over ${transport}`);
		await opened.close();
	}
});
