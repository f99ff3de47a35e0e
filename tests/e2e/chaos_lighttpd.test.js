'use strict';

// sessiond killed at random moments, under load, behind lighttpd: nobody notices, and each
// publication that was answered reaches each subscriber once and in order.

const { checkChaos } = require('./lib/chaos');

const name = [
	'lighttpd: 7 s of kills -9 of sessiond: every acknowledged message comes back once, in order, no session ends;',
	'nor is a publication lost or doubled',
].join(' ');

checkChaos(name, 'lighttpd', 7, { publish: true }, {
	'kills': 1,
	'messages acknowledged': 100,
	'streams broken': 1,
	'publications acknowledged': 20,
	'subscriptions recovered': 5,
});
