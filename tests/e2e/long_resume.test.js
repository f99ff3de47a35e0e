'use strict';

// resume.test.js with 1,000 cuts on all transports together, and 40 kills.

process.env.SOCKJS_CUTS = process.env.SOCKJS_CUTS || '143'; // on each of seven
process.env.SOCKJS_KILLS = process.env.SOCKJS_KILLS || '20';
require('./resume.test.js');
