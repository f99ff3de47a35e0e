'use strict';

// Reads the command line of tests/chaos.

const fs = require('node:fs');
const path = require('node:path');

const KINDS = ['lighttpd', 'apache-fcgid', 'apache-proxy', 'nginx', 'direct', 'cluster'];
const BOXES = ['node', 'drain', 'haproxy', 'redis', 'flush', 'any']; // of the kind cluster alone
const APPLICATIONS = ['worker', 'callback'];
const TARGETS = ['sessiond', 'restart', 'conf', 'mixed', 'responder', 'webserver', ...BOXES, ...APPLICATIONS, 'none'];

const USAGE = `Usage: tests/chaos KIND SECONDS [OPTION...]

Runs polling and streaming clients against /echo of a stack (tests/stack KIND), and kills its processes at random moments.
Counts what became of the clients' messages. Exits with 0 if no acknowledged message was lost, came twice or came out of
order, and if no session ended. Exits with 1 otherwise, and with 64 if the command line is wrong.

  --kill WHAT       ${TARGETS.join(', ')} (default: sessiond);
                    restart ends sessiond by SIGTERM, conf sends it SIGHUP, mixed does one of all these;
                    webserver reloads it gracefully;
                    of the kind cluster (two boxes behind HAProxy): node takes the power of a box away, whose sessions may then end
                    and nobody else's, drain has one drain, haproxy reloads HAProxy, redis kills or stops their Redis, or ends the
                    connections of its subscribers, flush empties it, any does one of all these but haproxy and flush;
                    worker: /echo is an application in processes of its own (tests/chaos.d/worker.py), which are killed, then the
                    daemon, then both: each message must be handled once and in order, each connection's end be told once;
                    callback: the same with PHP-FPM, which is stopped and started
  --websockets N    clients with websockets, beside a worker or a callback (default: 20)
  --polling N       clients with xhr-polling (default: 50)
  --streaming N     clients with xhr-streaming (default: 20)
  --daemons N       daemons that share the work, of which one at a time is killed (default: 1)
  --conf FILE       configuration of the services (default: tests/services.conf)
  --store WHERE     [server] store: a path; none; or conf, which keeps that of --conf (default: a temporary file)
  --calibrate S     seconds without kills at first, to compare with (default: an eighth of SECONDS, at least 2)
  --publish         publishes beside them to channels of two apps, whose subscribers come and go: each publication that was
                    answered must reach each of them once and in order, or it is said that it is gone; nobody who is gone
                    may stay a member of a presence channel
  --seed N          seed of the random numbers (default: a random seed, which is printed)
  --log FILE        writes the log of the programs to FILE

Kinds: ${KINDS.join(' ')}
`;

class UsageError extends Error {}

function wholeNumber(name, text, lowest) {
	if (!/^\d{1,9}$/.test(text) || Number(text) < lowest) throw new UsageError(`${name}: "${text}" is no number from ${lowest} on`);
	return Number(text);
}

function oneOf(name, text, list) {
	if (!list.includes(text)) throw new UsageError(`${name}: "${text}" is none of ${list.join(', ')}`);
	return text;
}

function readable(name, file) {
	try {
		fs.accessSync(file, fs.constants.R_OK);
	} catch {
		throw new UsageError(`${name}: ${file} cannot be read`);
	}
	return path.resolve(file);
}

const READERS = {
	'--kill': ['kill', (name, text) => oneOf(name, text, TARGETS)],
	'--polling': ['polling', (name, text) => wholeNumber(name, text, 0)],
	'--streaming': ['streaming', (name, text) => wholeNumber(name, text, 0)],
	'--websockets': ['websockets', (name, text) => wholeNumber(name, text, 0)],
	'--daemons': ['daemons', (name, text) => wholeNumber(name, text, 1)],
	'--conf': ['conf', readable],
	'--store': ['store', (name, text) => text],
	'--calibrate': ['calibrate', (name, text) => wholeNumber(name, text, 1)],
	'--seed': ['seed', (name, text) => wholeNumber(name, text, 0)],
	'--log': ['log', (name, text) => path.resolve(text)],
};

const FLAGS = { '--publish': 'publish' };

// Returns the options, or throws a UsageError. `conf` is the default of --conf.
function readOptions(words, conf) {
	const options = { kill: 'sessiond', polling: 50, streaming: 20, websockets: 20, daemons: 1, conf, seed: Math.floor(Math.random() * 1e9) };
	const rest = [];
	for (let i = 0; i < words.length; i++) {
		if (!words[i].startsWith('-')) {
			rest.push(words[i]);
			continue;
		}
		if (FLAGS[words[i]]) {
			options[FLAGS[words[i]]] = true;
			continue;
		}
		const reader = READERS[words[i]];
		if (!reader) throw new UsageError(`there is no option ${words[i]}`);
		if (i + 1 === words.length) throw new UsageError(`${words[i]} needs a value`);
		options[reader[0]] = reader[1](words[i], words[++i]);
	}
	if (rest.length !== 2) throw new UsageError('KIND and SECONDS are needed, and nothing more');
	options.kind = oneOf('KIND', rest[0], KINDS);
	options.seconds = wholeNumber('SECONDS', rest[1], 1);
	options.calibrate = options.calibrate || Math.max(2, Math.round(options.seconds / 8));
	if (options.kind !== 'cluster' && BOXES.includes(options.kill))
		throw new UsageError(`--kill ${options.kill}: only the kind cluster has boxes`);
	if (options.kind === 'cluster') {
		const others = ['webserver', ...APPLICATIONS];
		if (others.includes(options.kill)) throw new UsageError(`--kill ${options.kill}: the kind cluster cannot do that`);
		options.store = 'conf'; // each daemon has its own
	}
	if (options.kind === 'direct' && ['responder', 'webserver'].includes(options.kill))
		throw new UsageError(`--kill ${options.kill}: there is none in the kind direct`);
	if (options.daemons > 1 && (options.publish || APPLICATIONS.includes(options.kill)))
		throw new UsageError(`--daemons: not with --publish, --kill ${APPLICATIONS.join(' or ')}`);
	options.hasApplication = APPLICATIONS.includes(options.kill);
	if (options.kind === 'direct' && options.hasApplication)
		throw new UsageError(`--kill ${options.kill}: polls of the kind direct break with the daemon`);
	if (options.polling + options.streaming === 0) throw new UsageError('no clients');
	return options;
}

module.exports = { BOXES, readOptions, UsageError, USAGE };
