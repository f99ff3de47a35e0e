'use strict';

// sessiond killed at random moments, under load, behind lighttpd: nobody notices.

const { checkChaos } = require('./lib/chaos');

checkChaos('lighttpd: 10 s of kills -9 of sessiond: every acknowledged message comes back once, in order, no session ends', 'lighttpd', 10, {}, {
	'kills': 1,
	'messages acknowledged': 100,
	'streams broken': 1,
});
