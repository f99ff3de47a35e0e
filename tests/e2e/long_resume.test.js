'use strict';

// resume.test.js with 1,000 cuts on all transports together, and 80 kills, and on more stacks.

process.env.SOCKJS_LONG = '1';
process.env.SOCKJS_CUTS = process.env.SOCKJS_CUTS || '72'; // on each transport of four stacks, 14 together
process.env.SOCKJS_KILLS = process.env.SOCKJS_KILLS || '20';
require('./resume.test.js');
