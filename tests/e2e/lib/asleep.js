'use strict';

// Waiting until processes have nothing left to do, instead of for some time: what was written to
// their sockets is read then.

const fs = require('node:fs');

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A stopped process does nothing either.
const isAsleep = ({ pid }) => /[ST]/.test(fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1][0]);

// Resolves when all of these wait for something; one that is busy for ever keeps it waiting. One
// may wake another up before it sleeps itself: hence twice.
async function allAsleep(...processes) {
	for (let quiet = 0; quiet < 2;) {
		await sleep(1);
		quiet = processes.every(isAsleep) ? quiet + 1 : 0;
	}
}

module.exports = { allAsleep };
