'use strict';

// An application in processes of its own, behind lighttpd and under load: it is killed at random
// moments, then the daemon, then both. Each acknowledged message is handled, each effect in the
// daemon is there once and in order, each connection's end is told once.

const { spawnSync } = require('node:child_process');
const { checkChaos } = require('./lib/chaos');
const { PhpFpm } = require('./lib/php_fpm');

// Each client was there; and enough has happened to prove something.
const least = (clients) => ({
	'kills': 2,
	'messages acknowledged': 100,
	'connections told': clients,
	'effects': 200,
	'websocket echoes': 50,
});
const noPython = spawnSync('python3', ['--version']).error ? 'there is no python3' : false;
const noFpm = PhpFpm.find() ? false : 'there is no PHP-FPM';
const promise = 'nothing is lost, doubled or out of order, and every end is told once';

checkChaos(`lighttpd: 10 s of kills -9 of workers and sessiond: ${promise}`,
	'lighttpd', 10, { kill: 'worker' }, least(90), noPython);
checkChaos(`lighttpd: 8 s of PHP-FPM and sessiond killed: ${promise}`,
	'lighttpd', 8, { kill: 'callback', polling: 20, streaming: 8, websockets: 8 }, least(36), noFpm);
