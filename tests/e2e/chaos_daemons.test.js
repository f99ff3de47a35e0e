'use strict';

// One of two daemons killed at random moments, under load, behind lighttpd: nobody notices.

const { checkChaos } = require('./lib/chaos');

checkChaos('lighttpd: 5 s of kills -9 of one of two daemons: every acknowledged message comes back once, in order, no session ends',
	'lighttpd', 5, { daemons: 2 }, {
		'kills': 1,
		'messages acknowledged': 100,
		'streams broken': 1,
	});
