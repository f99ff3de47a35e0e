'use strict';

// sessiond killed at random moments, under load, behind Apache's mod_fcgid: nobody notices.

const { checkChaos } = require('./lib/chaos');

checkChaos('apache-fcgid: 10 s of kills -9 of sessiond: every acknowledged message comes back once, in order, no session ends', 'apache-fcgid', 10, {}, {
	'kills': 1,
	'messages acknowledged': 100,
	'streams broken': 1,
});
