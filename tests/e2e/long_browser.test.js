'use strict';

// browser.test.js with every transport in every test.

process.env.SOCKJS_LONG = '1';
require('./browser.test.js');
