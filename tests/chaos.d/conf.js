'use strict';

// The configuration of a chaos run or a soak, made of one for the services.

const fs = require('node:fs');
const path = require('node:path');
const publishers = require('./publishers');

const DISCONNECT_DELAY = 240000; // of /echo, so that a client which is late finds its session
const DEFAULT_RESPONSE_LIMIT = 131072;

// The configuration's text with a DISCONNECT_DELAY for /echo.
function patient(text) {
	const delay = /(^[ \t]*\[service \/echo\][^[]*?^[ \t]*disconnect_delay[ \t]*=[ \t]*)\d+/m;
	const section = /^[ \t]*\[service \/echo\][^\n]*\n/m;
	if (delay.test(text)) return text.replace(delay, `$1${DISCONNECT_DELAY}`);
	return text.replace(section, `$&disconnect_delay = ${DISCONNECT_DELAY}\n`);
}

// The text with what --publish needs: apps, and the control socket in `folder`, if that is given.
function withApps(text, folder) {
	const section = /^[ \t]*\[server\][^\n]*\n/m;
	const lines = publishers.server(folder);
	const others = text.replace(/^[ \t]*(control|histories_limit)[ \t]*=[^\n]*\n/gm, '');
	const begun = section.test(others) ? others : `[server]\n\n${others}`;
	return `${begun.replace(section, `$&${lines}`)}\n${publishers.apps()}`;
}

// The text with /echo as an application in other processes; see application.js.
function withApplication(text, { lines, modules, user }) {
	const section = /^[ \t]*\[server\][^\n]*\n/m;
	const begun = section.test(text) ? text : `[server]\n\n${text}`;
	const service = /(^[ \t]*\[service \/echo\][^[]*?^)[ \t]*module[ \t]*=[^\n]*\n/m;
	return begun.replace(section, `$&module_path = ${modules}\n${user ? `user = ${user}\n` : ''}`).replace(service, `$1${lines}`);
}

// Returns the configuration to use: with the store in `folder`, or where --store says.
function writeConf({ kind, conf, store, publish }, folder, application) {
	let text = patient(fs.readFileSync(conf, 'utf8'));
	if (publish) text = withApps(text, kind === 'cluster' ? null : folder);
	if (application) text = withApplication(text, application);
	const line = `store = ${store || path.join(folder, 'sessions.db')}\n`;
	const file = path.join(folder, 'sockjs.conf');
	if (store === 'conf') {
		fs.writeFileSync(file, text);
		return file;
	}
	const section = /^[ \t]*\[server\][^\n]*\n/m;
	const others = text.replace(/^[ \t]*store[ \t]*=[^\n]*\n/gm, '');
	fs.writeFileSync(file, section.test(others) ? others.replace(section, `$&${line}`) : `[server]\n${line}\n${others}`);
	return file;
}

// The response_limit of /echo in bytes.
function responseLimit(conf) {
	const text = fs.readFileSync(conf, 'utf8');
	const service = /^[ \t]*\[service \/echo\][^[]*/m.exec(text);
	const option = service && /^[ \t]*response_limit[ \t]*=[ \t]*(\d+)/m.exec(service[0]);
	return option ? Number(option[1]) : DEFAULT_RESPONSE_LIMIT;
}

module.exports = { responseLimit, writeConf };
