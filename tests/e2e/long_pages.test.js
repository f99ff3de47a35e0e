'use strict';

// pages.test.js on every screen.

process.env.SOCKJS_LONG = '1';
require('./pages.test.js');
