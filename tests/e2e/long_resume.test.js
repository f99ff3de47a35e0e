'use strict';

// resume.test.js with more than 1,000 cuts and 100 ends of daemons, and on more stacks: several
// daemons, and two boxes behind HAProxy.

process.env.SOCKJS_LONG = '1';
process.env.SOCKJS_CUTS = process.env.SOCKJS_CUTS || '72'; // on each of 17 transports of five stacks
process.env.SOCKJS_KILLS = process.env.SOCKJS_KILLS || '20';
require('./resume.test.js');
